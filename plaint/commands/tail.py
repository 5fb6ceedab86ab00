"""``plaint tail``: what the services say, as they say it."""

import asyncio
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from plaint.complaints import Names, complaint_id
from plaint.running import Installation
from plaint.screen import COLOURS, harmless
from plaint.sentences import sentence
from plaint.session import Session, session_of
from plaint.since import moment

if TYPE_CHECKING:
    from plaint.feed import Heard


def tail(
    context: typer.Context,
    kind: Annotated[str, typer.Option("--type", help="tail.type", metavar="GLOB")] = "*",
    complaint: Annotated[str | None, typer.Option(help="tail.complaint")] = None,
    since: Annotated[str | None, typer.Option(help="tail.since")] = None,
    limit: Annotated[int | None, typer.Option("--limit", "-n", help="tail.limit", min=1)] = None,
) -> None:
    """Show events as they are said."""
    session = session_of(context)
    with session.client() as client:
        installation = client.installation
        subject = str(complaint_id(client, complaint)) if complaint else None
    start = moment(since) if since else None
    reader = _Reader(session, kind, subject, limit)
    asyncio.run(_follow(installation, reader, start, from_now=since is None))


async def _follow(installation: Installation, reader: "_Reader", since: datetime | None, *, from_now: bool) -> None:
    # The Kafka client takes a third of a second to import, and only this command and the doctor need it.
    from plaint.feed import heard  # noqa: PLC0415
    from plaint.kafka import broker_of  # noqa: PLC0415

    events = heard(broker_of(installation), since, from_now=from_now)
    try:
        async for event in events:
            reader.take(event)
            if reader.done:
                return
    finally:
        await events.aclose()  # type: ignore[attr-defined] # an async generator, typed as what it yields


class _Reader:
    """Shows the events that are wanted, one a line."""

    def __init__(self, session: Session, kind: str, subject: str | None, limit: int | None) -> None:
        self._session = session
        self._kind = kind
        self._subject = subject
        self._left = limit
        self._names = Names()

    @property
    def done(self) -> bool:
        """Whether as many were shown as were asked for."""
        return self._left == 0

    def take(self, event: "Heard") -> None:
        """Show *event* if it is wanted."""
        envelope = event.envelope
        self._names.hear(str(envelope.subject), event.data)
        if not _matches(envelope.type, self._kind) or self._subject not in (None, str(envelope.subject)):
            return
        if self._left is not None:
            self._left -= 1
        told = sentence(envelope.type, event.data, self._session.words.language)
        if self._session.screen.as_json:
            self._session.screen.item(_whole(event, told))
        else:
            self._session.screen.say(self._line(event, told))

    def _line(self, event: "Heard", told: str) -> Text:
        envelope = event.envelope
        colour = COLOURS.get(envelope.source, "")
        return Text.assemble(
            (f"{envelope.time.astimezone():%m-%d %H:%M:%S} ", "dim"),
            (f"{harmless(envelope.source):<11}", colour),
            (f"{harmless(envelope.type.removeprefix(envelope.source + '.')):<28} ", "dim"),
            (f"{self._names.name(str(envelope.subject)):<16} ", "bold"),
            harmless(told),
        )


def _matches(event_type: str, pattern: str) -> bool:
    return fnmatchcase(event_type, pattern) or fnmatchcase(event_type, f"*{pattern}*")


def _whole(event: "Heard", told: str) -> dict[str, object]:
    envelope = event.envelope
    return {
        "id": envelope.id,
        "type": envelope.type,
        "source": envelope.source,
        "subject": envelope.subject,
        "time": envelope.time.isoformat(),
        "sequence": envelope.sequence,
        "correlationid": envelope.correlation_id,
        "causationid": envelope.causation_id,
        "data": event.data,
        "sentence": told,
    }
