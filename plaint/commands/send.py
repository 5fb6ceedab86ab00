"""``plaint send``: hand a complaint in, as a front end would."""

import sys
import time
import uuid
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from plaint.client import Client, accepted
from plaint.posting import Posting, posting
from plaint.session import Session, session_of
from plaint.trouble import Trouble

_STANDARD_INPUT = Path("-")
# A busy service says 503; the same key makes a repetition harmless.
_ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 0.5
_BUSY: Final = 503


def send(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="send.file", metavar="FILE|-")],
    contact: Annotated[str | None, typer.Option("--from", help="send.from")] = None,
) -> None:
    """Hand in what a file holds, and say what became of it."""
    session = session_of(context)
    found = posting(_read(file), file.name, contact)
    with session.client() as client:
        answer = _post(client, found)
    _tell(session, answer)


def _read(file: Path) -> bytes:
    if file == _STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise Trouble("send.unreadable", file=file, why=error.strerror) from error


def _post(client: Client, found: Posting) -> dict[str, Any]:
    headers = {"Content-Type": found.content_type, "Idempotency-Key": str(uuid.uuid4())}
    for attempt in range(_ATTEMPTS):
        answer = client.ask("POST", "intake", found.path, content=found.body, headers=headers)
        if answer.status_code != _BUSY:
            break
        time.sleep(_PAUSE_SECONDS * 2**attempt)
    body: dict[str, Any] = accepted("intake", answer) or {}
    return body


def _tell(session: Session, answer: dict[str, Any]) -> None:
    screen, words = session.screen, session.words
    if screen.as_json:
        screen.item(answer)
        return
    outcome = str(answer.get("outcome", "opened"))
    key = f"send.outcome.{outcome}"
    told = words(key) if words.known(key) else outcome
    if why := (answer.get("reason_text") or {}).get(words.language):
        told = words("send.because", told=told, why=why)
    number = answer.get("number")
    screen.say(f"{number} {told}" if number else told)
    if number and screen.terminal:
        screen.say(words("send.next", number=number), "dim")
