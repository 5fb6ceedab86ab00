"""Who is who on the stage, what has happened to each scene, and whether that is how it should go."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from plaint.demo.hearing import Heard
from plaint.demo.story import Scene

CLOSED: Final = "resolution.case.closed"
MUST_HAPPEN: Final = {
    "closed": ("intake.complaint.received", "routing.complaint.routed", "followup.satisfaction.recorded", CLOSED),
    "reopened": ("followup.dissatisfaction.raised", "resolution.case.reopened", CLOSED),
    "escalated": ("resolution.deadline.missed", "resolution.case.escalated", CLOSED),
    "triage": ("routing.triage.requested",),
    "appended": ("intake.message.received",),
    "linked": ("intake.complaint.linked",),
    "recorded": ("intake.contact.recorded",),
    "ignored": (),
}
"""What must have been said before a scene is over, by the path it takes; what one service says, in this order."""
MUST_NOT_HAPPEN: Final = {
    "closed": ("resolution.case.escalated", "resolution.case.reopened"),
    "triage": ("routing.complaint.routed",),
}


@dataclass(slots=True)
class Part:
    """One scene on its way: what intake answered, and what was said about it since."""

    scene: Scene
    answer: dict[str, Any]
    said: list[Heard] = field(default_factory=list)

    @property
    def number(self) -> str:
        """The complaint's number, or a dash for what is no complaint."""
        return self.answer.get("number") or "–"

    @property
    def types(self) -> list[str]:
        """The types said so far, in order."""
        return [heard.type for heard in self.said]

    @property
    def missing(self) -> list[str]:
        """What still has to be said; one service's events come in order, those of several may cross."""
        wanted = list(MUST_HAPPEN[self.scene.path])
        for said in self.types:
            following = next((each for each in wanted if each.partition(".")[0] == said.partition(".")[0]), None)
            if said == following:
                wanted.remove(said)
        return wanted

    @property
    def wrong(self) -> list[str]:
        """What was said and should not have been, and an outcome that is not the expected one."""
        unexpected = [said for said in MUST_NOT_HAPPEN.get(self.scene.path, ()) if said in self.types]
        if self.answer["outcome"] != self.scene.outcome:
            unexpected.append(f"{self.answer['outcome']} ≠ {self.scene.outcome}")
        return unexpected

    def last(self, event_type: str, name: str) -> Any:  # noqa: ANN401 - any JSON
        """A field of the last event of a type, or None."""
        return next((heard.data.get(name) for heard in reversed(self.said) if heard.type == event_type), None)


@dataclass(slots=True)
class Board:
    """
    All scenes that were sent so far.

    A part is found by the stream that tells its story. A reply in a thread tells its own on the stream of the complaint
    it belongs to, and only from there on.
    """

    parts: list[Part] = field(default_factory=list)
    _early: dict[UUID, list[Heard]] = field(default_factory=dict)
    _by_subject: dict[UUID, list[Part]] = field(default_factory=dict)

    def add(self, scene: Scene, answer: dict[str, Any]) -> list[tuple[Part, Heard]]:
        """Put a scene on stage; what was heard of it before its answer came is returned, now that it has a part."""
        part = Part(scene, answer)
        self.parts.append(part)
        subject = UUID(answer.get("complaint_id") or answer["contact_id"])
        self._by_subject.setdefault(subject, []).append(part)
        return [known for heard in self._early.pop(subject, []) for known in self.note(heard)]

    def note(self, heard: Heard) -> list[tuple[Part, Heard]]:
        """Write down an event; returned with the first part it belongs to, if that is on stage yet."""
        subject = heard.envelope.subject
        parts = self._by_subject.get(subject)
        if not parts:
            self._early.setdefault(subject, []).append(heard)
            return []
        for part in parts:
            if part is parts[0] or heard.data.get("contact_id") == part.answer.get("contact_id"):
                part.said.append(heard)
        return [(parts[0], heard)]

    @property
    def unfinished(self) -> list[Part]:
        """The parts that are not over yet."""
        return [part for part in self.parts if part.missing]

    @property
    def failed(self) -> list[Part]:
        """The parts that did not go as they should."""
        return [part for part in self.parts if part.missing or part.wrong]
