"""Phone: one call as an exchange pushes it, in the format of Zammad's generic CTI with our additions."""

import re
from typing import Literal

from pydantic import ConfigDict, Field

from services.intake.channels.contact import IncomingContact, Kind, Sender, Speaker, Turn, customer_words
from services.intake.channels.identity import canonical_phone
from services.intake.channels.language import language_of
from services.intake.channels.payload import Key, Line, Moment, Payload, Text, read_payload

_MAX_TURNS = 5000
# The cause a CTI gives when a call that somebody had taken was hung up.
_ANSWERED_CAUSE = "normalClearing"
_SPOKEN = re.compile(
    r"\s*(?:(?P<customer>客户|客戶|顾客|顧客|来电人|customer|caller|client)"
    r"|(?P<agent>坐席|座席|客服|客服员|agent|operator))\s*[:：]\s*(?P<text>.*)",
    re.IGNORECASE,
)


class Caller(Payload):
    """Who the exchange knows the caller to be."""

    id: Key | None = None
    name: Line | None = None


class Utterance(Payload):
    """One turn of a transcribed call."""

    speaker: Literal["customer", "agent"]
    at: Moment | None = None
    text: Text


class Call(Payload):
    """What an exchange says about a call: when it rings, when it is taken, when it ends."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "event": "hangup",
                    "callId": "a1b2-307",
                    "from": "13800138000",
                    "to": "4008001234",
                    "direction": "in",
                    "user": "李敏",
                    "cause": "normalClearing",
                    "answered_at": "2026-11-02T01:15:08Z",
                    "ended_at": "2026-11-02T01:19:40Z",
                    "transcript": [
                        {"speaker": "customer", "text": "上周买的净水器漏水，师傅约了两次都没来。"},
                        {"speaker": "agent", "text": "我马上给您登记。"},
                    ],
                },
                {
                    "event": "hangup",
                    "callId": "a1b2-308",
                    "from": "+442079460000",
                    "to": "4008001234",
                    "direction": "in",
                    "cause": "noAnswer",
                },
            ]
        }
    )

    event: Literal["newCall", "answer", "hangup"]
    call_id: Key = Field(alias="callId")
    caller: Line = Field(alias="from")
    called: Line = Field(alias="to")
    direction: Literal["in", "out"]
    user: Line | tuple[Line, ...] | None = None
    queue: Line | None = None
    answering_number: Line | None = Field(default=None, alias="answeringNumber")
    cause: Line | None = None
    started_at: Moment | None = None
    answered_at: Moment | None = None
    ended_at: Moment | None = None
    language: Line | None = None
    customer: Caller = Caller()
    transcript: Text | tuple[Utterance, ...] | None = None
    recording_url: Line | None = None
    agent_note: Text | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is something to take in: the call ended, or its words are already here."""
        return self.event == "hangup" or bool(self.transcript or self.agent_note)

    def to_contact(self) -> IncomingContact:
        """Return the call as a contact; nobody answered and nothing was recorded: ``missed``."""
        transcript = self._turns()
        text = customer_words(transcript)
        return IncomingContact(
            channel="phone",
            external_id=self.call_id,
            kind=self._kind(text),
            thread_keys=(self.call_id,),
            sent_at=self.started_at or self.answered_at or self.ended_at,
            text=text,
            transcript=transcript,
            language=language_of(self.language, text or self.agent_note or ""),
            sender=Sender(
                name=self.customer.name or None,
                phone=canonical_phone(self.caller if self.direction == "in" else self.called),
                external_id=self.customer.id,
            ),
            agent_note=self.agent_note or None,
        )

    def _turns(self) -> tuple[Turn, ...]:
        if isinstance(self.transcript, str):
            return split_transcript(self.transcript)
        return tuple(Turn(spoken.speaker, spoken.text, spoken.at) for spoken in self.transcript or ())

    def _kind(self, text: str) -> Kind:
        if text or self.agent_note:
            return "message"
        was_answered = self.answered_at is not None or self.cause == _ANSWERED_CAUSE
        return "empty" if was_answered else "missed"


def split_transcript(text: str) -> tuple[Turn, ...]:
    """
    Split a transcript in one piece into turns by marks such as ``客户：`` and ``Agent:`` at the start of a line.

    What carries no mark belongs to whoever spoke last, at the beginning to the customer.
    """
    turns: list[Turn] = []
    for line in filter(str.strip, text.split("\n")):
        marked = _SPOKEN.fullmatch(line)
        speaker: Speaker = "agent" if marked and marked["agent"] else "customer"
        if marked is None and turns:
            speaker = turns[-1].speaker
        turns.append(Turn(speaker, marked["text"] if marked else line))
    return tuple(turns)


def parse_call(body: bytes) -> IncomingContact | None:
    """
    Read what an exchange says about one call; ``None`` while it is still ringing or being held.

    A call is said three times under one id (new, answered, hung up). Only the last is a contact, else the first
    would make the last look like a duplicate.

    Raises:
        Unreadable: it is no JSON or does not have the shape of ``Call``.
    """
    call = read_payload(body, Call)
    return call.to_contact() if call.is_over else None
