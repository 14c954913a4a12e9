from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from archiver.catalogue import connecting
from archiver.catalogue.opening import open_catalogue
from tests.contracts.catalogue_contract import event, files, holding


@pytest.fixture
def file(tmp_path):
    return tmp_path / "catalogue.sqlite"


def take_down(catalogue, name):
    catalogue.ingested(holding(name), files(), [event(name)], decision="{}")


def is_open(file):
    """Tell whether this process has the file open."""
    return any(one.is_symlink() and one.readlink() == file for one in Path("/proc/self/fd").iterdir())


def test_a_connection_is_opened_once_for_many_calls(file):
    catalogue = open_catalogue(f"sqlite:///{file}")
    take_down(catalogue, "a")
    opened = []
    sa.event.listen(catalogue._engine, "connect", lambda *_: opened.append(1))

    for number in range(20):
        take_down(catalogue, f"x{number}")
        catalogue.latest(holding(f"x{number}").item)

    assert opened == []
    catalogue.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux only")
def test_a_closed_or_forgotten_catalogue_leaves_no_file_open(file):
    catalogue = open_catalogue(f"sqlite:///{file}")
    take_down(catalogue, "a")
    assert is_open(file)

    catalogue.close()
    assert not is_open(file)

    catalogue = open_catalogue(f"sqlite:///{file}")
    take_down(catalogue, "b")
    del catalogue
    gc.collect()
    assert not is_open(file)


def test_a_catalogue_that_is_made_anew_behind_an_open_one_is_the_one_that_answers(file, tmp_path):
    catalogue = open_catalogue(f"sqlite:///{file}")
    take_down(catalogue, "old")
    for one in tmp_path.glob("catalogue.sqlite*"):
        one.rename(tmp_path / one.name.replace("catalogue", "kept"))
    other = open_catalogue(f"sqlite:///{file}")
    take_down(other, "new")

    assert [one.item.name for one in catalogue.holdings()] == ["new"]

    catalogue.close()
    other.close()


FORKING = """
import os, sys, warnings
warnings.simplefilter("error")
from archiver.catalogue.opening import open_catalogue
from pathlib import Path
from tests.catalogue.test_connecting import take_down, is_open
file = Path(sys.argv[1])
catalogue = open_catalogue(f"sqlite:///{file}")
take_down(catalogue, "before")
assert is_open(file)
child = os.fork()
if not child:
    assert not is_open(file), "the child has its parent's connection"
    take_down(catalogue, "child")
    catalogue.close()
    os._exit(0)
take_down(catalogue, "parent")
assert os.waitpid(child, 0)[1] == 0
take_down(catalogue, "after")
assert sorted(one.item.name for one in catalogue.holdings()) == ["after", "before", "child", "parent"]
catalogue.close()
assert not is_open(file)
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux only")
def test_no_connection_is_open_over_a_fork(file):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", FORKING, str(file)]

    done = subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.xdist_group("postgresql")
def test_no_connection_to_a_server_is_kept_over_a_fork(postgresql):
    catalogue = open_catalogue(postgresql.new_database())
    take_down(catalogue, "a")
    assert catalogue._engine.pool.checkedin() == 1

    connecting._over_engines(close=True)

    assert catalogue._engine.pool.checkedin() == 0
    assert catalogue.latest(holding("a").item) == holding("a")
    catalogue.close()
