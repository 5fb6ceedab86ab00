"""Running a service until it is told to stop."""

import asyncio
from collections.abc import Mapping
from typing import Final

import uvicorn
from fastapi import FastAPI

from shared.runtime.engine import Engine, Loop
from shared.settings import ServiceSettings
from shared.telemetry.logging import configure_logging
from shared.telemetry.tracing import configure_tracing

GRACE_SECONDS: Final = 10
QUIET: Final = {"aiokafka": "WARNING", "alembic": "WARNING", "uvicorn": "WARNING"}
"""Libraries that tell of every step; what matters of it our own lines and metrics say."""


async def serve(engine: Engine, app: FastAPI, settings: ServiceSettings, workers: Mapping[str, Loop]) -> None:
    """
    Serve HTTP and run every loop; one loop that ends ends the process, and the orchestrator starts it again.

    On SIGTERM: no new connections, requests in flight are answered (the door still runs), then the loops end. A
    loop cut short loses nothing: what it had not committed comes again.

    Raises:
        ExceptionGroup: a loop failed.
    """
    configure_logging(engine.service, level=settings.log_level, levels=QUIET)
    stop_tracing = configure_tracing(engine.service)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
            server_header=False,
        )
    )
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


async def _keep(name: str, loop: Loop) -> None:
    await loop()
    if name != "consumer":  # a halted consumer shows in readiness; commands go on
        raise RuntimeError(f"loop {name} ended")
