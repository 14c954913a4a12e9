"""What the catalogue costs at size: files inserted, searched, listed, chosen for audit, counted and exported.

    python benchmarks/catalogue.py                                   # 10 000 and 100 000 files, in SQLite
    python benchmarks/catalogue.py 10000 100000 1000000 10000000     # the whole row; 10 million take about 6 GB and a while
    python benchmarks/catalogue.py 100000 --url postgresql+psycopg://USER@HOST/DATABASE   # an empty database

The bulk of each size is made by the database itself; what is measured goes through the catalogue's own ports, on top of
it. A database that is given must be empty, and is emptied again. Every figure is the median of several calls, in milliseconds
for one call or microseconds for one file. "first" is a sum that is taken, "again" the same one remembered.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import sqlalchemy as sa
from measuring import Report

from archiver.catalogue import schema
from archiver.catalogue.opening import open_catalogue
from archiver.catalogue.remembering import forget
from archiver.catalogue.words import forget_words
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import Algorithm, Digest, Grade, digest_of
from archiver.core.holdings import Copy, CopyStatus, HeldFile, Holding
from archiver.core.items import ItemId
from archiver.core.outcomes import ItemOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from archiver.catalogue.opening import Catalogue

FILES = 10
"""Files of one item."""
EXTRA = 60
"""Items inserted through the ledger while it is measured."""
GROWING = 2_000_000
"""Kibibytes of memory for the pages of SQLite while a size is made: keys without an order touch every page of an index."""
START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=400)
CC_BY = "https://creativecommons.org/licenses/by/4.0/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--url", help="an empty database; else SQLite in a temporary directory")
    parser.add_argument("--json", type=Path, help="write every figure here")
    arguments = parser.parse_args()
    kind = "PostgreSQL" if (arguments.url or "").startswith("postgresql") else "SQLite"
    results: dict[int, dict[str, float]] = {}
    if arguments.url:
        refuse_what_is_used(arguments.url)
    with tempfile.TemporaryDirectory(prefix="archiver-bench-") as place:
        catalogue = open_catalogue(arguments.url or f"sqlite:///{place}/catalogue.sqlite")
        made = 0
        try:
            for size in sorted(arguments.sizes):
                made = grow(catalogue, made, size // FILES)
                results[size] = measured(catalogue, made)
                made += EXTRA
                print("\n".join(table({size: results[size]})), file=sys.stderr, flush=True)
        finally:
            if arguments.url:
                clear(catalogue)
            catalogue.close()
    Report(f"{kind}, items of {FILES} files.", table(results), figures=results).publish(arguments.json)


def refuse_what_is_used(url: str) -> None:
    """Stop before a database is touched that holds anything: at the end its tables are removed."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    tables = sa.inspect(engine).get_table_names()
    if tables:
        raise SystemExit(
            f"{engine.url!r} must be empty, for all is removed at the end; actual tables: {', '.join(tables)}"
        )


def clear(catalogue: Catalogue) -> None:
    """Remove what was made in a database that was given."""
    with catalogue._writes() as connection:  # noqa: SLF001
        forget_words(connection)
        schema.metadata.drop_all(connection)
        connection.exec_driver_sql("DROP TABLE alembic_version")
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("DROP FUNCTION event_is_append_only()")


def grow(catalogue: Catalogue, have: int, want: int) -> int:
    """Bring the catalogue to so many items, by the database's own means."""
    with catalogue._writes() as connection:  # noqa: SLF001 - a benchmark builds what the product never would
        is_postgresql = connection.dialect.name == "postgresql"
        if not is_postgresql:
            connection.exec_driver_sql(f"PRAGMA cache_size = -{GROWING}")
        for statement in bulk(have + 1, want, is_postgresql=is_postgresql):
            connection.exec_driver_sql(statement)
        if is_postgresql:
            for table in ("item", "aip"):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
                )
    catalogue._engine.dispose()  # noqa: SLF001 - what is measured has connections as everybody has them
    tidied = ["VACUUM ANALYZE", "CHECKPOINT"] if is_postgresql else ["ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"]
    with catalogue._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:  # noqa: SLF001
        for statement in tidied:
            connection.exec_driver_sql(statement)
    return max(have, want)


