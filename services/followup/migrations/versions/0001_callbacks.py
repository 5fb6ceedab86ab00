"""The runtime's tables and the callbacks."""

import sqlalchemy as sa
from alembic import op

from shared.runtime.migrate import create_runtime_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_runtime_tables()
    op.create_table(
        "callbacks",
        sa.Column("complaint_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ending", sa.Text),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True)),
        sa.Column("over_round", sa.Integer, nullable=False),
        sa.Column("asked_round", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("score", sa.SmallInteger),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.create_index(
        "callbacks_due", "callbacks", ["due_at", "complaint_id"], postgresql_where=sa.text("due_at is not null")
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
