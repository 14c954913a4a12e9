from dataclasses import replace

from archiver.core.fixity import Algorithm, digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId
from archiver.core.states import state_of

ITEM = ItemId("internet-archive", "invented")
BY = "https://creativecommons.org/licenses/by/4.0/"
ONE = DeclaredFile(
    "01.flac", FileRole.ORIGINAL, 19, (digest_of(b"1", Algorithm.SHA1),), facts=(("mtime", "1"), ("length", "2"))
)
TWO = DeclaredFile("02.flac", FileRole.ORIGINAL, None, (), facts=(("mtime", "5"),))


def test_the_order_of_files_and_their_other_facts_do_not_matter():
    assert state_of(ITEM, [ONE, TWO], licence=BY) == state_of(
        ITEM, [TWO, replace(ONE, facts=(("length", "9"),))], licence=BY
    )


def test_other_bytes_another_file_or_another_licence_is_another_state():
    same = state_of(ITEM, [ONE, TWO], licence=BY)
    other_bytes = replace(ONE, digests=(digest_of(b"2", Algorithm.SHA1),))
    assert state_of(ITEM, [other_bytes, TWO], licence=BY) != same
    assert state_of(ITEM, [ONE], licence=BY) != same
    assert state_of(ITEM, [ONE, TWO], licence=BY.replace("by/", "by-nc/")) != same
    assert state_of(ItemId("internet-archive", "other"), [ONE, TWO], licence=BY) != same


def test_a_file_without_digests_is_recognised_by_its_modification_time():
    changed = replace(TWO, facts=(("mtime", "6"),))
    assert state_of(ITEM, [TWO], licence=BY) != state_of(ITEM, [changed], licence=BY)
