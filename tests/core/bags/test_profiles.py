"""BagIt Profiles 1.4: each key, kept and broken; and both profiles that every bag of ours satisfies."""

from __future__ import annotations

import json

import pytest

from archiver.core.bags.profiles import BagFacts, ProfileError, check_profile, parse_profile
from archiver.core.findings import FindingCode as Code
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.shelf.profiles import profile as shipped
from tests.archive import LICENCE, Archive

ME = "https://example.org/profile-1.0.json"
INFO = {
    "Source-Organization": "x",
    "External-Description": "x",
    "Version": "1.0",
    "BagIt-Profile-Identifier": ME,
    "BagIt-Profile-Version": "1.4.0",
}
SIZES = {
    "bagit.txt": 1,
    "bag-info.txt": 1,
    "manifest-sha256.txt": 1,
    "tagmanifest-sha256.txt": 1,
    "metadata/a.json": 1,
    "data/a.flac": 5,
}
BTR_PROFILE = "https://github.com/dpscollaborative/btr_bagit_profile/releases/download/1.0/btr-bagit-profile.json"
BTR = {
    "BagIt-Profile-Info": {**INFO, "BagIt-Profile-Identifier": BTR_PROFILE, "BagIt-Profile-Version": "1.3.0"},
    "Bag-Info": {
        **{label: {"required": True} for label in ("Source-Organization", "Bagging-Date", "Payload-Oxum")},
        **{
            label: {"required": False, "recommended": True} for label in ("Contact-Email", "Internal-Sender-Identifier")
        },
    },
    "Manifests-Required": [],
    "Manifests-Allowed": ["md5", "sha1", "sha256", "sha512"],
    "Tag-Manifests-Required": [],
    "Tag-Manifests-Allowed": ["md5", "sha1", "sha256", "sha512"],
    "Allow-Fetch.txt": False,
    "Serialization": "optional",
    "Accept-Serialization": ["application/zip", "application/tar", "application/x-tar", "application/gzip"],
    "Tag-Files-Required": [],
    "Tag-Files-Allowed": ["*"],
    "Accept-BagIt-Version": ["0.97", "1.0"],
}
"""What the public BTR 1.0 profile asks for, in our words: no fetch file, four algorithms, three labels, its own identifier."""


def profile(**keys):
    return parse_profile(json.dumps({"BagIt-Profile-Info": INFO, **keys}).encode())


def found(asked, *, info=(("BagIt-Profile-Identifier", ME),), sizes=SIZES, version="1.0", serialization=""):
    return {finding.code for finding in check_profile(asked, BagFacts(version, info, sizes.items(), serialization))}


@pytest.mark.parametrize(
    ("keys", "facts", "code"),
    [
        ({"Bag-Info": {"Title": {"required": True}}}, {}, Code.PROFILE_BAG_INFO),
        (
            {"Bag-Info": {"Title": {"values": ["a", "b"]}}},
            {"info": (("BagIt-Profile-Identifier", ME), ("title", "c"))},
            Code.PROFILE_BAG_INFO,
        ),
        (
            {"Bag-Info": {"Title": {"repeatable": False}}},
            {"info": (("BagIt-Profile-Identifier", ME), ("Title", "c"), ("TITLE", "d"))},
            Code.PROFILE_BAG_INFO,
        ),
        ({}, {"info": ()}, Code.PROFILE_IDENTIFIER),
        ({}, {"info": (("BagIt-Profile-Identifier", " "),)}, Code.PROFILE_IDENTIFIER),
        ({}, {"info": (("BagIt-Profile-Identifier", "https://example.org/b"),)}, Code.PROFILE_OTHER),
        ({"Manifests-Required": ["sha512"]}, {}, Code.PROFILE_MANIFESTS),
        ({"Manifests-Allowed": ["sha512"]}, {}, Code.PROFILE_MANIFESTS),
        ({"Tag-Manifests-Required": ["sha512"]}, {}, Code.PROFILE_TAG_MANIFESTS),
        ({"Tag-Manifests-Allowed": ["sha512"]}, {}, Code.PROFILE_TAG_MANIFESTS),
        ({"Allow-Fetch.txt": False}, {"sizes": {**SIZES, "fetch.txt": 1}}, Code.PROFILE_FETCH),
        ({"Fetch.txt-Required": True}, {}, Code.PROFILE_FETCH),
        ({"Data-Empty": True}, {}, Code.PROFILE_DATA_EMPTY),
        ({"Serialization": "required"}, {}, Code.PROFILE_SERIALIZATION),
        ({"Serialization": "forbidden"}, {"serialization": "application/zip"}, Code.PROFILE_SERIALIZATION),
        (
            {"Accept-Serialization": ["application/x-tar"]},
            {"serialization": "application/zip"},
            Code.PROFILE_SERIALIZATION,
        ),
        ({"Accept-BagIt-Version": ["1.0"]}, {"version": "0.97"}, Code.PROFILE_VERSION),
        ({"Tag-Files-Required": ["x.txt"]}, {}, Code.PROFILE_TAG_FILES),
        ({"Tag-Files-Allowed": ["other/*"]}, {}, Code.PROFILE_TAG_FILES),
        ({"Payload-Files-Required": ["data/b"]}, {}, Code.PROFILE_PAYLOAD_FILES),
        ({"Payload-Files-Allowed": ["data/*.wav"]}, {}, Code.PROFILE_PAYLOAD_FILES),
    ],
)
def test_what_a_profile_asks_and_a_bag_lacks_is_found_under_its_key(keys, facts, code):
    assert found(profile(**keys), **facts) == {code}


