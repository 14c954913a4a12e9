"""The gate is the only maker of an admitted item."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archiver.core.fixity import Algorithm, digest_of
from archiver.core.gate import AdmittedItem, TurnedAway, appraise
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.licences.policies import policy_named
from archiver.core.selections import Selection
from archiver.shelf import licence_table

BY = "https://creativecommons.org/licenses/by/4.0/"


def item(*licences, files=("song.flac",), **facts):
    return SourceItem(
        id=ItemId("internet-archive", "one"),
        title="One",
        creators=(),
        url="https://archive.org/details/one",
        declarations=tuple(Declaration("ia.licenseurl", Scope.ITEM, licence) for licence in licences),
        files=tuple(DeclaredFile(name, FileRole.ORIGINAL) for name in files),
        answers=(),
        **facts,
    )


def selection(policy="all-cc", files=("originals",)):
    return Selection(
        name="all",
        title="All",
        source="internet-archive",
        query="x",
        items=(),
        policy=policy_named(policy),
        files=files,
        stores=("primary",),
        digest="0" * 64,
    )


def judged(*licences, policy="all-cc", **facts):
    return appraise(item(*licences, **facts), selection(policy), table=licence_table())


def test_a_certain_licence_admits_the_chosen_files():
    admitted = judged(BY)
    assert isinstance(admitted, AdmittedItem)
    assert admitted.licence_url == BY
    assert [str(path) for _, path in admitted.files] == ["song.flac"]


@pytest.mark.parametrize(
    ("licences", "facts", "quarantined", "reason"),
    [
        ((), {}, False, "NO_LICENCE"),
        (("all rights reserved",), {}, False, "RESERVED"),
        ((BY, "all rights reserved"), {}, True, "CONFLICT_RESERVED"),
        ((BY, "https://creativecommons.org/licenses/by-nc/4.0/"), {}, True, "CONFLICT_TOOLS"),
        ((BY,), {"access_restricted": True}, True, "SOURCE_RULE"),
        ((BY,), {"files": ("../evil",)}, False, "UNSAFE_NAME"),
        ((BY,), {"files": ("a.flac", "A.flac")}, False, "UNSAFE_NAME"),
        ((BY,), {"files": ()}, False, "NO_FILES"),
    ],
)
def test_everything_else_is_turned_away_with_its_reason(licences, facts, quarantined, reason):
    turned = judged(*licences, **facts)
    assert isinstance(turned, TurnedAway)
    assert (turned.quarantined, reason in turned.reasons) == (quarantined, True)


def test_a_narrower_policy_refuses_what_it_does_not_hold():
    turned = judged("https://creativecommons.org/licenses/by-nc/4.0/", policy="free-culture")
    assert isinstance(turned, TurnedAway)
    assert (turned.quarantined, turned.reasons[-1]) == (False, "POLICY_EXCLUDES")


def test_nobody_else_can_make_an_admitted_item():
    admitted = judged(BY)
    with pytest.raises(TypeError, match="only the licence gate"):
        AdmittedItem(admitted.item, admitted.decision, admitted.files, object())


def test_the_type_checker_stands_in_the_doorway(tmp_path):
    bypass = tmp_path / "bypass.py"
    bypass.write_text(
        "from archiver.core.items import DeclaredFile, SourceItem\n"
        "from archiver.ports.sources import Source\n"
        "def read(source: Source, item: SourceItem, file: DeclaredFile) -> None:\n"
        "    source.read(item, file)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--follow-imports=silent", str(bypass)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert 'expected "AdmittedItem"' in done.stdout


def test_a_digest_of_the_decision_changes_with_the_policy():
    one, other = policy_named("all-cc"), policy_named("pd-only")
    assert one.sha256 != other.sha256
    assert digest_of(b"", Algorithm.SHA256).value != one.sha256
