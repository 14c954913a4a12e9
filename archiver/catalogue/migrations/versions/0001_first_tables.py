"""First tables."""

import sqlalchemy as sa
from alembic import op

from archiver.catalogue.schema import Identifier, Name, Utc

revision = "0001"
down_revision = None

TABLES = ("event", "outcome", "run", "copy", "file", "aip", "item")


def upgrade() -> None:
    op.create_table(
        "item",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("source", Name, nullable=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("latest_version", sa.Integer),
        sa.Column("outcome", sa.Text),
        sa.Column("answered_at", Utc),
        sa.PrimaryKeyConstraint("id", name="pk_item"),
        sa.UniqueConstraint("source", "name", name="uq_item_source_name"),
    )
    op.create_index("ix_item_outcome", "item", ["outcome"])
    op.create_table(
        "aip",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("prefix", "title", "licence", "searchable", "state", "updated")
        ),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("tag_manifest", sa.Text, nullable=False),
        sa.Column("ingested_at", Utc, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_aip"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_aip_item_id"),
        sa.UniqueConstraint("item_id", "version", name="uq_aip_item_id_version"),
    )
    op.create_table(
        "file",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("sha512", sa.LargeBinary(64), nullable=False),
        sa.PrimaryKeyConstraint("aip_id", "path", name="pk_file"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_file_aip_id"),
    )
    op.create_index("ix_file_sha256", "file", ["sha256"])
    op.create_table(
        "copy",
        sa.Column("aip_id", Identifier, nullable=False),
        sa.Column("store", Name, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("grade", sa.SmallInteger, nullable=False),
        sa.Column("checked_at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("aip_id", "store", name="pk_copy"),
        sa.ForeignKeyConstraint(["aip_id"], ["aip.id"], name="fk_copy_aip_id"),
    )
    op.create_index("ix_copy_store_checked_at", "copy", ["store", "checked_at"])
    op.create_table(
        "run",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("selection", sa.Text, nullable=False),
        sa.Column("selection_digest", sa.Text, nullable=False),
        sa.Column("started_at", Utc, nullable=False),
        sa.Column("ended_at", Utc),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    op.create_table(
        "outcome",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("run_id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("outcome", "reasons", "detail", "decision")),
        sa.Column("at", Utc, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcome"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_outcome_run_id"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_outcome_item_id"),
    )
    op.create_index("ix_outcome_item_id_id", "outcome", ["item_id", "id"])
    op.create_table(
        "event",
        sa.Column("id", Identifier, nullable=False),
        sa.Column("item_id", Identifier, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("at", Utc, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("outcome", "detail", "agent", "agent_kind")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("store", Name, nullable=False),
        sa.Column("path", Name, nullable=False),
        sa.Column("chain", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name="fk_event_item_id"),
    )
    op.create_index("ix_event_item_id_id", "event", ["item_id", "id"])
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER event_no_{change.lower()} BEFORE {change} ON event "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for change in ("UPDATE", "DELETE")
    ]
    # INSERT OR REPLACE deletes without firing the trigger above.
    + [
        (
            "CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
    ],
    "postgresql": [
        """
        CREATE FUNCTION event_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$
        """,
        """
        CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
        EXECUTE FUNCTION event_is_append_only()
        """,
    ],
}


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION event_is_append_only()")
