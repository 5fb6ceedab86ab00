"""Work outside the door: the classifier, which is slow, and the teams' queues; both come back through it."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from pydantic import ValidationError

from services.routing.classifier import DEGRADED, Classifier
from services.routing.classifier import Classification as Reading
from services.routing.domain.classification import UNREADABLE, Cause, Classification, Ground, Manner, Severity
from services.routing.domain.complaint import Complaint
from services.routing.domain.roster import Agent
from services.routing.handlers import complaints as complaint_handlers
from services.routing.handlers import needs, roster
from services.routing.handlers.messages import Classify, EnrolMissing, GiveOut, RoutingPolicy
from services.routing.ports import Complaints, Unread
from shared.contracts.intake import ComplaintReceived
from shared.runtime.consumer import LookAhead
from shared.runtime.door import Door
from shared.runtime.message import Command, Delivery, Handler, Handlers
from shared.runtime.worker import work_through

log = structlog.get_logger()

BATCH: Final = 50
"""Complaints fetched at once."""
SHORT_TEXT: Final = 2_000
"""Characters up to which a text is read on its way: that takes milliseconds, and nothing else moves meanwhile."""
LONGEST_TEXT: Final = 20_000
"""Characters that the classifier reads; what follows in longer ones is quoted history and attachments pasted in."""
DECIMALS: Final = 4
"""Of a probability; more would only look exact."""


def commands(policy: RoutingPolicy) -> Handlers:
    """Which handler answers which command of the worker."""
    return {
        Classify: Handler(partial(complaint_handlers.classify, policy=policy), needs.of_command),
        GiveOut: Handler(partial(complaint_handlers.give_out, policy=policy), needs.of_command),
        EnrolMissing: Handler(roster.enrol_missing, needs.of_agents),
    }


async def classify_waiting(
    door: Door, complaints: Complaints, classifier: Classifier, first_agents: tuple[Agent, ...]
) -> None:
    """Enrol the first agents, then classify every complaint that waits for it, until cancelled."""
    await door.ask(Command(EnrolMissing(first_agents)))

    async def waiting() -> Sequence[tuple[Unread, Classification]]:
        # All are read before the first result is stated: a text takes longer than a commit, and so they share one.
        unread = await complaints.waiting(BATCH, LONGEST_TEXT)
        readings = await asyncio.get_running_loop().run_in_executor(thread, _read_all, classifier, unread)
        return list(zip(unread, readings, strict=True))

    async def classified(read: tuple[Unread, Classification]) -> Command:
        unread, reading = read
        payload = Classify(unread.complaint_id, reading)
        return Command(payload, caused_by=unread.told_by, correlation_id=unread.correlation_id)

    # One thread reads one text after the other: more would only take the interpreter from the door.
    with ThreadPoolExecutor(1, "classifier") as thread:
        await work_through(
            door, "classifier", waiting, classified, at_once=BATCH, when=lambda work: work.changes(Complaint)
        )


def reading_ahead(classifier: Classifier, seconds: float) -> LookAhead:
    """
    Read new complaints on their way to the door, for so many *seconds* of each fetch.

    A complaint that comes alone is classified in the commit that keeps it. What a fetch brings beyond that, longer
    texts, and what a crash or a gap interrupted wait in the database for ``classify_waiting``.
    """
    # A thread of its own, so that no backlog is waited for; it ends with the process.
    thread = ThreadPoolExecutor(1, "reader")

    async def read(events: Sequence[Delivery]) -> Sequence[Delivery]:
        if not any(_tells_of_a_complaint(event) for event in events):
            return events
        return await asyncio.get_running_loop().run_in_executor(thread, _read_some, classifier, events, seconds)

    return read


def _read_some(classifier: Classifier, events: Sequence[Delivery], seconds: float) -> Sequence[Delivery]:
    until = time.monotonic() + seconds
    return [_read_event(classifier, event) if time.monotonic() < until else event for event in events]


def _read_event(classifier: Classifier, event: Delivery) -> Delivery:
    if not _tells_of_a_complaint(event):
        return event
    try:
        told = ComplaintReceived.model_validate_json(event.body)
    except ValidationError:
        return event  # its handler says so
    if len(told.text) > SHORT_TEXT:
        return event
    return replace(event, finding=_read(classifier, Unread(told.complaint_id, told.text)))


def _tells_of_a_complaint(event: Delivery) -> bool:
    return event.envelope.type == ComplaintReceived.TYPE


async def give_out_queued(door: Door, complaints: Complaints) -> None:
    """Give out every complaint in a team's queue within a second of somebody of the team being there."""

    async def servable() -> Sequence[UUID]:
        return await complaints.servable(BATCH)

    async def given_out(complaint_id: UUID) -> Command:
        return Command(GiveOut(complaint_id))

    # A roster changes seldom, and a queue waits for people: to look after every commit would only cost.
    await work_through(door, "queue", servable, given_out, at_once=BATCH, when=None)


def facts_of(reading: Reading) -> Classification:
    """What the classifier found, as the domain knows it."""
    return Classification(
        cause=Cause(reading.cause),
        sub_cause=reading.sub_cause,
        confidence=round(reading.confidence, DECIMALS),
        model=reading.model,
        runner_up=Cause(reading.runner_up),
        secondary=Cause(reading.secondary) if reading.secondary else None,
        probabilities={cause: round(value, DECIMALS) for cause, value in reading.probabilities.items()},
        manner=Manner(reading.manner),
        severity=Severity(reading.severity),
        is_complaint=reading.is_complaint,
        grounds=tuple(
            Ground(each.start, each.end, each.text, Cause(each.cause), round(each.weight, DECIMALS))
            for each in reading.grounds
        ),
        degraded=reading.basis == DEGRADED,
    )


def _read_all(classifier: Classifier, unread: Sequence[Unread]) -> list[Classification]:
    return [_read(classifier, each) for each in unread]


def _read(classifier: Classifier, unread: Unread) -> Classification:
    try:
        return facts_of(classifier.classify(unread.text))
    except Exception:
        # One text must not keep all others from being classified.
        log.exception("text could not be classified", complaint_id=unread.complaint_id)
        return UNREADABLE
