"""The tables that the runtime keeps in every service's database."""

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.needs import Kind

HISTORY_LOCK: Final = 0x706C_6169_6E74
"""Advisory lock taken just before the append to history and held to the commit, so that ids become visible in order."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the rows of a kind are kept: its table has one column for each field, of the same name."""

    kind: Kind
    table: sa.Table


def stored(row: type, table: sa.Table, *, stream: str | None = None, additive: tuple[str, ...] = ()) -> Stored:
    """Say that the rows of the dataclass *row* live in *table*; see ``Kind`` for *stream* and *additive*."""
    key = tuple(column.name for column in table.primary_key.columns)
    return Stored(Kind(row, key, stream, additive), table)


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column for an instant, kept in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def add_runtime_tables(metadata: sa.MetaData) -> None:
    """Declare the runtime's tables in a service's metadata."""
    sa.Table(
        "streams",
        metadata,
        sa.Column("subject", sa.Uuid, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        moment("last_at", nullable=True),
    )
    sa.Table(
        "positions",
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("subject", sa.Uuid, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    sa.Table(
        "waiting",
        metadata,
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("subject", sa.Uuid, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        moment("first_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("error", sa.Text),
    )
    sa.Table(
        "timers",
        metadata,
        sa.Column("subject", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        moment("due_at"),
        moment("try_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Index("timers_try_at", "try_at"),
    )
    _add_history(metadata)
    sa.Table(
        "answers",
        metadata,
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        moment("at"),
        sa.Index("answers_at", "at"),
    )


def _add_history(metadata: sa.MetaData) -> None:
    sa.Table(
        "history",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("subject", sa.Uuid, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        moment("at"),
        sa.Column(
            "written_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")
        ),
        sa.Column("headers", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("subject", "sequence", name="history_subject_sequence_key"),
        sa.CheckConstraint("octet_length(body) < 900000", name="history_body_fits_kafka"),
    )
    sa.Table(
        "relay",
        metadata,
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("last_id", sa.BigInteger, nullable=False),
        sa.Column("cluster_id", sa.Text),
        sa.Column("offsets", JSONB, nullable=False),
        sa.Column("replay_from", sa.BigInteger),
    )