@pytest.mark.parametrize(
    ("keys", "facts"),
    [
        ({"Bag-Info": {"Title": {"required": False, "values": ["a"]}}}, {}),
        ({"Manifests-Required": ["sha256"], "Manifests-Allowed": ["sha256", "sha512"]}, {}),
        ({"Data-Empty": True}, {"sizes": {"bagit.txt": 1, "data/empty": 0}}),
        (
            {"Serialization": "optional", "Accept-Serialization": ["application/zip"]},
            {"serialization": "application/zip"},
        ),
        ({"Tag-Files-Allowed": ["metadata/*"], "Payload-Files-Allowed": ["data/*"]}, {}),
    ],
)
def test_what_satisfies_a_profile_is_not_found(keys, facts):
    assert found(profile(**keys), **facts) == set()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"{", "not JSON"),
        (b"[]", "a JSON object"),
        (b"{}", "Source-Organization"),
        (json.dumps({"BagIt-Profile-Info": INFO, "Manifests-Required": "sha256"}).encode(), "Manifests-Required"),
        (json.dumps({"BagIt-Profile-Info": INFO, "Bag-Info": {"x": 1}}).encode(), "Bag-Info.x"),
        (
            json.dumps({"BagIt-Profile-Info": INFO, "Serialization": "maybe"}).encode(),
            "forbidden, required or optional",
        ),
        (
            json.dumps(
                {"BagIt-Profile-Info": INFO, "Manifests-Required": ["md5"], "Manifests-Allowed": ["sha1"]}
            ).encode(),
            "does not allow 'md5'",
        ),
        (
            json.dumps({"BagIt-Profile-Info": INFO, "Allow-Fetch.txt": False, "Fetch.txt-Required": True}).encode(),
            "required and not allowed",
        ),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused_with_its_key(content, named):
    with pytest.raises(ProfileError, match=named):
        parse_profile(content)


def test_every_bag_of_ours_satisfies_our_own_profile_and_what_btr_asks_for(tmp_path):
    (tmp_path / "own.json").write_bytes(shipped())
    (tmp_path / "btr.json").write_text(json.dumps(BTR))
    files = (DoubleFile("a.flac", b"a" * 1000, format="Flac"), DoubleFile("sub/ü 100%.flac", b"b", format="Flac"))
    with ArchiveDouble([DoubleItem("one", files, {"licenseurl": LICENCE})]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        archive.harvested()
    own = archive.run("verify", "primary:bags", "--profile", str(tmp_path / "own.json"), "--output", "jsonl")
    assert (own.status, own.summary["valid"]) == (0, 1), own.out
    assert archive.run("get", "internet-archive/one", "out", "--as", "tar").status == 0
    for place in ("store/bags", "out/one-v1.tar"):
        btr = archive.run("verify", place, "--profile", str(tmp_path / "btr.json"), "--output", "jsonl")
        assert (btr.status, btr.summary["valid"]) == (0, 1), btr.out
        assert [record["finding"]["code"] for record in btr.records if "finding" in record] == ["PROFILE_OTHER"]


def test_a_profile_that_is_none_is_an_error_and_a_place_in_no_store_too(tmp_path):
    (tmp_path / "x.json").write_text("{}")
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    (archive.root / "store").mkdir()
    wrong = archive.run("verify", "store", "--profile", str(tmp_path / "x.json"))
    assert (wrong.status, "not a BagIt profile" in wrong.err) == (4, True)
    nowhere = archive.run("verify", "secondary:bags")
    assert (nowhere.status, "known stores: primary" in nowhere.err) == (4, True)
