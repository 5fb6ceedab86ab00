"""
Whether a service's database has the form that its code expects.

Alembic could tell too, but takes a tenth of a second to import and milliseconds to answer; readiness is asked all the
time, and by processes that never migrate.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from shared.runtime.database import Database

_NAMES: Final = re.compile(r"""^(revision|down_revision)\b[^=]*=\s*["'](.+?)["']""", re.MULTILINE)


class DatabaseTooOld(RuntimeError):
    """The database lacks migrations that this code needs: run ``migrate`` first."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """The migrations that this code knows, and the newest of them."""

    known: frozenset[str]
    head: str


def revisions_in(folder: Path) -> Revisions:
    """
    Read which migrations lie in *folder*, Alembic's script location.

    Raises:
        ValueError: there is not exactly one that no other follows.
    """
    named = [dict(_NAMES.findall(file.read_text())) for file in (folder / "versions").glob("*.py")]
    known = frozenset(names["revision"] for names in named)
    (head,) = known - {names.get("down_revision") for names in named}
    return Revisions(known, head)


async def revision_of(database: Database) -> str | None:
    """The migration that *database* is at; none before the first."""
    async with database.connection() as connection:
        try:
            at: str | None = await connection.fetchval("select version_num from alembic_version")
        except asyncpg.UndefinedTableError:
            return None
    return at


async def check_migrated(database: Database, revisions: Revisions) -> None:
    """
    Make sure that the database is at this code's newest migration, or at a later one that it does not know.

    Raises:
        DatabaseTooOld: it is not.
    """
    at = await revision_of(database)
    if at is None or (at in revisions.known and at != revisions.head):
        raise DatabaseTooOld(f"at {at}, needs {revisions.head}")
