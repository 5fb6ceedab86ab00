"""What each handler has loaded before it runs."""

from collections.abc import Iterable
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from services.routing.domain.complaint import Complaint
from services.routing.domain.roster import Agent, Workload
from services.routing.handlers.messages import (
    Classify,
    CorrectClassification,
    DecideTriage,
    EnrolMissing,
    GiveOut,
    PutAgent,
)
from shared.contracts.event import ComplaintEvent
from shared.runtime.message import Message
from shared.runtime.needs import Need, Stream, rows
from shared.runtime.work import Work

EVERYONE: Final = (rows(Agent), rows(Workload))
"""Everyone who could get a complaint."""


def of_command(
    message: Message[Classify | DecideTriage | CorrectClassification | GiveOut], _work: Work
) -> Iterable[Need]:
    """The complaint that the command names, and everyone who could get it."""
    return (*_complaint(message.payload.complaint_id), *EVERYONE)


def of_event(message: Message[ComplaintEvent], work: Work) -> Iterable[Need]:
    """The complaint that the event is about, and everyone who could get it once the classifier has read it."""
    needed = _complaint(message.payload.complaint_id)
    if message.finding is not None:
        return (*needed, *EVERYONE)
    known = work.get(Complaint, message.payload.complaint_id)
    return (*needed, *EVERYONE) if known is not None and known.classification is not None else needed


def of_agent(message: Message[PutAgent], _work: Work) -> Iterable[Need]:
    """The agent, and how much there is to do."""
    return _agent(message.payload.agent)


def of_agents(message: Message[EnrolMissing], _work: Work) -> Iterable[Need]:
    """The agents, and how much each has to do."""
    for agent in message.payload.agents:
        yield from _agent(agent)


def _complaint(complaint_id: UUID) -> tuple[Need, ...]:
    return (Stream(complaint_id), rows(Complaint, complaint_id=complaint_id))


def _agent(agent: Agent) -> Iterable[Need]:
    return (
        # Nothing is ever said on this stream; its lock keeps two changes of one agent apart.
        Stream(uuid5(NAMESPACE_URL, f"plaint:agent:{agent.agent_id}")),
        rows(Agent, agent_id=agent.agent_id),
        rows(Workload, agent_id=agent.agent_id),
    )
