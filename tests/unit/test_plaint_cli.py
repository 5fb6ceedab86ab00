"""The command line itself: help, wrong usage, exit codes, and both languages."""

import json
from pathlib import Path

import pytest

from plaint.__main__ import run
from plaint.cli import arranged
from shared.api.keys import Keys


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("PLAINT_HOME", str(tmp_path))
    monkeypatch.delenv("PLAINT_KEYS_FILE", raising=False)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.chdir(tmp_path)


def test_options_for_every_command_may_stand_anywhere():
    line = ["lag", "--lang", "zh", "--data=x", "--json", "--", "--lang", "en"]

    assert arranged(line) == (["--lang", "zh", "--json", "lag", "--data=x", "--", "--lang", "en"], "zh")


@pytest.mark.parametrize(("language", "said"), [("zh", "运维命令"), ("en", "The operator's command")])
def test_help_speaks_the_reader_s_language(language, said, capsys):
    assert run(["--help", f"--lang={language}"]) == 0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("command", ["up", "down", "send", "tail", "trace", "lag", "replay", "doctor", "demo"])
def test_every_command_has_help(command, capsys):
    assert run([command, "--help", "--lang", "zh"]) == 0

    shown = capsys.readouterr().out
    assert shown.startswith("用法: plaint")
    assert "Options:" not in shown


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (["lag"], 4, "Nothing runs here"),
        (["down"], 4, "Nothing runs here"),
        (["trace"], 2, "is missing"),
        (["bogus"], 2, "no such command"),
        (["lag", "--bogus"], 2, "--bogus"),
        (["up", "--broker", "rabbit"], 2, "--broker"),
        (["up", "--service", "billing"], 2, "billing"),
        (["lag", "--lang", "fr"], 2, "fr"),
        (["send", "missing.eml"], 1, "missing.eml"),
        (["waiting"], 2, "discard"),
        (["key", "issue", "me", "--scope", "admin"], 2, "--file"),
        (["key", "issue", "me", "--scope", "all", "--file", "k.json"], 2, "intake:write"),
        (["key", "issue", "Me!", "--scope", "admin", "--file", "k.json"], 2, "Me!"),
    ],
)
def test_trouble_is_one_clear_line_and_an_exit_code(line, code, said, capsys):
    assert run(line) == code

    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_trouble_is_told_in_chinese_too(capsys):
    assert run(["lag", "--lang", "zh"]) == 4
    assert "未发现运行中的系统" in capsys.readouterr().err


def test_a_service_that_is_away_is_named(monkeypatch, capsys):
    monkeypatch.setenv("PLAINT_INTAKE_URL", "http://127.0.0.1:9")
    path = Path("words.txt")
    path.write_text("The lamp is broken.")

    assert run(["send", str(path)]) == 4
    assert "intake does not answer at http://127.0.0.1:9" in capsys.readouterr().err


def test_an_issued_key_is_shown_once_and_let_in(tmp_path, capsys):
    file = tmp_path / "keys.json"

    assert run(["key", "issue", "front-desk", "--scope", "intake:write", "--file", str(file)]) == 0

    key = capsys.readouterr().out.strip()
    assert Keys(file).find(key).scopes == {"intake:write"}
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_is_replaced_only_when_asked(tmp_path, capsys):
    issue = ["--json", "key", "issue", "desk", "--scope", "admin", "--file", str(tmp_path / "keys.json")]
    assert run(issue) == 0
    assert run(issue) == 1
    first = json.loads(capsys.readouterr().out)["key"]

    assert run([*issue, "--replace", "--days", "30"]) == 0

    second = json.loads(capsys.readouterr().out)["key"]
    keys = Keys(tmp_path / "keys.json")
    assert keys.find(first) is None
    assert keys.find(second).id == "desk"
