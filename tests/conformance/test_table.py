"""`docs/conformance.md` is made by this test: our verdict on every bag, and bagit-python's beside it.

ARCHIVER_TEST_WRITE_TABLE=1 python -m pytest tests/conformance/test_table.py
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

import bagit
import pytest

from archiver.core.findings import MOST_FINDINGS, FindingCode
from tests.conformance import test_bagit_suite as suite
from tests.conformance.fixtures import CASES, draft
from tests.conformance.test_own_fixtures import judged
from tests.data_dir import shared_data

DOCS = Path(__file__).parents[2] / "docs"
KINDS = ("valid", "invalid", "warning", "linux-only", "windows-only")


def theirs(root):
    logging.getLogger("bagit").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return "valid" if bagit.Bag(str(root)).is_valid() else "not valid"
        except (bagit.BagError, OSError, UnicodeError, ValueError):
            return "not valid"
        except TypeError as error:  # it lets any codec of Python in, also those that do not decode bytes
            return f"crashes: {type(error).__name__}"


def ours(verdict):
    word = "valid" if verdict.is_valid else "complete, not valid" if verdict.is_complete else "not complete"
    codes = ", ".join(sorted({f"`{finding.code}`" for finding in verdict.findings}))
    return f"{word}{f': {codes}' if codes else ''}"


@pytest.fixture
def table(tmp_path):
    lines = [
        "# Conformance",
        "",
        "Made by `tests/conformance/test_table.py`, which fails when it is out of date. bagit-python is version 1.9, run on the same bags.",
        "",
        "## The suite of the Library of Congress",
        "",
        "Three warning cases are damaged as they are distributed: files they list are not there.",
        "",
        "| Case | archiver | bagit-python |",
        "|---|---|---|",
    ]
    for kind in KINDS:
        for case in suite.cases(f"v*/{kind}/*"):
            root = shared_data("bagit-conformance-suite", case)
            lines.append(f"| {case} | {ours(suite.judged(case))} | {theirs(root)} |")
    lines += ["", "## Our own bags", "", "| Bag | archiver | bagit-python |", "|---|---|---|"]
    for number, case in enumerate(CASES):
        root = tmp_path / str(number)
        root.mkdir()
        case.build(root)
        # Whoever opens a pipe for reading waits for a writer; we do not try how others fare.
        other = "not run" if (root / "data/pipe").exists() else theirs(root)
        lines.append(f"| {case.name} | {ours(judged(root))} | {other} |")
    return "\n".join(lines) + "\n"


def test_the_table_is_up_to_date(table):
    path = DOCS / "conformance.md"
    if os.environ.get("ARCHIVER_TEST_WRITE_TABLE"):
        path.write_text(table)
    assert path.read_text() == table


def test_every_code_has_its_paragraph():
    pages = "".join((DOCS / page).read_text() for page in ("findings.md", "audit.md", "tamper-evidence.md"))
    assert [code for code in FindingCode if f"`{code}`" not in pages] == []


ELSEWHERE = {
    "MEMBER_REPEATED",
    "SERIALIZATION_DAMAGED",
    "SERIALIZATION_EXCESSIVE",
    "SERIALIZATION_TOP",
    "FILE_UNREADABLE",
    "TOO_MANY_FINDINGS",
}
"""Found in archives (tests/containers), or where a file cannot be read or there is more wrong than is listed (below)."""


def test_every_rule_about_bags_has_a_bag_that_breaks_it():
    in_fixtures = {str(code) for case in CASES for code in case.codes}
    about_bags = {str(code) for code in list(FindingCode)[: list(FindingCode).index(FindingCode.PROFILE_IDENTIFIER)]}
    assert about_bags - in_fixtures == ELSEWHERE


def test_a_file_that_cannot_be_read_is_not_called_changed(tmp_path, monkeypatch):
    (case,) = (case for case in CASES if case.name == "a bag that is right")
    case.build(tmp_path)
    opened = os.open

    def broken(path, *arguments, **keywords):
        if path == "a.txt":
            raise OSError(5, "Input/output error")
        return opened(path, *arguments, **keywords)

    monkeypatch.setattr(os, "open", broken)
    verdict = judged(tmp_path)
    assert {finding.code for finding in verdict.findings} == {FindingCode.FILE_UNREADABLE}


def test_more_findings_than_are_listed_are_counted(tmp_path):
    draft(manifests={"manifest-sha256.txt": "no entry\n" * MOST_FINDINGS}, info="Source-Organization: x\n").write(
        tmp_path
    )
    for number in range(15):
        (tmp_path / "data" / str(number)).symlink_to("nowhere")
    verdict = judged(tmp_path)
    (last,) = (finding for finding in verdict.findings if finding.code is FindingCode.TOO_MANY_FINDINGS)
    assert len(verdict.findings) == MOST_FINDINGS + 1
    assert last.actual == f"{15 + 2} more"  # two payload files are in one manifest only
    assert not verdict.is_valid


def test_a_bag_of_very_many_manifests_is_refused_and_not_computed_for_ever(tmp_path):
    empty = {f"manifest-x{number}.txt": "" for number in range(100)}
    draft(manifests=empty, info="Source-Organization: x\n").write(tmp_path)
    verdict = judged(tmp_path)
    unread = [finding for finding in verdict.findings if finding.code is FindingCode.FILE_UNREADABLE]
    assert not verdict.is_valid
    assert len(unread) == 100 + len(("bagit", "info", "sha256", "sha512", "tag256", "tag512")) - 64


def test_a_directory_that_cannot_be_looked_into_hides_nothing_else_and_its_files_are_not_called_missing(
    tmp_path, monkeypatch
):
    draft(info="Source-Organization: x\n").write(tmp_path)
    (tmp_path / "data/a.txt").write_bytes(b"A")
    opened = os.scandir

    def closed(path="."):
        if str(path).endswith("data/sub"):
            raise PermissionError(13, "Permission denied")
        return opened(path)

    monkeypatch.setattr(os, "scandir", closed)
    found = {finding.where: finding.code for finding in judged(tmp_path).findings}
    assert found == {
        "data/a.txt": FindingCode.FILE_CHANGED,
        "data/sub": FindingCode.FILE_UNREADABLE,
        "data/sub/b.txt": FindingCode.FILE_UNREADABLE,
    }
