"""One harvest over everything that goes wrong at a source: what is stored, refused, quarantined and failed, exactly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.rehearsal.faults import Fault, Kind
from tests.archive import LICENCE, Archive, prove_bag
from tests.servers.s3_servers import BUCKET

BYTES = random.Random(5).randbytes(3_000_000)


def song(name="song.flac", size=20_000, **extra):
    return DoubleFile(name, BYTES[:size], "original", "Flac", extra)


def licensed(name, *files, licence=LICENCE, **metadata):
    return DoubleItem(name, files or (song(),), {"licenseurl": licence, **metadata})


HARD_NAMES = (
    "01 # ? % & ' .flac",
    "disc 1/02  two  spaces.flac",
    "disc 1/Ωmega — ünïcode.flac",
    "Q &amp; A.flac",
    "100%25.flac",
    "comma,semicolon;plus+.flac",
    "-rf.flac",
    "new\nline.flac",
)

STORED = (
    licensed("plain"),
    licensed("hard-names", *(song(name, 1000 + n) for n, name in enumerate(HARD_NAMES))),
    licensed("lists", title=["One", "Two"], creator=["A", "B"], subject=["x", 3]),
    licensed("no-size", DoubleFile("song.flac", BYTES[:5000], extra={"size": None})),
    licensed("no-sha1", song(sha1=None)),
    licensed("no-digest", song(sha1=None, md5=None)),
    licensed("empty-file", song(), song("empty.txt", 0)),
    licensed("public-domain", song(size=19_999), licence="https://creativecommons.org/publicdomain/zero/1.0/"),
    licensed("with-derivatives", song(), DoubleFile("song.mp3", b"derived", "derivative", "VBR MP3")),
    licensed("with-private", song(), song("secret.flac", private="true")),
    licensed("flaky-503", song("a.flac"), song("b.flac", 5000)),
    licensed("flaky-429"),
    licensed("cut-twice", song(size=3_000_000)),
    licensed("reset-once"),
    licensed("corrupt-once"),
    licensed("short-once", song(size=3_000_000)),
    licensed("metadata-503"),
    licensed("no-range", song(size=3_000_000)),
    licensed("wrong-range", song(size=3_000_000)),
)

TURNED_AWAY = {
    "no-licence": (DoubleItem("no-licence", (song(),)), "refused", "NO_LICENCE"),
    "all-rights": (licensed("all-rights", licence="All rights reserved"), "refused", None),
    "conflict": (licensed("conflict", rights="(c) 2009 X. All rights reserved."), "quarantined", "CONFLICT_RESERVED"),
    "lookalike": (
        licensed("lookalike", licence="http://creativecommons.org.example.net/licenses/by/4.0/"),
        "quarantined",
        "UNRESOLVED_LICENCE_FIELD",
    ),
    "dark": (DoubleItem("dark", (), {}, {"is_dark": True, "metadata": None, "files": None}), "refused", "ITEM_DARK"),
    "restricted": (licensed("restricted", **{"access-restricted-item": "true"}), "quarantined", "SOURCE_RULE"),
    "stream-only": (licensed("stream-only", collection=["stream_only", "audio"]), "quarantined", "SOURCE_RULE"),
    "climbs": (licensed("climbs", song(), song("../../../../tmp/evil.flac")), "refused", "UNSAFE_NAME"),
    "absolute": (licensed("absolute", song("/etc/evil.flac")), "refused", "UNSAFE_NAME"),
    "nul": (licensed("nul", song("a\0b.flac")), "refused", "UNSAFE_NAME"),
    "case": (licensed("case", song("Song.flac"), song("song.FLAC")), "refused", "UNSAFE_NAME"),
    "nfc": (licensed("nfc", song("\u00e9.flac"), song("e\u0301.flac")), "refused", "UNSAFE_NAME"),
    "file-and-directory": (licensed("file-and-directory", song("a"), song("a/b.flac")), "refused", "UNSAFE_NAME"),
    "only-derivatives": (
        licensed("only-derivatives", DoubleFile("x.mp3", b"x", "derivative")),
        "refused",
        "NO_FILES",
    ),
}

FAILED = {
    "gone-404": ("FILE_REFUSED", licensed("gone-404")),
    "always-503": ("SOURCE_UNAVAILABLE", licensed("always-503")),
    "always-corrupt": ("DIGEST_MISMATCH", licensed("always-corrupt")),
    "always-short": ("SIZE_MISMATCH", licensed("always-short")),
    "always-html": ("ERROR_PAGE", licensed("always-html")),
    "endless": ("SIZE_MISMATCH", licensed("endless")),
    "redirect-loop": ("SOURCE_PROTOCOL", licensed("redirect-loop")),
    "redirect-away": ("SOURCE_PROTOCOL", licensed("redirect-away")),
    "not-json": ("SOURCE_PROTOCOL", licensed("not-json")),
    "metadata-error": ("SOURCE_UNAVAILABLE", licensed("metadata-error")),
    "bomb": ("SOURCE_PROTOCOL", licensed("bomb")),
}


def switch_faults(double):
    once = {"times": 1}
    for route, fault in {
        "node/flaky-503/a.flac": Fault(Kind.STATUS, 2, 503),
        "node/flaky-429/song.flac": Fault(Kind.STATUS, 1, 429, "1"),
        "node/cut-twice/song.flac": Fault(Kind.CUT, 2, 1_200_000),
        "node/reset-once/song.flac": Fault(Kind.RESET, **once),
        "node/corrupt-once/song.flac": Fault(Kind.CORRUPT, **once),
        "node/short-once/song.flac": Fault(Kind.SHORT_CHUNKED, **once),
        "metadata/metadata-503": Fault(Kind.STATUS, 2, 503),
        "node/gone-404/song.flac": Fault(Kind.STATUS, number=404),
        "node/always-503/song.flac": Fault(Kind.STATUS, number=503),
        "node/always-corrupt/song.flac": Fault(Kind.CORRUPT),
        "node/always-short/song.flac": Fault(Kind.SHORT_CHUNKED),
        "node/always-html/song.flac": Fault(Kind.HTML),
        "node/endless/song.flac": Fault(Kind.ENDLESS),
        "download/redirect-loop/song.flac": Fault(Kind.REDIRECT_LOOP),
        "download/redirect-away/song.flac": Fault(Kind.REDIRECT_TO, text="http://192.0.2.1/song.flac"),
        "metadata/not-json": Fault(Kind.NOT_JSON),
        "metadata/metadata-error": Fault(Kind.JSON_ERROR),
        "metadata/bomb": Fault(Kind.BOMB),
    }.items():
        double.fail(route, fault)


@pytest.fixture
def double():
    with ArchiveDouble(STORED) as double:
        double.add(*(item for item, _, _ in TURNED_AWAY.values()), *(item for _, item in FAILED.values()))
        switch_faults(double)
        yield double


def expected():
    outcomes = {item.identifier: "stored" for item in STORED}
    outcomes |= {name: outcome for name, (_, outcome, _) in TURNED_AWAY.items()}
    outcomes |= dict.fromkeys(FAILED, "failed")
    return outcomes | {"vanished": "failed"}


def test_exactly_the_right_items_are_stored_and_a_second_run_asks_for_no_audio_byte(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=[*double.items, "vanished"])

    result = archive.harvested("--jobs", "4")

    assert {name: outcome for name, (outcome, _) in result.outcomes.items()} == expected()
    for name, (_, _, reason) in TURNED_AWAY.items():
        assert reason is None or reason in result.outcomes[name][1], name
    for name, (reason, _) in FAILED.items():
        assert result.outcomes[name][1] == (reason,), name
    assert result.outcomes["vanished"][1] == ("ITEM_NOT_FOUND",)
    assert result.status == 3
    assert result.summary["stored"] == len(STORED)
    assert "Traceback" not in result.err
    bags = archive.bags()
    assert bags.keys() == {f"{item.identifier}/v1" for item in STORED}
    for item in STORED:
        prove_bag(bags[f"{item.identifier}/v1"], item)
    assert archive.names_of("primary") == sorted(
        [
            "archiver.toml",
            "archiver.lock",
            "hosts.json",
            "hosts.lock",
            "catalogue.sqlite",
            "last-runs/harvest.json",
            "manifests/all.toml",
            *staged(archive),
        ]
    )
    assert not Path("/tmp/evil.flac").exists()
    assert not Path("/etc/evil.flac").exists()

    before = snapshot(archive.store())
    double.requests.clear()
    again = archive.harvested("--jobs", "4")

    stored = {item.identifier for item in STORED}
    assert {name for name, (outcome, _) in again.outcomes.items() if outcome == "unchanged"} == stored
    assert not any(path.split("/")[3] in stored for path in double.asked_for_bytes())
    assert snapshot(archive.store()) == before
    assert again.summary["bytes"] == 0


def staged(archive):
    return [f"staging/{name}" for name in archive.left_in_staging() if (archive.root / "staging" / name).is_file()]


def snapshot(store):
    return {
        str(path.relative_to(store)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in store.rglob("*")
        if path.is_file()
    }


def test_what_turned_an_item_away_is_in_the_catalogue_and_no_byte_of_it_was_asked_for(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=list(TURNED_AWAY))

    result = archive.harvested()

    assert result.status == 0
    assert double.asked_for_bytes() == []
    assert archive.bags() == {}
    summary = archive.run("status", "--output", "jsonl").records
    assert summary[-1]["refused"] + summary[-1]["quarantined"] == len(TURNED_AWAY)


@pytest.mark.xdist_group("ministack")
def test_the_same_with_a_directory_and_a_bucket_together(tmp_path, double, ministack):
    stores = {
        "primary": {"url": "store/"},
        "mirror": {"url": f"s3://{BUCKET}/{tmp_path.name}", "endpoint": ministack.endpoint, "addressing": "path"},
    }
    keys = {"AWS_ACCESS_KEY_ID": ministack.access_key, "AWS_SECRET_ACCESS_KEY": ministack.secret_key}
    archive = Archive(tmp_path / "archive", double.url, stores, extra_environment=keys)
    archive.select("all", items=[*double.items, "vanished"])

    result = archive.harvested("--jobs", "4")

    assert {name: outcome for name, (outcome, _) in result.outcomes.items()} == expected()
    assert result.status == 3
    files = {str(path.relative_to(archive.store())): path for path in archive.store().rglob("*") if path.is_file()}
    client = ministack.client()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{tmp_path.name}/")
    keys_there = {entry["Key"].partition("/")[2] for page in pages for entry in page.get("Contents", [])}
    assert keys_there == files.keys()
    for key, path in files.items():
        body = client.get_object(Bucket=BUCKET, Key=f"{tmp_path.name}/{key}")["Body"].read()
        assert body == path.read_bytes(), key
    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    client.close()

    double.requests.clear()
    again = archive.harvested("--jobs", "4")
    stored = {item.identifier for item in STORED}
    assert {name for name, (outcome, _) in again.outcomes.items() if outcome == "unchanged"} == stored
    assert not any(path.split("/")[3] in stored for path in double.asked_for_bytes())


def test_a_selection_that_gains_a_store_copies_the_same_bag_and_asks_the_source_for_nothing(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=["plain", "hard-names"])
    archive.harvested()
    archive.stores["second"] = {"url": "second/"}
    archive.write()
    archive.select("all", items=["plain", "hard-names"])
    double.requests.clear()

    result = archive.harvested()

    assert result.outcomes["plain"] == ("stored", ("REPLICATED:second",))
    assert double.asked_for_bytes() == []
    contents = [
        {
            path.relative_to(archive.store(name)): path.read_bytes()
            for path in (archive.store(name) / "bags").rglob("*")
            if path.is_file()
        }
        for name in ("primary", "second")
    ]
    assert contents[0] == contents[1]
    listed = {record["item"]: record["copies"] for record in archive.run("list", "--output", "jsonl").records}
    assert [copy["store"] for copy in listed["internet-archive/plain"]] == ["primary", "second"]
    assert archive.harvested().outcomes["plain"] == ("unchanged", ())
    assert archive.left_in_staging() == []


def test_a_damaged_copy_is_never_replicated(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=["plain"])
    archive.harvested()
    payload = archive.bags()["plain/v1"] / "data" / "song.flac"
    payload.chmod(0o644)
    payload.write_bytes(b"x" + payload.read_bytes()[1:])
    archive.stores["second"] = {"url": "second/"}
    archive.write()
    archive.select("all", items=["plain"])

    result = archive.harvested()

    assert result.outcomes["plain"] == ("failed", ("OBJECT_DAMAGED",))
    assert result.status == 3
    assert archive.bags("second") == {}


def test_an_edited_item_becomes_a_new_version_and_the_old_one_stays(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=["plain"])
    archive.harvested()
    before = snapshot(archive.store())
    double.add(licensed("plain", song(size=30_000)))

    result = archive.harvested()

    assert result.outcomes["plain"][0] == "stored"
    assert archive.bags().keys() == {"plain/v1", "plain/v2"}
    after = snapshot(archive.store())
    assert {key: after[key] for key in before} == before


def test_a_licence_that_is_withdrawn_while_the_bytes_come_in_keeps_the_item_out(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=["plain"])
    double.edit(DoubleItem("plain", (song(),), {}), after_reads=1)

    result = archive.harvested()

    assert result.outcomes["plain"] == ("refused", ("NO_LICENCE",))
    assert archive.bags() == {}
    assert archive.left_in_staging() == []


def test_search_hits_are_candidates_and_foreign_ones_are_turned_away(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    double.add(licensed("elsewhere", collection=["opensource_audio"]))
    double.fail("search", Fault(Kind.FOREIGN, text="elsewhere"))
    double.page_size = 7
    archive.select("all", query="collection:netlabels AND mediatype:audio")

    result = archive.harvested("--limit", "200")

    assert result.outcomes["plain"][0] == "stored"
    assert result.outcomes.get("elsewhere", ("refused", ("NOT_IN_SELECTION",))) == ("refused", ("NOT_IN_SELECTION",))


def test_a_hostile_identifier_in_a_search_is_refused_and_never_becomes_an_address(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    double.items = {"plain": double.items["plain"]}
    double.fail("search", Fault(Kind.FOREIGN, text="../../hostile?x"))

    result = archive.harvested()

    assert result.outcomes == {"plain": ("stored", ()), "../../hostile?x": ("refused", ("UNSAFE_NAME",))}
    assert result.status == 0
    assert not any("hostile" in request.path for request in double.requests)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(Kind.SAME_PAGE), "repeats a page"),
        (Fault(Kind.TOTAL, number=5000), "announced 5000"),
        (Fault(Kind.JSON_ERROR), "failed"),
        (Fault(Kind.NOT_JSON), "not JSON"),
    ],
)
def test_an_enumeration_that_cannot_be_trusted_ends_with_status_3(tmp_path, double, fault, message):
    archive = Archive(tmp_path / "archive", double.url)
    double.items = {name: double.items[name] for name in ("plain", "lists", "public-domain")}
    double.page_size = 2
    double.fail("search", fault)

    result = archive.harvested()

    assert result.status == 3
    assert message in result.err
    assert all(outcome == "stored" for outcome, _ in result.outcomes.values())


def test_metadata_is_kept_without_personal_data(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    archive.select("all", items=["plain"])

    archive.harvested()

    bag = archive.bags()["plain/v1"]
    kept = b"".join(path.read_bytes() for path in bag.rglob("*") if path.is_file() and "data" not in path.parts[-2:])
    assert b"uploader@example.org" not in kept
    assert b"Words of a person" not in kept
    assert b'"identifier": "plain"' in (bag / "metadata/source/metadata.json").read_bytes()
