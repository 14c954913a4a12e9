"""The maintenance of the table: the same bytes from Creative Commons' own columns, and a loud stop at a removal."""

from __future__ import annotations

import csv
import io

import pytest

from archiver.core.errors import CannotRunError
from archiver.core.licences.rebuilding import rebuild
from archiver.shelf.licences import OFFICIAL_SHA256, checked_table, official_text


def theirs(skip="", extra=()):
    """The table as Creative Commons' own: a URL and names, no permission."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["TOOL_IDENTIFIER", "SPDX_IDENTIFIER", "CANONICAL_URL"])
    for row in csv.DictReader(io.StringIO(official_text())):
        if row["url"] != skip:
            writer.writerow([row["identifier"], row["spdx"], row["url"]])
    writer.writerows(extra)
    return out.getvalue()


def test_the_shipped_table_is_made_again_byte_for_byte_with_every_permission_derived_from_the_unit():
    rebuilt = rebuild(theirs(), official_text())

    assert (rebuilt.added, rebuilt.removed, rebuilt.changed) == ((), (), ())
    assert rebuilt.text == official_text()


def test_a_removal_is_named():
    url = "https://creativecommons.org/licenses/by/3.0/ge/"
    assert rebuild(theirs(skip=url), official_text()).removed == (url,)


def test_a_new_tool_gets_the_permissions_of_its_unit():
    url = "https://creativecommons.org/licenses/by-nc-nd/5.0/"
    rebuilt = rebuild(theirs(extra=[["CC BY-NC-ND 5.0", "", url]]), official_text())

    assert rebuilt.added == (url,)
    (row,) = (row for row in csv.DictReader(io.StringIO(rebuilt.text)) if row["url"] == url)
    assert (row["commercial_use_allowed"], row["derivatives_allowed"], row["verbatim_sharing"]) == ("false", "false", "noncommercial")  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "a,b\n1,2\n", "url\nhttps://evil.example/licenses/by/4.0/\n", "url\nhttps://creativecommons.org/licenses/\n",
     "url\nhttps://creativecommons.org/licenses/by/4.0/\nhttp://creativecommons.org/licenses/by/4.0\n"],
)  # fmt: skip
def test_what_is_no_table_of_legal_tools_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        rebuild(text, official_text())


def test_a_table_that_is_not_the_checked_one_decides_nothing():
    changed = official_text().replace("true", "false", 1).encode()

    with pytest.raises(CannotRunError, match="expected SHA-256"):
        checked_table(changed, OFFICIAL_SHA256)
