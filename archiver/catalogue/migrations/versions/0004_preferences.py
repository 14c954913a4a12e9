"""Combined preference signals of each version."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "preference",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("category", Name, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("aip_id", "category", name="pk_preference"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_preference_aip_id"),
    )
    op.create_index("ix_preference_category_value", "preference", ["category", "value"])


def downgrade() -> None:
    op.drop_table("preference")
