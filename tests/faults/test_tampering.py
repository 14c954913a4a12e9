"""Every way to rewrite history that the signed log must notice, each under its own code, and nothing else."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3

import pytest

from archiver.catalogue.opening import open_catalogue
from archiver.clock import SystemClock
from archiver.core.errors import CannotRunError, SettingsError, StoreUnavailableError
from archiver.core.findings import FindingCode as Code
from archiver.core.fixity import Algorithm, digest_of
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.seals import timestamps
from archiver.seals.ed25519 import KeyFile, TrustedKeys, make_key
from archiver.stores.directory import DirectoryStore
from archiver.workflows import publish_log
from archiver.workflows.publish_log import publish
from archiver.workflows.verify_log import Evidence, Tally, verify_log
from tests.archive import LICENCE, Archive
from tests.contracts.catalogue_contract import event, holding
from tests.servers.timestamp_authority import run_authority

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


class Held:
    """A catalogue, two directory stores with one bag each, and a key."""

    def __init__(self, path, url=""):
        self.path = path
        self.file = path / "catalogue.sqlite"
        self.catalogue = open_catalogue(url or f"sqlite:///{self.file}")
        self.key = path / "keys" / "log.key"
        self.public = make_key(self.key)
        self.stores = {name: DirectoryStore(name, path / name) for name in ("primary", "mirror")}
        self.write_bag(b"music")
        tags = (self.bag() / "tagmanifest-sha512.txt").read_bytes()
        held = holding(tag_manifest=digest_of(tags, Algorithm.SHA512))
        self.catalogue.ingested(held, [], [event()], decision="{}")
        self.grow(10)

    def grow(self, number, first=0):
        self.catalogue.appended([event(path=f"data/{n}.flac") for n in range(first, first + number)])

    def bag(self, store="primary"):
        return self.path / store / holding().prefix

    def write_bag(self, payload, stores=("primary", "mirror")):
        """Write a whole bag whose manifests agree with each other."""
        for store in stores:
            bag = self.bag(store)
            (bag / "data").mkdir(parents=True, exist_ok=True)
            (bag / "data" / "a.flac").write_bytes(payload)
            files = {}
            for algorithm in ("sha256", "sha512"):
                line = f"{hashlib.new(algorithm, payload).hexdigest()}  data/a.flac\n"
                files[f"manifest-{algorithm}.txt"] = line.encode()
            for algorithm in ("sha256", "sha512"):
                lines = (f"{hashlib.new(algorithm, text).hexdigest()}  {name}\n" for name, text in files.items())
                (bag / f"tagmanifest-{algorithm}.txt").write_text("".join(lines))
            for name, text in files.items():
                (bag / name).write_bytes(text)

    def publish(self, stores=None):
        sealer = KeyFile(self.key)
        witness = TrustedKeys([self.public])
        return publish(
            stores or self.stores, events=self.catalogue, sealer=sealer, witness=witness, clock=SystemClock()
        )

    def verify(self, *, keys=None, with_memory=True):
        evidence = Evidence(
            self.stores,
            self.catalogue,
            TrustedKeys([self.public] if keys is None else keys),
            remembered=KeyFile(self.key).remembered() if with_memory else None,
        )
        self.tally = Tally()
        return list(verify_log(evidence, self.tally))

    def codes(self, **options):
        return [finding.code for finding in self.verify(**options)]

    def sql(self, *statements):
        """Write past the program, as somebody does who knows SQLite."""
        connection = sqlite3.connect(self.file)
        for (name,) in connection.execute(TRIGGERS).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def log_file(self, name, store="primary"):
        return self.path / store / "archive" / "log" / name


@pytest.fixture
def held(tmp_path):
    held = Held(tmp_path)
    yield held
    held.catalogue.close()


SEGMENT, HEAD = "segment-000000000001.jsonl", "head-000000000001.json"


def test_an_archive_nobody_touched_has_no_findings(held):
    done = held.publish()
    assert (done.segments, done.events, done.behind) == (1, 11, ())
    assert held.verify() == []
    assert (held.tally.events, held.tally.bags, held.tally.unpublished) == (11, 2, 0)


def test_publishing_again_adds_nothing_and_later_events_make_a_new_segment(held):
    held.publish()
    assert held.publish().segments == 0
    held.grow(3, first=10)
    assert held.publish().events == 3
    held.grow(2, first=13)
    assert held.verify() == []
    assert (held.tally.events, held.tally.unpublished) == (14, 2)


def test_a_segment_is_json_lines_that_name_the_digest_of_the_one_before(held):
    held.publish()
    held.grow(1, first=10)
    held.publish()
    first = held.log_file(SEGMENT).read_bytes()
    lines = [json.loads(line) for line in held.log_file("segment-000000000002.jsonl").read_bytes().splitlines()]
    assert [line["kind"] for line in lines] == ["segment", "event", "bag", "end"]
    assert lines[0]["previous"] == hashlib.sha256(first).hexdigest()


def test_a_bag_rewritten_with_its_manifests_is_found(held):
    held.publish()
    held.write_bag(b"other", stores=["mirror"])
    (finding,) = held.verify()
    assert (finding.code, finding.store) == (Code.MANIFEST_ALTERED, "mirror")
    assert finding.where.endswith("tagmanifest-sha512.txt")


def test_a_bag_rewritten_with_all_but_its_tag_manifest_is_found(held):
    held.publish()
    kept = (held.bag() / "tagmanifest-sha512.txt").read_bytes()
    held.write_bag(b"other", stores=["primary"])
    (held.bag() / "tagmanifest-sha512.txt").write_bytes(kept)
    assert held.codes() == [Code.MANIFEST_ALTERED] * 2


def test_a_bag_rewritten_with_the_catalogue_is_found_in_both(held):
    held.publish()
    held.write_bag(b"other")
    tags = digest_of((held.bag() / "tagmanifest-sha512.txt").read_bytes(), Algorithm.SHA512)
    held.sql(f"UPDATE aip SET tag_manifest = '{tags}'")
    assert sorted(held.codes()) == [Code.CATALOGUE_ALTERED, Code.MANIFEST_ALTERED, Code.MANIFEST_ALTERED]


def test_a_deleted_event_is_named_alone(held):
    held.publish()
    held.sql("DELETE FROM event WHERE id = 4")
    (finding,) = held.verify()
    assert (finding.code, finding.where) == (Code.EVENT_DELETED, "event 4")


def test_an_altered_event_is_named_alone(held):
    held.publish()
    held.sql("UPDATE event SET outcome = 'failure' WHERE id = 7")
    (finding,) = held.verify()
    assert (finding.code, finding.where) == (Code.EVENT_ALTERED, "event 7")


def test_reordered_events_are_found(held):
    held.publish()
    held.sql(
        "UPDATE event SET id = 100 WHERE id = 3",
        "UPDATE event SET id = 3 WHERE id = 8",
        "UPDATE event SET id = 8 WHERE id = 100",
    )
    assert set(held.codes()) == {Code.EVENT_REORDERED}


def test_an_event_put_between_others_is_found(held):
    held.publish()
    held.sql(
        "UPDATE event SET id = id + 1000",
        "UPDATE event SET id = id - 1000 WHERE id < 1005",
        "INSERT INTO event SELECT 500, item_id, type, at, outcome, 'forged', agent, agent_kind, version, store, path, chain"
        " FROM event WHERE id = 4",
    )
    assert Code.EVENT_INSERTED in held.codes()


def test_a_rolled_back_catalogue_is_one_finding(held):
    held.publish()
    held.sql("DELETE FROM event WHERE id > 6")
    (finding,) = held.verify()
    assert (finding.code, finding.expected, finding.actual) == (Code.CATALOGUE_ROLLED_BACK, "11 events", "6 events")
    with pytest.raises(CannotRunError, match="rolled back"):
        held.publish()


def test_an_altered_event_that_is_not_published_yet_breaks_the_chain(held):
    held.publish()
    held.grow(3, first=10)
    held.sql("UPDATE event SET detail = 'x' WHERE id = 13")
    assert held.codes() == [Code.CATALOGUE_ALTERED]


def test_a_truncated_log_is_found_by_the_other_store(held):
    held.publish()
    held.grow(1, first=10)
    held.publish()
    for name in ("segment-000000000002.jsonl", "head-000000000002.json"):
        held.log_file(name, "mirror").unlink()
    (finding,) = held.verify(with_memory=False)
    assert (finding.code, finding.store) == (Code.LOG_TRUNCATED, "mirror")


def test_a_log_truncated_everywhere_is_found_by_what_is_remembered_beside_the_key(held):
    held.publish()
    held.grow(1, first=10)
    held.publish()
    for store in held.stores:
        for name in ("segment-000000000002.jsonl", "head-000000000002.json"):
            held.log_file(name, store).unlink()
    assert held.codes() == [Code.LOG_TRUNCATED] * 2
    with pytest.raises(CannotRunError, match="truncated"):
        held.publish()


def test_an_altered_segment_is_found(held):
    held.publish()
    file = held.log_file(SEGMENT)
    file.write_bytes(file.read_bytes().replace(b"success", b"failure", 1))
    assert held.codes() == [Code.LOG_SEGMENT_ALTERED]


def test_a_head_signed_by_another_key_is_found_although_it_names_that_key(held, tmp_path):
    other = tmp_path / "other.key"
    make_key(other)
    sealer = KeyFile(other)
    publish(held.stores, events=held.catalogue, sealer=sealer, witness=TrustedKeys([]), clock=SystemClock())
    assert held.codes() == [Code.LOG_SIGNATURE_WRONG] * 2
    assert held.codes(keys=[]) == []


def test_a_head_with_a_changed_number_is_found(held):
    held.publish()
    file = held.log_file(HEAD)
    file.write_bytes(file.read_bytes().replace(b'"events":11', b'"events":12'))
    assert held.codes() == [Code.LOG_SIGNATURE_WRONG]


def test_two_histories_signed_with_the_same_key_are_a_fork(held):
    held.publish({"primary": held.stores["primary"]})
    held.key.with_name("log.key.head").unlink()
    held.grow(1, first=10)
    held.publish({"mirror": held.stores["mirror"]})
    assert Code.LOG_FORKED in held.codes(with_memory=False)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b"[" * 5000, b'{"head":{"segment":"x"}}'])
def test_hostile_heads_and_segments_are_findings(held, content):
    held.publish()
    held.log_file(HEAD).write_bytes(content)
    held.log_file(SEGMENT, "mirror").write_bytes(content)
    assert held.codes() == [Code.LOG_SIGNATURE_WRONG, Code.LOG_SEGMENT_ALTERED]


def test_a_publication_killed_at_any_write_is_finished_by_the_next(held, monkeypatch):
    class KilledError(Exception):
        pass

    for store in held.stores:
        shutil.rmtree(held.path / store / "archive", ignore_errors=True)
    put, remember = DirectoryStore.put, KeyFile.remember
    for moment in range(5):
        held.grow(1, first=100 + moment)
        left = [moment]

        def counted(act, left=left):
            def counting(*arguments, **options):
                if left[0] == 0:
                    raise KilledError
                left[0] -= 1
                return act(*arguments, **options)

            return counting

        with monkeypatch.context() as patch:
            patch.setattr(DirectoryStore, "put", counted(put))
            patch.setattr(KeyFile, "remember", counted(remember))
            with pytest.raises(KilledError):
                held.publish()
        held.grow(1, first=200 + moment)
        held.publish()
        assert held.verify() == []


def test_a_store_out_of_reach_is_named_and_caught_up_by_the_next_publication(held, monkeypatch):
    class Away(DirectoryStore):
        def list(self, prefix):
            raise StoreUnavailableError("no route")

    done = held.publish({**held.stores, "mirror": Away("mirror", held.path / "mirror")})
    assert done.behind == (("mirror", "no route"),)
    assert held.codes() == [Code.LOG_TRUNCATED]
    held.publish()
    assert held.verify() == []


def test_segments_are_bounded_and_compared_across_their_borders(held, monkeypatch):
    monkeypatch.setattr(publish_log, "SEGMENT_EVENTS", 4)
    held.publish()
    assert held.verify() == []
    held.sql("DELETE FROM event WHERE id IN (2, 9)")
    assert [(finding.code, finding.where) for finding in held.verify()] == [
        (Code.EVENT_DELETED, "event 2"),
        (Code.EVENT_DELETED, "event 9"),
    ]


def test_a_key_is_private_never_replaced_and_refused_when_others_can_read_it(held):
    assert held.key.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SettingsError, match="never replaced"):
        make_key(held.key)
    held.key.chmod(0o644)
    with pytest.raises(SettingsError, match="others may read"):
        KeyFile(held.key)


@pytest.mark.xdist_group("postgresql")
def test_the_log_over_postgresql_has_no_findings(tmp_path, postgresql):
    held = Held(tmp_path, postgresql.new_database())
    held.publish()
    held.grow(3, first=10)
    held.publish()
    assert held.verify() == []
    held.catalogue.close()


def test_a_harvest_publishes_the_log_and_a_rewritten_bag_ends_verify_with_status_1(tmp_path):
    key = tmp_path / "elsewhere" / "log.key"
    with ArchiveDouble([DoubleItem("song", (DoubleFile("a.flac", b"music"),), {"licenseurl": LICENCE})]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        public = archive.run("log", "key", str(key)).out.strip()
        archive.extra_environment["ARCHIVER_LOG__KEY"] = str(key)
        assert archive.harvested().status == 0
    clean = archive.run("log", "verify", "--key", public, "--output", "jsonl")
    assert (clean.status, clean.summary["findings"], clean.summary["bags"]) == (0, 0, 1)
    assert archive.run("log", "show", "--output", "jsonl").records[0]["head"]["public_key"] == public

    (bag,) = archive.bags().values()
    (bag / "tagmanifest-sha512.txt").write_bytes((bag / "tagmanifest-sha512.txt").read_bytes().replace(b"a", b"b"))
    found = archive.run("log", "verify", "--output", "jsonl")
    assert (found.status, found.records[0]["finding"]["code"]) == (1, "MANIFEST_ALTERED")
    assert archive.run("log", "verify", "--key", "ed25519:" + "0" * 64, "--no-bags").status == 1
    assert archive.run("log", "verify", "--store", "nowhere").status == 2
    assert archive.run("log", "publish", ARCHIVER_LOG__KEY=str(archive.root / "inside.key")).status == 4


def test_a_time_stamp_is_kept_with_the_head_and_one_over_something_else_is_found(held, tmp_path):
    with run_authority(tmp_path / "tsa") as (url, roots):
        sealer = KeyFile(held.key, timestamps.Authority(url).stamp)
        witness = TrustedKeys([held.public], timestamps.Roots(roots).has_stamped)
        publish(held.stores, events=held.catalogue, sealer=sealer, witness=witness, clock=SystemClock())
        other = timestamps.Authority(url).stamp(b"something else")
    evidence = Evidence(held.stores, held.catalogue, witness)
    assert list(verify_log(evidence, Tally())) == []
    record = json.loads(held.log_file(HEAD).read_bytes())
    held.log_file(HEAD).write_text(json.dumps({**record, "timestamp": other}))
    assert [finding.code for finding in verify_log(evidence, Tally())] == [Code.LOG_TIMESTAMP_WRONG]


def test_an_authority_that_is_not_there_stops_the_publication_with_a_reason(held):
    sealer = KeyFile(held.key, timestamps.Authority("http://127.0.0.1:1/").stamp)
    with pytest.raises(CannotRunError, match="time stamp authority"):
        publish(held.stores, events=held.catalogue, sealer=sealer, witness=TrustedKeys([]), clock=SystemClock())
    held.publish()
    assert held.verify() == []


def test_a_takedown_its_end_and_a_deletion_are_in_the_log_when_the_command_ends(tmp_path):
    key = tmp_path / "elsewhere" / "log.key"
    with ArchiveDouble([DoubleItem("song", (DoubleFile("a.flac", b"music"),), {"licenseurl": LICENCE})]) as double:
        archive = Archive(tmp_path / "archive", double.url)
        archive.run("log", "key", str(key))
        archive.extra_environment |= {
            "ARCHIVER_LOG__KEY": str(key),
            "ARCHIVER_WITHDRAWAL__DELETE": "true",
            "ARCHIVER_WITHDRAWAL__DELETE_AFTER": "0 seconds",
        }
        assert archive.harvested().status == 0
    why = ("--reason", "asked", "--approver", "A. Archivist")
    for command in (
        ("withdraw", "song", *why),
        ("restore", "song", "--approver", "A. Archivist"),
        ("withdraw", "song", *why),
        ("withdraw", "--delete-due"),
    ):
        before = len(archive.run("log", "show", "--output", "jsonl").records)
        done = archive.run(*command)
        assert done.status == 0, done.err
        assert len(archive.run("log", "show", "--output", "jsonl").records) == before + 1, command
    verified = archive.run("log", "verify", "--output", "jsonl")
    assert (verified.status, verified.summary["findings"], verified.summary["unpublished"]) == (0, 0, 0)
