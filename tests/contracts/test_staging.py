"""What staging promises, on the disk."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from pathlib import Path

import pytest

from archiver.core.errors import StagingFullError
from archiver.core.fixity import STORED, digest_of
from archiver.core.items import ItemId
from archiver.staging.disk import DiskStaging

ITEM = ItemId("internet-archive", "../hostile/✓")
STATE, OTHER = digest_of(b"one"), digest_of(b"other")
BYTES = random.Random(3).randbytes(3 * (1 << 20) + 12_345)


@pytest.fixture
def staging(tmp_path):
    return DiskStaging(tmp_path / "staging")


def receive(staging, name="song.flac", state=STATE):
    return staging.receive(ITEM, name, state=state, algorithms=STORED)


def stage(staging, content, *, sizes, name="song.flac"):
    with receive(staging, name) as incoming:
        incoming.begin(validator='"1"')
        at = 0
        for size in sizes:
            incoming.write(content[at : at + size])
            at += size
        incoming.write(content[at:])
        return incoming.commit()


@pytest.mark.parametrize(
    "sizes", [(), (1,), (4096,), (1 << 20,), (1 << 20, 1 << 20, 1 << 20), (100_000,) * 30, (0, 1, 0, 4095, 1 << 20)]
)
@pytest.mark.parametrize("length", [0, 1, 4096, 1 << 20, (1 << 20) + 1, len(BYTES)])
def test_bytes_come_out_as_they_went_in_whatever_the_chunks(staging, sizes, length):
    staged = stage(staging, BYTES[:length], sizes=sizes)
    assert staged.path.read_bytes() == BYTES[:length]
    assert (staged.size, staged.sha256) == (length, digest_of(BYTES[:length]))


@pytest.mark.parametrize("cut", [1, 4095, 4096, 1 << 20, (1 << 20) + 4096, (2 << 20) + 1])
def test_an_interrupted_file_goes_on_where_it_stopped(staging, cut):
    with receive(staging) as incoming:
        incoming.begin(validator='"1"')
        incoming.write(BYTES[:cut])
    with receive(staging) as incoming:
        assert (incoming.offset, incoming.validator) == (cut, '"1"')
        incoming.write(BYTES[cut:])
        staged = incoming.commit()
    assert staged.path.read_bytes() == BYTES
    assert staged.sha256.value == hashlib.sha256(BYTES).hexdigest()


def test_starting_over_drops_every_byte(staging):
    with receive(staging) as incoming:
        incoming.begin(validator='"1"')
        incoming.write(BYTES)
        incoming.begin(validator='"2"')
        assert incoming.offset == 0
        incoming.write(b"new")
        assert incoming.commit().path.read_bytes() == b"new"


def test_a_committed_file_is_opened_whole_and_never_written_to(staging):
    staged = stage(staging, BYTES, sizes=())
    link = staged.path.with_name("link")
    os.link(staged.path, link)
    with receive(staging) as incoming:
        assert incoming.offset == len(BYTES)
        incoming.begin(validator='"3"')
        incoming.write(b"other bytes")
        incoming.commit()
    assert link.read_bytes() == BYTES


def test_bytes_of_another_state_are_dropped(staging):
    stage(staging, b"old", sizes=())
    with receive(staging, state=OTHER) as incoming:
        assert incoming.offset == 0


def test_no_name_becomes_a_path(staging, tmp_path):
    for name in ("../../evil", "/etc/evil", "a\0b", "x" * 5000, "\udcff"):
        stage(staging, b"x", sizes=(), name=name)
    assert {path.name for path in tmp_path.iterdir()} == {"staging"}


def test_records_are_kept_whole_and_go_with_their_item(staging):
    assert staging.kept(ITEM, "aip.json") is None
    staging.keep(ITEM, "aip.json", b"one")
    staging.keep(ITEM, "aip.json", b"two")
    assert staging.kept(ITEM, "aip.json") == b"two"
    assert list(staging.items()) == [ITEM]
    staging.discard(ITEM)
    assert (staging.kept(ITEM, "aip.json"), list(staging.items())) == (None, [])


def test_a_full_disk_says_what_to_do_and_keeps_what_is_there(staging, tmp_path, monkeypatch):
    written = os.write

    def full(descriptor, data):
        if len(data) >= 1 << 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return written(descriptor, data)

    with receive(staging) as incoming:
        incoming.begin(validator='"1"')
        incoming.write(BYTES[:4096])
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StagingFullError, match="No space left") as refused:
            incoming.write(BYTES)
        monkeypatch.undo()
    assert "df -h" in refused.value.next_command


def test_a_file_of_which_nothing_came_leaves_nothing(staging, tmp_path):
    with receive(staging) as incoming:
        incoming.begin(validator='"1"')
        incoming.write(BYTES[:10])
        incoming.begin(validator='"2"')
    names = {path.name for path in (tmp_path / "staging").rglob("*") if path.is_file()}
    assert names == {"item", f"state-{STATE.value}"}
    assert stage(staging, BYTES[:10], sizes=()).size == 10


def test_what_a_run_of_an_earlier_version_left_is_taken_up(staging):
    staged = stage(staging, BYTES, sizes=())
    staged.path.with_name(f"state-{STATE.value}").unlink()
    staged.path.with_name("state").write_text(str(STATE))
    again = DiskStaging(staged.path.parents[1])
    with receive(again) as incoming:
        assert incoming.offset == len(BYTES)
    with receive(again, state=OTHER) as incoming:
        assert incoming.offset == 0


def test_an_entity_tag_is_kept_once_the_bytes_are_worth_a_resume(staging, tmp_path):
    def tags():
        return [path.read_text() for path in (tmp_path / "staging").rglob("*.validator")]

    with receive(staging) as incoming:
        incoming.begin(validator='"1"')
        incoming.write(BYTES[:10])
        assert tags() == []
        incoming.write(BYTES[10 : 1 << 20])
        assert tags() == ['"1"']
        incoming.begin(validator='"2"')
        assert tags() == []
        incoming.write(BYTES[:10])
    assert tags() == ['"2"']  # whoever leaves in an orderly way keeps it whatever the size
    with receive(staging) as incoming:
        assert (incoming.offset, incoming.validator) == (10, '"2"')
        incoming.begin(validator="")
        incoming.write(BYTES[:10])
        incoming.commit()
    assert tags() == []


def test_an_item_of_one_small_file_costs_six_fsyncs(staging, monkeypatch):
    stage(staging, BYTES[:10], sizes=(), name="makes the root")
    staging.discard(ITEM)
    counted, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (counted.append(descriptor), fsync(descriptor)))
    stage(staging, BYTES[:10], sizes=())
    staging.keep(ITEM, "aip.json", b"sealed")
    # The item's name and its directory; the file and its name; the record and its name.
    assert len(counted) == 6


def test_every_name_is_durable_once_a_file_is_whole_or_a_record_kept(staging, monkeypatch):
    """The directory is the last thing that is waited for."""
    fsync, waited = os.fsync, []

    def waiting(descriptor):
        waited.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", waiting)
    staged = stage(staging, BYTES[:10], sizes=())
    directory = staged.path.parent
    assert waited[-1] == directory
    assert directory.parent in waited
    staging.keep(ITEM, "aip.json", b"sealed")
    assert waited[-1] == directory
