"""
One case under commands in any order, facts that cross, and time, against a model written from docs/resolution.md.

What the model allows is done, what it does not is refused and changes nothing; and whoever only reads the events knows
as much as whoever reads the row.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.resolution import api, events, storage
from services.resolution.domain.case import Case
from services.resolution.domain.clocks import Deadline
from services.resolution.domain.promise import Promise
from services.resolution.domain.refusals import ChangedMeanwhile
from services.resolution.handlers import commands as do
from services.resolution.handlers.promises import KeepPromise, MakePromise
from services.resolution.settings import ResolutionSettings
from shared.calendar import BusinessCalendar
from shared.contracts.event import ComplaintEvent
from shared.contracts.followup import CallbackAbandoned, DissatisfactionRaised, SatisfactionRecorded
from shared.contracts.intake import (
    ComplaintErased,
    ComplaintLinked,
    ComplaintReceived,
    ComplaintUnlinked,
    ComplaintWithdrawn,
    MessageReceived,
)
from shared.contracts.routing import ComplaintRouted
from shared.refusal import Refused
from shared.testing.memory_door import MONDAY_MORNING, MemoryDoor
from tests.unit.test_model_waiting import play

ID, OTHER = UUID(int=1), UUID(int=2)
HOUR = timedelta(hours=1)
SECRET = "Tell nobody"
RULES = ResolutionSettings(database_url="postgresql://nobody@nowhere/none").policy(2026)
ALWAYS = replace(RULES, clocks=replace(RULES.clocks, hours=BusinessCalendar.always_open(ZoneInfo("UTC"))))
HANDLERS = {**api.commands(ALWAYS), **events.reactions(ALWAYS)}

TERMS = {"acknowledge": 4, "answer": 27, "resolve": 63}
"""Hours, as docs/resolution.md has them; a later round gets half."""
SILENCE = 14 * 24

FACTS = {
    "received": ComplaintReceived(
        complaint_id=ID, number="CMP-2026-000001", contact_id=OTHER, customer_id=OTHER, channel="chat", language="en",
        received_at=MONDAY_MORNING, text=SECRET,
    ),
    "routed": ComplaintRouted(complaint_id=ID, cause="quality", team="q", assignee="agent-1", priority=5),
    "message": MessageReceived(
        complaint_id=ID, contact_id=OTHER, channel="chat", language="en", received_at=MONDAY_MORNING, text=SECRET
    ),
    "linked": ComplaintLinked(complaint_id=ID, primary_id=OTHER, primary_number="CMP-2026-000002", reason="by_hand"),
    "unlinked": ComplaintUnlinked(complaint_id=ID, primary_id=OTHER),
    "withdrawn": ComplaintWithdrawn(complaint_id=ID),
    "erased": ComplaintErased(complaint_id=ID),
}  # fmt: skip
WORDS = {
    "satisfied": SatisfactionRecorded(complaint_id=ID, score=5, resolved=True, satisfied=True),
    "unreachable": CallbackAbandoned(complaint_id=ID, attempts=3, reason="unreachable"),
    "dissatisfied": DissatisfactionRaised(complaint_id=ID, score=1),
}
COMMANDS: dict[str, tuple[Any, ...]] = {
    "acknowledge": (do.Acknowledge,),
    "investigate": (do.Investigate, SECRET, None),
    "propose": (do.ProposeRemedy, "refund", SECRET),
    "approve": (do.ApproveRemedy,),
    "complete": (do.CompleteRemedy,),
    "ask": (do.AskCustomer, SECRET),
    "answer": (do.GiveAnswer, SECRET),
    "resolve": (do.Resolve,),
    "close": (do.CloseCase, None),
    "give_up": (do.CloseCase, SECRET),
    "reopen": (do.ReopenCase, None),
    "escalate": (do.EscalateCase, None),
}
WORK = {"open", "acknowledged", "investigating", "remedy_proposed", "remedy_approved", "remedy_done", "answered"}
LEADS_TO = {
    "acknowledge": (lambda case: case.state == "open", "acknowledged"),
    "investigate": (lambda case: case.state in WORK - {"remedy_done"}, "investigating"),
    "propose": (lambda case: case.state in WORK, "remedy_proposed"),
    "approve": (lambda case: case.state == "remedy_proposed", "remedy_approved"),
    "complete": (lambda case: case.state == "remedy_approved" and case.remedy == "open", "remedy_done"),
    "ask": (lambda case: case.state in WORK, None),
    "answer": (lambda case: case.state in WORK - {"remedy_proposed"}, "answered"),
    "resolve": (lambda case: case.state == "answered" and case.remedy != "open", "resolved"),
    "close": (lambda case: case.state in WORK | {"resolved"} and case.answered, "closed"),
    "give_up": (lambda case: case.state in WORK | {"resolved"}, "closed"),
    "reopen": (lambda case: case.state in {"resolved", "closed"} and not case.over, "open"),
    "escalate": (lambda case: case.state in WORK, None),
}
"""When a step may be taken, and where it leads."""
SAYS = {
    "acknowledge": "acknowledged", "investigate": "investigated", "propose": "remedy_proposed",
    "approve": "remedy_approved", "complete": "remedy_done", "answer": "answered", "resolve": "resolved",
}  # fmt: skip
WEIGHT = {"by_hand": 3, "satisfied": 2, "unreachable": 1, "silence": 1, "withdrawn": 0, "linked": 0, "erased": 0}
"""News that says more of the customer corrects an ending that says less."""


class Clocks:
    """What runs on a case; times are hours since the receipt."""

    def __init__(self) -> None:
        self.now = 0
        self.deadlines: dict[str, tuple[int | float, str]] = {}
        self.promises: list[tuple[int, str]] = []
        self.silent_until: int | None = None
        self.level = 0
        self.said: Counter[str] = Counter()

    def pass_time(self, until: int) -> None:
        """Every clock that ends on the way does so in its order."""
        while ends := [at for at in self._ends() if at <= until]:
            self._end(min(ends))
        self.now = until

    def _ends(self) -> list[int | float]:
        running = [due for due, state in self.deadlines.values() if state == "running"]
        made = [due for due, state in self.promises if state == "made"]
        return running + made + ([] if self.silent_until is None else [self.silent_until])

    def _end(self, at: float) -> None:
        missed = self.turn_deadlines("running", "missed", at)
        self.level += missed
        self.said.update({"deadline.missed": missed, "case.escalated": missed})
        self.said["promise.broken"] += self.turn_promises("made", "broken", at)
        if self.silent_until == at:
            self.close("silence")

    def close(self, reason: str) -> None:
        raise NotImplementedError

    def turn_deadlines(self, before: str, after: str, at: float | None = None, only: Iterable[str] = TERMS) -> int:
        turning = {
            k: d for k, (d, state) in self.deadlines.items() if state == before and at in {None, d} and k in only
        }
        self.deadlines |= {kind: (due, after) for kind, due in turning.items()}
        return len(turning)

    def turn_promises(self, before: str, after: str, at: float | None = None) -> int:
        turning = [i for i, (due, state) in enumerate(self.promises) if state == before and at in {None, due}]
        for index in turning:
            self.promises[index] = (self.promises[index][0], after)
        return len(turning)

    def start(self, at: int, share: float) -> None:
        self.deadlines = {kind: (at + hours * share, "running") for kind, hours in TERMS.items()}

    def finish(self, kinds: Iterable[str]) -> None:
        self.said["deadline.met"] += self.turn_deadlines("running", "met", only=kinds)


class Reference(Clocks):
    """What the documentation says of a case."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()
        self.state, self.round = "pending", 1
        self.answered, self.remedy = False, ""
        self.over: list[str] = []
        self.reason, self.stood, self.resolved_at = "", "", 0

    def hear(self, fact: str) -> None:
        """A fact of intake or routing, whichever comes first."""
        if fact == "message":
            self.silent_until = self.now + SILENCE if self.state == "resolved" else None
        elif fact == "unlinked":
            self.unlink()
        elif fact in {"received", "routed"}:
            self.known.add(fact)
        else:
            self.over.append(fact)
        if fact != "message":
            self.settle()

    def settle(self) -> None:
        if self.state == "pending" and self.known == {"received", "routed"}:
            self.state = "open"
            self.said["case.opened"] += 1
            self.start(0, 1)
        if self.over and self.state not in {"pending", "closed"}:
            self.close(self.over[0])
        if self.over:
            self.turn_promises("made", "cancelled")

    def close(self, reason: str) -> None:
        if self.state != "closed":
            self.stood = self.state
        self.state, self.reason, self.silent_until = "closed", reason, None
        self.turn_deadlines("running", "cancelled")
        self.said["case.closed"] += 1

    def unlink(self) -> None:
        """What was closed for a link goes on where it stood, as if never stopped."""
        self.over = [why for why in self.over if why != "linked"]
        if self.state == "closed" and self.reason == "linked":
            self.state, self.reason = self.stood, ""
            self.said["case.reopened"] += 1
            self.turn_deadlines("cancelled", "running")
            self.silent_until = self.resolved_at + SILENCE if self.state == "resolved" else None
        if not self.over:
            self.turn_promises("cancelled", "made")

    def hear_word(self, word: str, of_round: int) -> None:
        """The customer's word on a round; that on an earlier one changes nothing."""
        if of_round != self.round or self.state not in {"resolved", "closed"}:
            return
        if word == "dissatisfied":
            self.reopen()
            self.settle()
        elif self.state == "resolved" or (self.stood == "resolved" and WEIGHT[word] > WEIGHT[self.reason]):
            self.close(word)

    def reopen(self) -> None:
        self.state, self.answered, self.remedy, self.reason, self.silent_until = "open", False, "", "", None
        self.round += 1
        self.said["case.reopened"] += 1
        self.start(self.now, 0.5)

    def take(self, step: str) -> bool:
        """Take a step if it may be taken."""
        allowed, after = LEADS_TO[step]
        # A remedy can be carried out after the answer; the case stays answered.
        late = step == "complete" and self.state == "answered" and self.remedy == "open"
        if not (allowed(self) or late):
            return False
        if step == "reopen":
            self.reopen()
        elif step in {"close", "give_up"}:
            if self.answered:
                self.finish(TERMS)
            self.close("by_hand")
        elif step == "escalate":
            self.level += 1
            self.said["case.escalated"] += 1
        else:
            self.state = self.state if late or after is None else after
            self._note(step)
        return True

    def _note(self, step: str) -> None:
        self.remedy = {"investigate": "", "propose": "open", "complete": "done"}.get(step, self.remedy)
        self.answered |= step == "answer"
        if step == "resolve":
            self.resolved_at, self.silent_until = self.now, self.now + SILENCE
        self.finish({"answer": ("acknowledge", "answer"), "resolve": TERMS}.get(step, ("acknowledge",)))
        if step in SAYS:
            self.said[f"case.{SAYS[step]}"] += 1


