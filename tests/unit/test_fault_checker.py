"""The checker of the fault suite finds what is wrong with a history, and nothing wrong with a good one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.faults.checker import Deadline, Evidence, Fact, broken, unfinished
from tests.faults.recorder import Heard

A = UUID(int=1)
NOW = datetime(2026, 11, 18, 2, tzinfo=UTC)
DUE = NOW - timedelta(seconds=30)
HEARS = {
    "intake": ("resolution", "followup"),
    "routing": ("intake", "resolution"),
    "resolution": ("intake", "routing", "followup"),
    "followup": ("intake", "resolution"),
}


def fact(source, sequence, name, cause=None, at=NOW, **data):
    event_id = UUID(int=hash((source, sequence)) % 2**64)
    written_at = at if at > DUE else NOW
    return Fact(source, A, sequence, event_id, f"{source}.{name}.v1", at, written_at, cause, data, sequence)


RECEIVED = fact("intake", 1, "complaint.received", at=DUE - timedelta(seconds=5))
WRITTEN = fact("intake", 2, "message.received", at=DUE - timedelta(seconds=4))
ROUTED = fact("routing", 1, "complaint.routed", RECEIVED.id, at=DUE - timedelta(seconds=4))
OPENED = fact("resolution", 1, "case.opened", ROUTED.id, at=DUE - timedelta(seconds=3), round=1)
COUNTED = fact("resolution", 2, "message.requested", WRITTEN.id, at=DUE - timedelta(seconds=2), purpose="thanks")
MISSED = fact("resolution", 3, "deadline.missed", at=DUE, due_at=DUE.isoformat(), round=1, kind="answer")


def heard(each):
    return Heard(each.source, each.subject, each.sequence, each.id, each.type, each.digest)


@pytest.fixture
def good():
    histories = {
        "intake": [RECEIVED, WRITTEN],
        "routing": [ROUTED],
        "resolution": [OPENED, COUNTED, MISSED],
        "followup": [],
    }
    length = {service: len(facts) for service, facts in histories.items()}
    return Evidence(
        answered={A},
        stored={A},
        histories=histories,
        settled=dict(length),
        last={service: {A: count} if count else {} for service, count in length.items()},
        hears=HEARS,
        positions={
            s: {(source, A): length[source] for source in heard if length[source]} for s, heard in HEARS.items()
        },
        waiting={service: [] for service in HEARS},
        timers={service: [] for service in HEARS},
        messages={A: 1},
        heard=[heard(each) for facts in histories.values() for each in facts],
        now=dict.fromkeys(HEARS, NOW),
    )


def found(evidence):
    return {problem.partition(": ")[0] for problem in [*broken(evidence), *unfinished(evidence)]}


def test_a_good_history_is_good(good):
    assert found(good) == set()


def test_an_answered_complaint_that_was_lost(good):
    good.answered = {A, UUID(int=2)}
    assert found(good) == {"every_answered_complaint_is_stored"}


def test_a_complaint_that_was_taken_in_twice(good):
    good.stored = {A, UUID(int=2)}
    assert found(good) == {"nothing_is_stored_that_was_not_answered"}


def test_a_complaint_with_two_cases(good):
    again = replace(OPENED, sequence=4, id=UUID(int=9))
    good.histories["resolution"] = [*good.histories["resolution"], again]
    good.settled["resolution"] = 3
    assert {"no_complaint_has_two_cases", "effects_are_single"} <= found(good)


def test_a_complaint_without_a_case(good):
    good.histories["resolution"] = []
    assert "every_complaint_has_a_case" in found(good)


def test_a_history_with_a_gap(good):
    good.histories["resolution"] = [OPENED, MISSED]
    assert "histories_are_numbered_without_gap" in found(good)


def test_a_history_with_a_swap(good):
    good.histories["resolution"] = [COUNTED, OPENED, MISSED]
    assert "histories_are_numbered_without_gap" in found(good)


def test_a_sequence_that_was_given_and_never_written(good):
    good.last["resolution"] = {A: 4}
    assert found(good) == {"histories_are_numbered_without_gap"}


def test_an_event_that_was_not_applied(good):
    good.positions["resolution"] = {("intake", A): 1, ("routing", A): 1}
    good.messages = {A: 0}
    assert found(good) == {"everything_is_applied"}


def test_an_event_that_waits_unplanned(good):
    good.positions["followup"] = {("intake", A): 1, ("resolution", A): 3}
    good.waiting["followup"] = [("intake", A, 2, "error")]
    assert found(good) == {"only_what_was_planted_waits"}


def test_an_event_that_waits_because_it_was_planted(good):
    good.positions["followup"] = {("intake", A): 1, ("resolution", A): 3}
    good.waiting["followup"] = [("intake", A, 2, "error")]
    good.planted = {A}
    assert found(good) == set()


def test_a_position_beyond_what_was_said(good):
    good.positions["followup"] = {("intake", A): 2, ("resolution", A): 4}
    assert found(good) == {"every_position_is_within_the_history"}


def test_an_event_that_was_applied_twice(good):
    good.messages = {A: 2}
    assert found(good) == {"messages_are_counted_once"}


def test_an_effect_that_was_said_twice(good):
    again = replace(COUNTED, sequence=4, id=UUID(int=9))
    good.histories["resolution"] = [*good.histories["resolution"], again]
    good.settled["resolution"] = 3
    assert found(good) == {"effects_are_single"}


def test_events_that_were_applied_in_another_order(good):
    swapped = [OPENED, replace(COUNTED, cause=WRITTEN.id), replace(MISSED, cause=RECEIVED.id)]
    good.histories["resolution"] = swapped
    assert "effects_follow_in_the_order_of_their_causes" in found(good)


def test_a_record_without_a_row(good):
    good.heard = [*good.heard, replace(good.heard[-1], sequence=4)]
    assert found(good) == {"what_is_heard_was_written"}


def test_a_record_that_says_something_else_than_its_row(good):
    good.heard = [*good.heard[:-1], replace(good.heard[-1], digest=99)]
    assert found(good) == {"what_is_heard_was_written"}


def test_an_event_that_was_never_published(good):
    good.heard = good.heard[:-1]
    assert found(good) == {"everything_is_heard"}


def test_records_in_another_order(good):
    first, second, *rest = good.heard
    good.heard = [second, first, *rest]
    assert found(good) == {"records_come_in_order"}


def test_records_that_come_again(good):
    good.heard = [*good.heard, *good.heard]
    assert found(good) == set()


def test_a_timer_that_fired_early(good):
    good.own_time = lambda _service, _real: DUE - timedelta(seconds=1)
    assert found(good) == {"no_timer_fires_early"}


def test_a_timer_that_fired_twice(good):
    good.histories["resolution"] = [*good.histories["resolution"], replace(MISSED, sequence=4, id=UUID(int=9))]
    good.settled["resolution"] = 3
    assert found(good) == {"no_timer_fires_twice"}


def test_a_breach_that_bears_the_time_of_catching_up(good):
    good.histories["resolution"] = [OPENED, COUNTED, replace(MISSED, at=NOW)]
    assert found(good) == {"a_breach_bears_the_time_it_was_due"}


def test_a_round_that_began_when_its_time_was_over(good):
    good.histories["resolution"] = [replace(OPENED, at=NOW), replace(COUNTED, at=NOW), replace(MISSED, at=NOW)]
    assert found(good) == set()


def test_a_timer_that_nobody_rang(good):
    good.timers["resolution"] = [Deadline(A, "due:answer", DUE)]
    assert found(good) == {"no_timer_is_lost"}


def test_a_deadline_that_nobody_noticed(good):
    good.running = [Deadline(A, "answer", DUE)]
    assert found(good) == {"no_timer_is_lost"}