def bulk(first: int, last: int, *, is_postgresql: bool) -> Iterator[str]:
    """Yield the statements that make items ``first`` to ``last``, one copy and one event each."""
    if is_postgresql:
        numbers = f"SELECT generate_series({first}, {last}) AS i"
        moment = "timestamptz '2024-01-01 00:00:00+00' + mod(i::bigint * 7919, 30000000) * interval '1 second'"
        letters = "substr(md5(i::text), 1, 8)"
        digest, longer, big = "sha256(({0})::text::bytea)", "sha512(({0})::text::bytea)", "i::bigint"
    else:
        numbers = (
            f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) SELECT i FROM n"
        )
        moment = "strftime('%Y-%m-%d %H:%M:%S', 1704067200 + (i * 7919) % 30000000, 'unixepoch') || '.000000'"
        letters = "printf('%08x', i * 2654435761 % 4294967296)"
        digest, longer, big = "randomblob(32)", "randomblob(64)", "i"
    state, root = (f"'{name}:{'0' * (width - 8)}' || {letters}" for name, width in (("sha256", 64), ("sha512", 128)))
    source = f"FROM ({numbers}) AS n"
    yield (
        "INSERT INTO item (id, source, name, latest_version, outcome, answered_at) "
        f"SELECT i, 'internet-archive', 'item-' || {letters} || '-' || i, 1, 'stored', {moment} {source}"
    )
    yield (
        "INSERT INTO aip (id, item_id, version, prefix, title, licence, searchable, state, updated, files, bytes, tag_manifest, "
        "ingested_at, decision) "
        f"SELECT i, i, 1, 'bags/internet-archive/ab/cd/item-' || i || '/v1/', 'Title ' || i, '{CC_BY}', "
        f"'internet-archive/item-' || {letters} || '-' || i || ' title ' || {letters}, {state}, '', {FILES}, 1000000, {root}, "
        f'{moment}, \'{{"because": "{"x" * 1000}"}}\' {source}'
    )
    yield (
        "INSERT INTO copy (aip_id, store, key, status, grade, checked_at, written_at, looked_at, looked_grade, attempted_at, "
        "audits, bytes) "
        f"SELECT i, 'primary', 'bags/internet-archive/ab/cd/item-' || i || '/v1', 'good', 4, {moment}, {moment}, {moment}, 4, "
        f"{moment}, 1, 1000000 {source}"
    )
    yield (
        "INSERT INTO event (id, item_id, type, at, outcome, detail, agent, agent_kind, version, store, path, chain) "
        f"SELECT (SELECT coalesce(max(id), 0) FROM event) + i - {first - 1}, i, 'ingestion', {moment}, 'success', "
        "'10 payload files', 'archiver 1', 'software', 1, 'primary', '', "
        f"{digest.format('i')} {source}"
    )
    for number in range(FILES):
        yield (
            "INSERT INTO file (aip_id, path, size, sha256, sha512) "
            f"SELECT i, 'data/{number:02} track.flac', 100000, {digest.format(f'{big} * {FILES} + {number}')}, "
            f"{longer.format(f'{big} * {FILES} + {number}')} {source}"
        )


