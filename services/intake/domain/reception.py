"""What is this contact? One decision, out of what it says and what is known around it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.intake.domain.complaint import Complaint, Status
from services.intake.domain.contact import Kind, Outcome, Told
from services.intake.domain.gist import gist_of
from services.intake.domain.likeness import likeness
from shared.refusal import Language

REASONS: Final[Mapping[str, Mapping[Language, str]]] = {
    "new_story": {"zh": "这是一件新的投诉，已登记编号。", "en": "This is a new complaint; it has been given a number."},
    "other_sender": {
        "zh": "所引用的投诉属于另一位客户，因此单独登记为新的投诉。",
        "en": "The complaint it refers to is another customer's, so it was registered as a new one.",
    },
    "same_story": {
        "zh": "同一客户近期已就同一件事投诉，已并入原投诉一并处理。",
        "en": "The same customer has told this story before; it goes on with the earlier complaint.",
    },
    "same_conversation": {
        "zh": "这是同一次对话的后续内容，已补充到原投诉。",
        "en": "The same conversation went on; what is new was added to its complaint.",
    },
    "same_thread": {
        "zh": "这是对往来邮件的回复，已补充到原投诉。",
        "en": "A reply in a known thread; added to its complaint.",
    },
    "quoted_number": {
        "zh": "客户引用了自己的投诉编号，已补充到该投诉。",
        "en": "The customer quotes the number of a complaint of theirs; added to it.",
    },
    "praise": {"zh": "这是致谢或表扬，已记录，不作为投诉处理。", "en": "Thanks or praise; recorded, no complaint."},
    "question": {"zh": "这是一般咨询，已记录，不作为投诉处理。", "en": "A plain question; recorded, no complaint."},
    "missed": {
        "zh": "未接通的来电或对话，已记录，可供回电。",
        "en": "Nobody was heard; recorded, so that they can be called.",
    },
    "empty": {"zh": "没有可读的内容，已记录。", "en": "There was nothing to read; recorded."},
    "auto_reply": {"zh": "这是自动回复，已留存，不予答复。", "en": "A machine answered; kept, and not answered."},
    "bounce": {"zh": "这是退信通知，已留存，不予答复。", "en": "A mail came back; kept, and not answered."},
    "already_received": {
        "zh": "此前已收到同样的内容，未重复登记。",
        "en": "The same was received before; nothing was registered twice.",
    },
    "not_over": {"zh": "通话尚未结束，结束后再行登记。", "en": "The call is not over; it is taken in when it ends."},
}
"""Every reason a contact can be answered with, in words for people."""


@dataclass(frozen=True, slots=True)
class ReceptionPolicy:
    """How long, and from what overlap on (0 to 1), two texts of one customer count as one story."""

    likeness_window: timedelta = timedelta(days=30)
    likeness_threshold: float = 0.25


@dataclass(frozen=True, slots=True)
class Known:
    """
    What is known around a contact; complaints as they go on, that is with links followed.

    ``conversation`` is the complaint of the earlier contact under the same id, ``threads`` are those its thread keys
    stand for, nearest first, ``quoted`` those whose numbers it names, ``recent`` the customer's latest.
    """

    customer_id: UUID | None = None
    conversation: Complaint | None = None
    threads: Sequence[Complaint] = ()
    quoted: Sequence[Complaint] = ()
    recent: Sequence[Complaint] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What a contact is, and the complaint it belongs or is linked to."""

    outcome: Outcome
    kind: Kind
    reason: str
    complaint: Complaint | None = None


def decide(told: Told, known: Known, at: datetime, policy: ReceptionPolicy) -> Decision:
    """Say what a contact is; nothing is dropped, and a doubt is decided for a complaint of its own."""
    if told.kind in {Kind.AUTO_REPLY, Kind.BOUNCE}:
        return _kept(Outcome.IGNORED, Kind(told.kind))
    if told.kind in {Kind.MISSED, Kind.EMPTY}:
        return _kept(Outcome.RECORDED, Kind(told.kind))
    gist = gist_of(told.text, told.subject)
    joined = _joined(told, known)
    if gist == "praise":
        return _kept(Outcome.RECORDED, Kind.PRAISE, joined.complaint if joined else None)
    if gist == "question" and joined is None:
        return _kept(Outcome.RECORDED, Kind.QUESTION)
    return joined or _complained(told, known, at, policy)


def _complained(told: Told, known: Known, at: datetime, policy: ReceptionPolicy) -> Decision:
    primary = _same_story(told, known.recent, at, policy)
    if primary is not None:
        return Decision(Outcome.LINKED, Kind.COMPLAINT, "same_story", primary)
    is_stranger = any(_is_there(complaint) for complaint in (*known.threads, *known.quoted))
    return Decision(Outcome.OPENED, Kind.COMPLAINT, "other_sender" if is_stranger else "new_story")


def _joined(told: Told, known: Known) -> Decision | None:
    """Find the complaint this is a further message on; whoever only quotes somebody else's is not let in."""
    conversation = [known.conversation] if known.conversation else []
    for reason, complaints in (
        ("same_conversation", conversation),
        ("same_thread", known.threads),
        ("quoted_number", known.quoted),
    ):
        by_front_end = told.is_vouched_for and reason != "quoted_number"
        for complaint in complaints:
            if _is_there(complaint) and (by_front_end or complaint.customer_id == known.customer_id):
                return Decision(Outcome.APPENDED, Kind.MESSAGE, reason, complaint)
    return None


def _same_story(told: Told, recent: Iterable[Complaint], at: datetime, policy: ReceptionPolicy) -> Complaint | None:
    likely = [
        (likeness(told.fingerprint, complaint.fingerprint), complaint.received_at, complaint)
        for complaint in recent
        if complaint.status is Status.OPEN and at - complaint.received_at <= policy.likeness_window
    ]
    score, _, complaint = max(likely, key=lambda each: each[:2], default=(0.0, at, None))
    return complaint if score >= policy.likeness_threshold else None


def _is_there(complaint: Complaint) -> bool:
    return complaint.status is not Status.ERASED


def _kept(outcome: Outcome, kind: Kind, complaint: Complaint | None = None) -> Decision:
    return Decision(outcome, kind, kind.value, complaint)
