"""Where a message on a complaint belongs when the complaint is linked to another: following the line of links."""

from collections.abc import Iterator
from uuid import UUID

from services.intake.domain.complaint import Complaint, Tokens, last_in_line
from services.intake.domain.customer import Customer
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work

LONGEST_LINE = 10
"""Links upon links upon links: nobody makes so many, and a circle would never end."""


def line_needs(complaint_id: UUID, work: Work) -> Iterator[Need]:
    """Every complaint on the line that starts here, ready to be written on, and its customer."""
    for complaint in _line(complaint_id, work):
        yield Stream(complaint.complaint_id)
        yield rows(Tokens, complaint_id=complaint.complaint_id)
        yield Stream(complaint.customer_id)
        yield rows(Customer, customer_id=complaint.customer_id)
        if complaint.primary_id is not None:
            yield rows(Complaint, complaint_id=complaint.primary_id)


def line_from(complaint_id: UUID, work: Work) -> Complaint | None:
    """The complaint that goes on in place of this one, or this one itself."""
    line = list(_line(complaint_id, work))
    return last_in_line(line) if line else None


def _line(complaint_id: UUID, work: Work) -> Iterator[Complaint]:
    next_id: UUID | None = complaint_id
    for _ in range(LONGEST_LINE):
        complaint = work.get(Complaint, next_id) if next_id else None
        if complaint is None:
            return
        yield complaint
        next_id = complaint.primary_id
