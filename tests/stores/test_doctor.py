"""The store doctor against real servers and a real file system: what holds is proven, what does not is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from archiver.core.diagnosis import Answer, Diagnosis, Symptom, recognise_diagnosis
from archiver.core.errors import StoreRefusedError
from archiver.core.fixity import digest_of
from archiver.stores import s3_doctor
from archiver.stores.directory_doctor import examine_directory
from archiver.stores.s3 import S3Store
from archiver.stores.s3_capabilities import Capabilities, recognise_capabilities
from archiver.stores.s3_client import Checksums, S3Location
from archiver.stores.s3_doctor import S3Doctor
from tests.archive import Archive
from tests.servers.s3_servers import BUCKET

pytestmark = pytest.mark.once
AT = datetime(2026, 11, 25, tzinfo=UTC)
MODERN = Capabilities(Checksums.SHA256, create_only=True, checks_digests=True, answers_digests=True)


def locking_bucket(server):
    name = f"locks-{uuid4().hex[:12]}"
    server.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


def location(server, bucket=BUCKET, **changed):
    return S3Location(bucket, f"doctor-{uuid4().hex}", endpoint=server.endpoint, **changed)


def examined(server, where):
    doctor = S3Doctor("mirror", where, server.session())
    try:
        return {one.name: one for one in doctor.examine()}
    finally:
        doctor.close()


def left_behind(server, where):
    client = server.client()
    versions = client.list_object_versions(Bucket=where.bucket, Prefix=where.prefix)
    return [*versions.get("Versions", ()), *versions.get("DeleteMarkers", ())]


@pytest.mark.xdist_group("ministack")
def test_a_bucket_that_locks_is_proven_in_everything_and_left_empty(ministack):
    where = location(ministack, locking_bucket(ministack))
    found = examined(ministack, where)
    assert {name for name, one in found.items() if one.answer is not Answer.PROVEN} == set()
    assert left_behind(ministack, where) == []


@pytest.mark.xdist_group("ministack")
def test_a_bucket_without_versions_is_said_to_lock_nothing(ministack):
    found = examined(ministack, location(ministack))
    assert {name for name, one in found.items() if one.answer is not Answer.PROVEN} == {"versioning", "object-lock"}


@pytest.mark.xdist_group("swift")
def test_a_service_that_takes_lock_headers_and_locks_nothing_is_found_out(swift, monkeypatch):
    monkeypatch.setattr(s3_doctor, "LISTED", 5)
    where = location(swift)
    found = examined(swift, where)
    assert found["object-lock"].answer is Answer.ABSENT
    assert "nothing is locked" in found["object-lock"].detail or "read back" in found["object-lock"].detail
    assert found["digest-answered"].answer is Answer.ABSENT
    for name in ("read-back", "odd-keys", "multipart", "listing", "zero-byte-object", "no-framing"):
        assert found[name].answer is Answer.PROVEN, found[name]


def test_a_directory_is_examined_and_left_as_it_was(tmp_path):
    found = {one.name: one.answer for one in examine_directory("primary", tmp_path)}
    for name in (
        "read-back",
        "fsync",
        "rename",
        "hard-links",
        "atomic-create",
        "odd-keys",
        "listing",
        "case-sensitive",
    ):
        assert found[name] is Answer.PROVEN
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.xdist_group("ministack")
def test_a_locked_store_locks_what_it_puts(ministack):
    where = location(ministack, locking_bucket(ministack), retain_seconds=7200.0)
    store = S3Store("mirror", where, session=ministack.session(), capabilities=MODERN)
    store.put("a", b"bytes", sha256=digest_of(b"bytes"))
    kept = ministack.client().get_object_retention(Bucket=where.bucket, Key=where.key("a"))["Retention"]
    assert kept["Mode"] == "GOVERNANCE"
    assert timedelta(minutes=118) < kept["RetainUntilDate"] - datetime.now(UTC) <= timedelta(hours=2)


@pytest.mark.xdist_group("swift")
def test_a_put_that_was_not_locked_is_an_error_that_names_the_doctor(swift):
    where = location(swift, retain_seconds=7200.0)
    can = Capabilities(Checksums.NONE, create_only=False, checks_digests=False, answers_digests=False)
    store = S3Store("mirror", where, session=swift.session(), capabilities=can)
    with pytest.raises(StoreRefusedError, match="did not lock") as caught:
        store.put("a", b"bytes", sha256=digest_of(b"bytes"))
    assert caught.value.next_command == "archiver store doctor mirror"


@pytest.mark.xdist_group("ministack")
def test_what_was_found_out_about_another_version_of_the_server_is_not_believed(ministack):
    poor = Capabilities(Checksums.NONE, create_only=False, checks_digests=False, answers_digests=False)
    where = location(ministack)
    doctor = S3Doctor("mirror", where, ministack.session())
    doctor.examine()
    doctor.close()

    def store(server, where=where):
        return S3Store("mirror", where, session=ministack.session(), capabilities=poor, server=server)

    assert store(doctor.server).capabilities() == poor
    assert store("Another/2.0").capabilities() == store("Another/2.0").capabilities() != poor
    with pytest.raises(StoreRefusedError, match="Another") as caught:
        store("Another/2.0", location(ministack, retain_seconds=7200.0)).put("a", b"a", sha256=digest_of(b"a"))
    assert caught.value.next_command == "archiver store doctor mirror"


def diagnosis(*symptoms):
    return Diagnosis("mirror", "s3://b", "x", AT, symptoms)


def test_a_diagnosis_comes_back_as_it_was_saved_and_grows_old():
    one = diagnosis(Symptom("create-only", Answer.PROVEN, "é\n"))
    assert recognise_diagnosis(one.record()) == one
    assert one.is_fresh("s3://b", AT + timedelta(days=39))
    assert not one.is_fresh("s3://b", AT + timedelta(days=40))
    assert not one.is_fresh("s3://other", AT)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"symptoms": 1}', "[" * 100_000])
def test_a_saved_diagnosis_that_is_none_is_asked_anew(text):
    assert recognise_diagnosis(text) is None


def test_a_saved_diagnosis_replaces_the_probe():
    one = diagnosis(
        Symptom("checksum-header", Answer.PROVEN, "sha256"),
        Symptom("create-only", Answer.ABSENT),
        Symptom("wrong-digest-refused", Answer.PROVEN),
        Symptom("digest-answered", Answer.PROVEN),
    )
    assert recognise_capabilities(one) == Capabilities(
        Checksums.SHA256, create_only=False, checks_digests=True, answers_digests=True
    )
    assert recognise_capabilities(diagnosis()) is None


@pytest.mark.xdist_group("ministack")
def test_a_lock_is_refused_by_the_settings_until_the_doctor_has_proved_it(ministack, tmp_path):
    bucket = locking_bucket(ministack)
    mirror = {"url": f"s3://{bucket}/bags", "endpoint": ministack.endpoint, "object_lock": "governance"}
    archive = Archive(tmp_path / "archive", "http://127.0.0.1:1", stores={"mirror": mirror})
    keys = {"AWS_ACCESS_KEY_ID": ministack.access_key, "AWS_SECRET_ACCESS_KEY": ministack.secret_key}
    refused = archive.run("log", "show", **keys)
    assert refused.status == 4
    assert "archiver store doctor mirror" in refused.err

    done = archive.run("store", "doctor", "--output", "jsonl", **keys)
    assert (done.status, done.summary["lacks"]) == (0, [])
    assert json.loads((archive.root / "doctor" / "mirror.json").read_text())["store"] == "mirror"
    assert archive.run("log", "show", **keys).status == 0
