"""The properties of a licence gate (a) to (j); ARCHIVER_FUZZ multiplies the number of examples."""

from __future__ import annotations

import locale
import os
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.core.licences.decisions import LicenceClass, Outcome, decide
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.licences.fields import KINDS
from archiver.core.licences.judging import judge
from archiver.core.licences.policies import PRESETS, policy_named
from archiver.core.licences.urls import resolve_url
from archiver.shelf import licence_table

MANY = int(os.environ.get("ARCHIVER_FUZZ", "1")) * 400
TABLE = licence_table()
URLS = [tool.url for tool in TABLE.tools]
ALL = policy_named("all-cc")

fields = st.sampled_from([*KINDS, "nobody.knows", "ia.licenseurl[]", "bundle.ia"])
sentences = st.sampled_from(
    ["CC BY 4.0", "All rights reserved", "not", "Licensed under", "http://creativecommons.org/licenses/by/3.0/", "?", ". ", "", "©", "2010 Foo",
     "CC BY-NC 3.0 US", "Some rights reserved", "cover art", "only", "Public Domain", "<a href='https://creativecommons.org/licenses/by/4.0/'>", "</a>"]
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(URLS),
    st.lists(sentences | st.text(max_size=5), max_size=6).map(" ".join),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
)
values = st.recursive(
    texts | st.none() | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("url", URLS)
def test_each_tool_resolves_to_itself_through_every_documented_variant(url):
    rest = url.removeprefix("https://")
    path = rest.removeprefix("creativecommons.org")
    for variant in (
        url,
        f"http://{rest}",
        f"HTTPS://WWW.{rest.upper()}",
        rest,
        f"//{rest}",
        url.rstrip("/"),
        url + "/",
        f"  <{url}> \n",
        f"{url}?x=1#y",
        f"{url}deed.fr",
        f"{url}legalcode",
        f"{url}index.php",
        f"https://creativecommons.org:443{path}",
        url.replace(":", "%3A").replace("/", "%2F"),
        url.replace("+", "%2B"),
        url.replace("/licenses/", "/licences/"),
    ):
        answer = resolve_url(variant, TABLE)
        assert answer.tool is not None, variant
        assert answer.tool.url == url, variant


@settings(max_examples=MANY)
@given(st.sampled_from(URLS), st.integers(8, 26), st.characters())
def test_any_edit_of_the_host_is_no_tool(url, position, char):
    for edited in (
        url[:position] + char + url[position + 1 :],
        url[:position] + char + url[position:],
        url[:position] + url[position + 1 :],
    ):
        if edited[8:27].lower() != "creativecommons.org" and not edited[8:].lower().startswith(
            "www.creativecommons.org/"
        ):
            tool = resolve_url(edited, TABLE).tool
            assert tool is None or edited.lower().replace("//", "/").endswith(url[8:].lower()), edited


@settings(max_examples=MANY)
@given(values, fields)
def test_the_gate_never_raises_and_always_says_why(value, field):
    answer = judge(value, field, table=TABLE, policy=ALL).to_json()

    assert answer["reasons"]
    assert answer["class"] in {"open", "not-open", "unknown"}
    assert (answer["outcome"] == "admit") <= (answer["class"] == "open" and bool(answer["licence"]))


@settings(max_examples=MANY)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), fields)
def test_a_text_that_names_no_tool_is_not_open(text, field):
    lowered = text.lower()
    if not any(
        word in lowered
        for word in (
            "cc",
            "creative",
            "attribution",
            "public",
            "pdm",
            "zero",
            "domain",
            "by",
            "sampling",
            "1.0",
            "2.",
            "3.0",
            "4.0",
        )
    ):
        assert judge(text, field, table=TABLE, policy=ALL).decision.licence_class is not LicenceClass.OPEN


@settings(max_examples=MANY)
@given(st.lists(st.tuples(fields, texts), min_size=1, max_size=4), fields, texts)
def test_more_evidence_never_turns_a_refusal_into_an_admission(pairs, field, text):
    before_evidence = [Declaration(name, Scope.ITEM, raw) for name, raw in pairs]
    before = decide(before_evidence, table=TABLE, policy=ALL)
    after = decide([*before_evidence, Declaration(field, Scope.ITEM, text)], table=TABLE, policy=ALL)

    if before.outcome is not Outcome.ADMIT and any(one.polarity in {"grant", "reserve"} for one in before.evidence):
        assert after.outcome is not Outcome.ADMIT


@settings(max_examples=MANY)
@given(texts, fields)
def test_the_same_question_has_the_same_answer(text, field):
    first, second = (judge(text, field, table=TABLE, policy=ALL).to_json() for _ in range(2))
    assert first == second


def test_a_canonical_url_resolves_to_itself_again():
    assert all(resolve_url(resolve_url(url, TABLE).tool.url, TABLE).tool.url == url for url in URLS)


def test_presets_nest():
    admitted = {preset: {tool.url for tool in TABLE.tools if policy_named(preset).admits(tool)} for preset in PRESETS}

    assert admitted["free-culture"] <= admitted["commercial-ok"] & admitted["derivatives-ok"]
    assert all(admitted[preset] <= admitted["all-cc"] for preset in PRESETS)


def test_the_gate_needs_no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the gate asked the network")

    monkeypatch.setattr(socket, "socket", refuse)
    assert judge(URLS[0], "ia.licenseurl", table=TABLE, policy=ALL).decision.outcome is Outcome.ADMIT


def test_the_gate_reads_the_same_in_every_locale():
    """Turkish has two letters i; folding must not ask the locale."""
    before = locale.setlocale(locale.LC_ALL)
    for name in ("tr_TR.UTF-8", "C", "C.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            for text in (
                "HTTP://CREATIVECOMMONS.ORG/LICENSES/BY/3.0/IT/",
                "CC BY 3.0 IT",
                "ATTRIBUTION 3.0 INTERNATIONAL",
            ):
                assert judge(text, "ia.licenseurl", table=TABLE, policy=ALL).decision.outcome is Outcome.ADMIT
        finally:
            # Whatever runs after this in the same process must find the locale it had.
            locale.setlocale(locale.LC_ALL, before)
    for text in (
        "CC BY 3.0 \u0131T",
        "http://creat\u0131vecommons.org/licenses/by/3.0/",
        "http://creativecommons.org/L\u0130CENSES/by/3.0/",
    ):
        assert judge(text, "ia.licenseurl", table=TABLE, policy=ALL).decision.licence_class is not LicenceClass.OPEN
