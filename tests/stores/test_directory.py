from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archiver.core.errors import (
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
    StoreRefusedError,
    StoreUnavailableError,
)
from archiver.core.fixity import Grade, digest_of
from archiver.core.objects import Offer, StagedFile
from archiver.stores.directory import INCOMING, DirectoryStore
from tests.contracts.store_contract import content_of, offer, put, stage


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "store"
    path.mkdir()
    return path


@pytest.fixture
def store(root):
    return DirectoryStore("primary", root)


def files_below(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_an_object_is_a_plain_file_at_the_root_joined_with_its_key(store, root):
    put(store, "bags/a/data/1.flac", b"some audio")
    assert (root / "bags/a/data/1.flac").read_bytes() == b"some audio"
    assert files_below(root) == ["bags/a/data/1.flac"]


def test_objects_can_be_read_and_mended_by_others_as_the_umask_allows(store, root):
    old = os.umask(0o027)
    try:
        put(store, "a/b", b"x")
    finally:
        os.umask(old)
    assert (root / "a/b").stat().st_mode & 0o777 == 0o640
    assert (root / "a").stat().st_mode & 0o777 == 0o750


def test_an_adopted_file_is_not_written_again(store, root, tmp_path):
    staged = stage(tmp_path, b"adopt me")
    receipt = store.put("a/b", staged, sha256=staged.sha256, adopt=True)
    assert receipt.adopted
    assert receipt.grade is Grade.SIZE
    assert (root / "a/b").samefile(staged.path)


def test_a_file_that_another_file_system_holds_is_copied(store, root):
    elsewhere = Path("/dev/shm") / f"archiver-test-{os.getpid()}"  # a file system of its own on Linux
    if not elsewhere.parent.is_dir():
        pytest.skip("this machine has no /dev/shm")
    elsewhere.write_bytes(b"from elsewhere")
    try:
        if elsewhere.stat().st_dev == root.stat().st_dev:
            pytest.skip("this machine has one file system only")
        staged = StagedFile(elsewhere, 14, digest_of(b"from elsewhere"))
        assert not store.put("a", staged, sha256=staged.sha256, adopt=True).adopted
    finally:
        elsewhere.unlink()
    assert content_of(store, "a") == b"from elsewhere"


def test_a_staged_file_that_grew_or_became_a_link_is_not_adopted(store, root, tmp_path):
    staged = stage(tmp_path, b"adopt me")
    staged.path.write_bytes(b"adopt me and more")
    with pytest.raises(ObjectDamagedError, match="17 bytes"):
        store.put("grown", staged, sha256=staged.sha256, adopt=True)
    staged.path.unlink()
    (tmp_path / "target").write_bytes(b"adopt me")
    staged.path.symlink_to(tmp_path / "target")
    assert not store.put("link", staged, sha256=staged.sha256, adopt=True).adopted
    assert files_below(root) == ["link"]
    assert not (root / "link").is_symlink()


def test_directories_taken_away_between_two_puts_are_made_again(store, root):
    put(store, "bags/ab/one", b"1")
    shutil.rmtree(root / "bags")
    put(store, "bags/ab/two", b"2")
    (root / "bags" / "ab").rename(root / "away")
    (root / "bags" / "ab").symlink_to(root / "away")
    with pytest.raises(ObjectConflictError):
        put(store, "bags/ab/three", b"3")
    assert files_below(root / "away") == ["two"]


def test_no_key_leads_out_of_the_root_through_a_symbolic_link(store, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "linked").symlink_to(outside)
    (root / "object").symlink_to(outside / "secret")
    with pytest.raises(ObjectConflictError, match=r"(?i)not a directory"):
        put(store, "linked/new", b"x")
    with pytest.raises(ObjectConflictError):
        put(store, "object", b"x")
    with pytest.raises(ObjectNotFoundError):
        store.stat("linked/secret")
    with pytest.raises(ObjectDamagedError), store.read("object"):
        pass
    with pytest.raises(ObjectDamagedError):
        store.stat("object")
    store.delete("linked/secret")
    assert list(store.list("")) == list(store.list("linked/")) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_the_root_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "link").symlink_to(root)
    store = DirectoryStore("linked", tmp_path / "link")
    put(store, "a/b", b"x")
    assert (root / "a/b").read_bytes() == b"x"


def test_a_pipe_in_an_objects_place_is_damage_and_nobody_waits_for_it(store, root):
    os.mkfifo(root / "pipe")
    with pytest.raises(ObjectDamagedError, match="not a regular file"), store.read("pipe"):
        pass
    with pytest.raises(ObjectConflictError, match="cannot be read"):
        put(store, "pipe", b"x")
    assert list(store.list("")) == []


