"""Children: started, waited for, stopped, and never left behind."""

import http.server
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from plaint.local.failure import LocalFailure
from plaint.local.ports import free_port
from plaint.local.processes import ServiceProcess
from plaint.local.scratch import scratch_folder


def a_process(tmp_path: Path, *command: str) -> ServiceProcess:
    return ServiceProcess("probe", list(command), dict(os.environ), tmp_path / "logs" / "probe.log")


def wait_until(condition, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def is_asleep(process: ServiceProcess) -> bool:
    """Whether it has become the program it was to become."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"sleep\0")


def runs(pid: int) -> bool:
    """A process nobody has waited for yet is a zombie, and no longer runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stopped_process_ends_by_the_signal_it_was_sent(tmp_path):
    process = a_process(tmp_path, "sleep", "60")
    process.start()
    assert wait_until(lambda: is_asleep(process))

    process.stop()

    assert not process.alive
    assert process.returncode == -signal.SIGTERM


def test_a_process_that_does_not_listen_is_killed_with_its_children(tmp_path):
    process = a_process(tmp_path, "sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait; sleep 60")
    process.start()
    assert wait_until(lambda: process.log_tail().strip())
    child = int(process.log_tail())

    process.stop(timeout=0.2)

    assert process.returncode == -signal.SIGKILL
    assert wait_until(lambda: not runs(child))


def test_starting_twice_starts_one(tmp_path):
    process = a_process(tmp_path, "sleep", "60")
    heard: list[str] = []
    process.start(heard.append)
    pid = process.pid

    process.start(heard.append)

    assert process.pid == pid
    assert heard == ["probe.start"]
    process.kill()


def test_a_process_that_dies_before_it_is_ready_tells_what_it_logged(tmp_path):
    process = a_process(tmp_path, "sh", "-c", "echo out of tea; exit 3")
    process.start()

    with pytest.raises(LocalFailure, match="code 3") as caught:
        process.wait_ready(f"http://127.0.0.1:{free_port()}/readyz", timeout=10)

    assert caught.value.key == "probe.died"
    assert caught.value.log_tail == "out of tea"


def test_the_log_is_appended_to_and_its_tail_is_of_the_latest_start(tmp_path):
    process = a_process(tmp_path, "sh", "-c", "echo $$ says hello")
    for _ in range(2):
        process.start()
        assert wait_until(lambda: not process.alive)

    assert len(process.log.read_text().splitlines()) == 2
    assert process.log_tail() == f"{process.pid} says hello"
    assert process.log.stat().st_mode & 0o777 == 0o600


def test_a_process_that_is_never_ready_is_ended(tmp_path):
    process = a_process(tmp_path, "sleep", "60")
    process.start()

    with pytest.raises(LocalFailure) as caught:
        process.wait_ready(f"http://127.0.0.1:{free_port()}/readyz", timeout=0.2)

    assert caught.value.key == "probe.not_ready"
    assert not process.alive


def test_ready_is_a_successful_answer_and_not_any_answer(tmp_path):
    class Handler(http.server.BaseHTTPRequestHandler):
        answers = iter([503, 503, 200])

        def do_GET(self):
            self.send_response(next(self.answers))
            self.end_headers()

        def log_message(self, *_):
            pass

    process = a_process(tmp_path, "sleep", "60")
    process.start()
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        process.wait_ready(f"http://127.0.0.1:{server.server_port}/readyz")
        server.shutdown()

    assert next(Handler.answers, None) is None
    process.kill()


def test_a_process_outlives_the_thread_that_started_it(tmp_path):
    process = a_process(tmp_path, "sleep", "60")

    def start_it():
        process.start()
        assert wait_until(lambda: is_asleep(process))

    thread = threading.Thread(target=start_it)
    thread.start()
    thread.join()

    assert not wait_until(lambda: not process.alive, seconds=0.3)
    process.kill()


STARTER = """
    import sys, time
    from pathlib import Path
    from plaint.local.postgres import LocalPostgres
    from plaint.local.processes import ServiceProcess
    from plaint.local.tansu import Tansu

    folder = Path(sys.argv[1])
    postgres, tansu = LocalPostgres(folder / "postgres", fast=True), Tansu()
    sleeper = ServiceProcess("sleeper", sys.argv[3:], {}, folder / "sleeper.log")
    for stand_in in (postgres, tansu, sleeper):
        stand_in.start()
    print(postgres._process.pid, tansu._process.pid, sleeper.pid, flush=True)
    if sys.argv[2] == "wait":
        time.sleep(60)
"""


def start_them(folder: Path, then: str, *sleeper: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", textwrap.dedent(STARTER), str(folder), then, *sleeper]
    # A killed starter cannot remove its temporary files, so they go where the test's own are.
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(folder)})


def test_nothing_outlives_a_parent_that_is_killed():
    deaf = ["sh", "-c", "trap '' TERM; sleep 60"]
    with scratch_folder() as folder, start_them(folder, "wait", *deaf) as starter:
        children = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(children) == 3
        assert all(runs(pid) for pid in children)

        starter.kill()

        assert wait_until(lambda: not any(runs(pid) for pid in children))
        assert "database system is shut down" in (folder / "postgres" / "postgres.log").read_text()


def test_nothing_outlives_a_parent_that_forgot_to_stop_it():
    with scratch_folder() as folder, start_them(folder, "leave", "sleep", "60") as starter:
        children = [int(pid) for pid in starter.stdout.readline().split()]
        assert len(children) == 3

        starter.wait(20)

        assert not any(runs(pid) for pid in children)


def test_ports_are_never_handed_out_twice():
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == len(ports)
