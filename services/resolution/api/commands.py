"""Which handler answers which command."""

from functools import partial

from services.resolution.domain.policy import CasePolicy
from services.resolution.handlers import commands as handlers
from services.resolution.handlers import promises
from services.resolution.handlers.loading import of_command
from shared.runtime.message import Handler, Handlers


def commands(policy: CasePolicy) -> Handlers:
    """Which handler answers which command."""
    return {
        handlers.Acknowledge: Handler(handlers.acknowledge, of_command),
        handlers.Investigate: Handler(partial(handlers.investigate, policy=policy), of_command),
        handlers.ProposeRemedy: Handler(handlers.propose_remedy, of_command),
        handlers.ApproveRemedy: Handler(handlers.approve_remedy, of_command),
        handlers.CompleteRemedy: Handler(handlers.complete_remedy, of_command),
        handlers.GiveAnswer: Handler(partial(handlers.give_answer, policy=policy), of_command),
        handlers.AskCustomer: Handler(partial(handlers.ask_customer, policy=policy), of_command),
        handlers.Resolve: Handler(partial(handlers.resolve, policy=policy), of_command),
        handlers.CloseCase: Handler(handlers.close_case, of_command),
        handlers.ReopenCase: Handler(partial(handlers.reopen_case, policy=policy), of_command),
        handlers.EscalateCase: Handler(partial(handlers.escalate_case, policy=policy), of_command),
        handlers.AddNote: Handler(handlers.add_note, of_command),
        promises.MakePromise: Handler(promises.make_promise, of_command),
        promises.KeepPromise: Handler(promises.keep_promise, of_command),
    }
