"""How fast the next 1,000 due copies are chosen among many: rows are put into a catalogue in bulk, then it is asked.

python benchmarks/due.py 1000000 10000000            # each in SQLite
python benchmarks/due.py --postgresql 10000000       # in a PostgreSQL server of its own, see tests/servers
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import sqlalchemy as sa
from measuring import spread

sys.path.insert(0, str(Path(__file__).parents[1]))
from archiver.catalogue import schema
from archiver.catalogue.opening import open_catalogue
from archiver.core.fixity import Grade
from tests.servers.postgresql import run_postgresql

BATCH = 500_000
ROUNDS = 21
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST = 4 * 365 * 86400
"""Seconds before NOW that the oldest check is away."""


def build(url: str, number: int) -> None:
    """Put as many copies into a new catalogue, checked at times spread without order; indexes are made afterwards."""
    open_catalogue(url).close()
    engine = sa.create_engine(url)
    indexes = sorted(schema.copy.indexes, key=lambda one: one.name)
    began = time.perf_counter()
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
        for index in indexes:
            index.drop(connection)
        for start in range(0, number, BATCH):
            for statement in _rows(engine.dialect.name, start + 1, min(start + BATCH, number)):
                connection.exec_driver_sql(statement)
            connection.commit()
        for index in indexes:
            index.create(connection)
        connection.commit()
    engine.dispose()
    if engine.dialect.name == "postgresql":
        with sa.create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    print(f"  {number:,} copies put in within {time.perf_counter() - began:.0f} s", flush=True)


def _rows(dialect: str, first: int, last: int) -> tuple[str, ...]:
    if dialect == "sqlite":
        numbers = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
        at = f"strftime('%Y-%m-%d %H:%M:%S', '{NOW:%Y-%m-%d}', '-' || ((i * 7919) % {LONGEST}) || ' seconds') || '.000000'"
    else:
        numbers = f"WITH n(i) AS (SELECT generate_series({first}, {last}))"
        at = f"timestamptz '{NOW.isoformat()}' - mod(i::bigint * 7919, {LONGEST}) * interval '1 second'"
    day = f"'{NOW:%Y-%m-%d} 00:00:00.000000'"
    return (
        f"INSERT INTO item (id, source, name, latest_version) {numbers} SELECT i, 'internet-archive', 'item-' || i, 1 FROM n",
        (
            "INSERT INTO aip (id, item_id, version, prefix, title, licence, searchable, state, updated, files, bytes, "
            f"tag_manifest, ingested_at, decision) {numbers} SELECT i, i, 1, 'bags/internet-archive/ab/cd/item-' || i || '/v1/', "
            f"'A title of usual length', 'https://creativecommons.org/licenses/by/4.0/', '', '', '', 9, 100000000, "
            f"'sha512:ab', {day}, '{{}}' FROM n"
        ),
        (
            "INSERT INTO copy (aip_id, store, key, status, grade, checked_at, written_at, looked_at, looked_grade, attempted_at, "
            f"audits) {numbers} SELECT i, 'primary', 'bags/internet-archive/ab/cd/item-' || i || '/v1', 'good', 4, {at}, "
            f"{day}, {at}, 4, {at}, 1 FROM n"
        ),
    )


def measure(url: str) -> None:
    """Ask for 1,000 due copies: the first ones, with everything a new process has to do; then page by page."""
    until = NOW - timedelta(days=90)
    began = time.perf_counter()
    catalogue = open_catalogue(url)
    first = list(islice(catalogue.due("primary", grade=Grade.READ, until=until), 1000))
    print(f"  opening and the first {len(first)}: {(time.perf_counter() - began) * 1e3:.1f} ms")
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = list(islice(catalogue.due("primary", grade=Grade.READ, until=until), 1000))
        times.append((time.perf_counter() - began) * 1e3)
        if len(found) != 1000 or found != first:
            raise SystemExit("not the copies that were to be chosen: the figure would mean nothing")
    print(f"  the first 1,000 again, ms: {spread(times)}")
    pages = catalogue.due("primary", grade=Grade.READ, until=until)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        found = list(islice(pages, 1000))
        times.append((time.perf_counter() - began) * 1e3)
        if [one.checked_at for one in found] != sorted(one.checked_at for one in found):
            raise SystemExit("not in the order of their checks: the figure would mean nothing")
    print(f"  each next 1,000, never asked for before, ms: {spread(times)}")
    catalogue.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("numbers", nargs="+", type=int)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--place", type=Path, help="a directory with room: about 1 kB for each copy")
    asked = parser.parse_args()
    for number in asked.numbers:
        print(f"{number:,} copies, {'PostgreSQL' if asked.postgresql else 'SQLite'}", flush=True)
        if asked.postgresql:
            with contextmanager(run_postgresql)() as server:
                both(server.new_database(), number)
        else:
            with tempfile.TemporaryDirectory(dir=asked.place) as place:
                both(f"sqlite:///{place}/catalogue.sqlite", number)


def both(url: str, number: int) -> None:
    build(url, number)
    measure(url)


if __name__ == "__main__":
    main()
