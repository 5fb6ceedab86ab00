"""Texts in, causes out: for a program line by line, for a person in the reader's words."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final

import typer
from rich.text import Text

from plaint.screen import harmless
from plaint.session import Session
from plaint.trouble import FAILED
from services.routing.classifier import Classification, Script, explain, is_traditional, load

_TEXT_LIMIT: Final = 2_000_000
"""Characters of one line; what is longer is somebody's mistake, not a text."""


def classify_text(session: Session, text: str) -> None:
    """Tell what a text is about, and why."""
    verdict = load().classify(text)
    if session.screen.as_json:
        session.screen.item(_found(verdict))
    else:
        _show(session, text, verdict)


def classify_lines(session: Session, lines: Iterable[bytes]) -> None:
    """
    Answer each line of JSON in order; a broken one is told of by its number, and the others still come out.

    Raises:
        Exit: with status 1, after the last line, if one was broken.
    """
    classifier = load()
    broken = 0
    for number, line in enumerate(lines, start=1):
        try:
            given = _read(line)
        except (ValueError, RecursionError) as error:
            broken += 1
            session.screen.error(session.words("classify.broken", number=number, why=error))
        else:
            session.screen.item({"id": given.get("id"), **_found(classifier.classify(given["text"]))})
    if broken:
        raise typer.Exit(FAILED)


def _read(line: bytes) -> dict[str, Any]:
    """
    Read one line.

    Raises:
        ValueError: it is not UTF-8, not JSON, or not an object with a text.
    """
    given = json.loads(line.decode())
    if not isinstance(given, dict) or not isinstance(given.get("text"), str):
        raise ValueError('{"id": …, "text": "…"}')  # noqa: TRY004 - for the caller it is a broken line like others
    if len(given["text"]) > _TEXT_LIMIT:
        raise ValueError(f"> {_TEXT_LIMIT:,}")
    return given


def _found(verdict: Classification) -> dict[str, Any]:
    return {
        "cause": verdict.cause,
        "confidence": round(verdict.confidence, 4),
        "secondary": verdict.secondary,
        "runner_up": verdict.runner_up,
        "probabilities": {cause: round(share, 4) for cause, share in verdict.probabilities.items()},
        "manner": verdict.manner,
        "severity": verdict.severity,
        "is_complaint": verdict.is_complaint,
        "grounds": [asdict(ground) | {"weight": round(ground.weight, 4)} for ground in verdict.grounds],
        "model": verdict.model,
    }


def _show(session: Session, text: str, verdict: Classification) -> None:
    session.screen.say(_marked(text, verdict))
    for sentence in explain(verdict, _script(session, text)):
        session.screen.say(sentence)


def _script(session: Session, text: str) -> Script:
    """A reader of Chinese reads the script of the text."""
    if session.words.language == "en":
        return "en"
    return "hant" if is_traditional(text) else "hans"


def _marked(text: str, verdict: Classification) -> Text:
    """The text with the passages that decided in colour, the strongest in bold."""
    shown = Text(harmless(text))
    for place, ground in enumerate(verdict.grounds):
        shown.stylize("bold magenta" if place == 0 else "magenta", ground.start, ground.end)
    return shown
