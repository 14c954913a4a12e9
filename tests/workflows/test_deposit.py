"""A bag goes into a store group by group, and every object is confirmed before the next group begins."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from archiver.clock import SystemClock
from archiver.core.bags.paths import parse_payload_path, parse_tag_path
from archiver.core.errors import ObjectConflictError, ObjectDamagedError, StoreUnavailableError
from archiver.core.events import Agent
from archiver.core.fixity import Algorithm, Grade, digest_of
from archiver.core.items import ItemId
from archiver.core.objects import StagedFile
from archiver.core.packages import Aip, PayloadFile
from archiver.engines.threads import ThreadEngine
from archiver.stores.directory import DirectoryStore
from archiver.workflows.deposit import SMALL, deposit
from tests.fakes.memory_store import MemoryStore

PREFIX = "bags/source/item/v1/"
TAGS = ("bagit.txt", "metadata/premis.xml", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt")


@pytest.fixture
def aip(tmp_path):
    payload = []
    for name, content in (("1.flac", b"one"), ("2.flac", b"two"), ("large.flac", bytes(SMALL + 1))):
        path = tmp_path / name
        path.write_bytes(content)
        staged = StagedFile(path, len(content), digest_of(content))
        payload.append(PayloadFile(parse_payload_path(name), staged, digest_of(content, Algorithm.SHA512)))
    return Aip(
        item=ItemId("source", "item"),
        version=1,
        prefix=PREFIX,
        payload=tuple(payload),
        tag_files=tuple((parse_tag_path(name), name.encode()) for name in TAGS),
        licence_url="https://creativecommons.org/licenses/by/4.0/",
        title="Item",
        state=digest_of(b"state"),
    )


def deposited(aip, *stores, puts=None):
    return deposit(
        aip,
        stores={store.name: store for store in stores},
        clock=SystemClock(),
        agent=Agent("test"),
        puts=dict.fromkeys((store.name for store in stores), puts) if puts else None,
    )


def groups(journal):
    """The keys of a journal's puts and reads, each as the group it belongs to."""
    order = ("data/", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt")
    return [
        next((number for number, name in enumerate(order) if key.startswith(PREFIX + name)), "tags")
        for _, key in journal
    ]


@pytest.mark.parametrize("threads", [0, 3])
def test_each_group_is_put_and_read_back_before_the_next_begins(aip, threads):
    store = MemoryStore()
    engine = ThreadEngine(threads, name="put") if threads else None
    (copy,), _ = deposited(aip, store, puts=engine)
    assert copy.grade is Grade.READ
    assert groups(store.journal) == [0] * 6 + ["tags"] * 4 + [1] * 2 + [2] * 2
    assert sorted(store.journal) == sorted((what, key) for key in store.objects for what in ("put", "read"))


def test_what_the_store_has_proven_is_not_read_back(aip):
    store = MemoryStore(proves=True)
    (copy,), _ = deposited(aip, store)
    assert copy.grade is Grade.PROVIDER
    assert {what for what, _ in store.journal} == {"put"}


@pytest.mark.parametrize("name", ["data/1.flac", "data/large.flac", "bagit.txt", "tagmanifest-sha512.txt"])
def test_an_object_that_comes_back_wrong_is_removed_and_ends_the_deposit(aip, name):
    store = MemoryStore(damages_on_put={PREFIX + name})
    with pytest.raises(ObjectDamagedError, match="gave back other bytes"):
        deposited(aip, store)
    assert PREFIX + name not in store.objects
    assert f"{PREFIX}tagmanifest-sha512.txt" not in store.objects


@pytest.mark.parametrize("name", ["data/1.flac", "data/large.flac", "bagit.txt", "tagmanifest-sha256.txt"])
def test_remains_of_a_run_whose_staging_is_lost_give_way(aip, name):
    store = MemoryStore(objects={PREFIX + name: b"of another run"})
    deposited(aip, store)
    assert len(store.objects) == 7
    assert store.objects[PREFIX + name] != b"of another run"


def test_a_finished_bag_of_other_bytes_is_left_alone(aip):
    there = {PREFIX + "bagit.txt": b"of another", f"{PREFIX}tagmanifest-sha512.txt": b"of another"}
    store = MemoryStore(objects=dict(there))
    with pytest.raises(ObjectConflictError, match="finished bag"):
        deposited(aip, store)
    assert {key: store.objects[key] for key in there} == there


def test_a_deposit_that_broke_off_goes_on(aip):
    store = MemoryStore()
    store.fail(StoreUnavailableError("gone"))
    with pytest.raises(StoreUnavailableError):
        deposited(aip, store)
    deposited(aip, store)
    before = dict(store.objects)
    deposited(aip, store)
    assert store.objects == before


def test_one_directory_adopts_staged_files_and_the_next_copies_them(aip, tmp_path):
    first, second = (DirectoryStore(name, tmp_path / name) for name in ("first", "second"))
    copies, events = deposited(aip, first, second)
    assert [(copy.store, copy.grade) for copy in copies] == [("first", Grade.READ), ("second", Grade.READ)]
    assert all(copy.checked_at <= datetime.now(UTC) for copy in copies)
    assert len(events) == 4
    for file in aip.payload:
        assert (tmp_path / "first" / PREFIX / "data" / str(file.path)).samefile(file.staged.path)
        assert not (tmp_path / "second" / PREFIX / "data" / str(file.path)).samefile(file.staged.path)
