"""Lists of addresses with digests."""

import hashlib
import json

import pytest

from archiver.core.errors import ItemNotFoundError, SettingsError, SourceError, SourceProtocolError
from archiver.core.gate import AdmittedItem, TurnedAway
from archiver.core.items import ItemId
from archiver.sources.url_manifest import OFFER
from tests.doubles.service import Reply, ServiceDouble
from tests.doubles.services import BY, SOUND
from tests.sources.walking import archive_of, around, bytes_of, judged, outcomes, selection, valid_bags

FILES = {f"/audio/{number:02}/10096{number:02}.mp3": SOUND + bytes([number]) for number in range(4)}


@pytest.fixture
def double():
    def answer(request):
        content = FILES.get(request.path)
        return Reply(content, headers={"Content-Type": "audio/mpeg", "ETag": '"1"'}) if content else None

    with ServiceDouble(answer) as served:
        yield served


def sha256(number):
    return hashlib.sha256(list(FILES.values())[number]).hexdigest()


def opened(folder, double):
    return OFFER.open(around("url-manifest", double.url, folder=str(folder)))


def test_a_data_set_is_harvested_into_valid_bags_with_licence_and_credit(tmp_path, double):
    """A table as MTG-Jamendo's metadata makes one: paths below one address, digests and licences of tracks."""
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mtg.tsv").write_text(
        "TRACK_ID\tPATH\tSHA256\tsize\ttitle\tartist_name\tlicense\tlicense_url\tpage\n"
        f"track_00\taudio/00/1009600.mp3\t{sha256(0)}\t{len(SOUND) + 1}\tFirst\tA; B\tCC BY 4.0\t{BY}\thttps://example.org/0\n"
        f"track_01\taudio/01/1009601.mp3\t{sha256(0)}\t\tWrong bytes\tA\t\t{BY}\t\n"
        f"track_02\taudio/02/1009602.mp3\t{sha256(2)}\t3\tWrong size\tA\t\t{BY}\t\n"
        f"track_03\taudio/03/1009603.mp3\t{sha256(3)}\t\tNo licence\tA\t\t\t\n"
        f"track_04\taudio/04/gone.mp3\t{sha256(3)}\t\tNot there\tA\t\t{BY}\t\n",
        "utf-8",
    )
    archive = archive_of(tmp_path, "url-manifest", double.url, options={"folder": str(lists)}, query="mtg.tsv")
    ended = archive.harvested(selection="mine")
    assert outcomes(ended) == {
        "mtg.track_00": "stored",
        "mtg.track_01": "failed",
        "mtg.track_02": "failed",
        "mtg.track_03": "refused",
        "mtg.track_04": "failed",
    }, ended.err
    bag = valid_bags(archive)["mtg.track_00"]
    assert (bag / "data/1009600.mp3").read_bytes() == SOUND + b"\0"
    credits_ = (bag / "ATTRIBUTION.txt").read_text()
    assert "“First” by A, B is licensed under CC BY 4.0" in credits_
    assert "https://example.org/0" in credits_
    assert json.loads((bag / "metadata/source/rows.json").read_text())[0]["TRACK_ID"] == "track_00"
    double.requests.clear()
    assert outcomes(archive.harvested(selection="mine"))["mtg.track_00"] == "unchanged"
    assert not double.asked("1009600")


def test_json_lines_are_read_and_rows_of_one_item_are_its_files(tmp_path, double):
    rows = [
        {
            "item": "album",
            "url": f"{double.url}/audio/00/1009600.mp3",
            "digest": f"sha256:{sha256(0)}",
            "licence": BY,
            "creator": ["A", "B"],
        },
        {
            "item": "album",
            "url": f"{double.url}/audio/01/1009601.mp3",
            "sha256": sha256(1),
            "licence": BY,
            "title": "The album",
        },
        {"item": "nested", "licence": BY, "files": [{"url": "audio/02/1009602.mp3", "file": "a/b.mp3"}]},
        {"url": "audio/03/1009603.mp3", "licence": BY, "rights": "All rights reserved"},
    ]
    (tmp_path / "set.jsonl").write_text("\n\n".join(map(json.dumps, rows)))
    source = opened(tmp_path, double)
    (page,) = source.enumerate(selection("url-manifest", "set"))
    assert [item.name for item in page.items][:2] == ["set.album", "set.nested"]
    album = judged(source, "set.album")
    assert [file.name for file, _ in album.files] == ["1009600.mp3", "1009601.mp3"]
    assert (album.item.title, album.item.creators) == ("The album", ("A", "B"))
    assert bytes_of(source, album) == SOUND + b"\0"
    nested = judged(source, "set.nested")
    assert [str(path) for _, path in nested.files] == ["a/b.mp3"]
    assert bytes_of(source, nested) == SOUND + b"\2"
    assert isinstance(judged(source, page.items[2].name), TurnedAway)
    source.close()


