"""Measured loudness of recordings."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "loudness",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("integrated", sa.Double),
        sa.Column("range", sa.Double),
        sa.Column("true_peak", sa.Double),
        sa.Column("peaks", sa.Text, nullable=False),
        sa.Column("clipped", sa.BigInteger, nullable=False),
        sa.Column("silent", sa.Double, nullable=False),
        sa.Column("longest_silence", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("aip_id", "path", name="pk_loudness"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_loudness_aip_id"),
    )


def downgrade() -> None:
    op.drop_table("loudness")