def test_a_directory_without_objects_in_an_objects_place_is_damage_and_a_delete_clears_it(store, root):
    (root / "a/b/empty").mkdir(parents=True)
    with pytest.raises(ObjectDamagedError, match="a directory"):
        store.stat("a/b")
    with pytest.raises(ObjectDamagedError, match="a directory"), store.read("a/b"):
        pass
    with pytest.raises(ObjectConflictError, match="cannot be read"):
        put(store, "a/b", b"x")

    store.delete("a/b")
    put(store, "a/b", b"x")
    assert content_of(store, "a/b") == b"x"


def test_a_delete_takes_no_directory_that_anything_is_in(store, root, tmp_path):
    put(store, "a/b/c", b"x")
    (root / "a/d").symlink_to(tmp_path)
    store.delete("a")
    assert content_of(store, "a/b/c") == b"x"
    assert (root / "a/d").is_symlink()
    with pytest.raises(ObjectNotFoundError):
        store.stat("a/b")


def test_a_part_longer_than_the_file_system_allows_concerns_one_object(store, root):
    with pytest.raises(StoreError, match="too long"):
        put(store, "a/" + "x" * 256, b"x")
    with pytest.raises(ObjectNotFoundError):
        store.stat("x" * 256)
    assert files_below(root) == []


def test_an_object_where_a_directory_is_needed_is_a_conflict(store):
    put(store, "a", b"x")
    with pytest.raises(ObjectConflictError, match=r"(?i)not a directory"):
        put(store, "a/b", b"x")
    put(store, "b/c", b"x")
    with pytest.raises(ObjectConflictError):
        put(store, "b", b"x")


def test_unfinished_writes_are_no_objects_and_a_sweep_removes_them(store, root):
    put(store, "a/b", b"x")
    (root / INCOMING / "left-by-a-killed-run").write_bytes(b"half")
    (root / INCOMING / "another").write_bytes(b"")
    assert [facts.key for facts in store.list("")] == ["a/b"]
    with pytest.raises(ValueError, match="unfinished"):
        store.stat(f"{INCOMING}/another")
    assert store.sweep() == 2
    assert files_below(root) == ["a/b"]


def test_names_that_are_no_text_are_not_listed(store, root):
    put(store, "a", b"x")
    (root / os.fsdecode(b"caf\xe9")).write_bytes(b"latin-1")
    (root / os.fsdecode(b"d\xe9r")).mkdir()
    (root / os.fsdecode(b"d\xe9r") / "below").write_bytes(b"x")
    assert [facts.key for facts in store.list("")] == ["a"]


def test_the_first_object_makes_the_root(tmp_path):
    store = DirectoryStore("primary", tmp_path / "not" / "yet")
    assert store.sweep() == 0
    put(store, "a/b", b"x")
    assert content_of(store, "a/b") == b"x"


def test_a_root_that_is_gone_is_not_an_empty_store(tmp_path):
    store = DirectoryStore("usb", tmp_path / "unmounted")
    with pytest.raises(StoreRefusedError, match="is its disk mounted"):
        list(store.list(""))
    with pytest.raises(StoreRefusedError, match="is its disk mounted"):
        store.stat("a")
    with pytest.raises(StoreRefusedError, match="is its disk mounted"), store.read("a"):
        pass
    with pytest.raises(StoreRefusedError, match="is its disk mounted"):
        store.delete("a")


def test_a_root_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryStore("usb", tmp_path / "file")
    with pytest.raises(StoreRefusedError):
        store.stat("a")
    with pytest.raises(StoreRefusedError):
        put(store, "a", b"x")


# What the kernel answers, and what it means for the reader of the message.
@pytest.mark.parametrize(
    ("doing", "number", "expected"),
    [
        ("write", errno.ENOSPC, StoreRefusedError),
        ("write", errno.EDQUOT, StoreRefusedError),
        ("write", errno.EROFS, StoreRefusedError),
        ("write", errno.EACCES, StoreRefusedError),
        ("write", errno.EXDEV, StoreRefusedError),
        ("write", errno.EFBIG, StoreError),
        ("write", errno.EIO, StoreUnavailableError),
        ("write", errno.ESTALE, StoreUnavailableError),
        ("read", errno.EIO, ObjectDamagedError),
        ("read", errno.EBADMSG, ObjectDamagedError),
        ("read", errno.EACCES, ObjectDamagedError),
        ("read", errno.EMFILE, StoreUnavailableError),
        ("list", errno.EACCES, StoreRefusedError),
        ("list", errno.EIO, StoreUnavailableError),
        ("delete", errno.EROFS, StoreRefusedError),
    ],
)
def test_what_the_kernel_answers_is_told_with_its_place(store, root, doing, number, expected):
    with (
        pytest.raises(expected, match=rf"'primary' cannot {doing} .*/a/b: ") as caught,
        store._translating(doing, "a/b"),
    ):
        raise OSError(number, os.strerror(number))
    assert type(caught.value) is expected
    assert isinstance(caught.value.__cause__, OSError)


