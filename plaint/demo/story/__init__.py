"""
The demo's story: thirty invented contacts, and what the organisation makes of each.

``inbox/`` holds what customers send, as a front end would post it: raw e-mails, chat transcripts, phone-call
records. ``scenes.json`` holds, in playing order, what intake must answer, the agent's and the customer's lines,
and how the scene ends. Every person, number and address is made up.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Channel: TypeAlias = Literal["email", "chat", "phone"]
Language: TypeAlias = Literal["zh-Hans", "zh-Hant", "en"]
Outcome: TypeAlias = Literal["opened", "appended", "linked", "recorded", "ignored"]
Path: TypeAlias = Literal["closed", "reopened", "escalated", "triage", "appended", "linked", "recorded", "ignored"]
Cause: TypeAlias = Literal["quality", "service", "communication", "expectation_gap", "broken_promise", "regulation"]
RemedyKind: TypeAlias = Literal[
    "repair", "replacement", "refund", "compensation", "apology", "explanation", "correction"
]

_STORY = files(__name__)


@dataclass(frozen=True, slots=True)
class Gist:
    """A scene in one line for the person watching, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Promise:
    """A specific commitment made in an answer; ``due_in`` is an ISO 8601 duration from that answer."""

    text: str
    due_in: str


@dataclass(frozen=True, slots=True)
class AgentScript:
    """
    What the agent finds out, decides and writes, in the customer's language.

    ``cause`` is the one confirmed by investigation; it may differ from what the complaint suggested.
    """

    finding: str
    cause: Cause
    remedy: str
    remedy_kind: RemedyKind
    answer: str
    promise: Promise | None


@dataclass(frozen=True, slots=True)
class Callback:
    """What the customer says when asked whether it helped; ``score`` runs from 1 (worst) to 5."""

    score: int
    comment: str
    resolved: bool


@dataclass(frozen=True, slots=True)
class Round:
    """One more answer after a reopening, and what the customer says to it."""

    agent: AgentScript
    callback: Callback


@dataclass(frozen=True, slots=True)
class Scene:
    """
    One incoming contact and the course it takes.

    ``cause`` is what a reader of the contact would name, None where there is nothing to name or an honest reader
    could not. ``agent`` and ``callback`` are None where nobody has to answer.
    """

    file: str
    channel: Channel
    language: Language
    gist: Gist
    outcome: Outcome
    cause: Cause | None
    path: Path
    agent: AgentScript | None
    callback: Callback | None
    second: Round | None

    @property
    def content_type(self) -> str:
        """Name the media type under which a front end posts this contact."""
        return "message/rfc822" if self.channel == "email" else "application/json"

    def body(self) -> bytes:
        """Return the contact's exact bytes; an e-mail keeps the character sets its sender used."""
        return (_STORY / "inbox" / self.file).read_bytes()


def load_story() -> tuple[Scene, ...]:
    """Return all scenes in playing order."""
    scenes = json.loads((_STORY / "scenes.json").read_text(encoding="utf-8"))
    return tuple(_scene(scene) for scene in scenes)


def _scene(data: Mapping[str, Any]) -> Scene:
    second = data.get("second")
    return Scene(
        file=data["file"],
        channel=data["channel"],
        language=data["language"],
        gist=Gist(**data["gist"]),
        outcome=data["outcome"],
        cause=data["cause"],
        path=data["path"],
        agent=_agent(data["agent"]) if data["agent"] else None,
        callback=Callback(**data["callback"]) if data["callback"] else None,
        second=Round(_agent(second["agent"]), Callback(**second["callback"])) if second else None,
    )


def _agent(data: Mapping[str, Any]) -> AgentScript:
    promise = data["promise"]
    return AgentScript(**{**data, "promise": Promise(**promise) if promise else None})
