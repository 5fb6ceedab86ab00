"""What dies is started again."""

import sys
import time

from plaint.local.processes import ServiceProcess
from plaint.supervisor import Supervisor


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def sleeper(tmp_path, seconds=60):
    command = [sys.executable, "-S", "-c", f"import time; time.sleep({seconds})"]
    return ServiceProcess("sleeper", command, {}, tmp_path / "log")


def test_a_killed_process_comes_back(tmp_path):
    process, told = sleeper(tmp_path), []
    process.start()
    supervisor = Supervisor({"sleeper": process}, told.append)
    supervisor.start()
    before = process.pid

    process.kill()
    wait_for(lambda: process.alive)

    supervisor.stop()
    assert process.pid != before
    assert told == ["sleeper.again"]
    process.kill()
    time.sleep(0.7)
    assert not process.alive


def test_one_that_keeps_dying_is_started_less_and_less_often(tmp_path):
    process, told = sleeper(tmp_path, seconds=0), []
    supervisor = Supervisor({"sleeper": process}, told.append)

    supervisor.start()
    time.sleep(3.2)
    supervisor.stop()

    # At 0.5 s, again after 1, then after 2: without the pauses there would be six.
    assert 2 <= len(told) <= 3
    process.kill()
