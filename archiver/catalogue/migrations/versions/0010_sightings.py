"""What each selection met, what it has seen to its end, and the table of each run."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name, Utc

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("run", sa.Column("crawl", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "sighting",
        sa.Column("selection", Name, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("run_id", Identifier, nullable=False),
        sa.Column("mark", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("described_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("selection", "item_id", name="pk_sighting"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_sighting_item_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_sighting_run_id"),
    )
    op.create_index("ix_sighting_item_id", "sighting", ["item_id"])
    op.create_table(
        "crawl_window",
        sa.Column("selection", Name, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("until", Utc, nullable=False),
        sa.Column("full_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("selection", name="pk_crawl_window"),
    )


def downgrade() -> None:
    op.drop_table("crawl_window")
    op.drop_table("sighting")
    with op.batch_alter_table("run") as table:
        table.drop_column("crawl")
