"""Reports as CSV: names from outside are text, whatever opens the file."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest

from archiver.core.crawls import Crawl
from archiver.core.licence_survey import Amount, LicenceSurvey
from archiver.core.outcomes import Outcome
from archiver.core.totals import Run
from archiver.reports.crawls import COLUMNS, crawls_csv
from archiver.reports.licences import licence_csv

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)"]


def rows(pieces):
    return list(csv.DictReader("".join(pieces).splitlines()))


@pytest.mark.parametrize("name", FORMULAS)
def test_a_selection_whose_name_is_a_formula_is_text_in_a_table_of_crawls(name):
    reasons = ((Outcome.REFUSED, "NO_LICENCE", 2), (Outcome.REFUSED, "NOT_ADMITTED", 1))
    crawl = Crawl(None, 9, 0, 9, 6, ((Outcome.STORED, 6), (Outcome.REFUSED, 3)), reasons, 0, True)  # noqa: FBT003
    at = datetime(2026, 1, 2, tzinfo=UTC)
    (killed, whole) = rows(
        crawls_csv([Run(1, name, "", at, None, False, ()), Run(2, name, "", at, at, True, (), crawl)])  # noqa: FBT003
    )
    assert tuple(whole) == COLUMNS
    assert killed["selection"] == whole["selection"] == f"'{name}"
    assert (killed["ended_at"], killed["found"], killed["reasons"]) == ("", "", "")
    assert (whole["announced"], whole["found"], whole["refused"]) == ("", "9", "3")
    assert whole["reasons"] == "refused NO_LICENCE 2; refused NOT_ADMITTED 1"


@pytest.mark.parametrize("name", FORMULAS)
def test_a_licence_that_is_a_formula_is_text_in_a_table_of_licences(name):
    survey = LicenceSurvey(tools={name: Amount(1, 2, 3)})
    assert rows(licence_csv(survey)) == [{"by": "tool", "key": f"'{name}", "items": "1", "files": "2", "bytes": "3"}]
