"""The event edge: which events and timers resolution answers, and with what."""

from functools import partial

from services.resolution.domain.policy import CasePolicy
from services.resolution.handlers import clocks, timers
from services.resolution.handlers import reactions as react
from services.resolution.handlers.loading import of_erasure, of_event, of_timer
from shared.contracts.followup import CallbackAbandoned, DissatisfactionRaised, SatisfactionRecorded
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
    MessageFailed,
    MessageReceived,
    MessageSent,
)
from shared.contracts.routing import ClassificationCorrected, ComplaintClassified, ComplaintRouted
from shared.runtime.message import Handler, Handlers

SOURCES = ("intake", "routing", "followup")


def reactions(policy: CasePolicy) -> Handlers:
    """What resolution does on events of others, and when a timer is due."""
    linked = partial(react.end, ending="linked", policy=policy)
    withdrawn = partial(react.end, ending="withdrawn", policy=policy)
    return {
        # A case is opened when it is routed; until then nothing follows from this.
        ComplaintReceived: Handler(partial(react.note_complaint, policy=policy), of_event, can_wait=True),
        MessageReceived: Handler(partial(react.note_message, policy=policy), of_event),
        MessageSent: Handler(react.count_sent, of_event, can_wait=True),
        MessageFailed: Handler(react.count_failed, of_event, can_wait=True),
        ComplaintLinked: Handler(linked, of_event),
        ComplaintUnlinked: Handler(partial(react.take_up_again, policy=policy), of_event),
        ComplaintWithdrawn: Handler(withdrawn, of_event),
        ComplaintErased: Handler(partial(react.forget, policy=policy), of_erasure),
        ComplaintClassified: Handler(react.note_classification, of_event, can_wait=True),
        ComplaintRouted: Handler(partial(react.note_routing, policy=policy), of_event),
        ClassificationCorrected: Handler(partial(react.correct_cause, policy=policy), of_event),
        SatisfactionRecorded: Handler(react.close_satisfied, of_event),
        CallbackAbandoned: Handler(react.close_unreachable, of_event),
        DissatisfactionRaised: Handler(partial(react.reopen_dissatisfied, policy=policy), of_event),
        clocks.WARN: Handler(timers.warn, of_timer),
        clocks.DUE: Handler(partial(timers.miss, policy=policy), of_timer),
        clocks.PROMISE: Handler(timers.break_promise, of_timer),
        clocks.SILENCE: Handler(timers.close_silent, of_timer),
    }
