import pytest

from archiver.core.items import ItemId, SourceItem
from archiver.core.queries import contradicts


def item(**changed):
    values = {
        "id": ItemId("internet-archive", "x"),
        "title": "",
        "creators": (),
        "url": "",
        "declarations": (),
        "files": (),
        "answers": (),
        "mediatype": "audio",
        "collections": ("netlabels", "Monotonik"),
    }
    return SourceItem(**{**values, **changed})


@pytest.mark.parametrize(
    "query",
    [
        "collection:netlabels",
        "collection:monotonik AND mediatype:audio",
        '(collection:"netlabels") AND licenseurl:*nc*',
        "collection:other OR mediatype:audio",
        "collection:netlabels AND NOT collection:other",
        "(collection:other OR collection:netlabels) AND mediatype:audio",
        "-collection:netlabels",
        "anything at all",
        "",
    ],
)
def test_what_cannot_be_told_or_fits_is_no_contradiction(query):
    assert not contradicts(query, item())


@pytest.mark.parametrize(
    "query",
    ["collection:other", "collection:netlabels AND mediatype:movies", "(identifier:y) AND x", 'collection:"other"'],
)
def test_an_item_of_another_query_is_noticed(query):
    assert contradicts(query, item())
