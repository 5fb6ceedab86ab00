"""The runtime's tables, the complaints, and the roster."""

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
        "complaints",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("number", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("channel", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("told_by", sa.Uuid),
        sa.Column("correlation_id", sa.Uuid),
        sa.Column("ending", sa.Text),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("closed_round", sa.Integer, nullable=False),
        sa.Column("classification", JSONB),
        sa.Column("doubts", JSONB, nullable=False),
        sa.Column("cause", sa.Text),
        sa.Column("decided_by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("confirmed_cause", sa.Text),
        sa.Column("team", sa.Text),
        sa.Column("assignee", sa.Text),
        sa.Column("priority", sa.SmallInteger),
        sa.Column("reasons", JSONB, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index("complaints_state", "complaints", ["state", "received_at", "complaint_id"])
    op.create_index("complaints_assignee", "complaints", ["assignee", "state"])
    op.create_table(
        "agents",
        sa.Column("agent_id", sa.Text, primary_key=True),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("languages", JSONB, nullable=False),
        sa.Column("causes", JSONB, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_table(
        "workloads",
        sa.Column("agent_id", sa.Text, primary_key=True),
        sa.Column("open_cases", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