def test_a_disk_that_is_full_leaves_nothing_behind(tmp_path):
    """On a small file system of its own, in a mount namespace where only root can make one."""
    script = f"""
import os, subprocess, sys
from pathlib import Path
from archiver.core.errors import StoreRefusedError
from archiver.core.fixity import digest_of
from archiver.stores.directory import DirectoryStore
root = Path({str(tmp_path)!r}) / "small"
root.mkdir()
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", root], capture_output=True).returncode:
    sys.exit(77)
store = DirectoryStore("small", root)
store.put("fits", b"x" * 1000, sha256=digest_of(b"x" * 1000))
large = bytes(1 << 20)
try:
    store.put("bags/large", large, sha256=digest_of(large))
except StoreRefusedError as error:
    assert "No space left on device" in str(error) and "next: df -h" in str(error), error
else:
    sys.exit("stored 1 MiB in 256 KiB")
assert [facts.key for facts in store.list("")] == ["fits"], list(store.list(""))
assert store.sweep() == 0
store.put("bags/small", b"y", sha256=digest_of(b"y"))
"""
    if not shutil.which("unshare"):
        pytest.skip("this machine has no unshare(1)")
    run = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip("only root can mount a small file system")
    assert run.returncode == 0, run.stderr


def test_a_run_killed_anywhere_in_a_put_leaves_the_whole_object_or_none(tmp_path):
    """Kill the writer at several moments; the next run puts the same object again."""
    content = os.urandom(1 << 20)
    (tmp_path / "content").write_bytes(content)
    script = f"""
import os, signal, sys, threading, time
from pathlib import Path
from archiver.core.fixity import digest_of
from archiver.core.objects import Offer, StagedFile
from archiver.stores.directory import DirectoryStore
path = Path({str(tmp_path)!r}) / "content"
staged = StagedFile(path, path.stat().st_size, digest_of(path.read_bytes()))
store = DirectoryStore("primary", Path({str(tmp_path)!r}) / "store")
threading.Thread(target=lambda: (time.sleep(float(sys.argv[1])), os.kill(os.getpid(), signal.SIGKILL)), daemon=True).start()
for number in range(1000):
    store.put(f"bags/{{sys.argv[1]}}/{{number}}", staged, sha256=staged.sha256)
"""
    for delay in ("0.001", "0.01", "0.05"):
        run = subprocess.run([sys.executable, "-c", script, delay], timeout=60, check=False)
        assert run.returncode == -9
    store = DirectoryStore("primary", tmp_path / "store")
    store.sweep()
    assert {facts.size for facts in store.list("")} <= {len(content)}
    assert {path.name for path in (tmp_path / "store").iterdir()} <= {"bags", INCOMING}
    assert all(content_of(store, facts.key) == content for facts in store.list(""))
    put(store, "bags/0.05/0", content)


def fetched_from_disk():
    try:
        rows = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    except OSError:
        pytest.skip("the kernel does not count bytes read from the disk")
    return int(rows["read_bytes"])


def is_cached(path):
    with path.open("rb") as file:
        try:
            os.preadv(file.fileno(), [bytearray(1)], 0, os.RWF_NOWAIT)
        except BlockingIOError:
            return False
        except (OSError, AttributeError):
            pytest.skip("the file system does not tell what it has in its cache")
    return True


