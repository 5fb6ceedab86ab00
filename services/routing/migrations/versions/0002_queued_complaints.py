"""The queued complaints have an index of their own; that of all assignees served nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "complaints_queued",
        "complaints",
        ["assignee", "received_at", "complaint_id"],
        postgresql_where=sa.text("state = 'routed' and assignee like 'queue:%'"),
    )
    op.drop_index("complaints_assignee", "complaints")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
