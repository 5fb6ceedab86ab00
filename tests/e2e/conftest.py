"""The whole product, played through once for all end-to-end tests."""

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plaint.demo.board import Board
from plaint.demo.mailbox import Mailbox, open_mailbox
from plaint.demo.play import FIRST_DAY, SPEED, START_SECONDS, play, story_environment
from plaint.demo.show import Show
from plaint.running import Installation
from plaint.stack import Stack
from shared.runtime.clock import Clock


@dataclass(frozen=True)
class Played:
    """A stack on which the story has been played; it is still running."""

    stack: Stack
    installation: Installation
    board: Board
    mailbox: Mailbox
    clock: Clock


@pytest.fixture(scope="session")
def demo_command(request):
    """The command that a new user types first, running beside everything else: its story is mostly waiting."""
    broker = request.config.getoption("--broker")
    command = [Path(sys.executable).with_name("plaint"), "demo", "--lang", "zh", "--broker", broker]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        yield process
        process.kill()


@pytest.fixture(scope="session")
def played(request, demo_command):  # noqa: ARG001 - started first, so that both run at once
    broker = request.config.getoption("--broker")
    clock = Clock(FIRST_DAY, datetime.now(UTC) + timedelta(seconds=START_SECONDS), SPEED)
    with (
        open_mailbox() as mailbox,
        Stack(broker=broker, environment=story_environment(clock, mailbox)) as stack,
    ):
        board = Board()
        asyncio.run(play(stack.installation, clock, board, Show("en")))
        yield Played(stack, stack.installation, board, mailbox, clock)
