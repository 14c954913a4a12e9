"""A sealed AIP comes back as it was sealed, whatever the size of its tag files."""

from __future__ import annotations

import base64
import json
import random
import zlib

from archiver.core.bags.paths import parse_tag_path
from archiver.core.fixity import digest_of
from archiver.core.items import ItemId
from archiver.core.packages import Aip, Sip
from archiver.core.sealed import SMALL, parse_sealed, seal

CONTENTS = (b"", b"x", b"x" * SMALL, b"x" * (SMALL + 1), random.Random(8).randbytes(SMALL), bytes(100_000))


def sealed(contents):
    tags = tuple((parse_tag_path(f"metadata/{number}"), content) for number, content in enumerate(contents))
    aip = Aip(ItemId("s", "n"), 1, "bags/s/n/v1/", (), tags, "https://licence", "T", digest_of(b"state"))
    return seal(aip, sip=Sip(None, ()), stores=("primary",), updated="", decision="{}")


def test_tag_files_of_every_size_come_back():
    found = parse_sealed(sealed(CONTENTS))
    assert tuple(content for _, content in found.tag_files) == CONTENTS


def test_a_large_tag_file_is_kept_compressed_and_the_record_of_small_ones_stays_small():
    assert len(sealed((bytes(1_000_000),))) < 20_000
    assert len(sealed((b"x" * 100,) * 10)) < 10 * 200 + 500


def test_a_record_whose_tag_files_are_all_compressed_is_read_as_well():
    record = json.loads(sealed((b"small",)))
    record["tag_files"] = [
        [path, base64.b64encode(zlib.compress(b"small", 1)).decode()] for path, _ in record["tag_files"]
    ]
    assert parse_sealed(json.dumps(record).encode()).tag_files == (("metadata/0", b"small"),)
