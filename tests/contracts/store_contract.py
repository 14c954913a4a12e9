"""What every store promises (`archiver.ports.stores.Store`). Each adapter and each fake runs all of it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from archiver.core.errors import (
    ObjectConflictError,
    ObjectDamagedError,
    ObjectNotFoundError,
    StoreError,
)
from archiver.core.fixity import Algorithm, Grade, digest_of
from archiver.core.objects import ObjectFacts, Offer, StagedFile

if TYPE_CHECKING:
    from pathlib import Path

    from archiver.ports.stores import Store

# RFC 3986 reserved and unsafe characters, what S3 tools get wrong ("+", "%2F"), NFC beside NFD, control characters.
ODD_KEYS = [
    "a b#%?&ü",
    "a+b c",
    "a%2Fb%20c%",
    "line\nbreak\tand\rreturn",
    "caf\u00e9/e\u0301",
    "'\"`<>|\\^{}[]~",
    ".hidden/..double/...",
    " leading and trailing . ",
    "日本語/🎵.flac",
    "$@=;:,!*()",
    "x" * 200,
    "-rf",
]

BAD_KEYS = ["", "/", "/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", "../a", "a\0b", "a/..", "lone\ud800"]


def stage(directory: Path, content: bytes, *, name: str = "staged") -> StagedFile:
    """A staged file with these bytes."""
    path = directory / name
    path.write_bytes(content)
    return StagedFile(path, len(content), digest_of(content))


def put(store: Store, key: str, content: bytes):
    return store.put(key, content, sha256=digest_of(content))


def offer(key: str, content: bytes) -> Offer:
    return Offer(key, content, digest_of(content))


def content_of(store: Store, key: str) -> bytes:
    with store.read(key) as chunks:
        return b"".join(chunks)


class StoreContract:
    """Subclasses provide the fixture ``store``: a store that holds nothing."""

    atomic = True
    """Whether a race for one key has one winner; the awkward S3 services do not promise that (archive's lock)."""

    large = 3 * (1 << 20) + 7
    """Bytes of an object that comes in several chunks."""

    def test_bytes_that_were_put_come_back(self, store):
        receipt = put(store, "bags/a/data/1.flac", b"some audio")
        assert (receipt.key, receipt.existed, receipt.adopted) == ("bags/a/data/1.flac", False, False)
        assert receipt.grade in {Grade.SIZE, Grade.PROVIDER}
        assert content_of(store, "bags/a/data/1.flac") == b"some audio"
        facts = store.stat("bags/a/data/1.flac")
        assert (facts.key, facts.size) == ("bags/a/data/1.flac", 10)
        assert facts.sha256 in {None, digest_of(b"some audio")}

    def test_a_receipt_of_provider_grade_has_a_digest_in_the_facts(self, store):
        if put(store, "a", b"abc").grade is Grade.PROVIDER:
            assert store.stat("a").sha256 == digest_of(b"abc")
        else:
            assert store.stat("a").sha256 is None

    def test_an_empty_object_is_an_object(self, store):
        put(store, "empty", b"")
        assert content_of(store, "empty") == b""
        assert store.stat("empty").size == 0
        assert [facts.key for facts in store.list("")] == ["empty"]

    def test_a_staged_file_is_stored_and_left_where_it_is(self, store, tmp_path):
        content = os.urandom(self.large)
        staged = stage(tmp_path, content)
        store.put("a/large", staged, sha256=staged.sha256)
        assert content_of(store, "a/large") == content
        assert staged.path.read_bytes() == content
        assert store.stat("a/large").size == self.large

    def test_large_objects_come_in_chunks_of_at_most_one_mebibyte(self, store):
        put(store, "large", bytes(self.large))
        with store.read("large") as chunks:
            lengths = [len(chunk) for chunk in chunks]
        assert sum(lengths) == self.large
        assert 0 < min(lengths) <= max(lengths) <= 1 << 20

    def test_an_adopted_file_stays_when_staging_removes_its_own(self, store, tmp_path):
        staged = stage(tmp_path, b"adopt me")
        store.put("adopted", staged, sha256=staged.sha256, adopt=True)
        staged.path.unlink()
        assert content_of(store, "adopted") == b"adopt me"

    def test_a_file_that_was_not_adopted_shares_nothing_with_staging(self, store, tmp_path):
        staged = stage(tmp_path, b"copy me")
        assert not store.put("copied", staged, sha256=staged.sha256).adopted
        staged.path.write_bytes(b"altered")
        assert content_of(store, "copied") == b"copy me"

    def test_putting_the_same_bytes_again_does_nothing(self, store, tmp_path):
        put(store, "a", b"same")
        for content in (b"same", stage(tmp_path, b"same")):
            receipt = store.put("a", content, sha256=digest_of(b"same"), adopt=True)
            assert receipt.existed
            assert not receipt.adopted
            assert receipt.grade in {Grade.PROVIDER, Grade.READ}

    @pytest.mark.parametrize("other", [b"rest", b"longer than the first", b""])
    def test_other_bytes_under_a_taken_key_are_a_conflict_and_change_nothing(self, store, tmp_path, other):
        put(store, "a", b"test")
        for content in (other, stage(tmp_path, other)):
            with pytest.raises(ObjectConflictError, match="a"):
                store.put("a", content, sha256=digest_of(other), adopt=True)
        assert content_of(store, "a") == b"test"

    def test_bytes_that_are_not_what_their_digest_says_are_refused_and_not_visible(self, store, tmp_path):
        content = os.urandom(self.large)
        staged = stage(tmp_path, content)
        staged.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        for key, altered in (("staged", staged), ("bytes", b"tampered")):
            with pytest.raises(ObjectDamagedError):
                store.put(key, altered, sha256=digest_of(content))
            with pytest.raises(ObjectNotFoundError):
                store.stat(key)
        assert list(store.list("")) == []

    def test_a_digest_of_another_algorithm_is_a_mistake(self, store):
        with pytest.raises(ValueError, match="SHA-256"):
            store.put("a", b"abc", sha256=digest_of(b"abc", Algorithm.SHA512))

    def test_a_staged_file_that_is_gone_concerns_this_object_only(self, store, tmp_path):
        staged = stage(tmp_path, os.urandom(self.large))
        staged.path.unlink()
        with pytest.raises(StoreError, match="staged"):
            store.put("gone", staged, sha256=staged.sha256)
        assert list(store.list("")) == []

    def test_many_objects_that_are_put_together_are_objects_like_others(self, store, tmp_path):
        staged = stage(tmp_path, os.urandom(self.large))
        offers = [offer(f"bags/{number % 3}/{number % 2}/{number}", b"%d" % number) for number in range(40)]
        offers.insert(7, Offer("bags/0/large", staged, staged.sha256))
        receipts = {receipt.key: receipt for receipt in store.put_all(iter(offers))}
        assert receipts.keys() == {one.key for one in offers}
        assert {(one.existed, one.adopted) for one in receipts.values()} == {(False, False)}
        assert {one.grade for one in receipts.values()} <= {Grade.SIZE, Grade.PROVIDER, Grade.READ}
        assert {facts.key: facts.size for facts in store.list("")} == {one.key: one.size for one in offers}
        for one in offers:
            assert digest_of(content_of(store, one.key)) == one.sha256
        assert list(store.put_all(())) == []

    def test_objects_that_are_put_together_again_are_left_as_they_are(self, store, tmp_path):
        staged = stage(tmp_path, b"staged")
        put(store, "a/1", b"1")
        put(store, "a/staged", b"staged")
        offers = (offer("a/0", b"0"), offer("a/1", b"1"), Offer("a/staged", staged, staged.sha256, adopt=True))
        existed = {receipt.key: receipt.existed for receipt in store.put_all(offers)}
        assert existed == {"a/0": False, "a/1": True, "a/staged": True}
        assert {receipt.existed for receipt in store.put_all(offers)} == {True}
        assert {content_of(store, one.key) for one in offers} == {b"0", b"1", b"staged"}

    def test_one_of_many_objects_that_cannot_be_put_is_told_and_replaces_nothing(self, store):
        put(store, "a/1", b"other")
        with pytest.raises(ObjectConflictError, match="a/1"):
            list(store.put_all([offer("a/0", b"0"), offer("a/1", b"1"), offer("a/2", b"2")]))
        assert content_of(store, "a/1") == b"other"
        with pytest.raises(ObjectDamagedError, match="b/1"):
            list(store.put_all([offer("b/0", b"0"), Offer("b/1", b"1", digest_of(b"promised"))]))
        assert "b/1" not in {facts.key for facts in store.list("")}
        assert {facts.size for facts in store.list("b/")} <= {1}  # the other one is there as a whole, or not at all
        assert store.sweep() == 0

    def test_a_staged_file_that_is_adopted_with_others_stays_when_staging_removes_its_own(self, store, tmp_path):
        staged = stage(tmp_path, b"adopt me")
        list(store.put_all([offer("a/1", b"1"), Offer("a/adopted", staged, staged.sha256, adopt=True)]))
        staged.path.unlink()
        assert content_of(store, "a/adopted") == b"adopt me"

    def test_an_absent_object_is_not_found(self, store):
        put(store, "bags/here", b"x")
        for key in ("absent", "bags", "bags/absent", "bags/absent/deeper"):
            with pytest.raises(ObjectNotFoundError, match=key), store.read(key):
                pass
            with pytest.raises(ObjectNotFoundError, match=key):
                store.stat(key)

    def test_a_deleted_object_is_gone_and_its_key_is_free(self, store):
        put(store, "a/b", b"first")
        put(store, "a/c", b"stays")
        store.delete("a/b")
        with pytest.raises(ObjectNotFoundError):
            store.stat("a/b")
        put(store, "a/b", b"second")
        assert content_of(store, "a/b") == b"second"
        assert content_of(store, "a/c") == b"stays"

    def test_deleting_what_is_not_there_is_no_error(self, store):
        put(store, "a/b", b"x")
        for key in ("absent", "a", "a/absent", "no/such/place"):
            store.delete(key)
        assert [facts.key for facts in store.list("")] == ["a/b"]

    def test_odd_keys_are_kept_apart_and_come_back_as_they_were(self, store):
        for key in ODD_KEYS:
            put(store, f"odd/{key}", key.encode())
        assert sorted(facts.key for facts in store.list("odd/")) == sorted(f"odd/{key}" for key in ODD_KEYS)
        for key in ODD_KEYS:
            assert content_of(store, f"odd/{key}") == key.encode()
            assert store.stat(f"odd/{key}").size == len(key.encode())
            store.delete(f"odd/{key}")
        assert list(store.list("")) == []

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_what_is_no_key_is_refused_everywhere(self, store, key):
        with pytest.raises(ValueError, match="not an object key"):
            put(store, key, b"x")
        with pytest.raises(ValueError, match="not an object key"), store.read(key):
            pass
        with pytest.raises(ValueError, match="not an object key"):
            store.stat(key)
        with pytest.raises(ValueError, match="not an object key"):
            store.delete(key)

    @pytest.mark.parametrize("prefix", ["a", "/", "a//", "../", "a/../"])
    def test_what_is_no_prefix_is_refused(self, store, prefix):
        with pytest.raises(ValueError, match="not a"):
            store.list(prefix)

    def test_a_listing_holds_what_begins_with_the_prefix(self, store):
        for key in ("bags/a/1", "bags/a/2", "bags/ab/1", "bags/a.b", "archive/x", "top"):
            put(store, key, key.encode())
        assert sorted(store.list("bags/a/"), key=lambda facts: facts.key) == [
            ObjectFacts("bags/a/1", 8),
            ObjectFacts("bags/a/2", 8),
        ]
        assert len(list(store.list(""))) == 6
        assert len(list(store.list("bags/"))) == 4
        assert list(store.list("nothing/here/")) == []
        assert list(store.list("top/")) == []

    def test_a_reader_that_leaves_early_harms_nobody(self, store):
        put(store, "large", bytes(self.large))
        with store.read("large") as chunks:
            next(chunks)
        with store.read("large"):
            pass
        assert len(content_of(store, "large")) == self.large

    def test_a_sweep_removes_no_object(self, store):
        put(store, "a/b", b"x")
        assert store.sweep() == 0
        assert content_of(store, "a/b") == b"x"

    def test_many_objects_are_put_and_read_at_once(self, store):
        contents = {f"many/{number % 3}/{number}": os.urandom(1000 + number) for number in range(24)}
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda item: put(store, *item), contents.items()))
            assert (
                dict(zip(contents, threads.map(lambda key: content_of(store, key), contents), strict=True)) == contents
            )

    def test_a_race_with_the_same_bytes_has_only_winners(self, store):
        with ThreadPoolExecutor(8) as threads:
            receipts = list(threads.map(lambda _: put(store, "race", b"same"), range(8)))
        assert len(receipts) == 8
        assert content_of(store, "race") == b"same"

    def test_a_race_with_different_bytes_has_one_winner(self, store):
        if not self.atomic:
            pytest.skip("this service's conditional put is not atomic; the archive's lock keeps writers apart")

        def attempt(number: int) -> int | None:
            try:
                put(store, "race", b"%d" % number)
            except ObjectConflictError:
                return None
            return number

        with ThreadPoolExecutor(8) as threads:
            winners = [number for number in threads.map(attempt, range(8)) if number is not None]
        assert len(winners) == 1
        assert content_of(store, "race") == b"%d" % winners[0]
