"""What encyclopedias answered, and the identifiers of items."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name, Utc

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "knowledge",
        sa.Column("provider", Name, nullable=False),
        sa.Column("key", Name, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("provider", "key", name="pk_knowledge"),
    )
    op.create_table(
        "identifier",
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("value", Name, nullable=False),
        sa.PrimaryKeyConstraint("item_id", "number", name="pk_identifier"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_identifier_item_id"),
    )
    op.create_index("ix_identifier_kind_value", "identifier", ["kind", "value"])


def downgrade() -> None:
    op.drop_table("identifier")
    op.drop_table("knowledge")
