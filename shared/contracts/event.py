"""What every event has in common, and the words that several owners use."""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

MASKED: Final = "Masked text: personal data stands as typed tokens such as ⟦phone:1⟧"
"""The description that marks a field as free text: erasure blanks exactly these fields."""

Service = Literal["intake", "routing", "resolution", "followup"]
Cause = Literal["quality", "service", "communication", "expectation_gap", "broken_promise", "regulation"]
Channel = Literal["email", "chat", "phone", "onsite", "web"]
Manner = Literal["demanding", "confused", "agitated", "neutral"]
Severity = Literal["low", "medium", "high", "critical"]
Language = Annotated[str, Field(description="BCP 47 tag: zh-Hans, zh-Hant, en, or und when not known")]
Text = Annotated[str, Field(description=MASKED)]
Round = Annotated[int, Field(ge=1, description="1 for the first handling, 2 after the first reopening, …")]
Actor = Annotated[str, Field(description="Opaque id of the person or key that acted; never a name")]


class Published(BaseModel):
    """A frozen piece of the published language; unknown fields are ignored, so producers may go first."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Event(Published):
    """
    A fact that one service states about one subject.

    ``TYPE`` is the CloudEvents type ``<owner>.<subject>.<past participle>.v<major>``; the class docstring is the
    meaning shown in ``docs/events.md`` and in the AsyncAPI document.
    """

    TYPE: ClassVar[str]

    @property
    def subject(self) -> UUID:
        """The id of the stream this fact belongs to: its Kafka key and ``ce_subject``."""
        raise NotImplementedError


class ComplaintEvent(Event):
    """A fact about one complaint."""

    complaint_id: UUID = Field(description="The complaint; the Kafka key of the record")

    @property
    def subject(self) -> UUID:
        """The complaint's id."""
        return self.complaint_id


class Bilingual(Published):
    """The same sentence for both readers."""

    zh: str
    en: str


class Deadline(Published):
    """One running clock of a case."""

    kind: str = Field(description="acknowledge, answer, resolve, or the name of a legal clock")
    due_at: datetime
    legal: bool = Field(default=False, description="True when law or a regulator sets it; tiers never move it")


class Turn(Published):
    """One utterance of a chat or a call."""

    speaker: Literal["customer", "agent", "bot"]
    text: Text
    at: datetime | None = None


class MessageRequest(ComplaintEvent):
    """Something that a service wants the customer to be told; intake alone knows how to reach them."""

    purpose: Literal["acknowledgement", "question", "answer", "progress", "survey"] = Field(
        description="Why the customer is written to"
    )
    language: Language = "und"
    text: Text | None = Field(default=None, description="The whole text; absent when a template is named")
    template: str | None = Field(default=None, description="Name of an intake template, used when text is absent")
    values: dict[str, str] = Field(default_factory=dict, description="What the template's blanks are filled with")
