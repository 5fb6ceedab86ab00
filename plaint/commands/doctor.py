"""``plaint doctor``: what is wrong with this installation."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import typer
from rich.text import Text

from plaint.client import Client
from plaint.running import Installation
from plaint.session import Session, session_of
from plaint.trouble import FAILED

if TYPE_CHECKING:
    from plaint.checkup import Finding

_MARKS: Final = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def doctor(context: typer.Context) -> None:
    """Look at everything and say what is wrong; fail where something has to be put right."""
    session = session_of(context)
    installation = session.installation()
    if not session.screen.as_json:
        session.screen.say(_where(session, installation), "dim")
    failed = False
    for finding in _findings(installation, session):
        failed = failed or finding.state == "fail"
        _show(session, finding)
    session.screen.say(session.words("doctor.unwell" if failed else "doctor.well"), "bold")
    if failed:
        raise typer.Exit(FAILED)


def _findings(installation: Installation, session: Session) -> Iterator["Finding"]:
    # The Kafka client and the holidays take half a second to import, and only this command needs both.
    from plaint import checkup  # noqa: PLC0415

    with Client(installation, session.words.language) as client:
        yield from checkup.check_services(client)
        yield from checkup.check_kafka(installation)
        yield from checkup.check_clocks(client)
    yield checkup.check_calendar(os.environ, datetime.now(UTC))
    yield from checkup.check_stand_ins()


def _where(session: Session, installation: Installation) -> str:
    if installation.data is not None:
        return session.words("doctor.stack", data=installation.data)
    return session.words("doctor.environment")


def _show(session: Session, finding: "Finding") -> None:
    words = session.words
    told = words(f"doctor.{finding.key}", **finding.values)
    if session.screen.as_json:
        session.screen.item({"subject": finding.subject, "state": finding.state, "check": finding.key, "told": told})
        return
    mark, style = _MARKS[finding.state]
    state = words(f"doctor.state.{finding.state}")
    session.screen.say(Text.assemble((f"{mark} {state:<5}", style), f"{finding.subject:<19} ", told))
