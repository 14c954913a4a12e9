"""Sums over what is held: taken from indexes alone, and remembered until something happens."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Name

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("copy", sa.Column("bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE copy SET bytes = (SELECT aip.bytes FROM aip WHERE aip.id = copy.aip_id)")
    op.drop_index("ix_copy_store_checked_at_aip_id", "copy")
    op.drop_index("ix_copy_store_looked_at_aip_id", "copy")
    op.create_index(
        "ix_copy_store_checked_at_aip_id_bytes_status", "copy", ["store", "checked_at", "aip_id", "bytes", "status"]
    )
    op.create_index("ix_copy_store_looked_at_aip_id_bytes", "copy", ["store", "looked_at", "aip_id", "bytes"])
    op.create_index("ix_copy_aip_id_store_status", "copy", ["aip_id", "store", "status"])
    op.create_index("ix_aip_bytes_files", "aip", ["bytes", "files"])
    op.create_table(
        "memo",
        sa.Column("name", Name, nullable=False),
        sa.Column("last_event", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_memo"),
    )


def downgrade() -> None:
    op.drop_table("memo")
    op.drop_index("ix_aip_bytes_files", "aip")
    op.drop_index("ix_copy_aip_id_store_status", "copy")
    op.drop_index("ix_copy_store_looked_at_aip_id_bytes", "copy")
    op.drop_index("ix_copy_store_checked_at_aip_id_bytes_status", "copy")
    op.create_index("ix_copy_store_looked_at_aip_id", "copy", ["store", "looked_at", "aip_id"])
    op.create_index("ix_copy_store_checked_at_aip_id", "copy", ["store", "checked_at", "aip_id"])
    with op.batch_alter_table("copy") as table:
        table.drop_column("bytes")
