"""Every ledger of audits and the fake, under the same contract."""

from __future__ import annotations

import pytest

from archiver.catalogue.opening import open_catalogue
from tests.contracts.audit_contract import AuditContract
from tests.fakes.memory_audits import MemoryAudits


class TestMemoryAudits(AuditContract):
    @pytest.fixture
    def ledger(self):
        return MemoryAudits()


class TestSqlite(AuditContract):
    @pytest.fixture
    def ledger(self, tmp_path):
        catalogue = open_catalogue(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")
        yield catalogue
        catalogue.close()


@pytest.mark.xdist_group("postgresql")
class TestPostgresql(AuditContract):
    @pytest.fixture
    def ledger(self, postgresql):
        catalogue = open_catalogue(postgresql.new_database())
        yield catalogue
        catalogue.close()
