"""What resolution decides, by itself: steps, clocks, promises, and the words that may be sent."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args
from uuid import UUID

import pytest

from services.resolution.domain import case as cases
from services.resolution.domain import clocks
from services.resolution.domain.case import TRANSITIONS, WORKED_ON, Case, Routing, State, Step
from services.resolution.domain.clocks import (
    LEGAL_CLOCKS,
    ClockPolicy,
    DeadlineState,
    LegalClock,
    deadlines_of,
    finish,
    met_by,
)
from services.resolution.domain.diagram import state_diagram
from services.resolution.domain.promise import Promise, PromiseState, check_ahead, keep
from services.resolution.domain.refusals import (
    ChangedMeanwhile,
    ComplaintOver,
    PersonalDataInText,
    PromiseDecided,
    PromiseNotAhead,
    ReasonNeeded,
    RemedyNotDone,
    StepNotPossible,
)
from services.resolution.domain.texts import masked, sendable
from services.resolution.settings import ResolutionSettings
from shared.contracts import event as published
from shared.contracts.resolution import CaseClosed

ID = UUID(int=1)
MONDAY_TEN = datetime(2026, 11, 16, 2, 0, tzinfo=UTC)
"""10:00 in Shanghai."""


def settings(**changes):
    return ResolutionSettings(database_url="postgresql://nobody@nowhere/none", **changes)


def policy(**changes) -> ClockPolicy:
    return settings(**changes).policy(2026).clocks


def a_case(**changes) -> Case:
    facts = {"number": "CMP-2026-000123", "received_at": MONDAY_TEN, "routed_round": 1, "priority": 5}
    return Case(ID, **{**facts, "state": State.OPEN, **changes})


def due_dates(case, policy, start=MONDAY_TEN):
    return {each.kind: each.due_at for each in deadlines_of(case, start, policy)}


# Steps.


def test_every_state_but_pending_can_be_reached_and_left():
    left = {state for state, _ in TRANSITIONS}
    assert left == set(State)
    assert set(TRANSITIONS.values()) == set(State) - {State.PENDING}


def test_a_case_is_worked_on_until_it_is_resolved():
    assert {state for state, step in TRANSITIONS if step is Step.CLOSE} == WORKED_ON | {State.RESOLVED}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("step", Step)
def test_a_step_that_is_not_in_the_table_is_refused(state, step):
    case = replace(a_case(), state=state)
    if (state, step) in TRANSITIONS:
        assert cases.take(case, step).state is TRANSITIONS[state, step]
    else:
        with pytest.raises(StepNotPossible):
            cases.take(case, step)


def test_a_small_case_is_answered_at_once():
    answered = cases.take(a_case(), Step.ANSWER, answer="原来是误会。")
    assert cases.resolve(answered, MONDAY_TEN).state is State.RESOLVED


def test_nothing_is_resolved_without_an_answer():
    with pytest.raises(StepNotPossible):
        cases.resolve(a_case(state=State.REMEDY_DONE), MONDAY_TEN)


def test_an_answer_waits_for_the_approval_of_what_it_promises():
    with pytest.raises(StepNotPossible):
        cases.take(cases.propose_remedy(a_case(), "refund", "…"), Step.ANSWER)


def test_an_approved_remedy_has_to_be_carried_out_before_or_after_the_answer():
    approved = cases.take(cases.propose_remedy(a_case(), "refund", "…"), Step.APPROVE_REMEDY)
    answered = cases.take(approved, Step.ANSWER, answer="…")
    with pytest.raises(RemedyNotDone):
        cases.resolve(answered, MONDAY_TEN)
    done = cases.complete_remedy(answered)
    assert (done.state, cases.resolve(done, MONDAY_TEN).state) == (State.ANSWERED, State.RESOLVED)
    with pytest.raises(StepNotPossible):
        cases.complete_remedy(done)


def test_a_new_finding_drops_the_remedy_in_hand():
    proposed = cases.propose_remedy(a_case(), "refund", "…")
    assert cases.investigate(proposed, "…", None).remedy is None


def test_a_case_without_an_answer_is_closed_for_a_reason_only():
    with pytest.raises(ReasonNeeded):
        cases.close_by_hand(a_case(), None)
    assert cases.close_by_hand(a_case(), "客户自行解决").closed_reason == "by_hand"
    assert cases.close_by_hand(a_case(state=State.ANSWERED, answer="…"), None).state is State.CLOSED


def test_a_new_round_begins_with_a_clean_sheet():
    resolved = a_case(state=State.RESOLVED, finding="…", answer="…", resolved_at=MONDAY_TEN, remedy="refund")
    reopened = cases.reopen(resolved)
    assert (reopened.round, reopened.state) == (2, State.OPEN)
    assert (reopened.finding, reopened.answer, reopened.remedy, reopened.resolved_at) == (None, None, None, None)


def test_only_the_first_routing_sets_the_urgency():
    first = cases.add_routing(Case(ID), Routing(1, "quality", "quality", "agent-1", 2, "high"))
    second = cases.add_routing(first, Routing(2, "service", "service", "agent-2", 8, "low"))
    assert (second.team, second.owner, second.cause, second.priority) == ("service", "agent-2", "service", 2)
    late = cases.add_routing(second, Routing(1, "quality", "quality", "agent-1", 2, "high"))
    assert (late.team, late.routed_round) == ("service", 2)


def test_law_that_was_found_to_apply_goes_on_applying():
    case = cases.name_cause(cases.name_cause(Case(ID), "regulation"), "quality")
    assert (case.cause, case.regulated) == ("quality", True)
    assert cases.investigate(a_case(), "…", "regulation").regulated


def test_an_undone_link_puts_the_case_back_where_it_stood():
    linked = cases.call_over(a_case(state=State.REMEDY_DONE), "linked")
    again = cases.undo_link(cases.close(linked, "linked"))
    assert (again.state, again.closed_reason, again.closed_from, again.over) == (State.REMEDY_DONE, None, None, ())


@pytest.mark.parametrize(
    ("closed", "news", "ends"),
    [
        ("withdrawn", "satisfied", True),
        ("linked", "unreachable", True),
        ("silence", "satisfied", True),
        ("silence", "unreachable", False),
        ("satisfied", "unreachable", False),
        ("by_hand", "satisfied", False),
    ],
)
def test_the_customers_word_corrects_a_closing_that_says_less(closed, news, ends):
    case = cases.close(a_case(state=State.RESOLVED), closed)
    assert cases.is_concluded_by(case, news) is ends


def test_news_of_a_customer_does_not_end_a_case_that_was_not_resolved():
    assert not cases.is_concluded_by(a_case(), "satisfied")
    assert not cases.is_concluded_by(cases.close(a_case(), "withdrawn"), "satisfied")


def test_a_stale_view_and_a_complaint_that_is_over_are_refused():
    with pytest.raises(ChangedMeanwhile):
        cases.check_seen(a_case(revision=3), 2)
    with pytest.raises(ComplaintOver):
        cases.check_not_over(a_case(over=("withdrawn",)))
    with pytest.raises(StepNotPossible):
        cases.check_worked_on(a_case(state=State.RESOLVED))


def test_the_words_of_the_domain_are_those_of_the_contracts():
    assert get_args(cases.Cause) == get_args(published.Cause)
    assert get_args(cases.ClosedReason) == get_args(CaseClosed.model_fields["reason"].annotation)


def test_the_diagram_draws_every_transition_and_no_other():
    arrows = [line.split(" --> ") for line in state_diagram().splitlines() if ": " in line]
    drawn = {(state.strip(), step): after for state, end in arrows for after, step in [end.split(": ")]}
    assert drawn == {(str(state), str(step)): str(after) for (state, step), after in TRANSITIONS.items()}


def test_the_docs_show_the_diagram_as_it_is():
    page = (Path(__file__).parents[2] / "docs" / "resolution.md").read_text("utf-8")
    assert f"```mermaid\n{state_diagram()}\n```" in page
    assert not [state for state in State if f"| `{state}` |" not in page]


# Clocks.


def test_clocks_run_in_open_hours_only():
    due = due_dates(a_case(), policy())
    assert due == {
        "acknowledge": datetime(2026, 11, 16, 6, 0, tzinfo=UTC),
        "answer": datetime(2026, 11, 19, 2, 0, tzinfo=UTC),
        "resolve": datetime(2026, 11, 25, 2, 0, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    ("tier", "priority", "hours"),
    [("C", 5, 4), ("A", 5, 2), ("B", 5, 3), ("D", 5, 6), ("C", 1, 2), ("A", 1, 1), ("C", 9, 5), ("D", 9, 6)],
)
def test_tier_and_priority_move_the_clocks_and_nobody_falls_through_the_floor(tier, priority, hours):
    case = a_case(tier=tier, priority=priority)
    assert policy().term("acknowledge", case) == timedelta(hours=hours)


def test_a_later_round_has_half_the_time():
    rules = policy()
    first, second = (rules.term("answer", a_case(round=round_)) for round_ in (1, 2))
    assert second == first / 2


def test_the_warning_comes_at_three_quarters_of_the_open_time():
    warned = {each.kind: each.warn_at for each in deadlines_of(a_case(), MONDAY_TEN, policy())}
    assert warned["acknowledge"] == datetime(2026, 11, 16, 5, 0, tzinfo=UTC)
    # 20.25 of 27 hours: two days of nine, and 2 h 15 min on the third.
    assert warned["answer"] == datetime(2026, 11, 18, 4, 15, tzinfo=UTC)


def test_a_legal_clock_counts_working_days_and_make_up_days_from_the_day_after_the_receipt():
    friday = datetime(2025, 9, 26, 2, 0, tzinfo=UTC)
    case = a_case(received_at=friday, regulated=True)
    due = due_dates(case, settings().policy(2025).clocks, friday)
    # National Day closes eight days, and Saturday 2025-10-11 is worked: the tenth working day is 2025-10-16.
    assert due["cn_12315_odr"] == datetime(2025, 10, 16, 10, 0, tzinfo=UTC)


def test_no_tier_priority_or_round_moves_a_legal_clock():
    rules = policy(legal_clocks=("cn_12315_odr",))
    moved = [a_case(), a_case(tier="A"), a_case(tier="D"), a_case(priority=1), a_case(priority=9), a_case(round=2)]
    assert len({due_dates(case, rules)["cn_12315_odr"] for case in moved}) == 1


def test_legal_clocks_are_for_regulation_in_their_own_country_or_for_whom_chose_them():
    assert "cn_12315_odr" not in due_dates(a_case(), policy())
    assert "cn_12315_odr" in due_dates(a_case(regulated=True), policy())
    assert "cn_12315_odr" not in due_dates(a_case(regulated=True), policy(calendar_country="GB"))
    assert "cn_12315_odr" in due_dates(a_case(), policy(legal_clocks=("cn_12315_odr",)))


def test_a_legal_clock_that_was_over_before_a_later_round_is_not_missed_anew():
    case = a_case(regulated=True, round=2)
    assert "cn_12315_odr" not in due_dates(case, policy(), MONDAY_TEN + timedelta(days=60))


def test_a_legal_clock_of_calendar_days_ends_with_the_last_day():
    clock = LegalClock("x", "TW", 15, working_days=False, met_by="answer", source="…", effective_from=date(2020, 1, 1))
    assert clock.due_at(MONDAY_TEN, policy().hours) == datetime(2026, 12, 1, 16, 0, tzinfo=UTC)


def test_a_legal_clock_holds_between_its_dates():
    clock = replace(LEGAL_CLOCKS["cn_12315_odr"], effective_from=date(2026, 1, 1), effective_to=date(2027, 1, 1))
    held = [clock.holds_on(date(*day)) for day in ((2025, 12, 31), (2026, 1, 1), (2026, 12, 31), (2027, 1, 1))]
    assert held == [False, True, True, False]


def test_a_legal_clock_that_does_not_exist_is_no_setting():
    with pytest.raises(ValueError, match="no such legal clock: x"):
        settings(legal_clocks=("x",))


def test_a_step_done_in_time_is_met_and_a_late_one_stays_missed():
    deadline = next(iter(deadlines_of(a_case(), MONDAY_TEN, policy())))
    met = finish(deadline, MONDAY_TEN)
    assert (met.state, met.done_at, met.is_open) == (DeadlineState.MET, MONDAY_TEN, False)
    late = finish(replace(deadline, state=DeadlineState.MISSED), MONDAY_TEN)
    assert (late.state, late.done_at, late.is_open) == (DeadlineState.MISSED, MONDAY_TEN, False)
    assert finish(met, MONDAY_TEN + timedelta(1)) is met


def test_every_clock_knows_the_step_that_ends_it():
    assert [met_by(kind) for kind in clocks.SERVICE_KINDS] == list(clocks.SERVICE_KINDS)
    assert (met_by("cn_12315_odr"), met_by("no longer known")) == ("resolve", "resolve")


# Promises.


def test_a_promise_is_decided_once():
    promise = Promise(ID, ID, 1, "…", MONDAY_TEN, PromiseState.MADE, "agent-1")
    kept = keep(promise)
    assert kept.state is PromiseState.KEPT
    with pytest.raises(PromiseDecided):
        keep(kept)


def test_a_promise_lies_ahead():
    check_ahead(MONDAY_TEN + timedelta(minutes=1), MONDAY_TEN)
    with pytest.raises(PromiseNotAhead):
        check_ahead(MONDAY_TEN, MONDAY_TEN)


# Words.


def test_staff_may_use_the_tokens_and_their_own_words_lose_personal_data():
    assert masked("已联系 ⟦phone:1⟧") == "已联系 ⟦phone:1⟧"
    assert "13800138000" not in masked("已拨打 13800138000")


def test_a_text_to_the_customer_holds_no_data_that_would_be_filled_in_wrongly():
    text = "⟦name:1⟧ 您好，请拨打 400-820-8820"
    with pytest.raises(PersonalDataInText):
        sendable("您的电话 13800138000 无人接听", ())
    assert sendable(text, {"400-820-8820"}) == text
