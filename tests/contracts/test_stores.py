"""Every store and every fake of one, under the same contract."""

from __future__ import annotations

from itertools import count

import pytest

from archiver.stores.directory import DirectoryStore
from archiver.stores.s3 import S3Store
from archiver.stores.s3_client import Checksums, S3Location
from tests.contracts.store_contract import StoreContract
from tests.fakes.memory_store import MemoryStore
from tests.servers.s3_servers import BUCKET


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


_PREFIXES = count()


def s3_store(server, **settings):
    """A store below a prefix that no other test uses."""
    location = S3Location(
        BUCKET,
        prefix=f"contract/{next(_PREFIXES)}",
        endpoint=server.endpoint,
        connect_timeout=2,
        read_timeout=10,
        **settings,
    )
    return S3Store(server.name, location, session=server.session())


@pytest.mark.xdist_group("ministack")
class TestS3StoreAtMinistack(StoreContract):
    @pytest.fixture
    def store(self, ministack):
        store = s3_store(ministack)
        yield store
        store.close()


@pytest.mark.xdist_group("ministack")
class TestS3StoreWithMd5AtMinistack(StoreContract):
    """As an older service is used."""

    @pytest.fixture
    def store(self, ministack):
        store = s3_store(ministack, checksums=Checksums.MD5)
        yield store
        store.close()


@pytest.mark.xdist_group("swift")
class TestS3StoreAtSwift(StoreContract):
    atomic = False  # 10 and 14 of 20 races had several winners

    @pytest.fixture
    def store(self, swift):
        store = s3_store(swift)
        yield store
        store.close()
