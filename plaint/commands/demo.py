"""``plaint demo``: a story to watch."""

from typing import Annotated, Literal

import typer

from plaint.session import session_of


def demo(
    context: typer.Context,
    broker: Annotated[Literal["tansu", "kafka"], typer.Option(help="up.broker")] = "tansu",
) -> None:
    """Play a story from beginning to end."""
    # Its story and its stand-ins are of no use to the other commands.
    from plaint.demo.play import demo as play  # noqa: PLC0415

    play(session_of(context).words.language, broker)
