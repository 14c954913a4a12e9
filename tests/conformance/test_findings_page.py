"""docs/findings.md has one paragraph for each code about a bag, and the rules without a bag of their own are found here."""

from __future__ import annotations

import re
from pathlib import Path

from archiver.core.bags.validating import plan_of
from archiver.core.findings import WARNINGS, FindingCode

PAGE = Path(__file__).parents[2] / "docs" / "findings.md"
ELSEWHERE = ("OBJECT_", "COPY_", "COPIES_", "CATALOGUE_", "LOG_", "EVENT_", "MANIFEST_ALTERED")


def test_every_code_about_a_bag_has_one_paragraph_and_nothing_else_has():
    paragraphs = re.findall(r"^### `([A-Z0-9_]+)`\n\n\S", PAGE.read_text(), re.MULTILINE)

    assert len(set(paragraphs)) == len(paragraphs)
    about_bags = {code.value for code in list(FindingCode)[: list(FindingCode).index(FindingCode.OBJECT_MISSING)]}
    assert not {code for code in about_bags if code.startswith(ELSEWHERE)}
    assert set(paragraphs) == about_bags


def codes(**tags):
    files = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", **tags}
    sizes = {name: len(content) for name, content in files.items()}
    return {finding.code for finding in plan_of(sizes, files).findings}


def test_an_address_inside_is_warned_of():
    found = codes(**{"fetch.txt": b"http://127.1/one 4 data/one\n"})

    assert FindingCode.FETCH_ADDRESS in found
    assert FindingCode.FETCH_ADDRESS in WARNINGS


def test_a_name_that_windows_keeps_for_a_device_is_warned_of():
    assert FindingCode.PATH_RESERVED in codes(**{"data/sub/aux.wav": b""})
    assert FindingCode.PATH_RESERVED not in codes(**{"data/auxiliary.wav": b"", "data/console/x": b""})


def test_digits_of_other_scripts_are_no_numbers():
    assert FindingCode.OXUM_MALFORMED in codes(**{"bag-info.txt": "Payload-Oxum: \u0660.\u0660\n".encode()})
