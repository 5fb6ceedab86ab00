from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from services.followup.domain.callback import (
    Attempt,
    Callback,
    CallbackPolicy,
    Ending,
    State,
    attempt,
    check_seen,
    end,
    give_up,
    is_satisfied,
    pass_over,
    rate,
    resume,
    schedule,
)
from services.followup.domain.refusals import CallbackNotDue, ChangedMeanwhile
from services.followup.settings import FollowupSettings

SHANGHAI = ZoneInfo("Asia/Shanghai")
MORNING = datetime(2026, 11, 16, 10, 0, tzinfo=SHANGHAI)
POLICY = FollowupSettings(database_url="postgresql://x@127.0.0.1/x").policy(2026)
RESOLVED = Callback(UUID(int=1), number="CMP-2026-000001", round=1, resolved_at=MORNING)
PLANNED = schedule(RESOLVED, POLICY)


def at(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=SHANGHAI)


class TestSchedule:
    def test_a_day_after_the_resolution(self):
        assert (PLANNED.state, PLANNED.due_at, PLANNED.asked_round) == (State.SCHEDULED, at(17, 10), 1)

    @pytest.mark.parametrize(
        ("resolved_at", "due_at"),
        [
            (at(16, 3), at(17, 9)),
            (at(16, 9), at(17, 9)),
            (at(16, 19, 59), at(17, 19, 59)),
            (at(16, 20), at(18, 9)),
            (at(16, 23), at(18, 9)),
            (at(20, 22), at(22, 9)),
        ],
    )
    def test_nobody_is_called_at_night(self, resolved_at, due_at):
        planned = schedule(Callback(UUID(int=1), number="n", round=1, resolved_at=resolved_at), POLICY)
        assert planned.due_at == due_at

    def test_only_what_was_resolved(self):
        with pytest.raises(ValueError, match="resolved"):
            schedule(Callback(UUID(int=1), number="n"), POLICY)

    def test_a_new_round_starts_afresh(self):
        rated = rate(attempt(PLANNED, Attempt.ANSWERED, at(17, 10), POLICY), 2)
        again = schedule(
            Callback(UUID(int=1), round=2, resolved_at=at(20, 10), score=rated.score, attempts=rated.attempts), POLICY
        )
        assert (again.attempts, again.score, again.asked_round) == (0, None, 2)

    def test_is_due_when_resolved_known_and_not_ended(self):
        assert RESOLVED.should_schedule
        assert not PLANNED.should_schedule
        assert not Callback(UUID(int=1), round=1, resolved_at=MORNING).should_schedule
        assert not end(RESOLVED, Ending.WITHDRAWN).should_schedule


class TestAttempts:
    def test_an_answer_ends_the_calling(self):
        after = attempt(PLANNED, Attempt.ANSWERED, at(17, 11), POLICY)
        assert (after.state, after.due_at, after.attempts) == (State.REACHED, None, 1)

    @pytest.mark.parametrize("outcome", [Attempt.NO_ANSWER, Attempt.BUSY, Attempt.WRONG_PERSON])
    def test_without_one_the_next_call_is_planned_within_the_hours(self, outcome):
        assert attempt(PLANNED, outcome, at(17, 11), POLICY).due_at == at(17, 15)
        assert attempt(PLANNED, outcome, at(17, 17), POLICY).due_at == at(18, 9)

    def test_three_are_enough(self):
        callback = PLANNED
        for day in (17, 18):
            callback = attempt(callback, Attempt.NO_ANSWER, at(day, 10), POLICY)
            assert callback.state is State.SCHEDULED
        callback = attempt(callback, Attempt.NO_ANSWER, at(19, 10), POLICY)
        assert (callback.state, callback.due_at, callback.attempts) == (State.ABANDONED, None, 3)

    def test_who_refuses_is_left_alone(self):
        assert attempt(PLANNED, Attempt.REFUSED, at(17, 10), POLICY).state is State.ABANDONED

    @pytest.mark.parametrize("callback", [RESOLVED, give_up(PLANNED), end(PLANNED, Ending.LINKED), rate(PLANNED, 4)])
    def test_a_call_that_was_not_due_is_refused(self, callback):
        with pytest.raises(CallbackNotDue):
            attempt(callback, Attempt.ANSWERED, at(17, 10), POLICY)


