"""Every store and every fake of one, under the same contract."""

from __future__ import annotations

import pytest

from archiver.stores.directory import DirectoryStore
from tests.contracts.store_contract import StoreContract
from tests.fakes.memory_store import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture(params=[False, True], ids=["proves nothing", "proves digests"])
    def store(self, request):
        return MemoryStore(proves=request.param, takes_staged=request.param)


class TestDirectoryStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        root = tmp_path / "store"
        root.mkdir()
        return DirectoryStore("directory", root)


class TestDirectoryStoreWithoutHardLinks(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        root = tmp_path / "store"
        root.mkdir()
        return DirectoryStore("directory", root, links=False)
