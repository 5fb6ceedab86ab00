"""A command that says in place what its handler needs and does: for tests of the door itself."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from shared.runtime.message import Handler, Message
from shared.runtime.needs import Need
from shared.runtime.work import Work

Run = Callable[[Message[Any], Work], object]
Needs = Callable[[Message[Any], Work], Iterable[Need]]


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What to load, and what to do then."""

    run: Run
    needs: Needs


def script(run: Run, *needs: Need) -> Script:
    """The command that asks for *needs*, all at once, and does *run*."""
    return Script(run, lambda _message, _work: needs)


def handler(run: Run, *needs: Need) -> Handler:
    """The handler that asks for *needs*, whatever the message, and does *run*."""
    return Handler(run, lambda _message, _work: needs)


PERFORM_SCRIPT: Final = Handler(
    run=lambda message, work: message.payload.run(message, work),
    needs=lambda message, work: message.payload.needs(message, work),
)
"""The handler for ``Script``."""
