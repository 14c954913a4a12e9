"""Audits, repairs, withdrawals."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name, Utc

revision = "0002"
down_revision = "0001"

TABLES = ("damage", "repair", "blocked", "withdrawal")
COPY = ("written_at", "looked_at", "looked_grade", "attempted_at", "audits")


def upgrade() -> None:
    op.drop_index("ix_copy_store_checked_at", "copy")
    with op.batch_alter_table("copy") as copy:
        copy.add_column(sa.Column("written_at", Utc))
        copy.add_column(sa.Column("looked_at", Utc))
        copy.add_column(sa.Column("looked_grade", sa.SmallInteger))
        copy.add_column(sa.Column("attempted_at", Utc))
        copy.add_column(sa.Column("audits", sa.Integer))
    op.execute(
        "UPDATE copy SET written_at = checked_at, looked_at = checked_at, looked_grade = grade, "
        "attempted_at = checked_at, audits = 0"
    )
    with op.batch_alter_table("copy") as copy:
        for name, kind in zip(COPY, (Utc, Utc, sa.SmallInteger, Utc, sa.Integer), strict=True):
            copy.alter_column(name, existing_type=kind(), nullable=False)
    for column in ("checked_at", "looked_at", "written_at"):
        op.create_index(f"ix_copy_store_{column}_aip_id", "copy", ["store", column, "aip_id"])
    op.create_table(
        "withdrawal",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("at", Utc, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("approver", sa.Text, nullable=False),
        sa.Column("delete_after", Utc),
        sa.Column("deleted_at", Utc),
        sa.Column("ended_at", Utc),
        sa.Column("ended_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_withdrawal"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_withdrawal_item_id"),
    )
    op.create_index("ix_withdrawal_item_id_ended_at", "withdrawal", ["item_id", "ended_at"])
    op.create_table(
        "blocked",
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.PrimaryKeyConstraint("sha256", "item_id", name="pk_blocked"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_blocked_item_id"),
    )
    op.create_table(
        "repair",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("store", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("outcome", "source", "digest", "detail")),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_repair"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_repair_item_id"),
    )
    op.create_index("ix_repair_item_id_id", "repair", ["item_id", "id"])
    op.create_table(
        "damage",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("store", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("expected", sa.Text, nullable=False),
        sa.Column("actual", sa.Text, nullable=False),
        sa.Column("found_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("aip_id", "store", "path", "code", name="pk_damage"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_damage_aip_id"),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for column in ("checked_at", "looked_at", "written_at"):
        op.drop_index(f"ix_copy_store_{column}_aip_id", "copy")
    with op.batch_alter_table("copy") as copy:
        for name in COPY:
            copy.drop_column(name)
    op.create_index("ix_copy_store_checked_at", "copy", ["store", "checked_at"])
