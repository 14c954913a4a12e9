"""Both databases under the contract of the newer ports."""

from __future__ import annotations

import pytest

from archiver.catalogue.opening import open_catalogue
from tests.contracts.keeping_contract import KeepingContract


@pytest.fixture
def opened():
    made = []

    def open_(url):
        made.append(open_catalogue(url))
        return made[-1]

    yield open_
    for one in made:
        one.close()


class TestSqlite(KeepingContract):
    @pytest.fixture
    def ledger(self, opened, tmp_path):
        return opened(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")

    @pytest.fixture
    def other(self, opened, tmp_path):
        return opened(f"sqlite:///{tmp_path / 'other.sqlite'}")


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(KeepingContract):
    @pytest.fixture
    def ledger(self, opened, postgresql):
        return opened(postgresql.new_database())

    @pytest.fixture
    def other(self, opened, postgresql):
        return opened(postgresql.new_database())
