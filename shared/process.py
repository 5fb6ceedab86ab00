"""What a service's commands do: serve until told to stop, and bring the database up to date."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from shared.runtime.database import Database
from shared.runtime.engine import Engine, Loop
from shared.runtime.revisions import revision_of, revisions_in
from shared.settings import ServiceSettings
from shared.startup import settle
from shared.telemetry.logging import configure_logging
from shared.telemetry.tracing import configure_tracing

GRACE_SECONDS: Final = 10
KEEP_ALIVE_SECONDS: Final = 75
"""How long an idle connection stays open: longer than most clients keep it, or one is used just as it ends."""
LAST_READ_SECONDS: Final = 0.5
QUIET: Final = {"aiokafka": "WARNING", "alembic": "WARNING", "uvicorn": "WARNING"}
"""Libraries that tell of every step; what matters of it our own lines and metrics say."""


class _PatientServer(uvicorn.Server):
    """Reads what it has accepted before it closes: a client is answered or refused, and never reset."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for listener in self.servers:
            listener.close()
        # Whoever asks once more is told that this connection ends, so that hardly anyone asks at the moment it does.
        self.server_state.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        await asyncio.sleep(LAST_READ_SECONDS)
        await super().shutdown(sockets)


async def serve_until_stopped(
    engine: Engine, app: FastAPI, settings: ServiceSettings, workers: Mapping[str, Loop]
) -> None:
    """
    Serve HTTP and run every loop; one loop that ends ends the process, and the orchestrator starts it again.

    On SIGTERM: no new connections, requests in flight are answered (the door still runs), then the loops end. A
    loop cut short loses nothing: what it had not committed comes again.

    Raises:
        ExceptionGroup: a loop failed.
    """
    configure_logging(engine.service, level=settings.log_level, levels=QUIET)
    stop_tracing = configure_tracing(engine.service)
    server = _PatientServer(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
    )
    settle()
    try:
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(_keep(name, loop)) for name, loop in {**engine.loops, **workers}.items()]
            await server.serve()
            engine.door.close()
            for task in loops:
                task.cancel()
    finally:
        await engine.database.close()
        stop_tracing()


async def bring_up_to_date(settings: ServiceSettings, migrations: Path, metadata: sa.MetaData) -> None:
    """Apply the migrations in *migrations* that the service's database lacks, if any."""
    database = Database(settings.database_url.get_secret_value())
    try:
        if await revision_of(database) == revisions_in(migrations).head:
            return
        # Alembic takes 0.1 s and 15 MB, which a process that only serves does without.
        from shared.runtime.migrate import migrate  # noqa: PLC0415

        await migrate(database, migrations, metadata)
    finally:
        await database.close()


async def _keep(name: str, loop: Loop) -> None:
    await loop()
    if name != "consumer":  # a halted consumer shows in readiness; commands go on
        raise RuntimeError(f"loop {name} ended")
