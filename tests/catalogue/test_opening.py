from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import archiver.catalogue
from archiver.catalogue import rows, schema
from archiver.catalogue.opening import open_catalogue
from archiver.catalogue.revision import HEAD
from archiver.core.errors import CatalogueError, CatalogueLockedError
from archiver.core.items import ItemId
from tests.contracts.catalogue_contract import AT, event, files, holding


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'below' / 'catalogue.sqlite'}"


def alembic(connection):
    config = Config()
    config.set_main_option("script_location", str(Path(archiver.catalogue.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def database(url):
    return url.removeprefix("sqlite:///")


def up_and_down(url):
    open_catalogue(url).close()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.check(alembic(connection))
        command.downgrade(alembic(connection), "base")
        assert [name for name in sa.inspect(connection).get_table_names() if name != "alembic_version"] == []
        command.upgrade(alembic(connection), "head")
        command.check(alembic(connection))
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == HEAD
    engine.dispose()


def test_the_schema_is_what_its_migrations_make_on_sqlite(url):
    up_and_down(url)


@pytest.mark.xdist_group("postgresql")
def test_the_schema_is_what_its_migrations_make_on_postgresql(postgresql):
    up_and_down(postgresql.new_database())


def shape(connection):
    """All that a database says of the tables in it."""
    inspector = sa.inspect(connection)
    told = {}
    for table in inspector.get_table_names():
        told[table] = {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            },
            "primary": inspector.get_pk_constraint(table),
            "foreign": sorted(inspector.get_foreign_keys(table), key=str),
            "unique": sorted(inspector.get_unique_constraints(table), key=str),
            "indexes": sorted(inspector.get_indexes(table), key=str),
        }
    triggers = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, pg_get_triggerdef(t.oid), prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid "
        "WHERE NOT tgisinternal",
    }[connection.dialect.name]
    return told, sorted([" ".join(value.split()) for value in row] for row in connection.exec_driver_sql(triggers))


def is_founded_as_it_would_be_migrated(new, migrated):
    open_catalogue(new).close()
    shapes = []
    for url in (new, migrated):
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            if url is migrated:
                command.upgrade(alembic(connection), "head")
            shapes.append(shape(connection))
        engine.dispose()
    assert len(shapes[0][0]) > 20
    assert shapes[0][1]
    assert shapes[0] == shapes[1]


def test_a_new_catalogue_is_what_all_migrations_make_on_sqlite(tmp_path):
    is_founded_as_it_would_be_migrated(*(f"sqlite:///{tmp_path / name}.sqlite" for name in ("new", "migrated")))


@pytest.mark.xdist_group("postgresql")
def test_a_new_catalogue_is_what_all_migrations_make_on_postgresql(postgresql):
    is_founded_as_it_would_be_migrated(postgresql.new_database(), postgresql.new_database())


def test_a_catalogue_of_an_earlier_revision_is_brought_to_this_one(url):
    Path(database(url)).parent.mkdir()
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        command.upgrade(alembic(connection), "0008")
    engine.dispose()

    open_catalogue(url).close()

    engine = sa.create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == HEAD
        assert sa.inspect(connection).has_table("memo")
    engine.dispose()


def refuses_changes(url):
    catalogue = open_catalogue(url)
    catalogue.ingested(holding(), [], [event()], decision="{}")
    catalogue.close()
    engine = sa.create_engine(url)
    statements = ["UPDATE event SET detail = 'x'", "DELETE FROM event"]
    if engine.dialect.name == "sqlite":
        statements.append("INSERT OR REPLACE INTO event SELECT * FROM event")
    for statement in statements:
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_an_event_cannot_be_changed_or_removed_on_sqlite(url):
    refuses_changes(url)


@pytest.mark.xdist_group("postgresql")
def test_an_event_cannot_be_changed_or_removed_on_postgresql(postgresql):
    refuses_changes(postgresql.new_database())


def test_a_catalogue_of_a_newer_program_is_left_alone(url):
    open_catalogue(url).close()
    with closing(sqlite3.connect(database(url))) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(CatalogueError, match="newer program"):
        open_catalogue(url)


def test_a_file_that_is_no_catalogue_is_named_and_left(url):
    file = Path(database(url))
    file.parent.mkdir()
    file.write_bytes(b"this is no database at all" * 100)

    with pytest.raises(CatalogueError, match=r"catalogue\.sqlite") as error:
        open_catalogue(url)

    assert error.value.next_command
    assert file.read_bytes().startswith(b"this is no database")


def test_a_locked_catalogue_is_said_to_be_locked_and_nothing_is_written(url):
    catalogue = open_catalogue(url, timeout=0.2)
    other = sqlite3.connect(database(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(CatalogueLockedError, match="locked"):
        catalogue.ingested(holding(), files(), [], decision="{}")

    other.execute("ROLLBACK")
    other.close()
    assert catalogue.latest(holding().item) is None
    catalogue.close()


def test_a_reader_is_answered_while_another_process_writes(url):
    catalogue = open_catalogue(url, timeout=0.2)
    catalogue.ingested(holding(), files(), [], decision="{}")
    other = sqlite3.connect(database(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert catalogue.latest(holding().item) == holding()

    other.execute("ROLLBACK")
    other.close()
    catalogue.close()


def test_a_password_is_never_shown():
    with pytest.raises(CatalogueError) as error:
        open_catalogue("postgresql+psycopg://me:hunter2@127.0.0.1:1/x", timeout=2)

    assert "hunter2" not in str(error.value)
    assert "127.0.0.1" in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://x/y",
        "postgres://x/y",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "postgresql://h:port/db",
    ],
)
def test_another_kind_of_url_is_refused_and_the_right_ones_are_named(url):
    with pytest.raises(CatalogueError, match="sqlite:///FILE"):
        open_catalogue(url)


def test_a_database_of_another_program_is_left_as_it_is(url):
    Path(database(url)).parent.mkdir()
    with closing(sqlite3.connect(database(url))) as connection, connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()

    with pytest.raises(CatalogueError, match="another program"):
        open_catalogue(url)

    with closing(sqlite3.connect(database(url))) as connection, connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    connection.close()


def proves_its_chain(url):
    catalogue = open_catalogue(url)
    east = timezone(timedelta(hours=5))
    strange = replace(event("nul\0 and \udcff"), detail="\ud800", at=AT.astimezone(east))
    catalogue.ingested(holding(), [], [event(), strange], decision="{}")
    catalogue.appended([event("y")])
    catalogue.close()
    engine = sa.create_engine(url)
    chain = b""
    with engine.connect() as connection:
        query = sa.select(schema.event, schema.item.c.source, schema.item.c.name).join(schema.item)
        found = connection.execute(query.order_by(schema.event.c.id)).all()
        assert len(found) == 3
        for row in found:
            item = ItemId(row.source, row.name)
            chain = rows.chained(chain, item, rows.event_values(row.item_id, rows.event(row, item)))
            assert bytes(row.chain) == chain
    engine.dispose()


def test_the_chain_of_events_can_be_computed_again_from_the_table_on_sqlite(url):
    proves_its_chain(url)


@pytest.mark.xdist_group("postgresql")
def test_the_chain_of_events_can_be_computed_again_from_the_table_on_postgresql(postgresql):
    proves_its_chain(postgresql.new_database())


@pytest.mark.xdist_group("postgresql")
def test_several_processes_may_make_a_catalogue_at_the_same_moment(postgresql):
    url = postgresql.new_database()

    with ThreadPoolExecutor(6) as pool:
        catalogues = list(pool.map(lambda _: open_catalogue(url), range(6)))

    for catalogue in catalogues:
        catalogue.close()


@pytest.mark.xdist_group("postgresql")
def test_several_processes_may_take_down_the_same_bag_at_the_same_moment(postgresql):
    url = postgresql.new_database()
    catalogues = [open_catalogue(url) for _ in range(6)]

    def write(catalogue):
        for n in range(10):
            catalogue.ingested(holding(f"item{n}"), files(), [event(f"item{n}")], decision="{}")
            catalogue.appended([event(f"other{n}"), event(f"item{n}")])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, catalogues))

    assert len(list(catalogues[0].holdings())) == 10
    assert catalogues[0].totals().versions == 10
    for catalogue in catalogues:
        catalogue.close()


@pytest.mark.xdist_group("postgresql")
def test_the_order_of_names_is_that_of_their_code_points_on_postgresql(postgresql):
    catalogue = open_catalogue(postgresql.new_database())
    for name in ("b", "A", "a", "_", "B"):
        catalogue.ingested(holding(name), [], [], decision="{}")

    assert [one.item.name for one in catalogue.holdings()] == ["A", "B", "_", "a", "b"]
    catalogue.close()


def test_threads_lose_nothing(url):
    catalogue = open_catalogue(url)

    def write(n):
        catalogue.ingested(holding(f"item{n}"), files(), [event(f"item{n}")], decision="{}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))

    assert len(list(catalogue.holdings())) == 80
    assert catalogue.totals().files == 160
    catalogue.close()


WRITER = """
import sys
from archiver.catalogue.opening import open_catalogue
from tests.contracts.catalogue_contract import event, files, holding
catalogue = open_catalogue(sys.argv[1])
for n in range(100000):
    catalogue.ingested(holding(f"{sys.argv[2]}-{n}"), files(50), [event(f"{sys.argv[2]}-{n}")], decision="{}")
    print(n, flush=True)
"""


def test_what_was_written_before_a_kill_is_there_and_the_rest_is_not(url):
    open_catalogue(url).close()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, name],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=Path(__file__).parents[2],
        )
        for name in ("a", "b")
    ]
    for writer in writers:
        writer.stdout.readline()
    time.sleep(0.5)
    written = {}
    for name, writer in zip("ab", writers, strict=True):
        writer.send_signal(signal.SIGKILL)
        written[name] = 1 + len(writer.stdout.read().splitlines())
        writer.wait(10)
        writer.stdout.close()

    catalogue = open_catalogue(url)
    held = list(catalogue.holdings())
    for name, number in written.items():
        mine = [one for one in held if one.item.name.startswith(f"{name}-")]
        assert len(mine) in {number, number + 1}  # the last one may have been durable and not yet said
    for one in held:
        assert len(list(catalogue.files(one.item, 1))) == 50
    with closing(sqlite3.connect(database(url))) as connection, connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    catalogue.close()
