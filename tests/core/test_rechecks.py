"""What a source says now against what admitted an item, whichever source it is."""

from datetime import UTC, datetime

import pytest

from archiver.core.fixity import Algorithm, digest_of
from archiver.core.holdings import Holding
from archiver.core.items import ItemId
from archiver.core.licences.decisions import decide
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.licences.policies import policy_named
from archiver.core.rechecks import HeldLicence, drifted
from archiver.shelf import licence_table

NOW = datetime(2026, 11, 25, tzinfo=UTC)
BY = "https://creativecommons.org/licenses/by/4.0/"


def decision(*pairs):
    said = [Declaration(field, Scope.ITEM, raw) for field, raw in pairs]
    return decide(said, table=licence_table(), policy=policy_named("all-cc"))


def held(admitted):
    digest = digest_of(b"", Algorithm.SHA512)
    holding = Holding(ItemId("x", "y"), 1, "p/", "", BY, digest_of(b""), "", 1, 1, digest, NOW, ())
    return HeldLicence(holding, admitted.to_json(), NOW)


@pytest.mark.parametrize(
    ("before", "now", "is_drift"),
    [
        ([("commons.License", "cc-by-4.0")], [("commons.License", "cc-by-4.0")], False),
        ([("commons.License", "cc-by-4.0")], [], True),
        ([("rss.creativeCommons:license", BY), ("id3.WCOP", BY)], [], True),
        ([("ia.licenseurl", BY), ("id3.WCOP", BY)], [("ia.licenseurl", BY)], False),
        ([("operator.licence", BY)], [("operator.licence", "CC BY-NC 4.0")], True),
    ],
)
def test_a_licence_that_its_source_no_longer_declares_has_drifted(before, now, is_drift):
    assert bool(drifted(held(decision(*before)), decision(*now), is_closed=False)) is is_drift
