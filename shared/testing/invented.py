"""Rows of every shape that the stores must keep, and the tables for them: for tests of the stores themselves."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.needs import Kind
from shared.runtime.tables import Stored, add_runtime_tables, moment, stored


class Shade(StrEnum):
    """A colour of a binder."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Folder:
    """A row guarded by a stream: its own."""

    id: UUID
    title: str
    pages: int = 0
    drawer: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A row whose key has two columns and that no stream guards."""

    shelf: str
    name: str
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """What lies in a binder."""

    author: UUID
    written_at: datetime
    lines: tuple[str, ...]
    shade: Shade = Shade.RED


@dataclass(frozen=True, slots=True)
class Binder:
    """A row with an enumeration and with columns kept as JSON: nested dataclasses, tuples, mappings, nothing at all."""

    id: UUID
    shade: Shade
    notes: tuple[Note, ...]
    cover: Note | None
    counts: dict[str, int]
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Tally:
    """A counter that several writers move at once."""

    name: str
    count: int


METADATA: Final = sa.MetaData()
add_runtime_tables(METADATA)
NUMBERS: Final = sa.Sequence("folder_numbers", metadata=METADATA)
STORED: Final[tuple[Stored, ...]] = (
    stored(
        Folder,
        sa.Table(
            "folders",
            METADATA,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("title", sa.Text, nullable=False),
            sa.Column("pages", sa.Integer, nullable=False),
            sa.Column("drawer", sa.Text, index=True),
        ),
        stream="id",
    ),
    stored(
        Label,
        sa.Table(
            "labels",
            METADATA,
            sa.Column("shelf", sa.Text, primary_key=True),
            sa.Column("name", sa.Text, primary_key=True),
            sa.Column("weight", sa.Integer, nullable=False),
        ),
    ),
    stored(
        Binder,
        sa.Table(
            "binders",
            METADATA,
            sa.Column("id", sa.Uuid, primary_key=True),
            sa.Column("shade", sa.Text, nullable=False),
            sa.Column("notes", JSONB, nullable=False),
            sa.Column("cover", JSONB),
            sa.Column("counts", JSONB, nullable=False),
            moment("opened_at"),
        ),
    ),
    stored(
        Tally,
        sa.Table(
            "tallies",
            METADATA,
            sa.Column("name", sa.Text, primary_key=True),
            sa.Column("count", sa.BigInteger, nullable=False),
        ),
        additive=("count",),
    ),
)
KINDS: Final[tuple[Kind, ...]] = tuple(item.kind for item in STORED)
