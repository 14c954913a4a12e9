"""Surveys added up, and their forms for programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from archiver.core.events import EventOutcome
from archiver.core.holdings import CopyStatus
from archiver.core.premis import format_events
from archiver.core.surveys import Activity, Surveyor, Verdict, forecast
from archiver.reports.pages import shown
from archiver.reports.survey_data import survey_csv, survey_json
from archiver.reports.survey_sections import checks_by_period, forecast_words
from tests.reports.surveys import HOSTILE, NOW, PLANS, event, holding, survey

PREMIS = "{http://www.loc.gov/premis/v3}"


def verdict_of(*holdings) -> Verdict:
    surveyor = Surveyor(at=NOW, plans=PLANS, wanted_copies=2)
    for one in holdings:
        surveyor.add(one)
    return surveyor.survey(organisation="", program="", checks=(), incidents=()).verdict


def test_the_verdict_is_the_worst_thing_that_is_true():
    thin = replace(holding(3), copies=holding(3).copies[1:])
    assert verdict_of() is Verdict.EMPTY
    assert verdict_of(holding(1)) is Verdict.GOOD
    assert verdict_of(holding(1), holding(2, days=(91, 10))) is Verdict.OVERDUE
    assert verdict_of(holding(1, days=(91, 10)), thin) is Verdict.THIN
    assert verdict_of(thin, holding(2, bad=CopyStatus.MISSING)) is Verdict.DAMAGED


def test_grades_are_counted_apart_and_damaged_copies_under_none():
    taken = survey(200, damaged=3)
    counts = {grade.label: sum(ages) for grade, ages in taken.grades}
    assert counts == {"decode": 0, "read": 197, "provider": 200, "size": 0, "listed": 0}
    assert taken.unproven == 3


def lines(number: int, days: int):
    surveyor = Surveyor(at=NOW, plans=PLANS, wanted_copies=1)
    for index in range(number):
        surveyor.add(holding(index, days=(days, 1)))
    taken = surveyor.survey(organisation="", program="", checks=(), incidents=())
    return [line for line in taken.lines if line.copy.store == "primary"]


def test_a_backlog_clears_only_where_more_is_checked_than_falls_due():
    def at(pace: int) -> str:
        days = [NOW.date() - timedelta(days=day) for day in range(30)]
        checks = [
            Activity(day, event(1, EventOutcome.SUCCESS, at=NOW).type, EventOutcome.SUCCESS, "", pace) for day in days
        ]
        return forecast_words(forecast(PLANS[0], lines(180, 100), checks, NOW))

    assert at(2) == "never clears at this pace"  # 180 copies in 90 days need two a day
    assert at(3) == "clear in 180 days"
    assert at(20) == "clear in 10 days"


def test_a_short_history_is_not_diluted_by_the_days_before_it():
    checks = [Activity(NOW.date(), event(1, EventOutcome.SUCCESS, at=NOW).type, EventOutcome.SUCCESS, "", 40)]
    assert forecast(PLANS[0], lines(2, 1), checks, NOW).done == 40


def test_checks_are_shown_by_day_in_the_first_month_and_by_month_later():
    taken = survey(10)
    labels, good, bad = checks_by_period(taken.checks)
    assert labels[0] == "2029-05"
    assert sum(good) + sum(bad) == sum(check.number for check in taken.checks)
    assert checks_by_period(taken.checks[:6])[0][0] == "2029-05-01"


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_texts_cannot_steer_what_shows_them(title):
    text = shown(title)
    assert len(text) < 400
    assert text.encode("utf-8").decode().isprintable()


def test_the_json_report_is_one_document_with_every_copy():
    document = json.loads("".join(survey_json(survey(20, damaged=2))))
    assert document["verdict"] == "damaged"
    assert len(document["copies"]) == document["copies_total"] == 40
    assert document["incidents"][0]["mended"] is None
    assert document["incidents"][1]["mended"]["outcome"] == "success"


def test_the_csv_report_has_a_row_a_copy_and_nothing_a_spreadsheet_would_run():
    rows = list(csv.DictReader(io.StringIO("".join(survey_csv(survey(20))), newline="")))
    assert len(rows) == 40
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t"))]
    assert "'=HYPERLINK" in {row["title"][:11] for row in rows}


def test_the_premis_report_keeps_the_order_of_the_schema_and_survives_hostile_texts():
    events = [event(n, EventOutcome.FAILURE, at=NOW, detail=text) for n, text in enumerate(HOSTILE)]
    titles = [(f"internet-archive/item-{n:06}", f'{text} xmlns:xsi="x"') for n, text in enumerate(HOSTILE)]
    text = "".join(format_events(titles, events))
    root = ET.fromstring(text.encode("utf-8"))
    assert [child.tag.removeprefix(PREMIS) for child in root] == ["object"] * 8 + ["event"] * 8 + ["agent"]
    assert [child.tag.removeprefix(PREMIS) for child in root[8]] == [
        "eventIdentifier", "eventType", "eventDateTime", "eventOutcomeInformation",
        "linkingAgentIdentifier", "linkingObjectIdentifier", "linkingObjectIdentifier",
    ]  # fmt: skip
    assert root[0].find(f"{PREMIS}originalName").text == titles[0][1]
    assert len({one.findtext(f"{PREMIS}eventIdentifier/{PREMIS}eventIdentifierValue") for one in root[8:16]}) == 8
