"""Connections: how they are set up, kept for whoever asks next, and let go of before a fork.

Opening a file of SQLite and setting it up costs more than most questions to it, so a connection that is given back is kept.
A kept connection has no transaction, and thereby no lock and no view of the past. A child of this process gets none of
them: what SQLite and PostgreSQL keep of an open connection belongs to one process.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from archiver.core.errors import CatalogueError

if TYPE_CHECKING:
    from sqlalchemy.pool import ConnectionPoolEntry

KEPT = 8
"""Connections kept open; more are opened where more threads ask at once, and closed afterwards."""
_KEEPALIVES = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
"""The server gives up a machine that lost its power or its network after half a minute, and with it what it had claimed."""


def sqlite_engine(url: sa.URL, timeout: float) -> sa.Engine:
    """Return the engine of a file, whose directory is made. Its transactions begin with `begin_reading` and `begin_writing`.

    Raises:
        CatalogueError: The directory cannot be made.
    """
    file = Path(url.database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CatalogueError(f"the catalogue's directory cannot be made: {error.filename}: {error.strerror}") from error
    engine = sa.create_engine(
        url, connect_args={"timeout": timeout}, poolclass=sa.QueuePool, pool_size=KEPT, max_overflow=-1
    )

    @sa.event.listens_for(engine, "connect")
    def set_up(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # BEGIN is ours: Python's own would begin too late and always deferred
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")
        record.info["file"] = _identity(file)

    @sa.event.listens_for(engine, "checkout")
    def look(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        # Somebody may move the file away and let it be made again while this process goes on.
        if record.info.get("file") != _identity(file):
            raise exc.DisconnectionError

    return kept_from_forks(engine)


def begin_reading(connection: sa.Connection) -> None:
    """Let everything that is read from now on be of one moment."""
    if connection.dialect.name == "sqlite":
        # Said to the driver itself: on the way through SQLAlchemy it would cost as much as what is asked next.
        connection.connection.cursor().execute("BEGIN")


def begin_writing(connection: sa.Connection) -> None:
    """Be the only writer until the transaction ends: a reader that turned writer would fail where another wrote meanwhile."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def postgresql_engine(url: sa.URL, timeout: float) -> sa.Engine:
    """Return the engine of a database on a server.

    Raises:
        CatalogueError: The driver is not installed.
    """
    try:
        engine = sa.create_engine(
            url,
            pool_size=4,
            max_overflow=12,
            pool_pre_ping=True,
            connect_args={
                "connect_timeout": max(2, int(timeout)),
                "options": f"-c lock_timeout={int(timeout * 1000)} {_KEEPALIVES}",
            },
        )
    except (ImportError, exc.ArgumentError) as error:
        raise CatalogueError(
            f"the catalogue's database driver is not there: {error}", next_command='pip install "archiver[postgresql]"'
        ) from error
    return kept_from_forks(engine)


def _identity(file: Path) -> tuple[int, int] | None:
    """Return which file a path leads to."""
    try:
        found = os.stat(file)  # noqa: PTH116 - asked for with every transaction, and twice as quick as that of Path
    except OSError:
        return None
    return found.st_dev, found.st_ino


_ENGINES: dict[int, weakref.ref[sa.Engine]] = {}
"""Engines that are in use, by a number; a plain dictionary, because no lock may be held over a fork."""


def kept_from_forks(engine: sa.Engine) -> sa.Engine:
    """Let no connection that is kept be open over a fork, and none be shared with the child."""
    number = id(engine)
    _ENGINES[number] = weakref.ref(engine, lambda _: _ENGINES.pop(number, None))
    return engine


def _over_engines(*, close: bool) -> None:
    for reference in list(_ENGINES.values()):
        engine = reference()
        if engine is not None:
            engine.dispose(close=close)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=lambda: _over_engines(close=True), after_in_child=lambda: _over_engines(close=False))
