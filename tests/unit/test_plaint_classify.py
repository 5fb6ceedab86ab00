"""``plaint classify``: texts in, causes out, with nothing running."""

import json
import os
import subprocess
import sys

FIELDS = [
    *("id", "cause", "confidence", "secondary", "runner_up", "probabilities", "manner", "severity", "is_complaint"),
    *("grounds", "model"),
]


def plaint(*arguments, given=b""):
    environment = {**os.environ, "PLAINT_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "plaint", *arguments]
    return subprocess.run(command, input=given, capture_output=True, env=environment, check=False)


def test_lines_are_answered_in_order_and_a_broken_one_is_told_by_its_number():
    long = "x" * 200_000
    lines = [
        json.dumps({"id": "a", "text": "说好周三来装空调，今天都周五了", "channel": "chat", "lang": "zh"}),
        "{broken",
        json.dumps({"id": 3, "text": ""}),
        json.dumps({"no": "text"}),
        "[" * 200_000,
        json.dumps({"id": None, "text": long}),
        '{"id": "last", "text": "The lid cracked and it leaks everywhere"}',
    ]
    done = plaint("classify", "--jsonl", given="\n".join(lines).encode() + b"\n\xff\n")

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [answer["id"] for answer in answers] == ["a", 3, None, "last"]
    assert all(list(answer) == FIELDS for answer in answers)
    assert [answers[0]["cause"], answers[-1]["cause"]] == ["broken_promise", "quality"]
    assert [f"Line {number} was left out" in done.stderr.decode() for number in range(1, 9)] == [
        *(False, True, False, True, True, False, False, True)
    ]


def test_good_lines_alone_end_well():
    done = plaint("classify", "--jsonl", given=b'{"id": 1, "text": "late again"}\n')

    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, b"", 1)


def test_one_text_is_explained_to_a_person_in_the_script_of_the_text():
    simplified = plaint("--lang", "zh", "classify", "说好三天到账，现在第十一天了").stdout.decode()
    traditional = plaint("--lang", "zh", "classify", "說好三天到賬，現在第十一天了").stdout.decode()
    english = plaint("--lang", "en", "classify", "說好三天到賬，現在第十一天了").stdout.decode()

    assert "承诺未兑现" in simplified
    assert "承諾未兌現" in traditional
    assert "broken promise" in english


def test_neither_text_nor_lines_is_a_mistake_in_the_command():
    assert plaint("classify").returncode == plaint("classify", "text", "--jsonl").returncode == 2
