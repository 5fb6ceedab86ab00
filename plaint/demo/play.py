"""Start everything, play the story, show what happens, and say whether it went as it should."""

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import httpx
import typer

from plaint.client import Client
from plaint.demo.board import Board, Part
from plaint.demo.cast import Cast
from plaint.demo.hearing import Heard, hear
from plaint.demo.mailbox import Mailbox, open_mailbox
from plaint.demo.show import Show
from plaint.demo.story import load_story
from plaint.language import Language, reader_language
from plaint.running import Installation, announced
from plaint.stack import BrokerKind, Stack
from plaint.trouble import Trouble
from shared.runtime.clock import Clock

SPEED: Final = 3_600
"""Seconds of the story in one real second: a day passes in twenty-four."""
FIRST_DAY: Final = datetime(2026, 11, 16, 9, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
START_SECONDS: Final = 8
"""The clock shows the first morning this long after it was set: about when everything is up."""
SEND_EVERY_SECONDS: Final = 0.1
CLOCKS_APART_SECONDS: Final = 1
"""Services that were started at different moments without a common anchor are further apart than this."""
LIMIT_SECONDS: Final = 180
"""A story that is not over by then is stuck."""

# The only deadline that is missed is that of the case nobody takes up: sixteen open hours, which is half a minute, so
# that a slow machine tells the same story. Customers are called an hour after the resolution, by day.
POLICY: Final = {
    "PLAINT_ACKNOWLEDGE_WITHIN": "PT16H",
    "PLAINT_ANSWER_WITHIN": "PT45H",
    "PLAINT_RESOLVE_WITHIN": "PT72H",
    "PLAINT_RECOVERY_FACTOR": "0.75",
    "PLAINT_PRIORITY_FACTORS": "{}",
    "PLAINT_SILENCE": "P90D",
    "PLAINT_CALLBACK_DELAY": "PT1H",
    "PLAINT_CALLBACK_PATIENCE": "P30D",
}


def demo(lang: str | None, broker: BrokerKind = "tansu") -> None:
    """
    Play the story once.

    At a terminal everything stays up until Ctrl-C. Without one the process ends when the story has: with status 0, or
    1 and the reason if a complaint did not arrive where it should.
    """
    # However it was started, and whoever wants it to end: everything is stopped in order.
    for wish in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wish, signal.default_int_handler)
    show = Show(reader_language(lang, os.environ))
    show.title()
    with open_mailbox() as mailbox:
        anchor = datetime.now(UTC) + timedelta(seconds=START_SECONDS)
        clock = Clock(FIRST_DAY, anchor, SPEED)
        began = time.monotonic()
        with (
            Stack(broker=broker, environment=story_environment(clock, mailbox), tell=show.progress) as stack,
            announced(stack.installation),
        ):
            board = Board()
            show.up(time.monotonic() - began)
            asyncio.run(play(stack.installation, clock, board, show))
            show.summary(board, len(mailbox.mails), stack.installation)
            if sys.stdout.isatty():
                _stay(show)
    _judge(board)


def demo_on(installation: Installation, language: Language) -> None:
    """
    Play the story once on an installation that runs already, with the settings of ``story_environment``.

    Raises:
        Trouble: it keeps the real time, so it is no demo's and gets no invented complaints; or its services' clocks
            differ, so that no story goes as written.
    """
    clocks = _clocks_of(installation, language)
    clock = clocks[0]
    if clock.speed == 1:
        raise Trouble("demo.real")
    moments = [each.now() for each in clocks]
    if (max(moments) - min(moments)).total_seconds() > CLOCKS_APART_SECONDS * clock.speed:
        raise Trouble("demo.clocks")
    show = Show(language)
    show.title()
    board = Board()
    asyncio.run(play(installation, clock, board, show))
    show.summary(board, 0, installation)
    _judge(board)


def _clocks_of(installation: Installation, language: Language) -> list[Clock]:
    with Client(installation, language) as client:
        shown = [client.get(service, "/v1/admin/clock") for service in client.services]
    return [
        Clock(datetime.fromisoformat(each["now"]), datetime.fromisoformat(each["real"]), each["speed"])
        for each in shown
    ]


def _judge(board: Board) -> None:
    if board.failed or len(board.parts) < len(load_story()):
        raise typer.Exit(1)


def story_environment(clock: Clock, mailbox: Mailbox) -> dict[str, str]:
    """The settings under which the story goes as written."""
    return {
        "PLAINT_DEMO": "true",
        "PLAINT_CLOCK__ORIGIN": FIRST_DAY.isoformat(),
        "PLAINT_CLOCK__ANCHOR": clock.anchor.isoformat() if clock.anchor else "",
        "PLAINT_CLOCK__SPEED": str(SPEED),
        "PLAINT_SMTP_HOST": "127.0.0.1",
        "PLAINT_SMTP_PORT": str(mailbox.port),
        **POLICY,
    }


async def play(installation: Installation, clock: Clock, board: Board, show: Show) -> None:
    """Play the story on a running installation until it is over, stuck or broken; *board* says how it went."""
    headers = {"Authorization": f"Bearer {installation.key}"}
    async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as http:
        performance = Performance(Cast(installation, clock, http), board, show)
        hearing = asyncio.ensure_future(performance.hear(installation))
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                await asyncio.sleep(max(0.0, clock.real_seconds_until(FIRST_DAY)))
                await performance.send_all()
                await performance.over(hearing)
        except TimeoutError:
            show.trouble("stuck", seconds=LIMIT_SECONDS)
        finally:
            await performance.end(hearing)


class Performance:
    """The story while it is played: what is heard is shown, and whoever it concerns acts on it."""

    def __init__(self, cast: Cast, board: Board, show: Show) -> None:
        self.troubles: list[BaseException] = []
        self._cast = cast
        self._board = board
        self._show = show
        self._acts: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def send_all(self) -> None:
        """Let every contact come in, in order."""
        for scene in load_story():
            answer = await self._cast.send(scene)
            early = self._board.add(scene, answer)
            self._show.sent(self._board.parts[-1])
            self._happened(early)
            await asyncio.sleep(SEND_EVERY_SECONDS)
        self._cast.all_sent.set()

    async def hear(self, installation: Installation) -> None:
        """Hear everything, until cancelled."""
        async for heard in hear(installation):
            self._happened(self._board.note(heard))

    async def over(self, hearing: asyncio.Future[None]) -> None:
        """Wait until every scene is over, or something has gone wrong."""
        hearing.add_done_callback(lambda _: self._changed.set())
        while self._board.unfinished and not self.troubles and not hearing.done():
            self._changed.clear()
            await self._changed.wait()

    async def end(self, hearing: asyncio.Future[None]) -> None:
        """Let nobody act any more, and show what went wrong."""
        for task in (hearing, *self._acts):
            task.cancel()
        await asyncio.gather(hearing, *self._acts, return_exceptions=True)
        for trouble in self.troubles:
            self._show.trouble("trouble", what=f"{type(trouble).__name__}: {trouble}")

    def _happened(self, known: list[tuple[Part, Heard]]) -> None:
        self._changed.set()
        for part, heard in known:
            self._show.event(part, heard)
            act = asyncio.ensure_future(self._cast.react(part, heard))
            self._acts.add(act)
            act.add_done_callback(self._done)

    def _done(self, act: asyncio.Task[None]) -> None:
        self._acts.discard(act)
        if not act.cancelled() and (error := act.exception()) is not None:
            self.troubles.append(error)
            self._changed.set()


def _stay(show: Show) -> None:
    show.staying()
    with suppress(KeyboardInterrupt):
        signal.pause()
