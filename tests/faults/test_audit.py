"""Copies damaged behind our back in eight ways: found under the right code, put right from the other store."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from archiver.rehearsal.double import ArchiveDouble
from tests.damage import NAMES, audited, flip, item, overwrite, path_of


def zero(bytes_):
    bytes_[512:1024] = bytes(512)


def damage_in_eight_ways(archive):
    """Return the finding that each damage deserves."""
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    overwrite(path_of(archive, NAMES[1], "data/a.wav"), lambda b: b[:-7])
    overwrite(path_of(archive, NAMES[2], "data/a.wav"), lambda b: b + b"more")
    path_of(archive, NAMES[3], "data/a.wav").unlink()
    one, other = (path_of(archive, NAMES[4], f"data/{track}.wav") for track in "ab")
    swapped = one.read_bytes(), other.read_bytes()
    overwrite(one, lambda _: swapped[1])
    overwrite(other, lambda _: swapped[0])
    forge(path_of(archive, NAMES[5], ""))
    overwrite(path_of(archive, NAMES[6], "data/a.wav"), zero)
    unreadable = path_of(archive, NAMES[7], "data/a.wav")
    unreadable.unlink()
    unreadable.symlink_to("/dev/null")
    (path_of(archive, NAMES[0], "data/stray.wav")).write_bytes(b"stray")
    return {
        (NAMES[0], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[0], "data/stray.wav", "OBJECT_UNEXPECTED"),
        (NAMES[1], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[2], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[3], "data/a.wav", "OBJECT_MISSING"),
        (NAMES[4], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[4], "data/b.wav", "OBJECT_CHANGED"),
        (NAMES[5], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[5], "manifest-sha256.txt", "MANIFEST_ALTERED"),
        (NAMES[5], "manifest-sha512.txt", "MANIFEST_ALTERED"),
        (NAMES[5], "tagmanifest-sha256.txt", "MANIFEST_ALTERED"),
        (NAMES[5], "tagmanifest-sha512.txt", "MANIFEST_ALTERED"),
        (NAMES[6], "data/a.wav", "OBJECT_CHANGED"),
        (NAMES[7], "data/a.wav", "OBJECT_UNREADABLE"),
    }


def forge(bag):
    """Replace a file and every line that speaks of it, consistently, up to the tag manifests."""
    overwrite(bag / "data/a.wav", lambda b: b[::-1])
    for algorithm in ("sha256", "sha512"):
        digest = hashlib.new(algorithm, (bag / "data/a.wav").read_bytes()).hexdigest()
        rewrite_line(bag / f"manifest-{algorithm}.txt", "data/a.wav", digest)
    for algorithm in ("sha256", "sha512"):
        for other in ("sha256", "sha512"):
            digest = hashlib.new(algorithm, (bag / f"manifest-{other}.txt").read_bytes()).hexdigest()
            rewrite_line(bag / f"tagmanifest-{algorithm}.txt", f"manifest-{other}.txt", digest)


def rewrite_line(manifest, path, digest):
    lines = manifest.read_text().splitlines()
    text = "".join(f"{digest}  {path}\n" if line.endswith(f"  {path}") else f"{line}\n" for line in lines)
    overwrite(manifest, lambda _: text.encode())


def found_in(result):
    findings = [record["finding"] for record in result.records if "finding" in record]
    places = [finding["where"].split("/v1/") for finding in findings]
    return {(bag.rpartition("/")[2], path, one["code"]) for (bag, path), one in zip(places, findings, strict=True)}


def test_an_audit_of_what_was_just_harvested_is_clean_and_every_check_is_an_event(archive):
    result = archive.run("audit", "--output", "jsonl")

    assert result.status == 0, result.err
    assert result.summary["copies"] == result.summary["good"] == 2 * len(NAMES)
    events = [r["event"] for r in archive.run("show", NAMES[0], "--output", "jsonl").records if "event" in r]
    checks = [one for one in events if one["type"] == "fixity check" and "grade read" in one["detail"]]
    assert {one["store"] for one in checks} == {"primary", "mirror"}
    assert archive.run("audit", "--due", "--output", "jsonl").summary["copies"] == 0


def test_damage_of_eight_kinds_is_found_under_the_right_code_and_put_right_from_the_other_store(archive):
    wanted = damage_in_eight_ways(archive)

    first = audited(archive, "--report", "audit.json")
    assert found_in(first) == wanted
    assert first.status == 1
    assert first.summary["damaged"] == 8
    assert len(json.loads((archive.root / "audit.json").read_text())["findings"]) == len(wanted)

    rehearsed = archive.run("repair", "--dry-run", "--output", "jsonl")
    assert rehearsed.status == 1
    assert found_in(audited(archive)) == wanted

    repaired = archive.run("repair", "--output", "jsonl")
    assert repaired.status == 0, repaired.out
    assert repaired.summary["repaired"] == len(wanted) - 1
    assert repaired.summary["removed"] == 1

    again = audited(archive)
    assert again.status == 0
    assert found_in(again) == set()
    assert archive.run("verify", "mirror/bags", "store/bags").status == 0
    assert not list((archive.root / "mirror/archive/repair").iterdir())


def test_a_directory_in_a_files_place_is_damage_and_is_put_right(archive):
    empty, full = (path_of(archive, NAMES[0], f"data/{track}.wav") for track in "ab")
    for one in (empty, full):
        one.unlink()
        one.mkdir()
    (full / "below").mkdir()
    (full / "below/stray").write_bytes(b"stray")

    assert found_in(audited(archive)) == {
        (NAMES[0], "data/a.wav", "OBJECT_UNREADABLE"),
        (NAMES[0], "data/b.wav", "OBJECT_MISSING"),
        (NAMES[0], "data/b.wav/below/stray", "OBJECT_UNEXPECTED"),
    }
    repaired = archive.run("repair", "--output", "jsonl")
    assert repaired.status == 0, repaired.out
    assert audited(archive).status == 0
    assert archive.run("verify", "mirror/bags").status == 0


@pytest.mark.parametrize("loss", ["missing", "altered"])
def test_a_lost_tag_manifest_hides_no_other_damage_and_convicts_nothing_sound(archive, loss):
    for name in NAMES[:2]:
        root = path_of(archive, name, "tagmanifest-sha512.txt")
        root.unlink() if loss == "missing" else overwrite(root, flip)
    overwrite(path_of(archive, NAMES[0], "metadata/premis.xml"), flip)
    shadow = path_of(archive, NAMES[1], "tagmanifest-sha256.txt")
    overwrite(shadow, lambda b: b.replace(b[:1], b"0" if b[:1] != b"0" else b"1"))

    code = "OBJECT_MISSING" if loss == "missing" else "MANIFEST_ALTERED"
    assert found_in(audited(archive)) == {
        (NAMES[0], "tagmanifest-sha512.txt", code),
        (NAMES[0], "metadata/premis.xml", "OBJECT_CHANGED"),
        (NAMES[1], "tagmanifest-sha512.txt", code),
        (NAMES[1], "tagmanifest-sha256.txt", "MANIFEST_ALTERED"),
    }
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0


def test_a_copy_that_is_gone_altogether_is_made_again(archive):
    shutil.rmtree(path_of(archive, NAMES[0], ""))

    assert audited(archive, "--repair").status == 1
    assert audited(archive).status == 0
    assert archive.run("verify", "mirror/bags").status == 0


def test_two_copies_damaged_in_different_files_heal_each_other(archive):
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    overwrite(path_of(archive, NAMES[0], "data/b.wav", "primary"), flip)
    overwrite(path_of(archive, NAMES[0], "metadata/premis.xml", "primary"), flip)
    path_of(archive, NAMES[0], "tagmanifest-sha512.txt").unlink()
    path_of(archive, NAMES[0], "tagmanifest-sha512.txt", "primary").unlink()

    audited(archive)
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0


def test_what_is_damaged_everywhere_ends_with_status_1_and_the_next_command(archive):
    for store in ("mirror", "primary"):
        overwrite(path_of(archive, NAMES[0], "data/a.wav", store), flip)
    audited(archive)

    result = archive.run("repair", NAMES[0])

    assert result.status == 1
    assert result.out.count("impossible") >= 2
    assert f"archiver repair internet-archive/{NAMES[0]}" in result.out


def test_what_no_store_has_comes_from_the_source_when_its_bytes_are_ours(archive):
    for store in ("mirror", "primary"):
        overwrite(path_of(archive, NAMES[0], "data/a.wav", store), flip)
    audited(archive)

    with ArchiveDouble([item(NAMES[0])]) as double:
        archive.endpoint = double.url
        archive.write()
        result = archive.run("repair", "--output", "jsonl")

    assert result.status == 0, result.out
    assert audited(archive).status == 0


def test_budgeted_runs_go_on_where_the_last_one_stopped_and_skip_nothing(archive):
    seen = []
    for _ in range(40):
        result = audited(archive, "--max-requests", "40")
        seen += [(r["checked"]["store"], r["checked"]["key"]) for r in result.records if "checked" in r]
        if len(seen) >= 2 * len(NAMES):
            break

    assert len(seen[: 2 * len(NAMES)]) == len(set(seen[: 2 * len(NAMES)])) == 2 * len(NAMES)


def test_overdue_copies_come_oldest_first_and_are_said(archive):
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue, catalogue:
        ids = [row[0] for row in catalogue.execute("SELECT aip_id FROM copy WHERE store = 'primary' ORDER BY aip_id")]
        for number, aip in enumerate(reversed(ids)):
            at = f"2020-01-{number + 1:02} 00:00:00.000000"
            catalogue.execute("UPDATE copy SET checked_at = ? WHERE aip_id = ? AND store = 'primary'", (at, aip))
    catalogue.close()

    first = archive.run(
        "audit", "--due", "--store", "primary", "--max-requests", "30", "--jobs", "1", "--output", "jsonl"
    )
    rest = archive.run("audit", "--due", "--store", "primary", "--jobs", "1", "--output", "jsonl")

    checked = [r["checked"]["last_checked_at"] for r in first.records + rest.records if "checked" in r]
    assert checked == sorted(checked)
    assert len(checked) == len(NAMES)
    assert first.status == 1
    assert "COPY_OVERDUE" in first.out
    assert rest.status == 0


def test_a_light_check_neither_clears_damage_nor_puts_off_a_thorough_one(archive):
    overwrite(path_of(archive, NAMES[0], "data/a.wav"), flip)
    audited(archive)

    assert audited(archive, "--grade", "size").summary["good"] == 2 * len(NAMES)

    (held,) = [r for r in archive.run("list", "--output", "jsonl").records if r["item"].endswith(NAMES[0])]
    assert {copy["store"]: copy["status"] for copy in held["copies"]} == {"mirror": "damaged", "primary": "good"}


def test_a_digest_changed_in_the_catalogue_is_convicted_by_the_bag(archive):
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as catalogue, catalogue:
        catalogue.execute("UPDATE file SET sha256 = ? WHERE aip_id = 1 AND path = 'data/a.wav'", (b"\0" * 32,))
    catalogue.close()

    result = audited(archive)

    assert {code for _, _, code in found_in(result)} == {"CATALOGUE_ALTERED"}


@pytest.mark.parametrize("inside", ["tagmanifest-sha512.txt", "tagmanifest-sha256.txt", "manifest-sha256.txt"])
@pytest.mark.parametrize("place", [70, 140])
def test_one_bit_in_a_manifest_convicts_that_manifest_and_nothing_else(archive, inside, place):
    def change(bytes_):
        bytes_[place] ^= 1

    overwrite(path_of(archive, NAMES[0], inside), change)

    result = audited(archive)

    assert found_in(result) == {(NAMES[0], inside, "MANIFEST_ALTERED")}
    assert archive.run("repair").status == 0
    assert audited(archive).status == 0


def test_a_grade_that_a_store_cannot_prove_convicts_no_copy(archive):
    checked = archive.run("audit", "--all", "--store", "primary", "--grade", "provider", "--output", "jsonl")

    assert checked.status == 3
    found = [record["finding"] for record in checked.records if "finding" in record]
    assert {one["code"] for one in found} == {"OBJECT_UNVERIFIABLE"}
    assert all("--grade read" in one["next"] for one in found)
    assert checked.summary["damaged"] == 0
    copies = [copy for one in archive.run("list", "--output", "jsonl").records for copy in one["copies"]]
    assert {copy["status"] for copy in copies} == {"good"}
    assert archive.run("audit", "--all", "--store", "primary").status == 0
