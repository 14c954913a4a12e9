"""What machines that share a catalogue tell each other: the pace of each host, and bytes of items being walked."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Name

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "pace",
        sa.Column("host", Name, nullable=False),
        sa.Column("turn", sa.Double, nullable=False),
        sa.Column("held_until", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_pace"),
    )
    op.create_table(
        "in_hand",
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("licence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_in_hand"),
    )
    op.create_index("ix_in_hand_source_name", "in_hand", ["source", "name"])


def downgrade() -> None:
    op.drop_table("in_hand")
    op.drop_table("pace")