@pytest.mark.parametrize("adopt", [False, True])
def test_the_first_read_of_a_new_object_moves_nothing_from_the_disk_and_the_next_one_asks_the_disk(
    store, root, tmp_path, adopt
):
    content = os.urandom(1 << 20) * 8
    keys = ("a/b", "a/c", "a/d")
    for key in keys:
        staged = stage(tmp_path, content, name=key[-1])
        with staged.path.open("rb") as file:
            os.fsync(file.fileno())
        store.put(key, staged, sha256=staged.sha256, adopt=adopt)
        if not is_cached(root / key):
            pytest.skip("this file system keeps no cache")
        before = fetched_from_disk()
        assert content_of(store, key) == content
        assert fetched_from_disk() - before < 1 << 20
    if "tmpfs" in subprocess.run(["stat", "-f", root], capture_output=True, text=True, check=False).stdout:
        pytest.skip("what lies in memory cannot be dropped from it")
    # On a busy machine the kernel keeps one file in ten that it was asked to let go. `is_cached` would not tell: a newer kernel
    # begins to fetch what is not there, and a quick disk has brought it before the answer.
    before = fetched_from_disk()
    assert all(content_of(store, key) == content for key in keys)
    assert fetched_from_disk() - before >= len(content)


def called(monkeypatch, *names):
    """The journal of what is asked of the system from now on."""
    journal = []

    def journalled(name, function):
        def call(*args, **keywords):
            journal.append(name)
            return function(*args, **keywords)

        monkeypatch.setattr(os, name, call)

    for name in names:
        journalled(name, getattr(os, name))
    return journal


def test_small_objects_that_are_put_together_cost_one_fsync_each_and_one_for_each_directory(store, monkeypatch):
    put(store, "bags/earlier/v1/data/1", b"x")
    journal = called(monkeypatch, "fsync", "open")
    offers = [offer(f"bags/item/v1/{place}{number}", b"%d" % number) for place in ("", "m/") for number in range(10)]
    receipts = list(store.put_all(offers))
    # A file each; bags, item, v1, m. Opened: written, read back; the root, unfinished writes, the four directories.
    assert (journal.count("fsync"), journal.count("open")) == (20 + 4, 20 + 20 + 6)
    assert {receipt.grade for receipt in receipts} == {Grade.READ}


def test_small_objects_are_linked_when_all_are_durable_and_their_directories_made_durable_behind(store, monkeypatch):
    put(store, "a/0", b"0")
    journal = called(monkeypatch, "fsync", "link")
    list(store.put_all([offer("a/1", b"1"), offer("a/2", b"2")]))
    assert journal == ["fsync", "fsync", "link", "link", "fsync"]


def test_a_small_object_that_reads_back_wrong_is_left_for_the_caller_to_confirm(store, root, monkeypatch):
    link = os.link

    def linked(source, name, **more):
        link(source, name, **more)
        if name == "2":
            (root / "a/2").write_bytes(b"?")

    monkeypatch.setattr(os, "link", linked)
    grades = {receipt.key: receipt.grade for receipt in store.put_all([offer("a/1", b"1"), offer("a/2", b"2")])}
    assert grades == {"a/1": Grade.READ, "a/2": Grade.SIZE}


def test_small_objects_put_together_are_dropped_from_the_cache_behind_their_first_reading(store, root):
    list(store.put_all([offer(f"a/{number}", os.urandom(5000)) for number in range(20)]))
    if "tmpfs" in subprocess.run(["stat", "-f", root], capture_output=True, text=True, check=False).stdout:
        pytest.skip("what lies in memory cannot be dropped from it")
    before = fetched_from_disk()
    assert all(len(content_of(store, f"a/{number}")) == 5000 for number in range(20))
    # On a busy machine the kernel keeps one page in thirty that it was asked to let go.
    assert fetched_from_disk() - before >= 10 * 5000


def test_without_hard_links_many_objects_are_put_together_and_replace_nothing(root):
    store = DirectoryStore("usb", root, links=False)
    (root / "a").mkdir()
    (root / "a/2").write_bytes(b"other")
    with pytest.raises(ObjectConflictError):
        list(store.put_all([offer("a/1", b"1"), offer("a/2", b"2")]))
    assert (root / "a/2").read_bytes() == b"other"
    assert [receipt.grade for receipt in store.put_all([offer("a/1", b"1"), offer("a/3", b"3")])] == [Grade.READ] * 2
    assert files_below(root) == ["a/1", "a/2", "a/3"]


def test_no_symbolic_link_is_followed_for_many_objects_either(store, root, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "a").mkdir()
    (root / "a/linked").symlink_to(outside)
    with pytest.raises(ObjectConflictError, match="symbolic link"):
        list(store.put_all([offer("a/1", b"1"), offer("a/linked/2", b"2")]))
    staged = stage(tmp_path, b"x")
    link = StagedFile(tmp_path / "link", 1, staged.sha256)
    link.path.symlink_to(staged.path)
    (receipt,) = store.put_all([Offer("a/3", link, staged.sha256, adopt=True)])
    assert not receipt.adopted
    assert list(outside.iterdir()) == []
    assert store.sweep() == 0
