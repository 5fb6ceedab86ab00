"""The event edge: which events and timers followup answers, and with what."""

from functools import partial

from services.followup import handlers
from services.followup.domain.callback import CallbackPolicy, Ending
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
)
from shared.contracts.resolution import CaseClosed, CaseReopened, CaseResolved
from shared.runtime.message import Handler, Handlers

SOURCES = ("intake", "resolution")


def reactions(policy: CallbackPolicy) -> Handlers:
    """What followup does on events of others, and when a timer is due."""
    of_event, of_timer = handlers.of_event, handlers.of_timer
    linked = partial(handlers.end_asking, ending=Ending.LINKED, policy=policy)
    withdrawn = partial(handlers.end_asking, ending=Ending.WITHDRAWN, policy=policy)
    return {
        # Nobody is asked before the case is resolved.
        ComplaintReceived: Handler(partial(handlers.note_complaint, policy=policy), of_event, can_wait=True),
        ComplaintLinked: Handler(linked, of_event),
        ComplaintUnlinked: Handler(partial(handlers.ask_again, policy=policy), of_event),
        ComplaintWithdrawn: Handler(withdrawn, of_event),
        ComplaintErased: Handler(partial(handlers.forget, policy=policy), of_event),
        CaseResolved: Handler(partial(handlers.plan_callback, policy=policy), of_event),
        CaseClosed: Handler(partial(handlers.stop_asking, policy=policy), of_event),
        CaseReopened: Handler(partial(handlers.stop_asking, policy=policy), of_event),
        handlers.OVERDUE: Handler(partial(handlers.give_up_overdue, policy=policy), of_timer),
    }
