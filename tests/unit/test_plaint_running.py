"""How one command finds what another has started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plaint.running import Installation, announced, home, installation, running, stack_in
from plaint.trouble import Trouble


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAINT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def stack(tmp_path) -> Installation:
    key_file = tmp_path / "operator.key"
    key_file.write_text("plaint_operator_secret\n")
    return Installation({"intake": "http://127.0.0.1:1"}, "127.0.0.1:2", "p.", "x", key_file, None, "Tansu", tmp_path)


def test_what_runs_is_found_with_its_key_as_long_as_it_runs(stack):
    with announced(stack):
        found = running()[0]
        kept = next((home() / "running").iterdir()).read_text()

    assert found.urls == stack.urls
    assert (found.bootstrap, found.prefix, found.data) == (stack.bootstrap, stack.prefix, stack.data)
    assert (found.key, found.pid) == ("plaint_operator_secret", os.getpid())
    assert "plaint_operator_secret" not in kept
    assert running() == []


def test_what_was_killed_is_not_found_and_swept_away():
    script = (
        "import os, signal; from pathlib import Path; from plaint.running import *\n"
        "with announced(Installation({'intake': 'x'})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert list((home() / "running").iterdir())

    assert running() == []
    assert not list((home() / "running").iterdir())


def test_a_stack_is_meant_by_its_folder(stack, tmp_path):
    with announced(stack):
        assert stack_in(tmp_path).data == tmp_path
        assert stack_in(None).data == tmp_path
        assert stack_in(tmp_path / "other") is None


def test_the_environment_goes_first(stack):
    named = {
        "PLAINT_ROUTING_URL": "https://routing.example.com/",
        "PLAINT_API_KEY": "plaint_me_1",
        "PLAINT_KAFKA__BOOTSTRAP_SERVERS": "kafka:9092",
        "PLAINT_KAFKA__PREFIX": "",
        "PLAINT_KEYS_FILE": "/etc/plaint/keys.json",
    }
    with announced(stack):
        found = installation(named)

    assert found.urls == {"intake": "http://127.0.0.1:1", "routing": "https://routing.example.com"}
    assert (found.key, found.bootstrap, found.prefix) == ("plaint_me_1", "kafka:9092", "")
    assert found.keys_file == Path("/etc/plaint/keys.json")


def test_nothing_running_and_nothing_named_is_said_so():
    with pytest.raises(Trouble) as nothing:
        installation({})

    assert (nothing.value.key, nothing.value.code) == ("nothing.running", 4)
