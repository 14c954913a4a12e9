"""Opening the catalogue: the engine, its settings, and the schema at the right revision."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import exc

from archiver.catalogue.auditing import Auditing
from archiver.catalogue.choosing import Choosing
from archiver.catalogue.chronicle import Chronicling
from archiver.catalogue.connecting import begin_reading, begin_writing, postgresql_engine, sqlite_engine
from archiver.catalogue.covering import Covering
from archiver.catalogue.enriching import Enriching
from archiver.catalogue.founding import found_catalogue
from archiver.catalogue.measuring import Measuring
from archiver.catalogue.reading import Reading
from archiver.catalogue.rechecking import Rechecking
from archiver.catalogue.recounting import Recounting
from archiver.catalogue.reviewing import Reviewing
from archiver.catalogue.revision import HEAD
from archiver.catalogue.sighting import Sighted
from archiver.catalogue.snapshots import Snapshots
from archiver.catalogue.sounding import Sounding
from archiver.catalogue.withdrawing import Withdrawing
from archiver.catalogue.writing import Writing
from archiver.core.errors import CatalogueError, CatalogueLockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from archiver.catalogue.claiming import SharedBytesInHand, SharedClaims
    from archiver.catalogue.pacing import SharedHostTimes
    from archiver.ports.clock import Clock

TIMEOUT = 15.0
"""Seconds to wait for another writer."""
ALLOWED = "sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
_MIGRATING = 0x61726368
"""The advisory lock of PostgreSQL that whoever makes or changes the schema holds; any number that is always the same."""


class Catalogue(
    Reading,
    Writing,
    Sighted,
    Reviewing,
    Rechecking,
    Choosing,
    Chronicling,
    Auditing,
    Covering,
    Measuring,
    Enriching,
    Recounting,
    Sounding,
    Withdrawing,
    Snapshots,
):
    """The ledger over SQLite or PostgreSQL; see `archiver.ports.catalogue`. Safe for threads.

    Made by `open_catalogue` only.
    """

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine = engine
        self._place = place
        # SQLite has one writer at a time; waiting in line here is fair, its busy handler is not.
        self._writer: AbstractContextManager[object] = nullcontext() if self.is_shared else threading.Lock()
        # A catalogue that nobody closed closes its connections with itself.
        weakref.finalize(self, engine.dispose)

    @property
    def is_shared(self) -> bool:
        """Tell whether several machines may work with it at once."""
        return self._engine.dialect.name == "postgresql"

    def claims(self, clock: Clock) -> SharedClaims:
        """Open what keeps items apart between processes; only where the catalogue is shared."""
        from archiver.catalogue.claiming import SharedClaims  # noqa: PLC0415 - only where it is that database

        return SharedClaims(self._engine, partial(translated, self._place), clock)

    def bytes_in_hand(self, claims: SharedClaims) -> SharedBytesInHand:
        """Return the bytes of items that any process walks; only where the catalogue is shared."""
        from archiver.catalogue.claiming import SharedBytesInHand  # noqa: PLC0415

        return SharedBytesInHand(self._writes, claims)

    def host_times(self, clock: Clock) -> SharedHostTimes:
        """Return when hosts may be asked, over all processes; only where the catalogue is shared."""
        from archiver.catalogue.pacing import SharedHostTimes  # noqa: PLC0415

        return SharedHostTimes(self._writes, clock)

    @contextmanager
    def _reads(self) -> Iterator[sa.Connection]:
        with translated(self._place), self._engine.connect() as connection:
            begin_reading(connection)
            yield connection

    @contextmanager
    def _writes(self) -> Iterator[sa.Connection]:
        with self._writer, translated(self._place), self._engine.connect() as connection, connection.begin():
            begin_writing(connection)
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def open_catalogue(url: str, *, timeout: float = TIMEOUT) -> Catalogue:
    """Open a catalogue, making it or bringing it to this program's revision where that is needed.

    Args:
        url: ``sqlite:///FILE`` or ``postgresql+psycopg://…``.
        timeout: Seconds to wait for another writer.

    Raises:
        CatalogueError: It cannot be opened, is no catalogue, or was made by a newer program.
        CatalogueLockedError: Another process kept it locked for all of the timeout.
    """
    parsed = _parsed(url)
    place = parsed.render_as_string(hide_password=True)
    engine = (sqlite_engine if parsed.get_backend_name() == "sqlite" else postgresql_engine)(parsed, timeout)
    catalogue = Catalogue(engine, place)
    try:
        _bring_to_head(catalogue)
    except BaseException:
        catalogue.close()
        raise
    return catalogue


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url.replace("postgresql://", "postgresql+psycopg://", 1))
        kind = parsed.get_backend_name()
    except (exc.ArgumentError, ValueError) as error:
        raise CatalogueError(f"the catalogue's URL cannot be read; expected {ALLOWED}") from error
    if kind not in {"sqlite", "postgresql"}:
        raise CatalogueError(f"the catalogue's URL has an unknown kind: expected {ALLOWED}, actual {kind}://…")
    if kind == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise CatalogueError(
            "the catalogue's URL names no file, and a catalogue in memory would be lost: sqlite:///FILE"
        )
    return parsed


def _bring_to_head(catalogue: Catalogue) -> None:
    with catalogue._reads() as connection:  # noqa: SLF001 - the same module made it
        revision = _revision(connection)
    if revision == HEAD:
        return
    with catalogue._writes() as connection:  # noqa: SLF001
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
        revision = _revision(connection)
        if revision == HEAD:
            return  # another process was faster
        if revision is None and not _has_tables(connection, catalogue._place):  # noqa: SLF001
            found_catalogue(connection)
        else:
            _migrate(connection, catalogue._place, revision)  # noqa: SLF001


def _migrate(connection: sa.Connection, place: str, revision: str | None) -> None:
    # Importing Alembic takes longer than most commands; it is needed once for each new revision.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise CatalogueError(
            f"the catalogue {place} is of revision {revision}, this program knows {HEAD}: it was made by a newer program",
            next_command="pip install --upgrade archiver",
        ) from error


def _has_tables(connection: sa.Connection, place: str) -> bool:
    """Tell whether a database holds a catalogue or nothing, and leave one alone that is somebody else's."""
    tables = sa.inspect(connection).get_table_names()
    if tables and "alembic_version" not in tables:
        raise CatalogueError(
            f"{place} is a database of another program: expected a catalogue or nothing, "
            f"actual tables {', '.join(sorted(tables))[:200]}; it was left as it is",
            next_command="archiver init DIR   # or another [catalogue] url in archiver.toml",
        )
    return bool(tables)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Translate what the database raises.

    Raises:
        CatalogueLockedError: Another process kept it locked.
        CatalogueError: Anything else; the transaction was rolled back.
    """
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError, sqlite3.Error, UnicodeError) as error:
        cause = getattr(error, "orig", None) or error
        text = " ".join(str(cause).split())[:300]
        if "locked" in text.lower() or "lock timeout" in text.lower():
            raise CatalogueLockedError(
                f"the catalogue {place} is locked by another process; nothing was written",
                next_command="archiver status   # and the same command again once the other one has ended",
            ) from error
        hint = (
            "move it away, then: archiver init"
            if "not a database" in text or "malformed" in text
            else "archiver status"
        )
        raise CatalogueError(f"the catalogue {place} cannot be used: {text}", next_command=hint) from error
