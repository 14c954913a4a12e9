"""Claims of processes that share a catalogue in PostgreSQL: items, downloads and bytes in hand.

A claim is an advisory lock of one session, which PostgreSQL lets go of when that session's process ends, however it
ends. So there is no lease to run out and nothing to renew: what a killed worker held is free at once, and what a
living one holds stays its own however long it takes. A machine that loses its power or its network is given up by the
server's keepalives after about half a minute.

    advisory lock (ITEM, number of the item)          the item is being walked
    advisory lock (SLOT, number of source and slot)   one of a source's downloads is open
    row in `in_hand`                                  these bytes belong to an item that is being walked; a row whose
                                                      item nobody holds is the remains of a killed process
"""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from archiver.catalogue import rows, schema
from archiver.core.fixity import Algorithm, Digest
from archiver.core.holdings import SeenBytes
from archiver.core.items import ItemId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from archiver.ports.clock import Clock

ITEM = 0x61726301
SLOT = 0x61726302
"""Kinds of advisory locks; any numbers that are always the same."""
LOOK_AGAIN = 0.1
"""Seconds between two tries for what somebody else holds: 16 waiting threads ask 160 times a second, 1 ms each."""
BATCH = 500
"""Digests in one statement."""


class SharedClaims:
    """Implements `archiver.ports.claims.Claims` over one session. Safe for threads.

    Args:
        engine: Where the session is opened; it commits by itself.
        translated: Translates what the database raises.
        clock: A signal ends the waiting.
    """

    def __init__(self, engine: sa.Engine, translated: Callable[[], AbstractContextManager[None]], clock: Clock) -> None:
        self._translated = translated
        self._clock = clock
        with translated():
            self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._lock = threading.Lock()
        # One session may take its own lock again, so who in this process has which must be known here.
        self._ours: set[tuple[int, int]] = set()

    @contextmanager
    def held(self, item: ItemId) -> Iterator[None]:
        """Keep an item; see the port."""
        key = (ITEM, number(str(item)))
        while not self._try(key):
            self._clock.wait(LOOK_AGAIN)
        try:
            yield
        finally:
            self._release(key)

    def is_anybody_here(self) -> bool:
        """Tell whether another process holds an item; see the port."""
        with self._lock, self._translated():
            return bool(self._connection.execute(_OTHERS, {"kind": ITEM}).scalar_one())

    @contextmanager
    def slot(self, source: str, slots: int) -> Iterator[None]:
        """Hold one of a source's so many downloads, over all processes."""
        keys = [(SLOT, number(f"{source}\0{slot}")) for slot in range(slots)]
        while True:
            key = next(filter(self._try, keys), None)
            if key is not None:
                break
            self._clock.wait(LOOK_AGAIN)
        try:
            yield
        finally:
            self._release(key)

    def is_held(self, item: ItemId) -> bool:
        """Tell whether any process, this one included, holds an item."""
        with self._lock, self._translated():
            found = self._connection.execute(_HOLDERS, {"kind": ITEM, "number": number(str(item))})
            return bool(found.scalar_one())

    def close(self) -> None:
        """End the session, and every claim with it."""
        with self._lock:
            self._connection.close()

    def _try(self, key: tuple[int, int]) -> bool:
        with self._lock, self._translated():
            if key in self._ours:
                return False
            taken = bool(self._connection.execute(_LOCK, {"kind": key[0], "number": key[1]}).scalar_one())
            if taken:
                self._ours.add(key)
            return taken

    def _release(self, key: tuple[int, int]) -> None:
        with self._lock, self._translated():
            self._ours.discard(key)
            self._connection.execute(_UNLOCK, {"kind": key[0], "number": key[1]})


def number(text: str) -> int:
    """Return a positive number of 31 bits for a name. Two names with one number wait for each other, nothing worse."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:4], "big") >> 1


_KIND, _NUMBER = sa.bindparam("kind", type_=sa.Integer), sa.bindparam("number", type_=sa.Integer)
_LOCK = sa.select(sa.func.pg_try_advisory_lock(_KIND, _NUMBER))
_UNLOCK = sa.select(sa.func.pg_advisory_unlock(_KIND, _NUMBER))
_HERE = "locktype = 'advisory' AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
_OTHERS = sa.text(
    f"SELECT EXISTS (SELECT 1 FROM pg_locks WHERE {_HERE} AND classid = :kind AND granted AND pid <> pg_backend_pid())"  # noqa: S608
)
_HOLDERS = sa.text(
    f"SELECT EXISTS (SELECT 1 FROM pg_locks WHERE {_HERE} AND classid = :kind AND objid = :number AND granted)"  # noqa: S608
)


_OURS = insert(schema.in_hand).on_conflict_do_nothing()
_THEIRS = sa.select(schema.in_hand).where(
    schema.in_hand.c.sha256.in_(sa.bindparam("digests", expanding=True)),
    sa.or_(
        schema.in_hand.c.source != sa.bindparam("source"),
        schema.in_hand.c.name != sa.bindparam("name"),
    ),
)
_RELEASE = schema.in_hand.delete().where(
    schema.in_hand.c.source == sa.bindparam("of_source"), schema.in_hand.c.name == sa.bindparam("of_name")
)


class SharedBytesInHand:
    """Implements `archiver.ports.claims.BytesInHand` for processes that share a catalogue.

    Args:
        writes: Opens a transaction.
        claims: Know whether the item behind a row is still being walked.
    """

    def __init__(self, writes: Callable[[], AbstractContextManager[sa.Connection]], claims: SharedClaims) -> None:
        self._writes = writes
        self._claims = claims

    def claim(self, digests: Iterable[Digest], item: ItemId, licence: str) -> tuple[SeenBytes, ...]:
        """Claim bytes; see the port."""
        # In one order everywhere: two items with the same two files never wait for each other.
        values = sorted({bytes.fromhex(digest.value) for digest in digests if digest.algorithm is Algorithm.SHA256})
        while True:
            others = self._claimed(values, item, licence)
            dead = [other for other in {one.item for one in others} if not self._claims.is_held(other)]
            if not dead:
                return others
            for other in dead:
                self.release(other)

    def release(self, item: ItemId) -> None:
        """Let go of an item's bytes; see the port."""
        with self._writes() as connection:
            connection.execute(_RELEASE, {"of_source": rows.text(item.source), "of_name": rows.text(item.name)})

    def _claimed(self, values: list[bytes], item: ItemId, licence: str) -> tuple[SeenBytes, ...]:
        source, name = rows.text(item.source), rows.text(item.name)
        found: list[SeenBytes] = []
        with self._writes() as connection:
            for start in range(0, len(values), BATCH):
                batch = values[start : start + BATCH]
                ours = [{"sha256": one, "source": source, "name": name, "licence": licence} for one in batch]
                connection.execute(_OURS, ours)
                theirs = connection.execute(_THEIRS, {"digests": batch, "source": source, "name": name})
                found += [
                    SeenBytes(Digest(Algorithm.SHA256, row.sha256.hex()), ItemId(row.source, row.name), row.licence)
                    for row in theirs
                ]
        return tuple(found)
