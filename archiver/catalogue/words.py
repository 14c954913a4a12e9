"""An index of every three letters of what is searched in, so that a search does not read the whole catalogue.

SQLite has FTS5 with its trigram tokenizer (SQLite 3.34 and later), PostgreSQL the extension pg_trgm, which an owner of the
database may create where the server has it. Where neither is there the catalogue works as well, and a search reads all
texts. Triggers, and on PostgreSQL the index itself, keep it in step within the transaction that writes an AIP.
"""

from __future__ import annotations

import logging

import sqlalchemy as sa
from sqlalchemy import exc

from archiver.catalogue import rows, schema

log = logging.getLogger(__name__)

INDEX = "aip_words"
"""The table of FTS5, and the index of PostgreSQL. Alembic leaves alone what is called so."""
LETTERS = 3
"""The least that such an index finds."""
FEW = 2000
"""Found AIPs that are put in order at once. More lie so close together that a walk in order soon meets them."""

_SQLITE = (
    """
    CREATE VIRTUAL TABLE aip_words USING fts5(searchable, content='aip', content_rowid='id', tokenize='trigram')
    """,
    """
    CREATE TRIGGER aip_words_insert AFTER INSERT ON aip BEGIN
        INSERT INTO aip_words(rowid, searchable) VALUES (new.id, new.searchable);
    END
    """,
    """
    CREATE TRIGGER aip_words_delete AFTER DELETE ON aip BEGIN
        INSERT INTO aip_words(aip_words, rowid, searchable) VALUES ('delete', old.id, old.searchable);
    END
    """,
    """
    CREATE TRIGGER aip_words_update AFTER UPDATE OF id, searchable ON aip BEGIN
        INSERT INTO aip_words(aip_words, rowid, searchable) VALUES ('delete', old.id, old.searchable);
        INSERT INTO aip_words(rowid, searchable) VALUES (new.id, new.searchable);
    END
    """,
    "INSERT INTO aip_words(aip_words) VALUES ('rebuild')",  # what is there already
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    "CREATE INDEX aip_words ON aip USING gin (searchable gin_trgm_ops)",
)
_NOT_SQLITE = (
    "DROP TABLE IF EXISTS aip_words",
    "DROP TRIGGER IF EXISTS aip_words_insert",
    "DROP TRIGGER IF EXISTS aip_words_delete",
    "DROP TRIGGER IF EXISTS aip_words_update",
)
_NOT_POSTGRESQL = ("DROP INDEX IF EXISTS aip_words",)
"""The extension may be somebody else's."""
_CANNOT = ("no such module", "no such tokenizer", "pg_trgm", "gin_trgm_ops")
"""What a database says that cannot have the index. Whatever else it says (a full disk, a lock) is a fault."""
_MATCHING = sa.text("SELECT rowid FROM aip_words WHERE aip_words MATCH :phrase LIMIT :most")


def index_words(connection: sa.Connection) -> None:
    """Make the index and fill it, where the database can have one; all of it or nothing.

    Raises:
        DBAPIError: The database can have one, and something else went wrong; the caller's transaction is to be rolled back.
    """
    try:
        with connection.begin_nested():
            for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
                connection.exec_driver_sql(statement)
    except exc.DBAPIError as error:
        if not any(words in str(error.orig) for words in _CANNOT):
            raise
        log.info("searching reads all texts, for this database has no index of their letters: %s", error.orig)


def forget_words(connection: sa.Connection) -> None:
    """Remove the index."""
    for statement in _NOT_SQLITE if connection.dialect.name == "sqlite" else _NOT_POSTGRESQL:
        connection.exec_driver_sql(statement)


def that_hold(connection: sa.Connection, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that an AIP holds a text, without regard to case, as quick to answer as this database can.

    Args:
        connection: Of the database that will be asked.
        text: As somebody typed it.
    """
    folded = rows.searchable(text)
    condition = schema.aip.c.searchable.contains(folded, autoescape=True)
    if connection.dialect.name != "sqlite" or len(folded) < LETTERS:
        return condition
    few = _few(connection, folded)
    return condition if few is None else sa.and_(schema.aip.c.id.in_(few), condition)


def _few(connection: sa.Connection, folded: str) -> list[int] | None:
    """Return the AIPs that may hold a text, or None where there are many or no index tells."""
    if not sa.inspect(connection).has_table(INDEX):
        return None
    phrase = '"' + folded.replace('"', '""') + '"'
    found = connection.execute(_MATCHING, {"phrase": phrase, "most": FEW + 1}).scalars().all()
    return list(found) if len(found) <= FEW else None
