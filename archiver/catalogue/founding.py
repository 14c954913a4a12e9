"""A new catalogue: every table at once, as all migrations together would leave them.

Walking through the history of the schema takes longer than all else a first command does, and there is nothing to
migrate. A test holds both ways against each other, on both databases.
"""

from __future__ import annotations

import sqlalchemy as sa

from archiver.catalogue.revision import HEAD
from archiver.catalogue.schema import metadata
from archiver.catalogue.words import index_words

_APPEND_ONLY = {
    "sqlite": [
        *(
            f"CREATE TRIGGER event_no_{change.lower()} BEFORE {change} ON event "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            for change in ("UPDATE", "DELETE")
        ),
        # INSERT OR REPLACE deletes without firing the trigger above.
        """
        CREATE TRIGGER event_no_replace BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
        BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
        """,
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
_STAMP = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), nullable=False))
_STAMP.append_constraint(sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"))
"""Where Alembic finds from which revision to go on."""


def found_catalogue(connection: sa.Connection) -> None:
    """Make all tables in an empty database, and say of which revision they are.

    Args:
        connection: In a transaction that writes; committed by whoever opened it, so that a catalogue is whole or not there.
    """
    metadata.create_all(connection, checkfirst=False)
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
    _STAMP.create(connection)
    connection.execute(_STAMP.insert().values(version_num=HEAD))
    index_words(connection)
