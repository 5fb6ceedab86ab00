"""What reaches the reader's terminal, and what a program gets."""

import io
import json

from plaint.screen import Screen, harmless


def test_a_terminal_is_not_made_to_obey_what_a_customer_wrote():
    assert harmless("a\x1b[31mb\x07\u202e\x9bc\r\nd") == "a [31mb   c \nd"


def test_without_a_terminal_text_is_plain_and_whole():
    out = io.StringIO()
    screen = Screen(out=out, err=io.StringIO())

    screen.show([{"a": "漏" * 200, "b": "[bold]x[/bold] :smile:"}], {"A": lambda i: i["a"], "B": lambda i: i["b"]}, "")

    assert "\x1b" not in out.getvalue()
    assert "漏" * 200 in out.getvalue()
    assert "[bold]x[/bold] :smile:" in out.getvalue()


def test_json_is_one_object_a_line_and_nothing_else():
    out = io.StringIO()
    screen = Screen(as_json=True, out=out, err=io.StringIO())

    screen.say("hello")
    screen.show([{"a": "漏\n水"}, {"a": 2}], {"A": lambda item: item["a"]}, "none")

    assert [json.loads(line) for line in out.getvalue().splitlines()] == [{"a": "漏\n水"}, {"a": 2}]


def test_an_empty_table_says_so():
    out = io.StringIO()

    Screen(out=out, err=io.StringIO()).show([], {"A": str}, "Nothing waits.")

    assert out.getvalue() == "Nothing waits.\n"
