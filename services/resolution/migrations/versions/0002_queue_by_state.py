"""An index for the queue of one state: most cases are closed, and nobody should read through them for the others."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("cases_in_state", "cases", ["state", "next_due_at", "complaint_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
