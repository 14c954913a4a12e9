"""Bags in archives are judged as they lie there: nothing is unpacked, and no hostile member is followed."""

from __future__ import annotations

import gzip
import io
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile

import pytest
import zstandard

from archiver.containers import opening
from archiver.containers.opening import open_archive
from archiver.containers.tars import TarPlace
from archiver.containers.zips import ZipPlace
from archiver.core.findings import FindingCode as Code
from archiver.core.objects import Stranger, StrangerKind
from archiver.engines.threads import ThreadEngine
from archiver.workflows.verify import verify_archive, verify_stream
from tests.archive import ROOT, environment
from tests.conformance.fixtures import CASES, draft

FORMS = ("tar", "tar.gz", "tar.zst", "zip")
NOT_IN_ARCHIVES = {
    *(Code.HARD_LINK, Code.SPECIAL_FILE, Code.NAME_NOT_UTF8, Code.LINK_REFUSED),
    Code.PAYLOAD_DIRECTORY_MISSING,  # an archive need not name directories
}
BIG = random.Random(1).randbytes(3_000_000)


def packed(source, target, form):
    """Put a directory into an archive under the name ``bag``."""
    if form == "zip":
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(source.rglob("*")):
                archive.write(path, f"bag/{path.relative_to(source)}")
        return target
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(source, "bag")
    return compressed(plain.getvalue(), target, form)


def compressed(content, target, form):
    packers = {"tar": bytes, "tar.gz": gzip.compress, "tar.zst": zstandard.ZstdCompressor().compress}
    target.write_bytes(packers[form](content))
    return target


def judged(path):
    archive = open_archive(path)
    engine = ThreadEngine(2, name="archives")
    try:
        if isinstance(archive, TarPlace | ZipPlace):
            (verdict,) = verify_archive(archive, files=engine)
            return verdict
        return verify_stream(archive)
    finally:
        engine.close()


def codes(path):
    return {finding.code for finding in judged(path).findings}


@pytest.mark.parametrize("form", FORMS)
def test_a_bag_in_an_archive_is_valid_whatever_the_name_of_the_file(form, tmp_path):
    draft(payload={"data/big.bin": BIG, "data/ü 100%.txt": b"x", "data/empty": b""}).write(tmp_path / "bag")
    verdict = judged(packed(tmp_path / "bag", tmp_path / "noname", form))
    assert verdict.findings == ()
    assert verdict.prefix == "bag/"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.codes & NOT_IN_ARCHIVES],
    ids=lambda case: case.name,
)
def test_every_fixture_is_judged_the_same_in_an_archive(case, form, tmp_path):
    (tmp_path / "bag").mkdir()
    case.build(tmp_path / "bag")
    assert codes(packed(tmp_path / "bag", tmp_path / f"bag.{form}", form)) == case.codes


def member(name, content=b"", **facts):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, content


