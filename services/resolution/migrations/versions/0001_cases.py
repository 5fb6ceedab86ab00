"""The runtime's tables, the cases, and what hangs on them."""

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
    op.create_table(
        "cases",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Text),
        sa.Column("customer_id", sa.Uuid),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("channel", sa.Text),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("subject_line", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("predicted", sa.Text),
        sa.Column("cause", sa.Text),
        sa.Column("regulated", sa.Boolean, nullable=False),
        sa.Column("team", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("priority", sa.SmallInteger, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("routed_round", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("finding", sa.Text),
        sa.Column("confirmed_cause", sa.Text),
        sa.Column("remedy", sa.Text),
        sa.Column("remedy_text", sa.Text),
        sa.Column("remedy_done", sa.Boolean, nullable=False),
        sa.Column("answer", sa.Text),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("closed_reason", sa.Text),
        sa.Column("closed_from", sa.Text),
        sa.Column("over", JSONB, nullable=False),
        sa.Column("escalation_level", sa.Integer, nullable=False),
        sa.Column("messages_received", sa.Integer, nullable=False),
        sa.Column("messages_sent", sa.Integer, nullable=False),
        sa.Column("messages_failed", sa.Integer, nullable=False),
        sa.Column("next_due_at", sa.DateTime(timezone=True)),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("cases_by_due", "cases", ["next_due_at", "complaint_id"])
    op.create_index("cases_of_team", "cases", ["team", "next_due_at", "complaint_id"])
    op.create_index("cases_of_owner", "cases", ["owner", "next_due_at", "complaint_id"])
    op.create_table(
        "deadlines",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("round", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("warn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("legal", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "promises",
        sa.Column("promise_id", sa.Uuid, primary_key=True),
        sa.Column("complaint_id", sa.Uuid, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
    )
    op.create_index("promises_of_case", "promises", ["complaint_id"])
    op.create_table(
        "notes",
        sa.Column("note_id", sa.Uuid, primary_key=True),
        sa.Column("complaint_id", sa.Uuid, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("notes_of_case", "notes", ["complaint_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
