"""Ask an asynchronous client from synchronous code."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


def ask(question: Coroutine[Any, Any, _Answer]) -> _Answer:
    """
    Run *question* to its end and return its answer, also where an event loop already runs in this thread.

    The caller waits meanwhile, its event loop included.
    """
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, question).result()