HOSTILE = {
    "climbs": (member("bag/../../evil", b"x"), Code.PATH_UNSAFE),
    "absolute": (member("/etc/evil", b"x"), Code.PATH_UNSAFE),
    "drive": (member("C:/evil", b"x"), Code.PATH_UNSAFE),
    "symbolic link": (member("bag/data/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"), Code.LINK_REFUSED),
    "hard link": (member("bag/data/hard", type=tarfile.LNKTYPE, linkname="bag/bagit.txt"), Code.LINK_REFUSED),
    "device": (member("bag/data/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), Code.SPECIAL_FILE),
    "pipe": (member("bag/data/pipe", type=tarfile.FIFOTYPE), Code.SPECIAL_FILE),
    "repeated": (member("bag/data/a.txt", b"other"), Code.MEMBER_REPEATED),
    "second top": (member("other/file", b"x"), Code.SERIALIZATION_TOP),
    "not utf-8": (member(os.fsdecode(b"bag/data/caf\xe9"), b"x"), Code.NAME_NOT_UTF8),
}


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_a_finding_and_touches_nothing(name, form, tmp_path):
    (info, content), code = HOSTILE[name]
    draft(info="Source-Organization: x\n").write(tmp_path / "bag")
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.add(tmp_path / "bag", "bag")
        archive.addfile(info, io.BytesIO(content))
    path = compressed(plain.getvalue(), tmp_path / "bag.tar", form)
    before = sorted(tmp_path.rglob("*"))

    verdict = judged(path)

    assert code in {finding.code for finding in verdict.findings}
    assert not verdict.is_valid
    assert sorted(tmp_path.rglob("*")) == before


def test_hostile_members_of_a_zip_are_findings(tmp_path):
    draft(info="Source-Organization: x\n").write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / "bag.zip", "zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", b"x")
        link = zipfile.ZipInfo("bag/data/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("bag/data/a.txt", b"other")
    assert {Code.PATH_UNSAFE, Code.LINK_REFUSED, Code.MEMBER_REPEATED} <= codes(path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_an_archive_that_is_cut_is_never_valid(form, share, tmp_path):
    draft(payload={"data/big.bin": BIG}, info="Source-Organization: x\n").write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / f"bag.{form}", form)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert not judged(path).is_valid


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
def test_a_tar_that_is_cut_within_a_member_is_damaged_and_no_bomb(form, tmp_path):
    draft(payload={"data/big.bin": BIG}).write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / f"bag.{form}", "tar")
    compressed(path.read_bytes()[: path.stat().st_size // 2], path, form)
    assert Code.SERIALIZATION_DAMAGED in codes(path)
    assert Code.SERIALIZATION_EXCESSIVE not in codes(path)


@pytest.mark.parametrize(
    "spoil",
    [lambda packed: packed[:-8] + b"0000" + packed[-4:], lambda packed: packed + b"more", lambda packed: packed[:-3]],
)
def test_the_end_of_what_was_compressed_is_read_too(spoil, tmp_path):
    draft().write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / "bag.tar.gz", "tar.gz")
    assert codes(path) == set()
    path.write_bytes(spoil(path.read_bytes()))
    assert codes(path) == {Code.SERIALIZATION_DAMAGED}


@pytest.mark.parametrize("form", ["tar", "tar.gz", "tar.zst"])
def test_a_second_archive_behind_the_first_is_in_no_bag(form, tmp_path):
    draft().write(tmp_path / "bag")
    plain = packed(tmp_path / "bag", tmp_path / "bag.tar", "tar").read_bytes()
    path = compressed(plain + bytes(100 * 512), tmp_path / "filled up", form)
    assert codes(path) == set()
    assert codes(compressed(plain + plain, path, form)) == {Code.SERIALIZATION_DAMAGED}
    assert codes(compressed(plain + b"x", path, form)) == {Code.SERIALIZATION_DAMAGED}


@pytest.mark.parametrize("spoil", [lambda packed: packed + b"more", lambda packed: packed[:-3]])
def test_a_zip_ends_where_it_says(spoil, tmp_path):
    draft().write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / "bag.zip", "zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"a comment"
    assert codes(path) == set()
    path.write_bytes(spoil(path.read_bytes()))
    assert Code.SERIALIZATION_DAMAGED in codes(path)


@pytest.mark.parametrize("form", FORMS)
def test_one_flipped_byte_of_payload_is_found(form, tmp_path):
    draft(payload={"data/big.bin": BIG}).write(tmp_path / "bag")
    path = packed(tmp_path / "bag", tmp_path / f"bag.{form}", form)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    assert codes(path) & {Code.FILE_CHANGED, Code.FILE_UNREADABLE, Code.SERIALIZATION_DAMAGED}


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_is_one_bag_and_no_box_of_bags(form, tmp_path):
    for name in ("one", "two"):
        draft(info="Source-Organization: x\n").write(tmp_path / "box" / name)
    path = packed(tmp_path / "box", tmp_path / f"box.{form}", form)
    archive, engine = open_archive(path), ThreadEngine(2, name="archives")
    try:
        if isinstance(archive, TarPlace | ZipPlace):
            verdicts = list(verify_archive(archive, files=engine))
            assert [verdict.prefix for verdict in verdicts] == ["bag/one/", "bag/two/"]
        else:
            verdicts = [verify_stream(archive)]
    finally:
        engine.close()
    assert all([finding.code for finding in verdict.findings] == [Code.SERIALIZATION_TOP] for verdict in verdicts)


def test_a_large_zip_and_one_with_something_before_it_are_read_alike(tmp_path):
    draft(payload={"data/big.bin": BIG, "data/ü 100%.txt": b"x"}).write(tmp_path / "bag")
    plain = packed(tmp_path / "bag", tmp_path / "bag.zip", "zip")
    (tmp_path / "shifted.zip").write_bytes(b"PK\x03\x04 something before" + plain.read_bytes())
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_BZIP2) as archive:
        for path in sorted((tmp_path / "bag").rglob("*")):
            if path.is_file():
                with archive.open(f"bag/{path.relative_to(tmp_path / 'bag')}", "w", force_zip64=True) as file:
                    file.write(path.read_bytes())
        archive.comment = b"a comment"
    content = bytearray(large.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    size, offset = struct.unpack_from("<2L", content, end + 12)
    count = struct.unpack_from("<H", content, end + 10)[0]
    struct.pack_into("<2H2L", content, end + 8, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    records = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, offset)
    records += struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    large.write_bytes(content[:end] + records + content[end:])
    for path in (plain, tmp_path / "shifted.zip", large):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
        assert judged(path).findings == (), path


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    plain = tarfile.TarInfo("bag/data/zeros")
    plain.size = 3 << 30
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(plain.tobuf())
        for _ in range(3 << 6):
            file.write(bytes(1 << 24))
    assert Code.SERIALIZATION_EXCESSIVE in codes(path)


@pytest.mark.parametrize("form", ["tar", "tar.gz"])
def test_a_header_that_asks_for_gigabytes_of_memory_is_refused(form, tmp_path):
    pax = tarfile.TarInfo("pax")
    pax.type, pax.size = tarfile.XHDTYPE, 8 << 30
    path = compressed(pax.tobuf(), tmp_path / "x.tar", form)
    (first, *_) = open_archive(path).survey()
    assert isinstance(first, Stranger)
    assert first.kind in {StrangerKind.EXCESSIVE, StrangerKind.DAMAGED}


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", bytes(512), bytes(10240)]
)
def test_what_is_no_archive_is_said_to_be_none_or_to_be_damaged(content, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(content)
    archive = open_archive(path)
    if archive is not None:
        assert not judged(path).is_valid


def test_random_changes_of_a_tar_never_end_in_an_exception(tmp_path):
    draft(info="Source-Organization: x\n").write(tmp_path / "bag")
    original = packed(tmp_path / "bag", tmp_path / "bag.tar", "tar").read_bytes()
    draw = random.Random(11)
    path = tmp_path / "changed.tar"
    for _ in range(300):
        changed = bytearray(original)
        for _ in range(draw.randint(1, 6)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        path.write_bytes(changed)
        if open_archive(path) is not None:
            judged(path)


def test_the_forms_are_named_where_a_file_is_none(tmp_path):
    (tmp_path / "x.txt").write_text("hello")
    done = subprocess.run(
        [sys.executable, "-m", "archiver", "verify", str(tmp_path / "x.txt")],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment(),
    )  # fmt: skip
    assert done.returncode == 4
    assert opening.FORMS in done.stderr
