"""What every command has at hand: the reader's words, the screen, and how to reach the services."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from plaint.client import Client
from plaint.running import Installation, installation
from plaint.screen import Screen
from plaint.trouble import USAGE, Trouble
from plaint.words import Words


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the command."""

    words: Words
    screen: Screen
    data: Path | None = None

    def installation(self) -> Installation:
        """
        Return what the command speaks to.

        Raises:
            Trouble: there is nothing.
        """
        return installation(os.environ, self.data)

    def client(self) -> Client:
        """
        Open a conversation with it, as a context manager.

        Raises:
            Trouble: there is nothing to speak to.
        """
        return Client(self.installation(), self.words.language)


def session_of(context: typer.Context) -> Session:
    """Return the session of this run."""
    session: Session = context.obj
    return session


def chosen(client: Client, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """
    Return the services a command is about: those named, else all that are known.

    Raises:
        Trouble: there is none of that name.
    """
    for name in wanted or ():
        if name not in client.services:
            raise Trouble("usage.service", code=USAGE, name=name, known=", ".join(client.services))
    return tuple(wanted or client.services)
