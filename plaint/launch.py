"""
Become one service: bring its database up to date, then serve.

Run as ``python -m plaint.launch NAME``. Both commands are the service's own ``__main__``. One process for both imports
everything once, and does so while the database is still starting: importing is most of what a start takes.
"""

import asyncio
import os
import runpy
import sys
import time
from importlib import import_module

import asyncpg

import shared.startup  # noqa: F401 - before the service

_POLL_SECONDS = 0.05


def main(service: str) -> None:
    """Run ``python -m services.<service> migrate``, then ``… serve``; end where either ends with an error."""
    import_module(f"services.{service}.app")
    _await_database(os.environ["PLAINT_DATABASE_URL"])
    for command in ("migrate", "serve"):
        sys.argv = [service, command]
        try:
            runpy.run_module(f"services.{service}", run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise


def _await_database(url: str) -> None:
    """Wait for as long as the database is not there; whoever started this process knows when that is too long."""
    while not asyncio.run(_takes_connections(url)):
        time.sleep(_POLL_SECONDS)


async def _takes_connections(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


if __name__ == "__main__":
    main(sys.argv[1])
