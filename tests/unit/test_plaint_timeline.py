"""One order out of what four services said."""

from hypothesis import given
from hypothesis import strategies as st

from plaint.timeline import in_order, is_closed


def said(name, source, sequence, second=0, cause=None, kind="x"):
    time = f"2026-11-02T09:00:{second:02}+00:00"
    return {
        "id": name,
        "type": kind,
        "source": source,
        "sequence": sequence,
        "time": time,
        "causationid": cause,
        "data": {},
    }


def names(events):
    return [event["id"] for event in in_order(events)]


def test_earlier_events_come_first():
    assert names([said("b", "routing", 1, 5), said("a", "intake", 1, 3)]) == ["a", "b"]


def test_within_an_instant_a_cause_comes_before_its_effect():
    assert names([said("b", "followup", 1, cause="a"), said("a", "resolution", 1)]) == ["a", "b"]


def test_a_cause_on_a_clock_that_is_ahead_still_comes_first():
    assert names([said("effect", "routing", 1, 1, cause="cause"), said("cause", "intake", 1, 2)]) == ["cause", "effect"]


def test_a_service_keeps_its_own_order():
    assert names([said("second", "intake", 2, 1), said("first", "intake", 1, 2)]) == ["first", "second"]


def test_a_circle_of_causes_hides_nothing():
    circle = [said("a", "intake", 1, 1, cause="b"), said("b", "routing", 1, 2, cause="a")]

    assert names(circle) == ["a", "b"]


@given(st.data())
def test_every_event_is_told_once_and_after_its_cause(data):
    sources = ["intake", "routing", "resolution", "followup"]
    events = []
    for number in range(data.draw(st.integers(1, 12))):
        source = data.draw(st.sampled_from(sources))
        sequence = sum(event["source"] == source for event in events) + 1
        cause = data.draw(st.sampled_from([None, *(event["id"] for event in events)]))
        events.append(said(str(number), source, sequence, data.draw(st.integers(0, 59)), cause))

    told = names(data.draw(st.permutations(events)))

    assert sorted(told) == sorted(event["id"] for event in events)
    for event in events:
        assert event["causationid"] is None or told.index(event["causationid"]) < told.index(event["id"])


def test_a_case_is_closed_until_it_is_reopened():
    closed = said("c", "resolution", 1, kind="resolution.case.closed.v1")
    reopened = said("r", "resolution", 2, kind="resolution.case.reopened.v1")

    assert not is_closed([])
    assert is_closed([closed])
    assert not is_closed([closed, reopened])
    assert is_closed([closed, reopened, closed])
