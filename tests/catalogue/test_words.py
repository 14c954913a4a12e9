"""Searching for words goes through an index of letters, and finds what reading every text would find."""

from __future__ import annotations

from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic import command

from archiver.catalogue import schema, words
from archiver.catalogue.opening import open_catalogue
from archiver.core.errors import CatalogueError
from tests.catalogue.test_opening import alembic
from tests.contracts.catalogue_contract import holding

TITLES = (
    "Straße nach Köln",
    'He said "play" AND (not) OR*',
    "100% under_score",
    "100x underxscore",
    "it's --; DROP TABLE aip",
    "日本の音楽",
    "nul\0 and \ud800",
    "İstanbul ﬁnal",
    "",
)
ASKED = (
    *(
        'said "pl',
        "strasse",
        "STRASSE",
        "köln",
        "kÖLN",
        '"play"',
        "AND (not",
        "or*",
        "100%",
        "r_s",
        "'s --;",
        "本の音",
        "日本",
    ),
    *(
        "nul",
        "\0",
        "istanbul",
        "final",
        "ﬁn",
        "a",
        "it",
        "   ",
        "internet-archive/",
        "/4.0/",
        "not there at all",
        "^*:",
    ),
)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'catalogue.sqlite'}"


@pytest.fixture
def catalogue(url):
    with closing(open_catalogue(url)) as opened:
        for number, title in enumerate(TITLES):
            opened.ingested(holding(f"item{number}", title=title), [], [], decision="{}")
        yield opened


def found(catalogue, text):
    return [held.item.name for held in catalogue.holdings(text=text)]


def said(url, *statements):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        answers = [connection.exec_driver_sql(statement) for statement in statements]
        rows = answers[-1].all() if answers[-1].returns_rows else []
    engine.dispose()
    return rows


@pytest.mark.parametrize("few", [words.FEW, 0])
def test_the_index_finds_what_reading_all_texts_finds(catalogue, url, monkeypatch, few):
    monkeypatch.setattr(words, "FEW", few)
    by_index = [found(catalogue, text) for text in ASKED]
    said(url, *words._NOT_SQLITE)

    assert [found(catalogue, text) for text in ASKED] == by_index
    assert by_index[0] == ["item1"]
    assert by_index[1] == by_index[2] == ["item0"]
    assert by_index[ASKED.index("r_s")] == ["item2"]
    assert by_index[ASKED.index("not there at all")] == []


def test_a_search_asks_the_index(catalogue, url):
    assert found(catalogue, "under_score") == ["item2"]

    said(url, "INSERT INTO aip_words(aip_words) VALUES ('delete-all')")

    assert found(catalogue, "under_score") == []
    assert found(catalogue, "r_") == ["item2"]  # too short for the index


def test_what_changes_in_the_table_changes_in_the_index(catalogue, url):
    said(url, "UPDATE aip SET searchable = 'renamed entirely' WHERE title = '100% under_score'")
    assert (found(catalogue, "under_score"), found(catalogue, "named ent")) == ([], ["item2"])

    said(url, "DELETE FROM copy", "DELETE FROM aip")
    assert said(url, "SELECT rowid FROM aip_words WHERE aip_words MATCH '\"named\"'") == []
    assert said(url, "INSERT INTO aip_words(aip_words, rank) VALUES ('integrity-check', 1)") == []


def test_an_earlier_catalogue_is_indexed_when_it_is_opened(catalogue, url):
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.downgrade(alembic(connection), "0011")
        assert not sa.inspect(connection).has_table("aip_words")
    engine.dispose()

    with closing(open_catalogue(url)) as opened:
        assert said(url, "SELECT count(*) FROM aip_words WHERE aip_words MATCH '\"under\"'") == [(2,)]
        assert found(opened, "under_score") == ["item2"]


@pytest.mark.parametrize(
    ("last", "is_opened"),
    [
        ("CREATE VIRTUAL TABLE other USING fts5(text, tokenize='unheard_of')", True),
        ("CREATE VIRTUAL TABLE other USING unheard_of(text)", True),
        ("SELECT nothing", False),
    ],
)
def test_a_database_that_cannot_have_the_index_is_opened_and_one_that_fails_is_not(url, monkeypatch, last, is_opened):
    monkeypatch.setattr(words, "_SQLITE", (*words._SQLITE, last))
    if is_opened:
        with closing(open_catalogue(url)) as opened:
            opened.ingested(holding("a", title="under_score"), [], [], decision="{}")
            assert found(opened, "under_score") == ["a"]
    else:
        with pytest.raises(CatalogueError, match="nothing"):
            open_catalogue(url)
    assert said(url, "SELECT count(*) FROM sqlite_master WHERE name LIKE 'aip_words%'") == [(0,)]
    assert said(url, "SELECT count(*) FROM sqlite_master WHERE name = 'aip'") == [(int(is_opened),)]


@pytest.mark.xdist_group("postgresql")
def test_postgresql_has_an_index_of_the_same_letters(postgresql):
    url = postgresql.new_database()
    with closing(open_catalogue(url)) as opened:
        for number, title in enumerate(TITLES):
            opened.ingested(holding(f"item{number}", title=title), [], [], decision="{}")
        assert found(opened, "under_score") == ["item2"]
    if not said(url, "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"):
        pytest.skip(
            "this PostgreSQL has no pg_trgm; ARCHIVER_TEST_POSTGRESQL=/usr/lib/postgresql/15/bin names another one"
        )

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        query = sa.select(schema.aip.c.id).where(words.that_hold(connection, "Under_Score"))
        compiled = query.compile(engine, compile_kwargs={"literal_binds": True})
        plan = "\n".join(
            row[0] for row in connection.exec_driver_sql(f"EXPLAIN {compiled}".replace("%%", "%").replace("%", "%%"))
        )
    engine.dispose()
    assert "Bitmap Index Scan on aip_words" in plan
