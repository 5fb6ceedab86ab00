"""Who there is."""

from dataclasses import replace

from services.routing.domain.roster import Agent, Workload, check_seen
from services.routing.handlers.messages import Enrolled, EnrolMissing, PutAgent, RoutingPolicy
from shared.runtime.message import Message
from shared.runtime.work import Work


def put_agent(message: Message[PutAgent], work: Work, *, policy: RoutingPolicy) -> Enrolled:
    """Write the roster; the worker gives out what waited for somebody of the team."""
    agent = message.payload.agent
    policy.teams.check(agent.team)
    before = work.get(Agent, agent.agent_id)
    check_seen(before, message.payload.seen)
    return _enrol(replace(agent, revision=before.revision + 1 if before else 1), work)


def enrol_missing(message: Message[EnrolMissing], work: Work) -> None:
    """Put agents on the roster; those who are known already stay as they are."""
    for agent in message.payload.agents:
        if work.get(Agent, agent.agent_id) is None:
            _enrol(agent, work)


def _enrol(agent: Agent, work: Work) -> Enrolled:
    work.put(agent)
    if work.get(Workload, agent.agent_id) is None:
        work.put(Workload(agent.agent_id))
    return Enrolled(agent.agent_id, agent.revision)
