"""Asking only for what is new since a time, in each service's own words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from archiver.clock import SystemClock
from archiver.core.licences.policies import policy_named
from archiver.core.patience import Patience
from archiver.core.selections import Selection
from archiver.ports.offers import Surroundings
from archiver.sources.ccmixter import OFFER as CCMIXTER
from archiver.sources.commons import OFFER as COMMONS
from archiver.sources.jamendo import OFFER as JAMENDO
from tests.servers.raw_http import raw_server, whole

SINCE = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("offer", "path", "answer", "query", "wanted"),
    [
        (CCMIXTER, "/api/query", b"[]", "tags=ambient", {"sinced": "2026-11-20"}),
        (CCMIXTER, "/api/query", b"[]", "sinced=2026-01-01", {"sinced": "2026-01-01"}),
        (
            JAMENDO,
            "/v3.0/tracks/",
            b'{"headers":{"status":"success","code":0,"results_count":0},"results":[]}',
            "*",
            {"datebetween": f"2026-11-20_{datetime.now(UTC):%Y-%m-%d}"},
        ),
        (
            COMMONS,
            "/w/api.php",
            b'{"batchcomplete":""}',
            "category:Sounds",
            {"gcmsort": "timestamp", "gcmdir": "newer", "gcmstart": "2026-11-20T12:00:00Z"},
        ),
        (COMMONS, "/w/api.php", b'{"batchcomplete":""}', "since:2020-01-01", {"gaistart": "2026-11-20T12:00:00Z"}),
        (COMMONS, "/w/api.php", b'{"batchcomplete":""}', "since:2026-12-01", {"gaistart": "2026-12-01"}),
    ],
)
def test_each_service_is_asked_in_its_own_words(offer, path, answer, query, wanted):
    name = offer.__class__.__name__.removesuffix("Offer").lower()
    chosen = Selection("s", "t", name, query, (), policy_named("all-cc"), ("audio",), ("p",))
    with raw_server() as server:
        server.answers[path] = whole(answer)
        around = Surroundings(name, server.url, "mailto:a@example.org", SystemClock(), 0, 5, {"client_id": "0123abcd"})
        source = offer.open(replace(around, patience=Patience(0.01, 1)))
        list(source.enumerate(replace(chosen, since=SINCE)))
        list(source.enumerate(chosen))
        source.close()
        first, second = (parse_qs(urlsplit(path).query) for path in server.paths())
    assert {key: first[key][0] for key in wanted} == wanted
    assert "2026-11-20" not in str(second)
