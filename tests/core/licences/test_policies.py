"""Switches and source rules: what a policy may say besides its preset."""

from __future__ import annotations

import dataclasses

import pytest

from archiver.core.licences.decisions import Outcome, Signals, decide
from archiver.core.licences.evidence import Declaration, ReasonCode, Scope
from archiver.core.licences.policies import policy_named, uploader_digest
from archiver.shelf import licence_table

RETIRED = "http://creativecommons.org/licenses/sampling+/1.0/"
BY = "http://creativecommons.org/licenses/by/4.0/"


def decided(text, *, field="ia.licenseurl", signals=None, **switches):
    policy = policy_named("all-cc", **switches)
    declarations = [Declaration(field, Scope.ITEM, text)]
    return decide(declarations, table=licence_table(), policy=policy, signals=signals or Signals())


@pytest.mark.parametrize(
    ("value", "outcome"),
    [("accept", Outcome.ADMIT), ("quarantine", Outcome.QUARANTINE), ("refuse", Outcome.REFUSE)],
)
def test_a_retired_tool_is_treated_as_the_switch_says(value, outcome):
    assert decided(RETIRED, retired=value).outcome is outcome
    assert decided(BY, retired=value).outcome is Outcome.ADMIT


def test_a_licence_without_a_version_is_quarantined_or_refused_and_never_admitted():
    for text, field in (("CC BY", "rights-text"), ("http://creativecommons.org/licenses/by/", "ia.licenseurl")):
        assert decided(text, field=field).outcome is Outcome.QUARANTINE
        assert decided(text, field=field, versionless="refuse").outcome is Outcome.REFUSE
    assert decided("CC BY 9.0", field="rights-text", versionless="refuse").outcome is Outcome.QUARANTINE


@pytest.mark.parametrize(
    "text",
    ["http://artlibre.org/licence/lal/en", "https://www.artlibre.org/licence/lal/", "Free Art License 1.3", "LAL-1.2", "Licence Art Libre 1.3"],
)  # fmt: skip
def test_the_free_art_license_is_admitted_only_where_the_extension_registry_is_asked(text):
    off, on = decided(text), decided(text, extension_registry="accept")

    assert (off.outcome, off.extension_sha256) == (Outcome.QUARANTINE, "")
    assert (on.outcome, on.reasons) == (Outcome.ADMIT, (ReasonCode.OK_EXTENSION,))
    assert on.tool.unit == "lal"
    assert len(on.extension_sha256) == 64


@pytest.mark.parametrize(
    "text",
    [
        "Free Art License",
        "LAL 1.1",
        "not LAL-1.3",
        "https://artlibre.org.evil.example/licence/lal/en/",
        "https://artlibre.org/licence/",
    ],
)
def test_the_extension_registry_guesses_as_little_as_the_official_table(text):
    assert decided(text, extension_registry="accept").outcome is not Outcome.ADMIT


def test_free_text_grants_nothing_from_the_extension_registry_either():
    assert decided("LAL-1.3", field="ia.description", extension_registry="accept").outcome is not Outcome.ADMIT


def test_a_denied_uploader_and_a_denied_collection_lead_to_quarantine():
    signals = Signals(uploader=uploader_digest(" Somebody@Example.org"), collections=("opensource_audio",))

    for rules in ({"denied_uploaders": ["somebody@example.org"]}, {"denied_collections": ["opensource_audio"]}):
        decision = decided(BY, signals=signals, **rules)
        assert (decision.outcome, decision.reasons[-1]) == (Outcome.QUARANTINE, ReasonCode.SOURCE_RULE)
    assert decided(BY, signals=signals, denied_collections=["other"]).outcome is Outcome.ADMIT


def test_no_address_of_an_uploader_stands_in_a_decision():
    decision = decided(BY, denied_uploaders=["somebody@example.org"])

    assert "somebody" not in str(decision.to_json())


def test_every_switch_changes_the_digest_of_the_policy():
    plain = policy_named("all-cc")
    for field in dataclasses.fields(plain):
        other = dataclasses.replace(plain, **{field.name: ("x",) if field.name.startswith("denied") else "x"})
        assert other.sha256 != plain.sha256
