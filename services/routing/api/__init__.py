"""The HTTP edge: the triage queue, the word of a person on a cause, and the roster."""

from fastapi import APIRouter

from services.routing.api.complaints import complaint_commands, complaint_routes
from services.routing.api.roster import roster_commands, roster_routes
from services.routing.api.scopes import READ, WRITE
from services.routing.domain.roster import Teams
from services.routing.handlers.messages import RoutingPolicy
from services.routing.ports import Complaints, Roster
from shared.runtime.door import Door
from shared.runtime.message import Handlers

__all__ = ["READ", "WRITE", "commands", "routes"]


def commands(policy: RoutingPolicy) -> Handlers:
    """Which handler answers which command of people."""
    return {**complaint_commands(policy), **roster_commands(policy)}


def routes(door: Door, complaints: Complaints, roster: Roster, teams: Teams) -> tuple[APIRouter, ...]:
    """The routes of routing."""
    return complaint_routes(door, complaints), roster_routes(door, roster, teams)
