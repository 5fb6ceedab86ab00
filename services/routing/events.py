"""The event edge: which events routing answers, and with what."""

from functools import partial

from services.routing.domain.complaint import Ending
from services.routing.handlers import complaints
from services.routing.handlers.messages import RoutingPolicy
from services.routing.handlers.needs import of_event
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
)
from shared.contracts.resolution import CaseClosed, CaseReopened, CauseConfirmed
from shared.runtime.message import Handler, Handlers

SOURCES = ("intake", "resolution")


def reactions(policy: RoutingPolicy) -> Handlers:
    """What routing does on events of others."""
    linked = partial(complaints.end, ending=Ending.LINKED, policy=policy)
    withdrawn = partial(complaints.end, ending=Ending.WITHDRAWN, policy=policy)
    return {
        ComplaintReceived: Handler(partial(complaints.note_complaint, policy=policy), of_event),
        ComplaintLinked: Handler(linked, of_event),
        ComplaintUnlinked: Handler(partial(complaints.resume, policy=policy), of_event),
        ComplaintWithdrawn: Handler(withdrawn, of_event),
        ComplaintErased: Handler(partial(complaints.forget, policy=policy), of_event),
        CaseClosed: Handler(partial(complaints.release, policy=policy), of_event),
        CaseReopened: Handler(partial(complaints.route_again, policy=policy), of_event),
        CauseConfirmed: Handler(partial(complaints.note_confirmed_cause, policy=policy), of_event),
    }
