"""``plaint demo``: a story to watch."""

from typing import Annotated, Literal

import typer

from plaint.session import session_of


def demo(
    context: typer.Context,
    broker: Annotated[Literal["tansu", "kafka"], typer.Option(help="up.broker")] = "tansu",
    *,
    running: Annotated[bool, typer.Option("--running", help="demo.running")] = False,
) -> None:
    """Play a story from beginning to end."""
    # Its story and its stand-ins are of no use to the other commands.
    from plaint.demo import play  # noqa: PLC0415

    session = session_of(context)
    if running:
        play.demo_on(session.installation(), session.words.language)
    else:
        play.demo(session.words.language, broker)