def measured(catalogue: Catalogue, made: int) -> dict[str, float]:
    """Measure every kind of question at the size that is there."""
    one = next(catalogue.holdings()).item
    rare = f"-{made * 2 // 3} title"  # the name of one item ends so, and its title begins
    wall, cpu = inserted(catalogue, made)
    figures = {"insert µs/file": wall / FILES * 1e6, "insert, CPU of this process µs/file": cpu / FILES * 1e6}
    questions: dict[str, Callable[[], object]] = {
        "latest ms": lambda: catalogue.latest(one),
        "files of an item ms": lambda: list(catalogue.files(one, 1)),
        "due page ms": lambda: list(islice(catalogue.due("primary", grade=Grade.READ, until=NOW), 1000)),
        "nothing due ms": lambda: list(catalogue.due("primary", grade=Grade.READ, until=START - timedelta(1))),
        "list page ms": lambda: list(islice(catalogue.holdings(), 500)),
        "search (one found) ms": lambda: list(islice(catalogue.holdings(text=rare), 10)),
        "search (ten found, more are there) ms": lambda: list(islice(catalogue.holdings(text="title"), 10)),
        "search (nothing found) ms": lambda: list(islice(catalogue.holdings(text="no such words"), 10)),
        "seen ms": lambda: catalogue.seen([digest_of(b"x"), digest_of(b"y")]),
        "last shard ms": lambda: list(islice(catalogue.shards(after=made), 1)),
    }
    sums: dict[str, Callable[[], object]] = {
        "totals": catalogue.totals,
        "backlog": lambda: catalogue.backlog("primary", interval=timedelta(1000), grade=Grade.READ, now=NOW),
        "spreads": catalogue.spreads,
    }
    for name, ask in questions.items():
        figures[name] = clocked(ask) * 1e3
    for name, ask in sums.items():
        with catalogue._writes() as connection:  # noqa: SLF001
            forget(connection)
        figures[f"{name} first ms"] = clocked(ask, times=1) * 1e3
        figures[f"{name} again ms"] = clocked(ask) * 1e3
    exported = min(20_000, made)
    began = time.perf_counter()
    list(islice(catalogue.holdings(), exported))
    figures["export µs/item"] = (time.perf_counter() - began) / exported * 1e6
    return figures


def inserted(catalogue: Catalogue, made: int) -> tuple[float, float]:
    """Take down some items as a harvest does, and return the seconds and the CPU seconds of one."""
    run = catalogue.begin(selection="benchmark", selection_digest="0" * 64, at=NOW)
    agent, seconds, busy = Agent("benchmark 1"), [], []
    for number in range(made + 1, made + 1 + EXTRA):
        item = ItemId("internet-archive", f"measured-{number}")
        digests = [hashlib.sha512(f"{number} {index}".encode()) for index in range(FILES)]
        files = [
            HeldFile(
                f"data/{index:02} track.flac",
                100_000,
                Digest(Algorithm.SHA256, hashlib.sha256(digest.digest()).hexdigest()),
                Digest(Algorithm.SHA512, digest.hexdigest()),
            )
            for index, digest in enumerate(digests)
        ]
        prefix = f"bags/internet-archive/ab/cd/measured-{number}/v1/"
        holding = Holding(
            item=item,
            version=1,
            prefix=prefix,
            title=f"Title {number}",
            licence=CC_BY,
            state=digest_of(b"state"),
            updated="",
            files=FILES,
            bytes=1_000_000,
            tag_manifest=files[0].sha512,
            ingested_at=NOW,
            copies=(Copy("primary", prefix.rstrip("/"), CopyStatus.GOOD, Grade.READ, NOW),),
        )
        events = [
            Event(kind, NOW, EventOutcome.SUCCESS, "", agent, item, version=1, store="primary")
            for kind in (EventType.INGESTION, EventType.FIXITY_CHECK)
        ]
        began, used = time.perf_counter(), time.process_time()
        catalogue.ingested(holding, files, events, decision='{"policy": "all-cc"}')
        catalogue.answered(run, ItemOutcome(item, Outcome.STORED, files=FILES, bytes=1_000_000), at=NOW)
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - used)
    catalogue.end(run, at=NOW, complete=True, counts={Outcome.STORED: EXTRA})
    return median(seconds), median(busy)


def clocked(ask: Callable[[], object], *, times: int = 5) -> float:
    """Return the median of the seconds of some calls; fewer where it is slow."""
    seconds: list[float] = []
    while len(seconds) < times and sum(seconds) < 10:
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    return median(seconds)


def table(results: dict[int, dict[str, float]]) -> list[str]:
    """Return one line for each question and one column for each size."""
    lines = ["| question | " + " | ".join(f"{size:,} files" for size in results) + " |"]
    lines.append("|---" * (len(results) + 1) + "|")
    lines += [
        f"| {name} | " + " | ".join(f"{figures[name]:,.1f}" for figures in results.values()) + " |"
        for name in next(iter(results.values()))
    ]
    return lines


if __name__ == "__main__":
    main()
