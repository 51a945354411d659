"""A Custom Labels night as a program: the hub is killed at every moment of a batch, one batch a moment, and
the model must be stopped each time if the hub started it, and never otherwise. Prints a table and exits with
0 only if that was so and every picture is one event.

night.py                                        all moments
night.py --moments STARTING "before the stop"   some
night.py --json                                 for programs
night.py --mutant forgetful                     must fail
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deadly import MOMENTS
from night_hub import MUTANTS
from night_run import Batch, run_night
from rich.console import Console
from rich.table import Table


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", nargs="+", choices=MOMENTS, default=MOMENTS, help="of killing the hub")
    parser.add_argument("--pictures", type=int, default=8, help="of each batch")
    parser.add_argument("--mutant", choices=MUTANTS, default="none", help="break a promise of the hub")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


def show(found: list[Batch]) -> None:
    """Print the table."""
    table = Table("killed", "starts", "stops", "model then", "pictures", "events", "calls", "wrong")
    for batch in found:
        wrong = "; ".join(batch.wrong) or "-"
        table.add_row(batch.moment, *map(str, batch.counts), wrong)
    Console(width=120, highlight=False).print(table)


def main() -> int:
    """Run, print, and return the exit code."""
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Mosquitto, started as root, becomes a user of its own
        night = run_night(Path(folder), arguments.moments, arguments.pictures, arguments.mutant)
        found = asyncio.run(night)
    passed = not any(batch.wrong for batch in found)
    if arguments.json:
        summary: dict[str, Any] = {"passed": passed, "batches": [asdict(batch) for batch in found]}
        sys.stdout.write(json.dumps(summary, indent=1) + "\n")
    else:
        show(found)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
