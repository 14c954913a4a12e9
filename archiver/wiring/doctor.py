"""The circuit of the store doctor: examine, save, obey."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.diagnosis import Diagnosis, recognise_diagnosis
from archiver.core.errors import SettingsError

if TYPE_CHECKING:
    from archiver.settings.reading import Settings
    from archiver.settings.tables import Store as StoreTable
    from archiver.stores.s3_client import S3Location


def place_of(table: StoreTable) -> str:
    """Return what decides whom one talks to, and how; another place asks for another diagnosis."""
    return f"{table.url} {table.endpoint} {table.region} {table.addressing} {table.checksums}"


def saved(home: Path, name: str, table: StoreTable) -> Diagnosis | None:
    """Return the saved diagnosis of a store while it is fresh and the settings name the same place."""
    try:
        found = recognise_diagnosis(_file(home, name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return found if found is not None and found.is_fresh(place_of(table), datetime.now(UTC)) else None


def examined(settings: Settings, name: str) -> Diagnosis:
    """Examine a store, save the diagnosis in the archive's home, and return it."""
    table = settings.stores[name]
    if table.url.startswith("s3://"):
        from archiver.stores.s3_doctor import S3Doctor
        from archiver.wiring import s3_location

        doctor = S3Doctor(name, s3_location(name, table))
        try:
            symptoms = doctor.examine()
        finally:
            doctor.close()
        server = doctor.server
    else:
        from archiver.stores.directory_doctor import examine_directory, file_system

        symptoms = examine_directory(name, Path(table.url))
        server = file_system(Path(table.url))
    diagnosis = Diagnosis(name, place_of(table), server, datetime.now(UTC).replace(microsecond=0), symptoms)
    _save(_file(settings.home, name), diagnosis)
    return diagnosis


def _save(file: Path, diagnosis: Diagnosis) -> None:
    beside = file.with_name(file.name + ".new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8") as stream:
            stream.write(diagnosis.record())
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(file)
    except OSError as error:
        raise SettingsError(f"the diagnosis cannot be saved: {file}: {error.strerror}") from error


def _file(home: Path, name: str) -> Path:
    return home / "doctor" / f"{name}.json"


def refuse_unproven_lock(name: str, location: S3Location, diagnosis: Diagnosis | None) -> None:
    """Let nobody rely on a lock that was not seen to refuse a delete.

    Raises:
        SettingsError: The settings ask for a lock that is not proven.
    """
    if location.retain_seconds and not (diagnosis and diagnosis.has("object-lock")):
        seen = f": {diagnosis.detail('object-lock')}" if diagnosis else ""
        raise SettingsError(
            f"stores.{name}.object_lock: that this bucket really locks was not proven in the last 40 days{seen}",
            next_command=f"archiver store doctor {name}",
        )
