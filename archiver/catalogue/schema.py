"""Tables. Their history is in `migrations/`; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
    bindparam,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows by themselves only in a column that is called INTEGER."""

Name = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points in every database, whatever language a server was set up for."""


class Utc(TypeDecorator[datetime]):
    """A time in UTC. SQLite keeps no time zone, so it goes in and comes out as UTC everywhere."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Send it as UTC."""
        if value is None:
            return None
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - the base's signature
        """Read it as UTC."""
        if value is None:
            return None
        at: datetime = value
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


metadata = MetaData(naming_convention=NAMES)

item = Table(
    "item",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("source", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("latest_version", Integer),
    Column("outcome", Text),
    Column("answered_at", Utc),
    UniqueConstraint("source", "name"),
    Index(None, "outcome"),
)
"""Every item that was ever considered; `latest_version` is empty until one is held, `outcome` is the latest one."""

IS_NAMED = and_(item.c.source == bindparam("source"), item.c.name == bindparam("name"))
"""The condition that an item is the one of `archiver.catalogue.rows.named`.

Statements that are asked for every item are built once, with named places for their values: building one and finding
what it was compiled to costs ten times as much as asking it.
"""

aip = Table(
    "aip",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("searchable", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("updated", Text, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("tag_manifest", Text, nullable=False),
    Column("ingested_at", Utc, nullable=False),
    Column("decision", Text, nullable=False),
    UniqueConstraint("item_id", "version"),
    Index(None, "bytes", "files"),
)
"""One version of an item; `searchable` is identifier, title and licence, case-folded."""

file = Table(
    "file",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("path", Name, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("sha512", LargeBinary(64), nullable=False),
    Index(None, "sha256"),
)

copy = Table(
    "copy",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("store", Name, primary_key=True),
    Column("key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("grade", SmallInteger, nullable=False),
    Column("checked_at", Utc, nullable=False),
    Column("written_at", Utc, nullable=False),
    Column("looked_at", Utc, nullable=False),
    Column("looked_grade", SmallInteger, nullable=False),
    Column("attempted_at", Utc, nullable=False),
    Column("audits", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Index(None, "store", "checked_at", "aip_id", "bytes", "status"),
    Index(None, "store", "looked_at", "aip_id", "bytes"),
    Index(None, "aip_id", "store", "status"),
    Index(None, "store", "written_at", "aip_id"),
)
"""One AIP in one store; the indexes find the copies of a store that were checked longest ago, page by page.

`checked_at` and `grade` are those of the last check that read every byte, or of the proof at deposit; `looked_at` those of
the last check at any grade; `attempted_at` also counts checks that got no answer. So a cheap check never puts off a
thorough one. `bytes` is that of the AIP, so that sums are taken from the indexes alone.
"""

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("at", Utc, nullable=False),
    Column("reason", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("delete_after", Utc),
    Column("deleted_at", Utc),
    Column("ended_at", Utc),
    Column("ended_by", Text, nullable=False),
    Index(None, "item_id", "ended_at"),
)
"""Takedowns: an item is dark while it has one that has not ended. Rows are tombstones and stay."""

blocked = Table(
    "blocked",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), primary_key=True),
)
"""Content of withdrawn items, which no harvest may bring back under whatever name."""

repair = Table(
    "repair",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("store", Name, nullable=False),
    Column("path", Name, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "item_id", "id"),
)
"""What became of each damaged object."""

damage = Table(
    "damage",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("store", Name, primary_key=True),
    Column("path", Name, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("expected", Text, nullable=False),
    Column("actual", Text, nullable=False),
    Column("found_at", Utc, nullable=False),
)
"""What the last check found wrong with each copy, until a later one of the same strength or a repair finds it right."""

run = Table(
    "run",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("selection", Text, nullable=False),
    Column("selection_digest", Text, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
    Column("is_complete", Boolean, nullable=False),
    Column("counts", Text, nullable=False),
    Column("crawl", Text, nullable=False, server_default=""),
)

outcome = Table(
    "outcome",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("run_id", Identifier, ForeignKey("run.id"), nullable=False),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "item_id", "id"),
)
"""How each item of each run ended: the provenance of every decision. Unchanged items are counted in the run only."""

event = Table(
    "event",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("type", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("agent_kind", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("store", Name, nullable=False),
    Column("path", Name, nullable=False),
    Column("chain", LargeBinary(32), nullable=False),
    Index(None, "item_id", "id"),
)
"""PREMIS events, append-only: triggers refuse changes, and `chain` is SHA-256 over the event and the chain before it."""

review_case = Table(
    "review_case",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), nullable=False),
    Column("title", Text, nullable=False),
    Column("collections", Text, nullable=False),
    Column("item_set", Text, nullable=False),
    Column("whole_set", Text, nullable=False),
    Column("batch_set", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("state", Text, nullable=False, server_default=""),
    UniqueConstraint("item_id", "item_set", "whole_set"),
)
"""Quarantined items, one row for each set of declarations they were quarantined with; never changed."""

review_verdict = Table(
    "review_verdict",
    metadata,
    Column("id", Identifier, primary_key=True),
    Column("case_id", Identifier, ForeignKey("review_case.id"), nullable=False),
    Column("is_acceptance", Boolean, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Index(None, "case_id"),
)
"""What people said of cases; only added to."""

preference = Table(
    "preference",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("category", Name, primary_key=True),
    Column("value", Text, nullable=False),
    Index(None, "category", "value"),
)
"""The combined preferences of each version, for finding it; the statements themselves are in the bag."""

sound = Table(
    "sound",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("path", Name, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("codes", Text, nullable=False),
    Column("codec", Text, nullable=False),
    Column("seconds", Float),
    Column("sample_rate", Integer),
    Column("channels", Integer),
    Column("packets_sha256", LargeBinary(32)),
    Column("pcm_md5", LargeBinary(16)),
    Column("fingerprint", LargeBinary),
    Index(None, "packets_sha256"),
    Index(None, "pcm_md5"),
)
"""What examining found of each recording, for finding duplicates; the whole of it is in the bag."""

loudness = Table(
    "loudness",
    metadata,
    Column("aip_id", Identifier, ForeignKey("aip.id"), primary_key=True),
    Column("path", Name, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("seconds", Double),
    Column("integrated", Double),
    Column("range", Double),
    Column("true_peak", Double),
    Column("peaks", Text, nullable=False),
    Column("clipped", BigInteger, nullable=False),
    Column("silent", Double, nullable=False),
    Column("longest_silence", Double, nullable=False),
)
"""What measuring each recording came to, for finding suspicious ones; the numbers themselves stand beside the derivatives."""

knowledge = Table(
    "knowledge",
    metadata,
    Column("provider", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("record", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("at", Utc, nullable=False),
)
"""What encyclopedias answered about identifiers: a cache, which may be lost."""

identifier = Table(
    "identifier",
    metadata,
    Column("item_id", Identifier, ForeignKey("item.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("value", Name, nullable=False),
    Index(None, "kind", "value"),
)
"""The identifiers of recordings that were found in each item's bag, and where."""

pace = Table(
    "pace",
    metadata,
    Column("host", Name, primary_key=True),
    Column("turn", Double, nullable=False),
    Column("held_until", Double, nullable=False),
)
"""When a host may be asked next, and until when it asked to be left alone: seconds since 1970 by the database's clock.

Used where processes share the catalogue, in PostgreSQL; in SQLite it stays empty.
"""

in_hand = Table(
    "in_hand",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("source", Name, nullable=False),
    Column("name", Name, nullable=False),
    Column("licence", Text, nullable=False),
    Index(None, "source", "name"),
)
"""Bytes of items that some process walks right now; in SQLite, where one process works, it stays empty."""
sighting = Table(
    "sighting",
    metadata,
    Column("selection", Name, primary_key=True),
    Column("item_id", Identifier, ForeignKey("item.id"), primary_key=True),
    Column("run_id", Identifier, ForeignKey("run.id"), nullable=False),
    Column("mark", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("described_at", Utc, nullable=False),
    Index(None, "item_id"),
)
"""How each item of each selection ended last: an item that its source calls unchanged is not asked for again."""

crawl_window = Table(
    "crawl_window",
    metadata,
    Column("selection", Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("until", Utc, nullable=False),
    Column("full_at", Utc, nullable=False),
)
"""What each selection has seen to its end."""

memo = Table(
    "memo",
    metadata,
    Column("name", Name, primary_key=True),
    Column("last_event", BigInteger, nullable=False),
    Column("value", Text, nullable=False),
)
"""Sums over everything, as of an event: a cache, which may be lost."""
