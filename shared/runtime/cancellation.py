"""Ending when told to, whatever a library makes of it."""

import asyncio


def is_cancelled() -> bool:
    """
    Whether the task that runs was told to end.

    A library may raise something of its own in place of the cancellation that it got; a loop that took that for
    trouble, and tried again, would run for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