def test_files_of_one_item_under_two_licences_are_not_admitted_by_a_machine(tmp_path, double):
    other = BY.replace("by/", "by-nc/")
    (tmp_path / "x.csv").write_text(f"item,url,licence\na,/1.mp3,{BY}\na,/2.mp3,{other}\n")
    source = opened(tmp_path, double)
    verdict = judged(source, "x.a")
    assert verdict.quarantined
    assert [(one.subject, one.raw) for one in verdict.item.declarations] == [("1.mp3", BY), ("2.mp3", other)]


def test_a_list_of_many_rows_is_read_row_by_row_and_again_when_it_changes(tmp_path, double):
    path = tmp_path / "many.csv"
    rows = [f'{number},"/a/{number}.mp3","title\nof {number}",{BY}\n' for number in range(2500)]
    path.write_text("\ufeffid,url,title,licence\n" + "".join(rows), "utf-8")
    source = opened(tmp_path, double)
    pages = list(source.enumerate(selection("url-manifest", "many")))
    assert [len(page.items) for page in pages] == [1000, 1000, 500]
    assert source.describe(ItemId("url-manifest", "many.2499")).title == "title\nof 2499"
    rest = source.enumerate(selection("url-manifest", "many"), cursor=pages[1].cursor)
    assert sum(len(page.items) for page in rest) == 500
    path.write_text(f"id,url,licence\n2499,/b.mp3,{BY}\n")
    assert source.describe(ItemId("url-manifest", "many.2499")).files[0].name == "b.mp3"
    with pytest.raises(ItemNotFoundError):
        source.describe(ItemId("url-manifest", "many.1"))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.csv", b"", "no column"),
        ("x.csv", b"item,licence\n", "no column"),
        ("x.csv", b"url,URL\n", "one column twice"),
        ("x.csv", b"url\na,b\n", "line 2: more cells"),
        ("x.csv", b'url\n"a', "line 2"),
        ("x.csv", b"url\n\xff\n", "line 2"),
        ("x.csv", b"url\n" + b"x" * (2 << 20), "longer than"),
        ("x.csv", b"\xff", "first row"),
        ("x.jsonl", b"[1]\n", "expected a JSON object"),
        ("x.jsonl", b"[" * 100_000 + b"\n", "line 1"),
    ],
)
def test_a_list_that_cannot_be_read_is_named_with_its_line(tmp_path, double, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceProtocolError, match=words):
        list(opened(tmp_path, double).enumerate(selection("url-manifest", "x")))


@pytest.mark.parametrize(
    ("columns", "row", "words"),
    [
        ("item,url,sha256", "a,/1.mp3,123", "expected a sha256"),
        ("item,url,digest", "a,/1.mp3,sha0:12", "ALGORITHM"),
        ("item,url,size", "a,/1.mp3,1.5", "expected a size"),
        ("item,url", "a,file:///etc/passwd", "expected an address"),
        ("item,url", "a,/1.mp3\na,/x/1.mp3", "two files of one name"),
    ],
)
def test_a_row_that_cannot_be_meant_stops_its_item(tmp_path, double, columns, row, words):
    (tmp_path / "x.csv").write_text(f"{columns}\n{row}\n")
    with pytest.raises(SourceProtocolError, match=words):
        opened(tmp_path, double).describe(ItemId("url-manifest", "x.a"))


def test_an_address_in_our_own_network_is_not_asked_for(tmp_path, double):
    (tmp_path / "x.csv").write_text(f"item,url,licence\na,http://169.254.169.254/latest.mp3,{BY}\n")
    source = opened(tmp_path, double)
    admitted = judged(source, "x.a")
    assert isinstance(admitted, AdmittedItem)
    with pytest.raises(SourceError, match="refused"):
        bytes_of(source, admitted)


@pytest.mark.parametrize("query", ["../x", "nothing", "a.b.csv", ""])
def test_another_list_is_refused(tmp_path, double, query):
    with pytest.raises((SourceProtocolError, ItemNotFoundError)):
        list(opened(tmp_path, double).enumerate(selection("url-manifest", query)))


def test_without_a_folder_it_cannot_be_opened(double):
    with pytest.raises(SettingsError, match="folder"):
        OFFER.open(around("url-manifest", double.url))
