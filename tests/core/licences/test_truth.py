"""The judged declarations, all of them; conventions C1 to C6 in docs/licence-gate.md."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from archiver.core.licences.judging import judge
from archiver.core.licences.policies import policy_named
from archiver.shelf import licence_table

DATA = Path(__file__).parent / "data"
BASE = "https://creativecommons.org/"


def rows(name):
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judged(declaration, context, policy="all-cc"):
    return judge(declaration, context, table=licence_table(), policy=policy_named(policy)).to_json()


@pytest.mark.parametrize("row", rows("truth-shared.csv"), ids=lambda row: row["declaration"][:40] or "empty")
def test_a_judged_declaration_is_judged_so(row):
    answer = judged(row["declaration"], row["context"])

    assert answer["class"] == row["expected_decision_class"]
    assert answer["licence"] == row["expected_canonical_url"]


def test_every_further_judged_declaration_is_judged_so():
    wrong = []
    for row in rows("truth-more.csv"):
        answer = judged(row["declaration"], row["context"])
        if (answer["class"], answer["licence"]) != (row["expected_decision_class"], row["expected_canonical_url"]):
            wrong.append((row["declaration"][:120], row["context"], answer["class"], answer["licence"], row["why"]))

    assert wrong == []


def test_every_licenseurl_observed_at_the_internet_archive_resolves_as_recorded():
    wrong = [
        row
        for row in rows("ia-licenseurl-observed.csv")
        if judged(row["licenseurl_as_recorded"], "ia.licenseurl")["licence"] != row["canonical_url"]
    ]
    assert wrong == []


def test_nothing_contested_is_admitted_but_a_badge_beside_a_licence():
    admitted = [
        row["declaration"]
        for row in rows("contested.csv")
        if judged(row["declaration"], row["context"])["outcome"] == "admit"
    ]

    assert len(admitted) == 1
    assert "license_image_file" in admitted[0]


OPEN = [
    ("Creative Commons Attribution 4.0 International (CC BY 4.0)", "rights-text", "licenses/by/4.0/"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "rights-text", "publicdomain/zero/1.0/"),
    (
        "This work is licensed under CC BY-SA 4.0. To view a copy of this license, visit https://creativecommons.org/licenses/by-sa/4.0/",
        "rights-text",
        "licenses/by-sa/4.0/",
    ),
    ("http://creativecommons.org:80/licenses/by/3.0/", "ia.licenseurl", "licenses/by/3.0/"),
    ("https://creativecommons.org/licenses/by-nc-sa/4.0/deed.zh-hans", "ia.licenseurl", "licenses/by-nc-sa/4.0/"),
    ("Attribution-Noncommercial-No Derivative Works 2.0 UK: England", "fma.license_title", "licenses/by-nc-nd/2.0/uk/"),
    ("Attribution-NonCommercial 3.0 New Zealand", "fma.license_title", "licenses/by-nc/3.0/nz/"),
    (
        "Creative Commons Attribution Non Commercial Share Alike 4.0 International",
        "rights-text",
        "licenses/by-nc-sa/4.0/",
    ),
    ("(C) 2012 Foo Bar. Licensed under CC BY-NC-SA 3.0", "vorbis.COPYRIGHT", "licenses/by-nc-sa/3.0/"),
    ("CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/)", "rights-text", "licenses/by/4.0/"),
    (
        "Dual licensed under the Free Art License and CC BY-SA 4.0, choose whichever you prefer",
        "rights-text",
        "licenses/by-sa/4.0/",
    ),
    ("CC BY-NC 3.0. Commercial licenses available from the artist.", "rights-text", "licenses/by-nc/3.0/"),
    (
        '{"licenseurl": "http://creativecommons.org/licenses/by/3.0/", "rights": "Some rights reserved"}',
        "bundle.ia",
        "licenses/by/3.0/",
    ),
]


@pytest.mark.parametrize(("declaration", "context", "path"), OPEN, ids=lambda value: value[:40])
def test_other_spellings_of_a_grant_are_understood(declaration, context, path):
    answer = judged(declaration, context)

    assert (answer["class"], answer["licence"], answer["outcome"]) == ("open", BASE + path, "admit")


RESERVED = [
    "Alle Rechte vorbehalten",
    "Tous droits réservés",
    "Todos los derechos reservados.",
    "Tutti i diritti riservati",
    "Todos os direitos reservados",
    "すべての権利を保有",
    "版权所有",
    "Все права защищены",
    "Wszelkie prawa zastrzeżone",
    "℗ & © 2011 Some Label. All Rights Reserved.",
]


@pytest.mark.parametrize("text", RESERVED)
def test_a_reservation_is_understood_in_the_main_languages(text):
    assert judged(text, "ia.rights")["class"] == "not-open"


NOT_CERTAIN = [
    ("CC BY 4.0 or later", "rights-text"),
    ("CC BY-SA 3.0 if you credit me", "rights-text"),
    ("CC0?", "rights-text"),
    ("This will be CC BY 4.0", "rights-text"),
    ("Photo: CC BY-SA 3.0", "rights-text"),
    ("The lyrics are licensed under CC BY 4.0", "rights-text"),
    ("CC BY 4.0 except track 3", "rights-text"),
    ("CC BY 4.0. For commercial use please contact me.", "rights-text"),
    ("unlicensed CC BY 4.0", "rights-text"),
    ("I wish this were CC BY 4.0", "rights-text"),
    ("Based on a work licensed under CC BY 3.0", "rights-text"),
    ("2010 Cover Band. Cover art licensed under CC BY 3.0", "id3.TCOP"),
    ("CC BY 4.0", "ia.description"),
    ("CC BY 4.0", "a.field.nobody.knows"),
    ("https://creativecommons.org./licenses/by/4.0/", "ia.licenseurl"),
    ("https://creativecommons.org:8080/licenses/by/4.0/", "ia.licenseurl"),
    ("https://creativecommons.org\\licenses\\by\\4.0\\", "ia.licenseurl"),
    ("https://creativecommons.org/licenses/by/4.0/../by-nc/4.0/", "ia.licenseurl"),
    ("\0https://creativecommons.org/licenses/by/4.0/", "ia.licenseurl"),
    ("CC BY-ſA 4.0", "rights-text"),
    (
        '<a href="http://creativecommons.org/licenses/by-nc/3.0/">http://creativecommons.org/licenses/by/3.0/</a>',
        "ia.rights",
    ),
    ('<!-- <a rel="license" href="http://creativecommons.org/licenses/by/3.0/"></a> -->', "ia.rights"),
    ('{"licenseurl": "http://creativecommons.org/licenses/by/3.0/", "rights": "see my website"}', "bundle.ia"),
    ('["", ""]', "ia.licenseurl[]"),
    (None, "ia.licenseurl"),
    (5, "ia.licenseurl"),
    ({"a": {"b": 1}}, "x"),
]


@pytest.mark.parametrize(("declaration", "context"), NOT_CERTAIN, ids=lambda value: str(value)[:40])
def test_what_is_not_certain_is_not_admitted(declaration, context):
    answer = judged(declaration, context)

    assert answer["class"] == "unknown"
    assert answer["outcome"] != "admit"


def test_presets_admit_the_units_of_the_published_table():
    table = licence_table()
    path = Path(__file__).parents[3] / "archiver" / "shelf" / "data" / "presets.csv"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for preset in ("pd-only", "free-culture", "commercial-ok", "derivatives-ok", "all-cc"):
                answers = {policy_named(preset).admits(tool) for tool in table.tools if tool.unit == row["unit"]}
                assert answers == {row[preset] == "accept"}, (row["unit"], preset)


@pytest.mark.parametrize(
    ("preset", "number"),
    [("pd-only", 3), ("free-culture", 209), ("commercial-ok", 314), ("derivatives-ok", 419), ("all-cc", 635)],
)
def test_each_preset_admits_as_many_tools_as_counted(preset, number):
    assert sum(map(policy_named(preset).admits, licence_table().tools)) == number


def test_the_mark_is_quarantined_unless_the_collection_was_reviewed():
    mark = "http://creativecommons.org/publicdomain/mark/1.0/"

    assert judged(mark, "ia.licenseurl")["outcome"] == "quarantine"
    accepting = policy_named("pd-only", public_domain_mark="accept")
    assert judge(mark, "ia.licenseurl", table=licence_table(), policy=accepting).to_json()["outcome"] == "admit"
