"""The time that all processes agree on, and the one a test holds still."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime.clock import Clock
from shared.testing.clock import MONDAY_MORNING, FrozenClock

HOUR = timedelta(hours=1)


def test_without_an_origin_it_is_the_real_time():
    before = datetime.now(UTC)
    assert before <= Clock().now() <= datetime.now(UTC)


def test_two_processes_with_the_same_settings_agree():
    anchor = datetime.now(UTC) - HOUR
    clocks = [Clock(MONDAY_MORNING, anchor, speed=24.0) for _ in range(2)]

    first, second = (clock.now() for clock in clocks)

    assert timedelta(0) <= second - first < timedelta(minutes=5)
    assert timedelta(hours=24) <= first - MONDAY_MORNING < timedelta(hours=25)


def test_real_seconds_are_fewer_when_the_clock_runs_faster():
    clock = Clock(MONDAY_MORNING, datetime.now(UTC), speed=3600.0)

    assert clock.real_seconds_until(MONDAY_MORNING + HOUR) == pytest.approx(1.0, abs=0.2)
    assert clock.real_seconds_until(MONDAY_MORNING - HOUR) == pytest.approx(-1.0, abs=0.2)


def test_a_frozen_clock_moves_only_when_told():
    clock = FrozenClock()
    assert clock.now() == clock.now() == MONDAY_MORNING

    clock.move(HOUR)
    assert clock.now() == MONDAY_MORNING + HOUR
    clock.set(MONDAY_MORNING)
    assert clock.now() == MONDAY_MORNING
    assert clock.real_seconds_until(MONDAY_MORNING + HOUR) == 3600
