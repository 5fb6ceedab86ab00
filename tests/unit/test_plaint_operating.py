"""Commands of the operator's night that need no installation: keys that are taken away, and what is refused at once."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from plaint.__main__ import run
from shared.api.keys import Keys

NAMES = ("INTAKE", "ROUTING", "RESOLUTION", "FOLLOWUP")


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAINT_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)


def test_a_revoked_key_opens_nothing_and_the_others_still_do(tmp_path, capsys):
    file = tmp_path / "keys.json"
    keys = []
    for name in ("old", "new"):
        assert run(["key", "issue", name, "--scope", "admin", "--file", str(file)]) == 0
        keys.append(capsys.readouterr().out.strip())

    assert run(["key", "revoke", "old", "--file", str(file)]) == 0
    assert [Keys(file).find(key) is not None for key in keys] == [False, True]
    assert run(["key", "revoke", "old", "--file", str(file)]) == 1


@pytest.mark.parametrize("line", [["waiting", "retry"], ["waiting", "retry", "CMP-2026-000001", "--all"]])
def test_a_retry_is_of_one_complaint_or_of_all(line, capsys):
    assert run(line) == 2
    assert "--all" in capsys.readouterr().err


@pytest.fixture
def clocks(monkeypatch):
    """Let four services show their clocks, so many seconds of the story apart and so fast."""
    servers = []

    def show(apart, speed):
        for place, name in enumerate(NAMES):
            server = ThreadingHTTPServer(("127.0.0.1", 0), _clock(timedelta(seconds=apart * place), speed))
            servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            monkeypatch.setenv(f"PLAINT_{name}_URL", f"http://127.0.0.1:{server.server_port}")

    yield show
    for server in servers:
        server.shutdown()
        server.server_close()


def _clock(ahead, speed):
    class Clock(BaseHTTPRequestHandler):
        def do_GET(self):
            real = datetime.now(UTC)
            body = json.dumps({"now": (real + ahead).isoformat(), "real": real.isoformat(), "speed": speed}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Clock


@pytest.mark.parametrize(("apart", "speed", "said"), [(0, 1.0, "real time"), (7200, 3600.0, "PLAINT_CLOCK__ANCHOR")])
def test_no_story_is_played_where_none_could_go_as_written(clocks, apart, speed, said, capsys):
    clocks(apart, speed)
    assert run(["demo", "--running"]) == 1
    assert said in capsys.readouterr().err
