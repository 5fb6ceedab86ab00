"""``plaint classify``: texts in, causes out, with nothing running."""

import json
import os
import signal
import subprocess
import sys
import time

FIELDS = [
    *("id", "cause", "sub_cause", "confidence", "secondary", "runner_up", "probabilities", "manner", "severity"),
    *("is_complaint", "grounds", "model", "basis"),
]


def plaint(*arguments, given=b""):
    environment = {**os.environ, "PLAINT_LANG": "en", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "plaint", *arguments]
    return subprocess.run(command, input=given, capture_output=True, env=environment, check=False)


def started(*more, **pipes):
    command = [sys.executable, "-m", "plaint", "classify", "--jsonl", "--fast", *more]
    environment = {**os.environ, "PLAINT_LANG": "en"}
    # What a shell starts in the background ignores interrupts, and so would its children.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True, **pipes)
    finally:
        signal.signal(signal.SIGINT, former)


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


def test_several_processes_answer_as_one_does():
    lines = [json.dumps({"id": place, "text": f"late again, {place} days"}) for place in range(1_000)]
    lines[700] = "{broken"
    given = "\n".join(lines).encode()
    alone, together = (plaint("classify", "--jsonl", "--fast", "--jobs", jobs, given=given) for jobs in ("1", "3"))

    assert together.stdout == alone.stdout
    assert len(together.stdout.splitlines()) == 999
    assert together.returncode == alone.returncode == 1
    assert "Line 701 was left out" in together.stderr.decode()


def test_processes_end_quietly_when_interrupted_and_when_nobody_reads(tmp_path):
    lines = "".join(json.dumps({"id": place, "text": "late again"}) + "\n" for place in range(900)).encode()
    given, found = tmp_path / "in", tmp_path / "out"
    given.write_bytes(lines)
    with found.open("wb") as out, started("--jobs", "2", stdin=subprocess.PIPE, stdout=out) as process:
        process.stdin.write(lines)
        process.stdin.flush()
        until = time.monotonic() + 60
        while found.read_bytes().count(b"\n") < 150 and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)  # by now every process waits for more
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to all of them
        assert process.wait(30) == 130
        assert b"Traceback" not in process.stderr.read()
    with given.open("rb") as lines, started("--jobs", "2", stdin=lines, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        process.wait(30)
        assert b"Traceback" not in process.stderr.read()


def test_no_lines_are_no_trouble():
    assert plaint("classify", "--jsonl", "--jobs", "2").returncode == 0


def test_a_fast_answer_rests_on_the_words_alone():
    text = "They came, they went, and here I am again with the same thing as before."
    given = json.dumps({"id": 1, "text": text}).encode()
    fast, usual = (json.loads(plaint("classify", "--jsonl", *more, given=given).stdout) for more in (["--fast"], []))

    assert (fast["basis"], usual["basis"]) == ("words", "meaning")


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
