"""Jamendo, on its recorded wire: errors with status 200, downloads that are not allowed, and a secret that stays one."""

import json

import pytest

from archiver.core.errors import ItemNotFoundError, SettingsError, SourceProtocolError, SourceUnavailableError
from archiver.core.gate import TurnedAway
from archiver.core.items import ItemId
from archiver.sources.jamendo import OFFER
from archiver.sources.jamendo_wire import parse_results, redact, without_secrets
from tests.data_dir import shared_data
from tests.doubles.service import Reply
from tests.doubles.services import SOUND, JamendoDouble, Track
from tests.sources.walking import archive_of, around, bytes_of, judged, outcomes, selection, valid_bags

SECRET = "b4c0ffee"
TRACKS = [
    Track(1),
    Track(2, keys={"audiodownload_allowed": False, "audiodownload": ""}),
    Track(3, keys={"audiodownload_allowed": False}),
    Track(4, keys={"license_ccurl": ""}),
    Track(
        5,
        SOUND + b"5",
        keys={"license_ccurl": "http://creativecommons.org/licenses/by-sa/3.0/", "artist_name": f"x {SECRET}"},
    ),
]


@pytest.fixture
def double():
    with JamendoDouble(TRACKS, client_id=SECRET) as served:
        yield served


@pytest.fixture
def jamendo(double):
    source = OFFER.open(around("jamendo", double.url, client_id=SECRET))
    yield source
    source.close()


def test_tracks_are_harvested_and_the_client_id_is_left_nowhere(tmp_path, double):
    archive = archive_of(tmp_path, "jamendo", double.url, query="tags=ambient")
    ended = archive.harvested(selection="mine", JAMENDO_CLIENT_ID=SECRET)
    assert outcomes(ended) == {
        "1": "stored",
        "2": "refused",
        "3": "refused",
        "4": "refused",
        "5": "stored",
    }, ended.err
    bag = valid_bags(archive)["1"]
    assert (bag / "data/1.mp3").read_bytes() == SOUND
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "“Track 1” by Haeresis is licensed under CC BY-NC 2.0" in credits_
    assert "https://www.jamendo.com/track/1" in credits_
    record = json.loads((bag / "metadata/source/jamendo.json").read_text())
    assert record["audio"] == "https://mp3d.jamendo.com/?trackid=1&format=mp32"
    assert SECRET not in ended.out + ended.err
    assert not [path for path in archive.root.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not any(SECRET in request.target for request in double.asked("/download/"))


def test_without_a_client_id_nothing_is_asked_and_with_a_wrong_one_the_run_ends(tmp_path, double):
    archive = archive_of(tmp_path, "jamendo", double.url)
    ended = archive.harvested(selection="mine")
    assert ended.status == 4
    assert "JAMENDO_CLIENT_ID" in ended.err
    assert not double.requests
    ended = archive.harvested(selection="mine", JAMENDO_CLIENT_ID="wrong-client-id")
    assert ended.status == 4
    assert "error 5" in ended.err
    assert "wrong-client-id" not in ended.err + ended.out


def test_a_client_id_in_the_settings_file_is_refused_unseen(tmp_path, double):
    archive = archive_of(tmp_path, "jamendo", double.url, options={"client_id": SECRET})
    ended = archive.harvested(selection="mine")
    assert ended.status == 4
    assert SECRET not in ended.err + ended.out


def test_what_may_not_be_downloaded_is_refused_with_its_licence(jamendo):
    for name in ("2", "3"):
        verdict = judged(jamendo, name)
        assert isinstance(verdict, TurnedAway)
        assert verdict.reasons == ("NO_FILES",)
        assert not verdict.quarantined


def test_a_page_has_as_many_tracks_as_the_service_likes(jamendo, double):
    pages = list(jamendo.enumerate(selection("jamendo", "tags=ambient&datebetween=2020-01-01_2020-01-31")))
    assert [item.name for page in pages for item in page.items] == ["1", "2", "3", "4", "5"]
    assert pages[0].announced == 5
    assert double.requests[0].query["datebetween"] == "2020-01-01_2020-01-31"
    rest = jamendo.enumerate(selection("jamendo"), cursor=pages[0].cursor)
    assert [item.name for page in rest for item in page.items] == ["3", "4", "5"]


def test_a_limit_is_waited_for_and_other_errors_are_said(jamendo, double):
    double.fail("/v3.0/", double.envelope(6, "Rate limit exceeded"), times=1)
    assert bytes_of(jamendo, judged(jamendo, "1")) == SOUND
    double.fail("/v3.0/", double.envelope(4, f"Wrong value, says {SECRET}"), times=1)
    with pytest.raises(SourceProtocolError, match="error 4") as caught:
        jamendo.describe(ItemId("jamendo", "1"))
    assert SECRET not in str(caught.value)
    with pytest.raises(ItemNotFoundError):
        jamendo.describe(ItemId("jamendo", "99"))
    double.fail("/v3.0/", Reply(b"[]"), times=1)
    with pytest.raises(SourceProtocolError, match="no JSON object"):
        jamendo.describe(ItemId("jamendo", "1"))


def test_the_synthetic_errors_are_told_apart():
    kinds = []
    for answer in json.loads(shared_data("synthetic-fixtures", "jamendo-errors.json").read_bytes()):
        try:
            kinds.append(parse_results(json.dumps(answer).encode(), what="x", secret=SECRET))
        except SettingsError:
            kinds.append("act")
        except SourceUnavailableError:
            kinds.append("wait")
    assert kinds == ["act", "act", ([], None)]


@pytest.mark.parametrize("query", ["", "client_id=x", "limit=1", "order=x", "a b=1"])
def test_another_query_is_refused(jamendo, query):
    with pytest.raises(SourceProtocolError, match="a query of Jamendo"):
        list(jamendo.enumerate(selection("jamendo", query)))


def test_what_is_made_of_the_client_id_is_taken_out_wherever_it_stands():
    answer = {
        "a": [f"https://x.org/?from=app-{SECRET}&b=c", {"d": f"see https://x.org/?client_id={SECRET} here"}],
        "e": SECRET,
    }
    kept, places = redact(answer, SECRET)
    assert kept == {"a": ["https://x.org/?b=c", {"d": "see https://x.org/ here"}], "e": "removed"}
    assert places == ("/a/0", "/a/1/d", "/e")
    assert without_secrets("https://x.org/?a=b") == "https://x.org/?a=b"
