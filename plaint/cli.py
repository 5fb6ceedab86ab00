"""Put the commands together, in the reader's language."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import typer.main

from plaint.commands.classify import classify
from plaint.commands.demo import demo
from plaint.commands.doctor import doctor
from plaint.commands.key import key
from plaint.commands.lag import lag, replay
from plaint.commands.model import model
from plaint.commands.send import send
from plaint.commands.tail import tail
from plaint.commands.trace import trace
from plaint.commands.up import down, up
from plaint.commands.waiting import waiting
from plaint.screen import Screen
from plaint.session import Session
from plaint.words import Words

_NAME: Final = "plaint"
_EVERYWHERE: Final = {"--json": 0, "--lang": 1}
"""Options that may stand anywhere in the line, and how many values each takes."""


def command_in(words: Words) -> Any:  # noqa: ANN401 - typer keeps the type of its commands to itself
    """
    Return the whole command; its help speaks the language of *words*.

    Help texts come from the catalogue: of a command under ``help.<its name>``, of an option under the key that stands
    for its help in the code.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(_session(words))
    for command in (demo, up, down, send, tail, trace, classify, lag, replay, doctor):
        app.command()(command)
    app.add_typer(waiting, name="waiting")
    app.add_typer(key, name="key")
    app.add_typer(model, name="model")
    whole = typer.main.get_command(app)
    _translate(whole, _NAME, words)
    return whole


def _session(words: Words) -> Any:  # noqa: ANN401 - a function that only typer calls
    def begin(
        context: typer.Context,
        data: Annotated[Path | None, typer.Option(envvar="PLAINT_DATA", help="any.data")] = None,
        lang: Annotated[str | None, typer.Option(help="any.lang", metavar="zh|en")] = None,
        *,
        as_json: Annotated[bool, typer.Option("--json", help="any.json")] = False,
    ) -> None:
        """Note what holds for every command."""
        del lang  # read before the command was put together
        context.obj = Session(words, Screen(as_json=as_json), data)

    return begin


def _translate(command: Any, name: str, words: Words) -> None:  # noqa: ANN401 - as above
    command.help = command.short_help = words(f"help.{name}")
    for parameter in command.params:
        if getattr(parameter, "help", None):
            parameter.help = words(f"help.{parameter.help}")
    in_english = command.get_help
    command.get_help = lambda context: _with_headings(in_english(context), words)
    for child_name, child in getattr(command, "commands", {}).items():
        _translate(child, child_name if name == _NAME else f"{name}.{child_name}", words)


def _with_headings(text: str, words: Words) -> str:
    """Put the reader's words for what typer itself says."""
    for heading in ("Usage", "Options", "Commands", "Arguments"):
        text = re.sub(rf"^{heading}:", f"{words(f'heading.{heading.lower()}')}:", text, flags=re.MULTILINE)
    text = text.replace("Show this message and exit.", words("help.any.help"))
    return text.replace("[required]", f"[{words('mark.required')}]").replace(
        "[default: ", f"[{words('mark.default')}: "
    )


def arranged(arguments: list[str]) -> tuple[list[str], str | None]:
    """
    Move the options that may stand anywhere to the front, and return the language asked for, if one is.

    What follows ``--`` is left alone.
    """
    end = arguments.index("--") if "--" in arguments else len(arguments)
    front: list[str] = []
    rest: list[str] = []
    left = iter(arguments[:end])
    for argument in left:
        name, equals, _ = argument.partition("=")
        if name not in _EVERYWHERE:
            rest.append(argument)
            continue
        front.append(argument)
        if _EVERYWHERE[name] and not equals:
            front.extend(value for value in [next(left, None)] if value is not None)
    return [*front, *rest, *arguments[end:]], _language(front)


def _language(front: list[str]) -> str | None:
    asked = None
    for place, argument in enumerate(front):
        name, equals, value = argument.partition("=")
        if name == "--lang":
            asked = value if equals else next(iter(front[place + 1 :]), None)
    return asked
