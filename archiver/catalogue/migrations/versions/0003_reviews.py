"""The quarantine: cases and verdicts."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Utc

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "review_case",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("title", "collections", "item_set", "whole_set", "batch_set", "reasons", "decision")
        ),
        sa.Column("opened_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_case"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_review_case_item_id"),
        sa.UniqueConstraint("item_id", "item_set", "whole_set", name="uq_review_case_item_id_item_set_whole_set"),
    )
    op.create_table(
        "review_verdict",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("case_id", Identifier, nullable=False),
        sa.Column("is_acceptance", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("reviewer", "reason", "licence")),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_review_verdict"),
        sa.ForeignKeyConstraint(["case_id"], ["review_case.id"], name="fk_review_verdict_case_id"),
    )
    op.create_index("ix_review_verdict_case_id", "review_verdict", ["case_id"])


def downgrade() -> None:
    op.drop_table("review_verdict")
    op.drop_table("review_case")
