"""Intake's tables, and the queries of its routes and of its mail worker."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from services.intake.domain.complaint import Complaint, Status, Tokens
from services.intake.domain.contact import Arrival, Contact, Raw, ThreadKey
from services.intake.domain.customer import Customer, Identity
from services.intake.domain.message import Letter, OutgoingMessage, State
from services.intake.ports import Person
from shared.runtime.database import Database
from shared.runtime.tables import add_runtime_tables, moment, stored

R = TypeVar("R")

LONGEST_REFERENCES = 10
"""Mails of the customer that an answer refers to; mail programs need the last ones only."""

metadata = sa.MetaData()
add_runtime_tables(metadata)
complaint_numbers = sa.Sequence("complaint_numbers", metadata=metadata)

customers = sa.Table(
    "customers",
    metadata,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("language", sa.Text, nullable=False),
    moment("created_at"),
    sa.Column("tier", sa.Text, nullable=False),
    sa.Column("recent", JSONB, nullable=False),
)
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
)
complaints = sa.Table(
    "complaints",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.Text, nullable=False, unique=True),
    sa.Column("customer_id", sa.Uuid, nullable=False, index=True),
    sa.Column("contact_id", sa.Uuid, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    moment("received_at"),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("primary_id", sa.Uuid),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Index("complaints_latest", "received_at", "complaint_id"),
    sa.Index("complaints_latest_by_status", "status", "received_at", "complaint_id"),
)
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("complaint_id", sa.Uuid, primary_key=True),
    sa.Column("tokens", JSONB, nullable=False),
)
contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("contact_id", sa.Uuid, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("arrival", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("text_hash", sa.Text, nullable=False),
    sa.Column("text_length", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    moment("received_at"),
    sa.Column("customer_id", sa.Uuid, index=True),
    sa.Column("complaint_id", sa.Uuid),
    # Two replicas that get the same contact at once: the second finds out here.
    sa.UniqueConstraint("arrival", "text_hash", name="contacts_arrival_text_hash_key"),
    sa.Index("contacts_of_complaint", "complaint_id", "received_at", "contact_id"),
)
arrivals = sa.Table(
    "arrivals",
    metadata,
    sa.Column("arrival", sa.Text, primary_key=True),
    sa.Column("contact_id", sa.Uuid, nullable=False),
)
thread_keys = sa.Table(
    "thread_keys",
    metadata,
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("complaint_id", sa.Uuid, nullable=False, index=True),
)
raws = sa.Table(
    "raws",
    metadata,
    sa.Column("contact_id", sa.Uuid, primary_key=True),
    # Originals may be large, so erasing a customer deletes them here and loads none of them.
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.customer_id", ondelete="CASCADE"), index=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    moment("received_at"),
)
outgoing_messages = sa.Table(
    "outgoing_messages",
    metadata,
    sa.Column("message_id", sa.Uuid, primary_key=True),
    sa.Column("complaint_id", sa.Uuid, nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("body", sa.Text),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    moment("requested_at"),
    sa.Column("correlation_id", sa.Uuid),
    sa.Column("attempts", sa.Integer, nullable=False),
    moment("next_try_at", nullable=True),
    sa.Index("outgoing_messages_queued", "requested_at", postgresql_where=sa.text("state = 'queued'")),
)

STORED = (
    stored(Customer, customers, stream="customer_id"),
    stored(Identity, identities, stream="customer_id"),
    stored(Complaint, complaints, stream="complaint_id"),
    stored(Tokens, tokens, stream="complaint_id"),
    stored(Contact, contacts),
    stored(Arrival, arrivals),
    stored(ThreadKey, thread_keys, stream="complaint_id"),
    stored(Raw, raws),
    stored(OutgoingMessage, outgoing_messages, stream="complaint_id"),
)


class SqlComplaints:
    """Complaints and contacts as they stand in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, name: UUID | str) -> Complaint | None:
        """One complaint, by its id or its number."""
        column = complaints.c.complaint_id if isinstance(name, UUID) else complaints.c.number
        rows = await self._database.read(sa.select(complaints).where(column == name))
        return _row(Complaint, rows[0]) if rows else None

    async def page(
        self, status: Status | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[Complaint]:
        """Complaints, the latest first."""
        place = sa.tuple_(complaints.c.received_at, complaints.c.complaint_id)
        newest_first = (complaints.c.received_at.desc(), complaints.c.complaint_id.desc())
        query = sa.select(complaints).order_by(*newest_first).limit(limit)
        if status is not None:
            query = query.where(complaints.c.status == status.value)
        if before is not None:
            query = query.where(place < sa.tuple_(*before))
        return [_row(Complaint, row) for row in await self._database.read(query)]

    async def contacts(self, complaint_id: UUID, after: tuple[datetime, UUID] | None, limit: int) -> Sequence[Contact]:
        """What was said on a complaint, in order."""
        order = sa.tuple_(contacts.c.received_at, contacts.c.contact_id)
        query = sa.select(contacts).where(contacts.c.complaint_id == complaint_id).order_by(*order).limit(limit)
        if after is not None:
            query = query.where(order > sa.tuple_(*after))
        return [_row(Contact, row) for row in await self._database.read(query)]

    async def person(self, customer_id: UUID) -> Person | None:
        """Who a customer is; None once they are forgotten."""
        found = await self._database.read(sa.select(customers).where(customers.c.customer_id == customer_id))
        if not found:
            return None
        known = await self._database.read(
            sa.select(identities).where(identities.c.customer_id == customer_id).order_by(identities.c.type)
        )
        return Person(_row(Customer, found[0]), [_row(Identity, row) for row in known])

    async def raw(self, contact_id: UUID) -> Raw | None:
        """A contact as it was handed in."""
        rows = await self._database.read(sa.select(raws).where(raws.c.contact_id == contact_id))
        return _row(Raw, rows[0]) if rows else None


class SqlLetters:
    """Outgoing messages with all that delivering them needs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, message_id: UUID) -> Letter | None:
        """One message."""
        rows = await self._database.read(_LETTERS.where(outgoing_messages.c.message_id == message_id))
        return _letter(rows[0]) if rows else None

    async def due(self, now: datetime, limit: int) -> Sequence[Letter]:
        """Mails whose time has come, the oldest request first; *now* is real time."""
        next_try_at = outgoing_messages.c.next_try_at
        query = (
            _LETTERS.where(outgoing_messages.c.state == State.QUEUED.value)
            .where(next_try_at.is_(None) | (next_try_at <= now))
            .order_by(outgoing_messages.c.requested_at)
            .limit(limit)
        )
        return [_letter(row) for row in await self._database.read(query)]


_opening = contacts.alias("opening")
_LETTERS = (
    sa.select(
        outgoing_messages,
        complaints.c.number,
        customers.c.name.label("customer_name"),
        tokens.c.tokens,
        _opening.c.external_id.label("conversation"),
        _opening.c.channel.label("opening_channel"),
        # One address of each kind; a customer rarely has two.
        sa.select(sa.func.jsonb_object_agg(identities.c.type, identities.c.value))
        .where(identities.c.customer_id == complaints.c.customer_id)
        .scalar_subquery()
        .label("addresses"),
        sa.select(sa.func.jsonb_agg(aggregate_order_by(contacts.c.external_id, contacts.c.received_at)))
        .where(
            contacts.c.complaint_id == complaints.c.complaint_id,
            contacts.c.channel == "email",
            contacts.c.external_id.like("<%"),
        )
        .scalar_subquery()
        .label("references"),
    )
    .join(complaints, complaints.c.complaint_id == outgoing_messages.c.complaint_id)
    .outerjoin(customers, customers.c.customer_id == complaints.c.customer_id)
    .outerjoin(tokens, tokens.c.complaint_id == complaints.c.complaint_id)
    .outerjoin(_opening, _opening.c.contact_id == complaints.c.contact_id)
)


def _letter(row: sa.RowMapping) -> Letter:
    addresses = dict(row["addresses"] or {})
    if "external" in addresses:
        addresses["external"] = addresses["external"].partition(":")[2]
    if row["conversation"] and row["opening_channel"] == "chat":
        addresses["conversation"] = row["conversation"]
    return Letter(
        message=_row(OutgoingMessage, row),
        number=row["number"],
        customer_name=row["customer_name"],
        addresses=addresses,
        tokens=row["tokens"] or {},
        references=(row["references"] or [])[-LONGEST_REFERENCES:],
    )


_ADAPTERS: dict[type, TypeAdapter[Any]] = {item.kind.row: TypeAdapter(item.kind.row) for item in STORED}


def _row(kind: type[R], row: sa.RowMapping) -> R:
    read: R = _ADAPTERS[kind].validate_python({field.name: row[field.name] for field in fields(kind)})  # type: ignore[arg-type] # every kind is a dataclass
    return read
