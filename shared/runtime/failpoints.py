"""
Named places where a test may make the process die, stall or raise.

They stand between all steps that a crash could fall between: ``consumer.after_poll``, ``door.before_flush``,
``door.before_commit``, ``door.after_commit``, ``consumer.before_commit``, ``worker.before_result``,
``relay.before_send``, ``relay.after_send``.

Off unless the environment says ``PLAINT_FAILPOINTS=door.after_commit=kill,relay.after_send=sleep:5``. ``sleep`` stalls
whoever comes there, every time; ``block`` stalls the whole process, once.
"""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "PLAINT_FAILPOINTS"


class Failpoint(Exception):
    """A failpoint was told to raise."""


def planted(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The failpoints that *environment* plants, by name."""
    pairs = (pair.partition("=") for pair in environment.get(VARIABLE, "").split(",") if pair)
    return {name: action for name, _, action in pairs}


_PLANTED: Final = planted()


async def reach(name: str) -> None:
    """Pass the place *name*: nothing happens unless a failpoint is planted there."""
    if not _PLANTED or (action := _PLANTED.get(name)) is None:
        return
    verb, _, argument = action.partition(":")
    if verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "sleep":
        await asyncio.sleep(float(argument))
    elif verb == "block":
        del _PLANTED[name]
        time.sleep(float(argument))  # noqa: ASYNC251 - that nothing else runs meanwhile is the point
    else:
        raise Failpoint(name)
