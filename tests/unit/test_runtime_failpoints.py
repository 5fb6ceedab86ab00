"""Places where a test may make a process die, stall or raise; nothing happens there otherwise."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.runtime import failpoints

PASS = "import asyncio; from shared.runtime.failpoints import reach; asyncio.run(reach('door.after_commit'))"


def run_with(planted):
    return subprocess.run(
        [sys.executable, "-c", PASS], env={failpoints.VARIABLE: planted}, capture_output=True, check=False
    )


def test_what_the_environment_plants_is_read_by_name():
    assert failpoints.planted({}) == {}
    assert failpoints.planted({failpoints.VARIABLE: "door.after_commit=kill,relay.after_send=sleep:5"}) == {
        "door.after_commit": "kill",
        "relay.after_send": "sleep:5",
    }


async def test_a_place_where_nothing_is_planted_is_passed(monkeypatch):
    await failpoints.reach("door.after_commit")
    monkeypatch.setitem(failpoints._PLANTED, "another.place", "raise")
    await failpoints.reach("door.after_commit")


async def test_a_planted_place_raises_or_stalls(monkeypatch):
    monkeypatch.setitem(failpoints._PLANTED, "here", "raise")
    monkeypatch.setitem(failpoints._PLANTED, "there", "sleep:0.05")

    with pytest.raises(failpoints.Failpoint, match="here"):
        await failpoints.reach("here")
    start = time.monotonic()
    await failpoints.reach("there")
    assert time.monotonic() - start >= 0.05


async def test_a_planted_place_stops_the_whole_loop_once(monkeypatch):
    monkeypatch.setitem(failpoints._PLANTED, "here", "block:0.1")
    ticks = []

    async def tick():
        while True:
            ticks.append(time.monotonic())
            await asyncio.sleep(0.01)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0.03)
    start = time.monotonic()
    await failpoints.reach("here")
    stopped = time.monotonic() - start
    await failpoints.reach("here")
    ticking.cancel()

    assert stopped >= 0.1
    assert time.monotonic() - start < 0.2
    assert not [at for at in ticks if start < at < start + 0.1]


@pytest.mark.parametrize(("planted", "code"), [("", 0), ("door.after_commit=kill", -signal.SIGKILL)])
def test_a_process_dies_at_a_place_where_that_is_planted(planted, code):
    assert run_with(planted).returncode == code


def test_every_place_that_is_reached_is_named_in_the_documentation_and_none_else():
    folder = Path(failpoints.__file__).parent
    reached = {
        name
        for path in folder.glob("*.py")
        for name in re.findall(r'failpoints\.reach\("([a-z_.]+)"\)', path.read_text())
    }
    assert reached == set(re.findall(r"``((?:consumer|door|worker|relay)\.[a-z_]+)``", failpoints.__doc__))
