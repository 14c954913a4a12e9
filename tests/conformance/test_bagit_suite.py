"""The Library of Congress conformance suite (commit 9ab4870, CC0), each case with the reason we give.

bagit-python 1.9 accepts `bagit-with-invalid-whitespace` and three of the windows-only cases.
"""

from __future__ import annotations

import pytest

from archiver.core.findings import FindingCode as Code
from archiver.engines.threads import ThreadEngine
from archiver.stores.directory import DirectoryStore
from archiver.workflows.verify import verify_tree
from tests.data_dir import shared_data

REFUSED = {
    "v0.97/invalid/baginfo-missing-encoding": Code.DECLARATION_MALFORMED,
    "v0.97/invalid/bom-in-bagit.txt": Code.DECLARATION_MALFORMED,
    "v0.97/invalid/corrupt-data-file": Code.FILE_CHANGED,
    "v0.97/invalid/corrupt-tag-file": Code.FILE_CHANGED,
    "v0.97/invalid/extra-file-in-bag": Code.FILE_UNEXPECTED,
    "v0.97/invalid/invalid-version-number": Code.DECLARATION_MALFORMED,
    "v0.97/invalid/missing-baginfo": Code.FILE_MISSING,
    "v0.97/invalid/missing-bagit.txt": Code.DECLARATION_MISSING,
    "v0.97/invalid/out-of-scope-file-paths-using-dot-notation": Code.PATH_UNSAFE,
    "v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch": Code.PATH_UNSAFE,
    "v0.97/invalid/same-filename-listed-twice-with-different-hashes": Code.MANIFEST_DUPLICATE,
    "v1.0/invalid/bagit-with-invalid-whitespace": Code.DECLARATION_MALFORMED,
    "v1.0/invalid/notAllManifestsListAllFiles": Code.FILE_UNEXPECTED,
    "v1.0/invalid/same-filename-listed-twice-with-different-hashes": Code.MANIFEST_DUPLICATE,
    "v1.0/invalid/same-filename-listed-twice-with-the-same-hash": Code.MANIFEST_DUPLICATE,
    # Paths that leave the bag are refused on every platform.
    "v0.97/linux-only/out-of-scope-file-paths-using-absolute-path": Code.PATH_UNSAFE,
    "v0.97/linux-only/out-of-scope-file-paths-using-absolute-path-for-fetch": Code.PATH_UNSAFE,
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut": Code.PATH_UNSAFE,
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-for-fetch": Code.PATH_UNSAFE,
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username": Code.PATH_UNSAFE,
    "v0.97/linux-only/out-of-scope-file-paths-using-shortcut-username-for-fetch": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-absolute-path": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-absolute-path-for-fetch": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-shortcut": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-shortcut-for-fetch": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-unc": Code.PATH_UNSAFE,
    "v0.97/windows-only/out-of-scope-file-paths-using-unc-for-fetch": Code.PATH_UNSAFE,
    # Three warning cases are damaged as they are distributed: files they list are not there.
    "v0.97/warning/duplicate-file-with-different-case": Code.FILE_MISSING,
    "v0.97/warning/same-filename-listed-twice-with-different-normalization": Code.FILE_MISSING,
    "v0.97/warning/special-system-files": Code.FILE_MISSING,
}
TOLERATED = {
    "v0.97/warning/made-with-md5sum-tools": Code.MANIFEST_ASTERISK,
    "v0.97/warning/relative-path": Code.PATH_DOT,
    "v0.97/warning/same-filename-listed-twice-with-the-same-hash": None,
}


def judged(case):
    engine = ThreadEngine(2, name="suite")
    try:
        (verdict,) = verify_tree(DirectoryStore("", shared_data("bagit-conformance-suite", case)), files=engine)
        return verdict
    finally:
        engine.close()


def cases(pattern):
    suite = shared_data("bagit-conformance-suite")
    return sorted(str(path.relative_to(suite)) for path in suite.glob(pattern) if path.is_dir())


def test_every_valid_bag_is_valid():
    valid = cases("v*/valid/*")

    assert len(valid) == 27
    assert {case: judged(case).findings for case in valid if not judged(case).is_valid} == {}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_bag_is_refused_for_the_right_reason(case):
    verdict = judged(case)

    assert not verdict.is_valid
    assert REFUSED[case] in {finding.code for finding in verdict.findings}


@pytest.mark.parametrize("case", TOLERATED)
def test_a_tolerable_bag_is_accepted_with_a_warning(case):
    verdict = judged(case)
    assert verdict.is_valid
    assert {finding.code for finding in verdict.findings} == {TOLERATED[case]} - {None}


def test_no_case_of_the_suite_is_left_out():
    refused_or_tolerated = {
        case for kind in ("invalid", "linux-only", "windows-only", "warning") for case in cases(f"v*/{kind}/*")
    }

    assert refused_or_tolerated == {*REFUSED, *TOLERATED}
