"""The state of the files that a case is about."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("review_case", sa.Column("state", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("review_case") as table:
        table.drop_column("state")
