"""A complaint as intake knows it: whose it is, and whether it is still somebody's work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from services.intake.domain.refusals import ChangedMeanwhile, ComplaintNotLinked, ComplaintNotOpen, LinkLeadsNowhere


class Status(StrEnum):
    """Where a complaint stands."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    LINKED = "linked"
    """It tells the same story as its primary, which goes on in its place."""
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Complaint:
    """
    One complaint.

    ``contact_id`` is the contact that opened it; ``primary_id`` is set while the status is ``linked``; ``fingerprint``
    is what its story is compared by; ``revision`` counts what a person could have seen.
    """

    complaint_id: UUID
    number: str
    customer_id: UUID
    contact_id: UUID
    channel: str
    language: str
    received_at: datetime
    fingerprint: bytes = field(repr=False)
    status: Status = Status.OPEN
    primary_id: UUID | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens in a complaint's texts stand for."""

    complaint_id: UUID
    tokens: Mapping[str, str] = field(repr=False)


def number_of(count: int, at: datetime, zone: ZoneInfo) -> str:
    """The number people call a complaint by, such as ``CMP-2026-000123``; the year is the organisation's."""
    return f"CMP-{at.astimezone(zone).year}-{count:06d}"


def withdraw(complaint: Complaint) -> Complaint:
    """
    The customer no longer wants it handled.

    Raises:
        ComplaintNotOpen: there is nothing to stop.
    """
    _check_open(complaint)
    return _changed(complaint, Status.WITHDRAWN)


def link(complaint: Complaint, primary: Complaint) -> Complaint:
    """
    Let *primary* go on in the place of *complaint*.

    Raises:
        ComplaintNotOpen: the complaint is not open.
        LinkLeadsNowhere: *primary* is the complaint itself, or not worked on.
    """
    _check_open(complaint)
    if primary.complaint_id == complaint.complaint_id or primary.status not in {Status.OPEN, Status.CLOSED}:
        raise LinkLeadsNowhere
    return _changed(complaint, Status.LINKED, primary.complaint_id)


def unlink(complaint: Complaint) -> tuple[Complaint, UUID]:
    """
    The link was a mistake.

    Returns:
        The complaint, open again, and the id of what it had been linked to.

    Raises:
        ComplaintNotLinked: there is no link.
    """
    if complaint.status is not Status.LINKED or complaint.primary_id is None:
        raise ComplaintNotLinked
    return _changed(complaint, Status.OPEN), complaint.primary_id


def close(complaint: Complaint, reason: str) -> Complaint:
    """
    Its case is over.

    A case that was closed because of a link or an erasure only repeats what intake itself has said.
    """
    if reason in {"linked", "erased"} or complaint.status not in {Status.OPEN, Status.CLOSED}:
        return complaint
    return _moved(complaint, Status.WITHDRAWN if reason == "withdrawn" else Status.CLOSED)


def reopen(complaint: Complaint) -> Complaint:
    """Its case goes on; a link or an erasure stands."""
    if complaint.status not in {Status.CLOSED, Status.WITHDRAWN}:
        return complaint
    return _moved(complaint, Status.OPEN)


def erase(complaint: Complaint) -> Complaint:
    """Forget its words; number, times and customer's opaque id stay for the figures."""
    return replace(_changed(complaint, Status.ERASED), fingerprint=b"")


def last_in_line(line: Iterable[Complaint]) -> Complaint:
    """
    Say where a message on the first complaint of *line* belongs: to what it is linked to, if that is the same person's.

    Another customer's stream never gets this one's words, or erasing them would miss some.
    """
    complaint, *primaries = line
    for primary in primaries:
        if primary.customer_id != complaint.customer_id:
            break
        complaint = primary
    return complaint


def check_seen(complaint: Complaint, seen: int) -> None:
    """
    Make sure that the caller decided on what is there now.

    Raises:
        ChangedMeanwhile: it has changed since they looked.
    """
    if complaint.revision != seen:
        raise ChangedMeanwhile(revision=complaint.revision)


def _check_open(complaint: Complaint) -> None:
    if complaint.status is not Status.OPEN:
        raise ComplaintNotOpen(status=complaint.status.value)


def _moved(complaint: Complaint, status: Status) -> Complaint:
    return complaint if complaint.status is status else _changed(complaint, status)


def _changed(complaint: Complaint, status: Status, primary_id: UUID | None = None) -> Complaint:
    return replace(complaint, status=status, primary_id=primary_id, revision=complaint.revision + 1)
