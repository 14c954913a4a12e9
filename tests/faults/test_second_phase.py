"""The licence gate's second phase and the quarantine, from outside: what files say, what people say, and what is kept."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from tests.archive import LICENCE, Archive, prove_bag

CANONICAL = "https://creativecommons.org/licenses/by/4.0/"
ADA = ("--reviewer", "Ada Example", "--reason", "The label confirmed it by letter of 2 March")
BOB = ("--reviewer", "Bob Example", "--reason", "I have read the same letter myself")


def frame(name, content):
    return name + bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\0\0" + content


def mp3(*frames, seed=b"audio"):
    body = b"".join(frames)
    header = b"ID3\4\0\0" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return header + body + b"\xff\xfb\x90\x00" + seed * 400


def said(field, text):
    return frame(field, (b"" if field.startswith(b"W") else b"\0eng\0" if field == b"COMM" else b"\0") + text.encode())


def item(name, *frames, licence=LICENCE, seed=None, **metadata):
    content = mp3(*frames, seed=seed or name.encode())
    return DoubleItem(name, (DoubleFile("song.mp3", content, format="VBR MP3"),), {"licenseurl": licence, **metadata})


@pytest.fixture
def double():
    with ArchiveDouble() as double:
        yield double


@pytest.fixture
def archive(tmp_path, double):
    return Archive(tmp_path / "archive", double.url)


OTHER = "http://creativecommons.org/licenses/by-nc/3.0/"

TAGS = {
    "agrees": ((said(b"WCOP", LICENCE), said(b"TCOP", "© 2010 Foo")), "stored"),
    "bare-notice": ((said(b"TCOP", "2010 Foo"), said(b"COMM", "Enjoy!")), "stored"),
    "licence-sentence": ((said(b"TCOP", f"2010 Foo. Licensed to the public under {LICENCE}"),), "stored"),
    "all-rights": ((said(b"TCOP", "2010 Foo. All rights reserved."),), "quarantined"),
    "all-rights-in-comment": ((said(b"COMM", "(c) Label, all rights reserved"),), "quarantined"),
    "other-tool": ((said(b"WCOP", OTHER),), "quarantined"),
    "other-tool-in-comment": ((said(b"COMM", f"Licensed under {OTHER}"),), "quarantined"),
    "lookalike": ((said(b"WCOP", "http://creativecommons.org.example.net/licenses/by/4.0/"),), "quarantined"),
    "null-byte": ((said(b"WCOP", f"{LICENCE}\0All rights reserved"),), "quarantined"),
    "shift-jis": ((frame(b"TCOP", b"\0" + "全著作権所有".encode("cp932")),), "quarantined"),
    "damaged": ((b"\xfe\xfe\xfe\xfe" + bytes(20),), "stored"),
    "long-comment": ((said(b"COMM", "la la " * 700_000),), "stored"),
}


def test_what_files_declare_decides_before_anything_is_bagged(archive, double):
    double.add(*(item(name, *frames) for name, (frames, _) in TAGS.items()))

    result = archive.harvested()

    assert {name: outcome for name, (outcome, _) in result.outcomes.items()} == {
        name: outcome for name, (_, outcome) in TAGS.items()
    }
    assert result.outcomes["all-rights"][1] == ("CONFLICT_RESERVED",)
    assert result.outcomes["other-tool"][1] == ("CONFLICT_TOOLS",)
    assert archive.bags().keys() == {f"{name}/v1" for name, (_, outcome) in TAGS.items() if outcome == "stored"}
    assert archive.left_in_staging() == []
    record = json.loads((archive.bags()["agrees/v1"] / "metadata/licence.json").read_text())
    assert {(one["field"], one["subject"]) for one in record["decision"]["evidence"]} >= {("id3.WCOP", "song.mp3")}
    damaged = json.loads((archive.bags()["damaged/v1"] / "metadata/licence.json").read_text())
    assert damaged["unread_tags"][0]["file"] == "data/song.mp3"


def test_what_was_quarantined_is_reviewed_and_the_bag_says_by_whom_and_why(archive, double):
    double.add(item("contradicts", said(b"TCOP", "2010 Foo. All rights reserved.")), item("other", licence="CC BY"))
    assert archive.harvested().outcomes["contradicts"][0] == "quarantined"

    listed = {record["item"]: record for record in archive.run("review", "list", "--output", "jsonl").records}
    assert listed["internet-archive/contradicts"]["standing"] == "open"
    (shown,) = archive.run("review", "show", "contradicts", "--output", "jsonl").records
    assert [(one["field"], one["polarity"]) for one in shown["evidence"]] == [
        ("ia.licenseurl", "grant"),
        ("id3.TCOP", "reserve"),
    ]
    assert "All rights reserved" in archive.run("review", "show", "contradicts").out
    (word,) = archive.run("review", "accept", "contradicts", *ADA, "--output", "jsonl").records
    assert word == {"item": "internet-archive/contradicts", "standing": "accepted", "licence": CANONICAL}
    assert archive.run("review", "accept", "other", *ADA).status == 2  # the declarations name no licence
    assert archive.run("review", "accept", "other", "--licence", LICENCE, *ADA).status == 0

    result = archive.harvested()

    assert {name: outcome for name, (outcome, _) in result.outcomes.items()} == dict.fromkeys(
        ("contradicts", "other"), "stored"
    )
    bag = archive.bags()["contradicts/v1"]
    prove_bag(bag, double.items["contradicts"])
    record = json.loads((bag / "metadata/licence.json").read_text())
    (verdict,) = record["review"]["verdicts"]
    assert (verdict["reviewer"], verdict["reason"], verdict["licence"]) == (ADA[1], ADA[3], CANONICAL)
    assert record["review"]["quarantined_for"] == ["CONFLICT_RESERVED"]
    assert record["decision"]["outcome"] == "admit"
    assert record["decision"]["reasons"] == ["CONFLICT_RESERVED", "HUMAN_ACCEPT"]
    assert "Ada Example" in (bag / "metadata/premis.xml").read_text()
    assert archive.harvested().outcomes["contradicts"][0] == "unchanged"


def test_an_acceptance_holds_for_exactly_the_declarations_that_were_seen(archive, double):
    double.add(item("x", licence="CC BY", rights="(c) 2010 Foo"))
    archive.harvested()
    assert archive.run("review", "accept", "x", "--licence", LICENCE, *ADA).status == 0
    double.add(item("x", licence="CC BY", rights="(c) 2010 Bar"))

    assert archive.harvested().outcomes["x"][0] == "quarantined"
    assert archive.bags() == {}
    double.add(item("x", said(b"TCOP", "All rights reserved"), licence="CC BY", rights="(c) 2010 Foo"))
    assert archive.harvested().outcomes["x"][0] == "quarantined"
    assert archive.bags() == {}
    double.add(item("x", said(b"TCOP", "2010 Foo"), licence="CC BY", rights="(c) 2010 Foo"))
    assert archive.harvested().outcomes["x"][0] == "stored"


def test_a_rejected_item_is_kept_out_for_good_and_nothing_else_is(archive, double):
    double.add(item("out", licence="CC BY"), item("waits", licence="CC BY"))
    archive.harvested()
    assert archive.run("review", "reject", "out", *ADA).status == 0
    double.add(item("out"), item("waits"))

    assert archive.harvested().outcomes == {"out": ("refused", ("HUMAN_REJECT",)), "waits": ("stored", ())}
    assert archive.run("review", "accept", "out", "--licence", LICENCE, *BOB).status == 2
    assert archive.harvested().outcomes["out"][0] == "refused"


def test_a_name_and_a_reason_are_asked_for(archive, double):
    double.add(item("x", licence="CC BY"))
    archive.harvested()

    assert (
        archive.run("review", "accept", "x", "--licence", LICENCE, "--reviewer", " ", "--reason", "a" * 20).status == 2
    )
    assert archive.run("review", "accept", "x", "--licence", LICENCE, "--reviewer", "Ada", "--reason", "ok").status == 2
    assert archive.run("review", "accept", "x", "--licence", "http://example.org/", *ADA).status == 2
    assert archive.run("review", "accept", "y", *ADA).status == 2
    assert archive.harvested().outcomes["x"][0] == "quarantined"


def test_two_different_people_accept_where_the_settings_ask_for_it(archive, double):
    with (archive.root / "archiver.toml").open("a") as file:
        file.write('[review]\ntwo_people = ["public-domain-mark", "conflicts"]\n')
    double.add(item("mark", licence="https://creativecommons.org/publicdomain/mark/1.0/"))
    archive.harvested()

    assert archive.run("review", "accept", "mark", *ADA, "--output", "jsonl").records[0]["standing"] == "half"
    assert archive.harvested().outcomes["mark"][0] == "quarantined"
    again = ("--reviewer", " ada  example", "--reason", "still the same person")
    assert archive.run("review", "accept", "mark", *again).status == 2
    assert archive.run("review", "accept", "mark", *BOB, "--output", "jsonl").records[0]["standing"] == "accepted"
    assert archive.harvested().outcomes["mark"][0] == "stored"
    record = json.loads((archive.bags()["mark/v1"] / "metadata/licence.json").read_text())
    assert [one["reviewer"] for one in record["review"]["verdicts"]] == ["Ada Example", "Bob Example"]


def test_identical_declarations_of_one_collection_are_decided_together(archive, double):
    double.add(
        item("a", licence="CC BY", description="First"),
        item("b", licence="CC BY", description="Second"),
        item("c", licence="CC BY-NC"),
        item("d", licence="CC BY", collection=["elsewhere", "audio"]),
    )
    archive.harvested()

    word = archive.run("review", "accept", "a", "--licence", LICENCE, "--batch", "netlabels", *ADA, "--output", "jsonl")

    assert [record["item"].partition("/")[2] for record in word.records] == ["a", "b"]
    assert archive.run("review", "accept", "d", "--licence", LICENCE, "--batch", "netlabels", *ADA).status == 2
    outcomes = {name: outcome for name, (outcome, _) in archive.harvested().outcomes.items()}
    assert outcomes == {"a": "stored", "b": "stored", "c": "quarantined", "d": "quarantined"}


def test_the_same_recording_under_another_licence_is_quarantined_and_both_items_are_named(archive, double):
    double.add(item("first", seed=b"same"))
    archive.harvested()
    double.add(item("second", seed=b"same", licence=OTHER))

    result = archive.harvested()

    assert result.outcomes["second"] == ("quarantined", ("CONFLICT_TOOLS", "SAME_BYTES_OTHER_LICENCE"))
    detail = next(record["detail"] for record in result.records if record.get("item", "").endswith("/second"))
    assert "song.mp3 has the bytes of internet-archive/first" in detail
    assert archive.run("review", "accept", "second", "--licence", OTHER, *ADA).status == 0
    assert archive.harvested().outcomes["second"][0] == "stored"


def test_the_same_recording_under_the_same_licence_is_no_sign_of_anything(archive, double):
    double.add(item("first", seed=b"same"))
    archive.harvested()
    double.add(item("third", seed=b"same"))

    assert archive.harvested().outcomes["third"][0] == "stored"


def test_a_rehearsal_opens_no_case(archive, double):
    double.add(item("x", licence="CC BY"))

    assert archive.harvested("--dry-run").outcomes["x"][0] == "quarantined"
    assert archive.run("review", "list", "--output", "jsonl").records == []


def test_preferences_are_kept_with_who_stated_them_and_can_be_filtered_and_change_no_licence(archive, double):
    double.pages["/robots.txt"] = b"User-agent: *\nContent-Usage: train-ai=n, search=y\n"
    double.pages["/.well-known/tdmrep.json"] = b'[{"location": "/download/", "tdm-reservation": 1}]'
    double.headers["X-Robots-Tag"] = "noai"
    packet = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" '
        b'plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-GENAIMLTRAINING"/>'
    )
    double.add(item("x", frame(b"PRIV", b"XMP\0" + packet)))

    assert archive.harvested().outcomes == {"x": ("stored", ())}

    record = json.loads((archive.bags()["x/v1"] / "metadata/preferences.json").read_text())
    assert record["combined"] == {"search": "y", "tdm": "n", "train-ai": "n", "train-genai": "n"}
    stated = {(one["signal"], one["declared_by"], one["category"]) for one in record["preferences"]}
    assert stated == {
        ("robots.txt Content-Usage", "host", "train-ai"),
        ("robots.txt Content-Usage", "host", "search"),
        ("tdmrep.json", "host", "tdm"),
        ("X-Robots-Tag noai", "host", "train-ai"),
        ("XMP plus:DataMining", "creator", "train-genai"),
    }
    assert all(one["retrieved_at"] and one["raw"] for one in record["preferences"])
    licence = json.loads((archive.bags()["x/v1"] / "metadata/licence.json").read_text())
    assert licence["decision"]["reasons"] == ["OK_EXACT_URL"]

    def listed(preference):
        return [one["item"] for one in archive.run("list", "--preference", preference, "--output", "jsonl").records]

    assert listed("train-ai=n") == listed("search=y") == listed("other=unknown") == ["internet-archive/x"]
    assert listed("train-ai=y") == listed("train-ai=unknown") == []
    assert archive.run("list", "--preference", "train-ai").status == 2


def test_credits_are_printed_for_an_item_a_selection_and_a_search(archive, double):
    double.add(
        item("x", said(b"TCOP", "© 2010 Foo"), title="Songs & <more>"),
        item("y", licence="https://creativecommons.org/publicdomain/zero/1.0/", creator=[]),
    )
    archive.harvested()

    text = archive.run("show", "x", "--attribution", "text").out
    assert text.startswith(f"“Songs & <more>” by A Musician is licensed under CC BY 4.0 ({CANONICAL}). Source: ")
    assert "Copyright notice: © 2010 Foo" in text
    (record,) = archive.run("search", "publicdomain", "--attribution", "json").records
    assert record["item"] == "internet-archive/y"
    assert record["whole"]["creators"] == []
    assert "(creator not supplied) is dedicated to the public domain with" in record["whole"]["sentence"]
    page = archive.run("list", "--selection", "all", "--attribution", "html").out
    assert page.count("<article") == 2
    assert "Songs &amp; &lt;more&gt;" in page
    assert 'rel="license"' in page
    assert "Copyright notice: © 2010 Foo" in (archive.bags()["x/v1"] / "ATTRIBUTION.txt").read_text()
    assert archive.run("list", "--selection", "other", "--attribution", "json").out == ""

    path = archive.bags()["x/v1"] / "metadata/attribution.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("A Musician", "Somebody Else"))
    forged = archive.run("show", "x", "--attribution", "text")
    assert (forged.status, forged.out) == (3, "")
    assert "not what was deposited" in forged.err


def test_bytes_that_were_withdrawn_do_not_come_back_under_another_name(archive, double):
    double.add(item("gone", seed=b"same"))
    archive.harvested()
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as connection, connection:
        connection.execute(
            "INSERT INTO blocked SELECT file.sha256, aip.item_id FROM file JOIN aip ON aip.id = file.aip_id"
        )
    double.add(item("back", seed=b"same"))

    result = archive.harvested()

    assert result.outcomes["back"][0] == "quarantined"
    assert "BYTES_WITHDRAWN" in result.outcomes["back"][1]
    detail = next(record["detail"] for record in result.records if record.get("item", "").endswith("/back"))
    assert "internet-archive/gone" in detail


def test_what_waits_for_a_person_is_not_captured_night_after_night(archive, double):
    double.add(item("x", said(b"TCOP", "All rights reserved")))
    first = archive.harvested().outcomes["x"]
    asked = len(double.asked_for_bytes())

    assert archive.harvested().outcomes["x"] == first
    assert len(double.asked_for_bytes()) == asked
    with (archive.root / "archiver.toml").open("a") as file:
        file.write("[review]\nexpire_days = 1\n")
    with closing(sqlite3.connect(archive.root / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE review_case SET opened_at = '2020-01-01 00:00:00.000000'")
    assert archive.harvested().outcomes["x"] == ("refused", ("CONFLICT_RESERVED", "REVIEW_EXPIRED"))
    assert len(double.asked_for_bytes()) == asked
    assert archive.run("review", "list", "--standing", "expired", "--output", "jsonl").records
    double.add(item("x"))
    assert archive.harvested().outcomes["x"][0] == "stored"


def test_two_items_of_one_run_cannot_launder_the_same_recording(archive, double):
    archive.harvest["jobs"] = "4"
    archive.write()
    double.latency = 0.05
    double.add(*(item(f"x{n}", seed=b"same", licence=licence) for n, licence in enumerate((LICENCE, OTHER))))

    outcomes = [outcome for outcome, _ in archive.harvested().outcomes.values()]

    assert sorted(outcomes) == ["quarantined", "stored"]


def test_a_licence_of_the_extension_registry_is_accepted_only_where_the_selection_switches_it_on(archive, double):
    double.add(item("x", licence="Free Art License"))
    archive.harvested()
    assert archive.run("review", "accept", "x", "--licence", "Free Art License 1.3", *ADA).status == 0

    assert archive.harvested().outcomes["x"][0] == "quarantined"
    archive.select("all", extension_registry="accept")
    assert archive.harvested().outcomes["x"][0] == "stored"


def test_what_people_decided_outlives_the_catalogue(archive, double):
    double.add(
        item("taken"), item("kept-out", rights="All rights reserved"), item("let-in", rights="All rights reserved")
    )
    archive.harvested()
    assert archive.run("review", "accept", "let-in", "--licence", LICENCE, *ADA).status == 0
    archive.harvested()
    assert archive.run("review", "reject", "kept-out", *BOB).status == 0
    before = archive.run("review", "list", "--output", "jsonl").out
    for leftover in archive.root.glob("catalogue.sqlite*"):
        leftover.unlink()

    assert archive.run("rebuild", "--from", "primary").status == 0

    assert archive.run("review", "list", "--output", "jsonl").out == before
    double.add(item("kept-out"))
    outcomes = archive.harvested().outcomes
    assert outcomes["kept-out"] == ("refused", ("HUMAN_REJECT",))
    assert outcomes["let-in"][0] == "unchanged"
