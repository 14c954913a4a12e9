import json
from datetime import date

import bagit
import jsonschema
import pytest

from archiver.core.bags.bag_info import BagInfo, format_bag_info
from archiver.core.bags.layout import aip_prefix, lay_out
from archiver.core.bags.paths import parse_payload_path
from archiver.core.bags.tag_files import tag_files_of
from archiver.core.bags.validating import plan_of
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.intervals import human_size
from archiver.core.objects import StagedFile
from archiver.core.packages import PayloadFile

HOSTILE = ["a  b.flac", "disc/02 # ? & ' ü.mp3", "&amp;.ogg", "日本.wav", "*star", "tab\there", "line\nbreak"]


def bag_info(files, **changed):
    values = {
        "organisation": "Example Sound Archive",
        "contact": "mailto:ops@example.org",
        "identifier": "internet-archive/x",
        "description": "X",
        "bagging_date": date(2026, 11, 24),
        "payload_bytes": sum(len(content) for content in files.values()),
        "payload_files": len(files),
        "software_agent": "archiver 0.1.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "profile_identifier": "https://profile.example/1.0.json",
        "version": 1,
    }
    return BagInfo(**{**values, **changed})


def write_bag(directory, files, metadata=None, **changed):
    payload = []
    for name, content in files.items():
        path = directory / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        staged = StagedFile(path, len(content), digest_of(content))
        payload.append(PayloadFile(parse_payload_path(name), staged, digest_of(content, Algorithm.SHA512)))
    tags = lay_out(payload, info=bag_info(files, **changed), metadata=metadata or {"metadata/x.json": b"{}"})
    for path, content in tags:
        (directory / str(path)).parent.mkdir(parents=True, exist_ok=True)
        (directory / str(path)).write_bytes(content)
    return [str(path) for path, _ in tags]


def test_bagit_python_holds_a_bag_of_hostile_names_to_be_valid(tmp_path):
    write_bag(tmp_path, {name: name.encode() for name in HOSTILE})

    bagit.Bag(str(tmp_path)).validate()


def test_our_own_rules_hold_it_to_be_valid_too_and_notice_a_missing_file(tmp_path):
    files = {name: name.encode() for name in [*HOSTILE, "100%0A.txt"]}
    write_bag(tmp_path, files)
    sizes = {str(p.relative_to(tmp_path)): p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()}
    tags = {name: (tmp_path / name).read_bytes() for name in tag_files_of(sizes)}

    assert plan_of(sizes, tags).findings == ()
    sizes.pop("data/100%0A.txt")
    assert [finding.code.value for finding in plan_of(sizes, tags).findings] == ["FILE_MISSING", "OXUM_MISMATCH"]


def test_the_tag_manifests_come_last_and_the_root_of_fixity_last_of_all(tmp_path):
    order = write_bag(tmp_path, {"a": b"a"})

    assert order[-2:] == ["tagmanifest-sha256.txt", "tagmanifest-sha512.txt"]
    assert order[:4] == ["bagit.txt", "bag-info.txt", "manifest-sha512.txt", "manifest-sha256.txt"]


def test_the_same_values_give_the_same_bytes(tmp_path):
    for place in ("one", "two"):
        write_bag(tmp_path / place, {"b": b"b", "a": b"a"})

    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)


def test_a_title_cannot_add_an_element_to_the_bag_metadata(tmp_path):
    write_bag(tmp_path, {"a": b"a"}, description="Song\r\nPayload-Oxum: 0.0\n evil")

    info = bagit.Bag(str(tmp_path)).info
    assert info["Payload-Oxum"] == "1.1"
    assert info["External-Description"] == "Song Payload-Oxum: 0.0 evil"


def test_every_element_of_the_design_is_there_in_order():
    labels = [label for label, _ in bag_info({"a": b"a"}).elements()]

    assert labels == [
        "Source-Organization", "Contact-Email", "External-Description", "External-Identifier", "Internal-Sender-Identifier",
        "Bagging-Date", "Bag-Size", "Payload-Oxum", "Bag-Software-Agent", "License-URL", "BagIt-Profile-Identifier",
    ]  # fmt: skip


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (42_600_000_000, "42.6 GB")])
def test_sizes_for_people(size, text):
    assert human_size(size) == text


def test_text_that_is_no_unicode_cannot_break_the_bag_metadata():
    assert format_bag_info([("Title", "a\ud800b")]) == b"Title: a b\n"


@pytest.mark.parametrize("item", ["a/b", "..", ".", "../../x", "ü#?%", "x" * 400, "a\0b", "~root"])
def test_no_identifier_can_leave_its_place_in_the_store(item):
    prefix = aip_prefix("internet-archive", item, 3)
    parts = prefix.split("/")

    assert parts[0] == "bags"
    assert parts[1] == "internet-archive"
    assert len(parts) == 7
    assert parts[5:] == ["v3", ""]
    assert parts[4] not in {"", ".", ".."}
    assert len(parts[4]) <= 255
    assert set(parts[4]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-%")


def test_the_place_of_a_known_item():
    # SHA-256("test2") begins 60303ae2
    assert aip_prefix("internet-archive", "test2", 1) == "bags/internet-archive/60/30/test2/v1/"


def test_the_profile_that_ships_is_a_profile():
    from archiver.shelf.profiles import PROFILE_IDENTIFIER, profile

    described = json.loads(profile())
    info = described["BagIt-Profile-Info"]
    assert info["BagIt-Profile-Identifier"] == PROFILE_IDENTIFIER
    required = {label for label, rule in described["Bag-Info"].items() if rule["required"]}
    assert required <= {label for label, _ in bag_info({"a": b"a"}).elements()}
    jsonschema.validate(
        described, {"type": "object", "required": ["BagIt-Profile-Info", "Bag-Info", "Accept-BagIt-Version"]}
    )
