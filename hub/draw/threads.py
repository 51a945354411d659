"""Where plugins decode and draw: a few threads of their own, so that large pictures neither fill the memory
nor keep the threads that read frames and write files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

AT_A_TIME = 2
"""A picture of 40 megapixels takes 120 MB for each of its copies."""

Given = ParamSpec("Given")
Result = TypeVar("Result")

_threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="pictures")


async def work_on_picture(work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Run blocking work on a picture in a thread, `AT_A_TIME` in the whole process."""
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: work(*args, **kwargs))
