"""``plaint demo``: a story to watch."""

import typer

from plaint.session import session_of


def demo(context: typer.Context) -> None:
    """Play the story of the demo."""
    # Its story and its stand-ins are of no use to the other commands.
    from plaint.demo.play import demo as play  # noqa: PLC0415

    play(session_of(context).words.language)