class TestRating:
    @pytest.mark.parametrize(
        ("score", "resolved", "satisfied"),
        [(5, True, True), (3, True, True), (2, True, False), (1, True, False), (5, False, False)],
    )
    def test_satisfied_is_a_fair_score_and_a_solved_problem(self, score, resolved, satisfied):
        assert is_satisfied(score, resolved=resolved) is satisfied

    @pytest.mark.parametrize(
        "callback", [PLANNED, give_up(PLANNED), attempt(PLANNED, Attempt.ANSWERED, MORNING, POLICY)]
    )
    def test_may_come_before_during_and_after_the_calls(self, callback):
        rated = rate(callback, 4)
        assert (rated.state, rated.score, rated.due_at) == (State.RATED, 4, None)

    @pytest.mark.parametrize("callback", [RESOLVED, rate(PLANNED, 4), end(PLANNED, Ending.ERASED)])
    def test_once_for_a_round_that_was_asked_about(self, callback):
        with pytest.raises(CallbackNotDue):
            rate(callback, 4)


class TestEnding:
    def test_a_link_undone_returns_to_where_it_was(self):
        rated = rate(PLANNED, 5)
        for before, state in [(RESOLVED, State.NONE), (rated, State.RATED), (give_up(PLANNED), State.ABANDONED)]:
            after = resume(end(before, Ending.LINKED))
            assert (after.state, after.asked_round) == (state, before.asked_round)
            assert after.should_schedule == before.should_schedule

    def test_a_call_that_was_planned_is_planned_anew_when_a_link_is_undone(self):
        assert resume(end(PLANNED, Ending.LINKED)).should_schedule

    @pytest.mark.parametrize("ending", [Ending.WITHDRAWN, Ending.ERASED])
    def test_undoing_a_link_undoes_nothing_graver(self, ending):
        for callback in (end(end(PLANNED, Ending.LINKED), ending), end(end(PLANNED, ending), Ending.LINKED)):
            assert callback.ending is ending
            assert resume(callback).state is State.OVER


class TestPassingOver:
    def test_a_closed_round_is_not_asked_about(self):
        assert pass_over(PLANNED, 1).state is State.ABANDONED
        assert not pass_over(RESOLVED, 1).should_schedule

    def test_what_was_asked_stays_as_it_was_answered(self):
        for asked in (rate(PLANNED, 5), attempt(PLANNED, Attempt.ANSWERED, MORNING, POLICY)):
            after = pass_over(asked, 1)
            assert (after.state, after.score, after.revision) == (asked.state, asked.score, asked.revision)

    def test_an_earlier_round_passes_over_nothing_later(self):
        second = schedule(Callback(UUID(int=1), number="n", round=2, asked_round=1, resolved_at=MORNING), POLICY)
        assert pass_over(second, 1).state is State.SCHEDULED


def test_who_saw_an_older_state_is_told_the_newer_revision():
    check_seen(PLANNED, PLANNED.revision)
    with pytest.raises(ChangedMeanwhile) as refusal:
        check_seen(PLANNED, PLANNED.revision - 1)
    assert refusal.value.values == {"revision": PLANNED.revision}


def test_the_hours_are_settings():
    settings = FollowupSettings(
        database_url="postgresql://x@127.0.0.1/x",
        calling_from=time(10),
        calling_until=time(12),
        callback_delay=timedelta(hours=1),
        time_zone="UTC",
    )
    policy = settings.policy(2026)
    assert isinstance(policy, CallbackPolicy)
    late = datetime(2026, 11, 16, 11, 30, tzinfo=UTC)
    planned = schedule(Callback(UUID(int=1), number="n", round=1, resolved_at=late), policy)
    assert planned.due_at == datetime(2026, 11, 17, 10, 0, tzinfo=UTC)
