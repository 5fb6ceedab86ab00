"""The runtime's tables, customers, complaints, contacts and outgoing messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.migrate import create_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables()
    op.execute(sa.schema.CreateSequence(sa.Sequence("complaint_numbers")))
    _create_customers()
    _create_complaints()
    _create_contacts()
    _create_outgoing_messages()


def _create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("customer_id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("recent", JSONB, nullable=False),
    )
    op.create_table(
        "identities",
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("customer_id", sa.Uuid, nullable=False),
    )
    op.create_index("ix_identities_customer_id", "identities", ["customer_id"])


def _create_complaints() -> None:
    op.create_table(
        "complaints",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("contact_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("primary_id", sa.Uuid),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("ix_complaints_customer_id", "complaints", ["customer_id"])
    op.create_index("complaints_latest", "complaints", ["received_at", "complaint_id"])
    op.create_index("complaints_latest_by_status", "complaints", ["status", "received_at", "complaint_id"])
    op.create_table(
        "tokens",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("tokens", JSONB, nullable=False),
    )


def _create_contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.Uuid, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("arrival", sa.Text),
        sa.Column("external_id", sa.Text),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("text_length", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Uuid),
        sa.Column("complaint_id", sa.Uuid),
        sa.UniqueConstraint("arrival", "text_hash", name="contacts_arrival_text_hash_key"),
    )
    op.create_index("ix_contacts_customer_id", "contacts", ["customer_id"])
    op.create_index("contacts_of_complaint", "contacts", ["complaint_id", "received_at", "contact_id"])
    op.create_table(
        "arrivals",
        sa.Column("arrival", sa.Text, primary_key=True),
        sa.Column("contact_id", sa.Uuid, nullable=False),
    )
    op.create_table(
        "thread_keys",
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("complaint_id", sa.Uuid, nullable=False),
    )
    op.create_index("ix_thread_keys_complaint_id", "thread_keys", ["complaint_id"])
    op.create_table(
        "raws",
        sa.Column("contact_id", sa.Uuid, primary_key=True),
        sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customers.customer_id", ondelete="CASCADE")),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_raws_customer_id", "raws", ["customer_id"])


def _create_outgoing_messages() -> None:
    op.create_table(
        "outgoing_messages",
        sa.Column("message_id", sa.Uuid, primary_key=True),
        sa.Column("complaint_id", sa.Uuid, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("correlation_id", sa.Uuid),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_outgoing_messages_complaint_id", "outgoing_messages", ["complaint_id"])
    op.create_index(
        "outgoing_messages_queued",
        "outgoing_messages",
        ["requested_at"],
        postgresql_where=sa.text("state = 'queued'"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
