"""What ``archiver verify`` says of several paths at once."""

from __future__ import annotations

import shlex

import pytest

from tests.archive import Archive
from tests.conformance.fixtures import draft


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:9")
    archive.write()
    return archive


@pytest.mark.parametrize(("is_good", "expected"), [(True, 4), (False, 1)])
def test_a_path_that_is_no_bag_does_not_keep_the_others_from_being_looked_at(is_good, expected, archive, tmp_path):
    draft().write(tmp_path / "bag")
    if not is_good:
        (tmp_path / "bag" / "data" / "a.txt").write_bytes(b"z")
    (tmp_path / "no bag.txt").write_bytes(b"words")
    nowhere, unknown = tmp_path / "nowhere", "attic:bags"
    result = archive.run(
        "verify", "--output", "jsonl", str(tmp_path / "no bag.txt"), str(nowhere), unknown, str(tmp_path / "bag")
    )
    assert result.status == expected
    assert [one["valid"] for one in result.records if "bag" in one] == [is_good]
    assert result.records[-1]["summary"]["bags"] == 1
    assert result.err.count("error: ") == result.err.count("  next: ") == 3
    assert f"  next: file '{tmp_path / 'no bag.txt'}'" in result.err


def test_what_is_typed_next_is_what_the_finding_says(archive, tmp_path):
    bag = tmp_path / "a bag"
    draft(info="Payload-Oxum: 2.2\nPayload-Oxum: 2.2\n").write(bag)
    result = archive.run("verify", "--output", "jsonl", str(bag))
    (found,) = (one["finding"] for one in result.records if "finding" in one)
    assert (result.status, found["code"]) == (1, "OXUM_REPEATED")
    assert f"    next:     {found['next']}\n" in archive.run("verify", str(bag)).out
    program, *arguments = shlex.split(found["next"], comments=True)
    assert program == "archiver"
    assert archive.run(*arguments).status == 0
