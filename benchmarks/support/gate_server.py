"""Serves a gate as TensorFlow Serving does, in a process of its own: `gate_server.py FOLDER THREADS`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hub.demo.cloud.tf_serving import TfServing


async def main(model: Path, threads: int) -> None:
    """Print the address, and serve until killed."""
    async with TfServing(model, threads) as server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