class CaseMachine(RuleBasedStateMachine):
    """Resolution beside its model."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Reference()
        self.door = MemoryDoor("resolution", storage.STORED, HANDLERS)

    @initialize(first=st.sampled_from(["received routed", "routed received", "routed", "received", ""]))
    def open_most_cases(self, first: str) -> None:
        for fact in first.split():
            self.hear(fact)

    @precondition(lambda self: "received" not in self.model.known)
    @rule()
    def hear_late_of_the_receipt(self) -> None:
        self.hear("received")

    def catch_up(self) -> None:
        self.model.pass_time(self.model.now)

    @rule(fact=st.sampled_from(["routed", "message", "linked", "unlinked", "unlinked", "withdrawn", "erased"]))
    def hear(self, fact: str) -> None:
        self.catch_up()
        self.model.hear(fact)
        self.tell(FACTS[fact])

    @rule(word=st.sampled_from(sorted(WORDS)), back=st.integers(0, 1))
    def hear_word(self, word: str, back: int) -> None:
        self.catch_up()
        of_round = max(1, self.model.round - back)
        self.model.hear_word(word, of_round)
        self.tell(WORDS[word].model_copy(update={"round": of_round}))

    def tell(self, event: ComplaintEvent) -> None:
        (result,) = self.door.hear(event)
        assert result.fate == "done", result.error

    @rule(step=st.sampled_from(sorted(COMMANDS)))
    def command(self, step: str) -> None:
        self.catch_up()
        command, *values = COMMANDS[step]
        assert self.ask(command, *values) is self.model.take(step)

    @rule(step=st.sampled_from(["investigate", "propose", "approve", "answer", "complete", "resolve"]))
    def go_on(self, step: str) -> None:
        """Most of what people do makes sense."""
        if LEADS_TO[step][0](self.model):
            self.command(step)

    def ask(self, command: type, *values: object) -> bool:
        before = self.door.row(Case, ID)
        said = len(self.door.said)
        try:
            self.door.ask(command(ID, None, "agent-1", *values))
        except Refused:
            news = {each.type for each in self.door.said[said:]}
            assert news <= OVERDUE
            assert news or self.door.row(Case, ID) == before
            return False
        return True

    @precondition(lambda self: self.door.row(Case, ID))
    @rule()
    def decide_on_an_old_sight(self) -> None:
        self.catch_up()
        try:
            self.door.ask(do.Investigate(ID, self.door.row(Case, ID).revision - 1, "agent-1", SECRET, None))
        except ChangedMeanwhile:
            return
        raise AssertionError

    @rule(hours=st.integers(1, 100))
    def promise(self, hours: int) -> None:
        self.catch_up()
        due_at = self.door.now + hours * HOUR
        possible = self.model.state in WORK
        if possible:
            self.model.promises.append((self.model.now + hours, "made"))
            self.model.said["promise.made"] += 1
            self.model.finish(["acknowledge"])
        assert self.ask(MakePromise, SECRET, due_at) is possible

    @precondition(lambda self: self.model.promises)
    @rule(choice=st.integers(0, 20))
    def keep_promise(self, choice: int) -> None:
        self.catch_up()
        index = choice % len(self.model.promises)
        due, state = self.model.promises[index]
        promise_id = list(self.door.store.rows[Promise])[index]
        if state == "made":
            self.model.promises[index] = (due, "kept")
            self.model.said["promise.kept"] += 1
        assert self.ask(KeepPromise, promise_id) is (state == "made")

    @rule(hours=st.sampled_from([1, 3, 10, 40, 14 * 24]))
    def wait(self, hours: int) -> None:
        self.model.pass_time(self.model.now + hours)
        self.door.wait(hours * HOUR)

    @invariant()
    def the_row_is_as_the_model_has_it(self) -> None:
        case, model = self.door.row(Case, ID), self.model
        if case is not None:
            reason = case.closed_reason or ""
            assert (case.state, case.round, case.escalation_level) == (model.state, model.round, model.level)
            assert (reason, list(case.over)) == (model.reason, model.over)
            assert (case.answer is not None, case.remedy is not None) == (model.answered, model.remedy != "")

    @invariant()
    def the_clocks_are_as_the_model_has_them(self) -> None:
        rows = [each for each in self.door.store.all(Deadline) if each.round == self.model.round]
        clocks = {each.kind: ((each.due_at - MONDAY_MORNING) / HOUR, each.state) for each in rows}
        assert clocks == self.model.deadlines
        promises = [((each.due_at - MONDAY_MORNING) / HOUR, each.state) for each in self.door.store.all(Promise)]
        assert promises == self.model.promises

    @invariant()
    def everything_was_said_and_nothing_else(self) -> None:
        said = Counter(
            each for each in self.door.said_types if each not in {"deadline.approaching", "message.requested"}
        )
        assert said == +self.model.said

    @invariant()
    def the_events_tell_what_the_row_says(self) -> None:
        story = Story()
        for each in self.door.said:
            story.read(each.type.removeprefix("resolution.").removesuffix(".v1"), each.data)
        assert (story.state, story.round, story.level) == (self.model.state, self.model.round, self.model.level)

    @invariant()
    def what_is_erased_is_nowhere(self) -> None:
        if "erased" in self.model.over:
            assert SECRET.encode() not in b"".join(each.body for each in self.door.store.history)


OVERDUE = {
    f"resolution.{each}.v1"
    for each in ("deadline.approaching", "deadline.missed", "case.escalated", "promise.broken", "case.closed")
}
"""What a refused command may find said: only that something was overdue."""


class Story:
    """Where a case stands for someone who only reads the events."""

    STATE: ClassVar = {f"case.{said}": LEADS_TO[step][1] for step, said in SAYS.items()}
    AFTER_CLOSING: ClassVar = {"case.closed", "case.reopened", "promise.kept", "promise.broken"}

    def __init__(self) -> None:
        self.state, self.round, self.level = "pending", 1, 0
        self.stood = ""

    def read(self, said: str, data: dict[str, Any]) -> None:
        """Follow one event, and object to one that cannot come now."""
        assert self.state != "pending" or said == "case.opened"
        assert self.state != "resolved" or said in {*self.AFTER_CLOSING, "deadline.met"}
        assert self.state != "closed" or said in self.AFTER_CLOSING
        if said == "case.opened":
            self.state = "open"
        elif said == "case.closed":
            self.stood, self.state = (self.stood if self.state == "closed" else self.state), "closed"
        elif said == "case.reopened":
            self.state = self.stood if data["reason"] == "unlinked" else "open"
            assert data["round"] == self.round + (data["reason"] != "unlinked")
            self.round = data["round"]
        elif said == "case.escalated":
            self.level += 1
            assert data["level"] == self.level
        elif said in self.STATE and (said, self.state) != ("case.remedy_done", "answered"):
            self.state = self.STATE[said]
        if not said.startswith(("promise", "message")):
            assert data["round"] == self.round


def test_a_case_does_what_the_documentation_says():
    play(CaseMachine)
