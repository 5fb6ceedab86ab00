"""``plaint``, the operator's command: runs one command and turns whatever goes wrong into one line and an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from plaint.cli import arranged, command_in
from plaint.language import reader_language
from plaint.screen import Screen
from plaint.trouble import FAILED, INTERRUPTED, USAGE, Trouble
from plaint.words import Words


def main() -> None:
    """Run the command that the arguments name, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run the command that *arguments* name, and return its exit code (see ``docs/command.md``)."""
    line, asked = arranged(arguments)
    try:
        words = Words(reader_language(asked, os.environ))
    except Trouble as trouble:
        return _tell(Words("en"), trouble)
    return _guarded(words, lambda: command_in(words).main(args=line, prog_name="plaint", standalone_mode=False))


def _guarded(words: Words, work: Callable[[], Any]) -> int:
    try:
        return int(work() or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody should read a traceback
        if os.environ.get("PLAINT_DEBUG"):
            traceback.print_exc()
        return _tell(words, error)


def _tell(words: Words, error: Exception) -> int:
    screen = Screen()
    if isinstance(error, Trouble):
        screen.error(words(error.key, **error.values), error.detail)
        return error.code
    key = getattr(error, "key", None)
    if isinstance(key, str):
        screen.error(_failure(words, key, str(error)), getattr(error, "log_tail", ""))
        return FAILED
    if hasattr(error, "format_message"):
        _correct(screen, words, error)
        return USAGE
    screen.error(words("unexpected", kind=type(error).__name__))
    return FAILED


def _correct(screen: Screen, words: Words, error: Any) -> None:  # noqa: ANN401 - typer keeps its errors to itself
    """Say in the reader's language how the line was wrong."""
    kind, told = type(error).__name__, error.format_message()
    parameter = getattr(error, "param", None)
    name = getattr(error, "option_name", None) or (parameter.opts[0] if parameter is not None else "")
    if kind == "NoArgsIsHelpError":
        screen.progress(told)
    elif kind == "MissingParameter":
        screen.error(words("usage.missing", name=name))
    elif kind == "NoSuchOption":
        screen.error(words("usage.no_option", name=name))
    elif kind == "BadParameter":
        screen.error(words("usage.bad_value", name=name), told)
    elif told.startswith("No such command"):
        screen.error(words("usage.no_command"))
    else:
        screen.error(words("usage.wrong", what=told))


def _failure(words: Words, key: str, told: str) -> str:
    """Say what a stand-in could not do; *told* is its own English sentence, whose first line has the particulars."""
    name, _, what = key.partition(".")
    sentence = f"failure.{key}" if words.known(f"failure.{key}") else f"failure.any.{what}"
    return words(sentence, name=name, told=told.splitlines()[0])


if __name__ == "__main__":
    main()
