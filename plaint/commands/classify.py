"""``plaint classify``: name the cause of a text, or of a file of them, with nothing running."""

import sys
from importlib import import_module
from typing import Annotated

import typer

from plaint.session import session_of
from plaint.trouble import USAGE, Trouble


def classify(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="classify.text", metavar="TEXT")] = None,
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="classify.jsonl")] = False,
    jobs: Annotated[int, typer.Option("--jobs", help="classify.jobs", min=1, max=64)] = 1,
    fast: Annotated[bool, typer.Option("--fast", help="classify.fast")] = False,
) -> None:
    """Classify one text for a person, or lines of JSON for a program."""
    session = session_of(context)
    if jsonl == (text is not None):
        raise Trouble("classify.one_of", code=USAGE)
    # Only this command pays for loading the classifier.
    classifying = import_module("plaint.classifying")
    if text is None:
        classifying.classify_lines(session, sys.stdin.buffer, fast=fast, jobs=jobs)
    else:
        classifying.classify_text(session, text, fast=fast)
