"""Every finding that counts says what to do now."""

from __future__ import annotations

import pytest

from archiver.core.bags.remedies import advised
from archiver.core.findings import TO_BE_FETCHED, TOLERABLE, WARNINGS, BagVerdict, Finding, FindingCode

BAG = "/mnt/it's a bag"
QUOTED = """'/mnt/it'"'"'s a bag'"""


def advice(code, *, actual="", store="", is_archive=False, tolerated=WARNINGS):
    found = Finding(code, "in/data/a b.txt", actual=actual, store=store)
    (one,) = advised(BagVerdict("in/", (found,), tolerated), BAG, is_archive=is_archive).findings
    return one.next


@pytest.mark.parametrize("code", FindingCode)
@pytest.mark.parametrize("place", [{}, {"is_archive": True}, {"store": "mirror"}])
def test_what_counts_says_what_to_do_and_a_warning_asks_for_nothing(code, place):
    assert (advice(code, **place) == "") == (code in WARNINGS)
    assert not advice(code, **place, tolerated=WARNINGS | TOLERABLE) or code not in WARNINGS | TOLERABLE


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"code": FindingCode.MANIFEST_INCOMPLETE}, f"archiver verify --lenient {QUOTED}   #"),
        ({"code": FindingCode.FILE_MISSING, "actual": TO_BE_FETCHED}, f"archiver verify --fetch {QUOTED}   #"),
        (
            {"code": FindingCode.FILE_MISSING, "actual": TO_BE_FETCHED, "is_archive": True},
            f"archiver add --fetch {QUOTED} --licence URL   #",
        ),
        ({"code": FindingCode.FILE_MISSING}, f"archiver verify {QUOTED}   # once it has been received"),
        ({"code": FindingCode.FILE_UNREADABLE}, f"ls -ld {QUOTED[:-1]}/data/a b.txt'"),
        ({"code": FindingCode.FILE_UNREADABLE, "is_archive": True}, f"archiver verify {QUOTED}   # once it has been"),
        ({"code": FindingCode.MANIFEST_MALFORMED}, f"archiver verify {QUOTED}   # once whoever made it"),
        ({"code": FindingCode.FILE_CHANGED, "store": "mirror"}, "archiver audit --all --store mirror   #"),
    ],
)
def test_the_command_fits_what_is_wrong_and_where_the_bag_lies(asked, expected):
    assert advice(**asked).startswith(expected)
