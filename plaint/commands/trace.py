"""``plaint trace``: one complaint's whole story, from all four services."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import typer
from rich.text import Text

from plaint.client import Client
from plaint.commands.waiting import waiting_on
from plaint.complaints import complaint_id
from plaint.screen import COLOURS, harmless
from plaint.sentences import sentence
from plaint.session import Session, session_of
from plaint.timeline import Event, in_order, is_closed
from plaint.trouble import STUCK, Trouble

_POLL_SECONDS: Final = 0.5
_FORBIDDEN: Final = 403
# A gap closes by itself within a moment when events merely crossed; what waits longer needs a person.
_STUCK_AFTER_SECONDS: Final = 5.0


def trace(
    context: typer.Context,
    complaint: Annotated[str, typer.Argument(help="trace.complaint", metavar="COMPLAINT")],
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="trace.follow")] = False,
    patience: Annotated[float | None, typer.Option("--timeout", help="trace.timeout", min=0)] = None,
) -> None:
    """Tell the story of one complaint; fail where it is stuck."""
    session = session_of(context)
    with session.client() as client:
        story = _Story(session, client, str(complaint_id(client, complaint)))
        story.tell()
        if follow:
            _follow(story, patience)
        if story.waiting():
            raise Trouble("trace.stuck", code=STUCK, complaint=complaint)
        if not story.events:
            raise Trouble("complaint.silent", complaint=complaint)


def _follow(story: "_Story", patience: float | None) -> None:
    deadline = None if patience is None else time.monotonic() + patience
    waiting_since: float | None = None
    while not is_closed(story.events):
        now = time.monotonic()
        waiting_since = (waiting_since or now) if story.waiting() else None
        if waiting_since is not None and now - waiting_since > _STUCK_AFTER_SECONDS:
            return
        if deadline is not None and now > deadline:
            raise Trouble("trace.not_closed", code=STUCK)
        time.sleep(_POLL_SECONDS)
        story.tell()


class _Story:
    """What has been told of one complaint so far."""

    def __init__(self, session: Session, client: Client, subject: str) -> None:
        self.events: list[Event] = []
        self._session = session
        self._client = client
        self._subject = subject
        self._places: dict[str, int] = {}

    def tell(self) -> None:
        """Show what is new, each event after its cause."""
        path = f"/v1/complaints/{self._subject}/events"
        self.events = in_order(
            event for service in self._client.services for event in self._client.pages(service, path)
        )
        for event in self.events:
            if event["id"] not in self._places:
                self._places[event["id"]] = len(self._places) + 1
                self._show(event)

    def waiting(self) -> bool:
        """Tell whether something on this complaint waits in any service; a key that may not know says no."""
        try:
            busy = tuple(name for name in self._client.services if self._client.get(name, "/v1/admin/lag")["waiting"])
            return any(True for _ in waiting_on(self._client, self._subject, busy))
        except Trouble as trouble:
            if trouble.status == _FORBIDDEN:
                return False
            raise

    def _show(self, event: Event) -> None:
        screen, language = self._session.screen, self._session.words.language
        told = sentence(event["type"], event["data"], language)
        if screen.as_json:
            screen.item({**event, "sentence": told})
        else:
            screen.say(self._line(event, told))

    def _line(self, event: Event, told: str) -> Text:
        cause = self._places.get(str(event.get("causationid")))
        because = self._session.words("trace.because", place=cause) if cause else self._by_hand(event["data"])
        return Text.assemble(
            (f"{self._places[event['id']]:>3} ", "dim"),
            (f"{datetime.fromisoformat(event['time']).astimezone():%m-%d %H:%M:%S} ", "dim"),
            (f"{event['source']:<11}", COLOURS.get(event["source"], "")),
            harmless(told),
            (f" {because}" if because else "", "dim"),
        )

    def _by_hand(self, data: Mapping[str, object]) -> str:
        return self._session.words("trace.command", by=harmless(str(data["by"]))) if data.get("by") else ""
