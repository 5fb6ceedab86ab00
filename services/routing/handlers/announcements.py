"""Decisions of the domain in the words of the contracts."""

from uuid import UUID

from services.routing.domain.classification import Cause, Classification, Ground
from services.routing.domain.complaint import Complaint
from shared.contracts.event import Bilingual
from shared.contracts.routing import ClassificationCorrected, ComplaintClassified, ComplaintRouted, TriageRequested
from shared.contracts.routing import Ground as PublishedGround
from shared.runtime.work import Work


def announce_classified(complaint_id: UUID, cause: Cause, reading: Classification, work: Work) -> None:
    """Say what the classifier found."""
    work.announce(
        ComplaintClassified(
            complaint_id=complaint_id,
            cause=cause.value,
            sub_cause=reading.sub_cause,
            confidence=reading.confidence,
            secondary=reading.secondary and reading.secondary.value,
            runner_up=reading.runner_up and reading.runner_up.value,
            probabilities=dict(reading.probabilities),
            manner=reading.manner.value,
            severity=reading.severity.value,
            is_complaint=reading.is_complaint,
            grounds=tuple(_published(ground) for ground in reading.grounds),
            model=reading.model,
            degraded=reading.degraded,
        )
    )


def _published(ground: Ground) -> PublishedGround:
    return PublishedGround(
        start=ground.start, end=ground.end, text=ground.text, cause=ground.cause.value, weight=ground.weight
    )


def announce_triage(complaint: Complaint, work: Work) -> None:
    """Say that a person must look, and why."""
    reading = complaint.classification
    guess = reading.cause if reading else None
    work.announce(
        TriageRequested(
            complaint_id=complaint.complaint_id,
            reasons=tuple(doubt.value for doubt in complaint.doubts),
            cause=guess and guess.value,
            confidence=reading.confidence if reading and guess else None,
        )
    )


def announce_routed(complaint: Complaint, work: Work) -> None:
    """Say who has it, and why."""
    reading = complaint.classification
    work.announce(
        ComplaintRouted.model_validate(
            {
                "complaint_id": complaint.complaint_id,
                "round": complaint.round,
                "cause": complaint.cause and complaint.cause.value,
                "team": complaint.team,
                "assignee": complaint.assignee,
                "priority": complaint.priority,
                "severity": reading.severity.value if reading else "medium",
                "manner": reading.manner.value if reading else "neutral",
                "reasons": tuple(Bilingual(zh=reason.zh, en=reason.en) for reason in complaint.reasons),
            }
        )
    )


def announce_corrected(complaint: Complaint, cause: Cause, previous: Cause | None, work: Work) -> None:
    """Say that a person named another cause than there was."""
    work.announce(
        ClassificationCorrected.model_validate(
            {
                "complaint_id": complaint.complaint_id,
                "cause": cause.value,
                "previous": previous and previous.value,
                "by": complaint.decided_by,
                "note": complaint.note,
            }
        )
    )
