"""Since when."""

from datetime import UTC, datetime

import pytest

from plaint.since import moment
from plaint.trouble import Trouble

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("90s", datetime(2026, 11, 2, 8, 58, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 2, 7, 0, tzinfo=UTC)),
        ("1w", datetime(2026, 10, 26, 9, 0, tzinfo=UTC)),
        ("2026-11-01T10:00:00+08:00", datetime(2026, 11, 1, 2, 0, tzinfo=UTC)),
        ("all", None),
    ],
)
def test_a_time_ago_or_a_moment(since, meant):
    assert moment(since, NOW) == meant


def test_a_moment_without_an_offset_is_this_machine_s():
    assert moment("2026-11-01T10:00:00").utcoffset() is not None


@pytest.mark.parametrize("since", ["", "10", "yesterday", "-3m", "3y"])
def test_anything_else_is_refused(since):
    with pytest.raises(Trouble):
        moment(since, NOW)
