"""Who of a team gets a complaint."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.routing.domain.classification import Cause
from services.routing.domain.roster import Agent


class Basis(StrEnum):
    """Why this person."""

    SAME = "same"
    """They had it before, and know the story."""
    FREE = "free"
    """The fewest open cases of those who can take it and are below their capacity."""
    FULL = "full"
    """All who can take it are at their capacity; the fewest open cases."""
    ANYONE = "anyone"
    """Nobody speaks the language or takes the cause; the fewest open cases of the team."""
    NOBODY = "nobody"
    """Nobody of the team is active: it waits in the team's queue."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it (an agent or a team's queue), and why."""

    assignee: str
    basis: Basis


def queue_of(team: str) -> str:
    """What stands for a person while nobody of *team* is there."""
    return f"queue:{team}"


def is_queue(assignee: str) -> bool:
    """Whether this is a team's queue and not a person."""
    return assignee.startswith("queue:")


def choose(
    team: str,
    cause: Cause,
    language: str,
    previous: str | None,
    agents: Collection[Agent],
    open_cases: Mapping[str, int],
) -> Choice:
    """
    Choose who answers; the same facts always choose the same person, ties go by ``agent_id``.

    Args:
        team: whose complaint it is.
        cause: what it is about.
        language: what the customer speaks, ``und`` when not known.
        previous: who had this complaint before, if anyone.
        agents: the roster.
        open_cases: by ``agent_id``; who is missing has none.
    """
    active = [agent for agent in agents if agent.active and agent.team == team]
    if previous is not None and any(agent.agent_id == previous for agent in active):
        return Choice(previous, Basis.SAME)
    suited = [agent for agent in active if agent.takes(cause) and agent.speaks(language)]
    free = [agent for agent in suited if open_cases.get(agent.agent_id, 0) < agent.capacity]
    for basis, group in ((Basis.FREE, free), (Basis.FULL, suited), (Basis.ANYONE, active)):
        if group:
            least = min(group, key=lambda agent: (open_cases.get(agent.agent_id, 0), agent.agent_id))
            return Choice(least.agent_id, basis)
    return Choice(queue_of(team), Basis.NOBODY)
