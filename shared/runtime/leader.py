"""One leader per role and service: a session's advisory lock, given up by the server when its holder freezes."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from shared.runtime.cancellation import is_cancelled
from shared.runtime.database import Connection, Database

log = structlog.get_logger()

HEARTBEAT_SECONDS: Final = 1.0
IDLE_SESSION_TIMEOUT: Final = "3s"
"""The server ends a session that was silent this long, so that a frozen leader's lock is free for another."""
STANDBY_SECONDS: Final = 0.5


class CancelledWithin(RuntimeError):
    """The work ended by a cancellation that was not ours; a library let one of its own out."""


async def lead(database: Database, role: str, work: Callable[[], Awaitable[None]]) -> None:
    """
    Run *work* whenever this process is the leader for *role*; stand by otherwise, for ever.

    *work* is cancelled as soon as the lock is no longer certain. It may run twice at once for a moment when a frozen
    process wakes: effects must not rest on leadership, only economy does.
    """
    while True:
        try:
            async with database.session(idle_session_timeout=IDLE_SESSION_TIMEOUT) as session:
                if await session.fetchval("select pg_try_advisory_lock($1)", _lock_key(role)):
                    await _work_while_leading(session, work)
        except Exception as error:
            if is_cancelled():
                raise
            log.warning("leader stands for election again", loop=role, error=type(error).__name__, exc_info=error)
        await asyncio.sleep(STANDBY_SECONDS)


async def _work_while_leading(session: Connection, work: Callable[[], Awaitable[None]]) -> None:
    working = asyncio.ensure_future(work())
    try:
        while True:
            done, _ = await asyncio.wait([working], timeout=HEARTBEAT_SECONDS)
            if working.cancelled():
                raise CancelledWithin
            if done:
                working.result()
                return
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await session.fetchval("select 1")
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


def _lock_key(role: str) -> int:
    return int.from_bytes(hashlib.blake2b(role.encode(), digest_size=8).digest(), signed=True)
