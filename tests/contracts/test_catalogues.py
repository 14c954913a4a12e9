"""Every catalogue and the fake, under the same contract."""

from __future__ import annotations

import pytest

from archiver.catalogue.opening import open_catalogue
from tests.contracts.catalogue_contract import CatalogueContract
from tests.fakes.memory_catalogue import MemoryCatalogue


class TestMemoryCatalogue(CatalogueContract):
    @pytest.fixture
    def catalogue(self):
        return MemoryCatalogue()


class TestSqlite(CatalogueContract):
    @pytest.fixture
    def catalogue(self, tmp_path):
        catalogue = open_catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
        yield catalogue
        catalogue.close()


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(CatalogueContract):
    @pytest.fixture
    def catalogue(self, postgresql):
        catalogue = open_catalogue(postgresql.new_database())
        yield catalogue
        catalogue.close()
