"""The event edge: which events intake answers, and with what."""

from functools import partial

from services.intake.domain.templates import Wording
from services.intake.handlers import complaints, messages
from shared.contracts.followup import FollowupMessageRequested
from shared.contracts.resolution import CaseClosed, CaseReopened, ResolutionMessageRequested
from shared.runtime.message import Handler, Handlers

SOURCES = ("resolution", "followup")


def reactions(wording: Wording) -> Handlers:
    """What intake does on events of others."""
    queue = Handler(partial(messages.queue_message, wording=wording), messages.of_request, can_wait=True)
    return {
        ResolutionMessageRequested: queue,
        FollowupMessageRequested: queue,
        CaseClosed: Handler(complaints.note_closed, complaints.of_event),
        CaseReopened: Handler(complaints.note_reopened, complaints.of_event),
    }
