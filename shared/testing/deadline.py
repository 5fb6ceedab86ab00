"""Waiting for what is about to happen."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, cast

T = TypeVar("T")

_POLL_SECONDS: Final = 0.01


async def eventually(look: Callable[[], T | Awaitable[T]], seconds: float = 10.0) -> T:
    """
    Look again and again until there is something (truthy) to see, and return it.

    Raises:
        AssertionError: there was nothing after *seconds*; it tells what was seen last.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        found = look()
        seen = cast("T", await found if inspect.isawaitable(found) else found)
        if seen:
            return seen
        if loop.time() > deadline:
            raise AssertionError(f"not within {seconds:g} s; seen last: {seen!r}")
        await asyncio.sleep(_POLL_SECONDS)
