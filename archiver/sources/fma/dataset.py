"""The FMA dataset as a source.

    /srv/fma/fma_metadata.zip     or the folder fma_metadata/: raw_tracks.csv, the only place of licence addresses
    /srv/fma/fma_full.zip         or the folder fma_full/: 106,574 tracks and their SHA-1

A track is an item: ``fma-dataset/000002``. What the artist did not allow is the gate's business; what is the source's: that
sets of 30-second clips are left alone unless they are asked for, because a clip is an adaptation that a licence with ND
does not allow to hand on.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.errors import ItemNotFoundError, SettingsError, SourceProtocolError, SourceUnavailableError
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage, Delivery
from archiver.sources.fma.audio import (
    Checksums,
    UnpackedAudio,
    ZippedAudio,
    for_each_line,
    read_checksums,
    track_path,
)
from archiver.sources.fma.members import Member, Zip
from archiver.sources.fma.rows import Rows, literal, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.sources.fma.audio import Audio

log = logging.getLogger(__name__)

CAPABILITIES = Capabilities(
    "The FMA dataset: zips or folders that the operator holds", digests=("sha1",), requests_per_second=0, downloads=2
)
CLIPS = "clips:"
"""Before the path of a query: sets of 30-second clips are asked for."""
_CLIP_SETS = frozenset(["fma_large", "fma_medium", "fma_small"])
_SETS = ("fma_full", "fma_large", "fma_medium", "fma_small")
_METADATA = "fma_metadata"
_TABLE = "raw_tracks.csv"
_PAGE = 1000
_DECLARED = ("license_url", "license_title", "license_image_file", "track_copyright_c", "track_copyright_p")
_FACTS = ("track_duration", "track_bit_rate", "track_number", "track_disc_number", "track_language_code", "album_title")
_NAME = re.compile(r"([0-9]{1,7})(\.clip)?")
_CLIP = ".clip"
"""Ends the names of clips, so that none is ever taken for a new version of the whole track."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A dataset that was read so far that each track can be found.

    Attributes:
        folder: Where it lies.
        rows: Of ``raw_tracks.csv``.
        table: Where those were read, for people.
        audio: The tracks.
        checksums: What they should be.
    """

    folder: Path
    rows: Rows
    table: str
    audio: Audio
    checksums: Checksums

    @property
    def suffix(self) -> str:
        """What ends the names of its items."""
        return _CLIP if _is_clips(self.audio) else ""

    def tracks(self) -> list[int]:
        """Return every track that the table, the list of checksums or the audio knows, ascending."""
        return sorted({*self.rows.ids, *self.checksums.column.ids, *self.audio.tracks()})


@dataclass
class FmaDataset:
    """The FMA dataset; see `archiver.ports.sources.Source`. Reads its tables when it is first used.

    Attributes:
        around: Its settings: ``folder``, and ``clips`` for sets of clips.
    """

    around: Surroundings
    _opened: Opened | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the tracks a selection names, or every one of the dataset at the path that its query is, or at ``*``."""
        if selection.items:
            named = dict.fromkeys(self._item(name) for name in selection.items)
            yield CandidatePage(tuple(named), "", len(named))
            return
        with_clips = selection.query.startswith(CLIPS)
        place = selection.query.removeprefix(CLIPS).strip()
        dataset = self._dataset("" if place == "*" else place, with_clips=with_clips)
        tracks = dataset.tracks()
        rest = [track for track in tracks if not cursor or track > int(cursor)] if cursor.isdigit() else tracks
        for at in range(0, len(rest), _PAGE):
            page = rest[at : at + _PAGE]
            following = str(page[-1]) if at + _PAGE < len(rest) else ""
            yield CandidatePage(tuple(self._item(f"{track}{dataset.suffix}") for track in page), following, len(tracks))
        if not rest:
            yield CandidatePage((), "", len(tracks))

    def describe(self, item: ItemId) -> SourceItem:
        """Read what the dataset says of a track; no audio byte."""
        track, dataset = self._track(item)
        row = dataset.rows.find(track)
        digest, size = dataset.checksums.find(track), dataset.audio.size(track)
        if row is None and digest is None and size is None:
            raise ItemNotFoundError(f"{item}: the dataset has no such track")
        said = dataset.rows.understood(row) if row is not None else {}
        content = dataset.rows.header + row if row is not None else dataset.rows.header
        is_listed = digest is not None or size is not None
        return SourceItem(
            id=item,
            title=said.get("track_title", ""),
            creators=(said["artist_name"],) if said.get("artist_name") else (),
            url=said.get("track_url", ""),
            declarations=tuple(
                Declaration(f"fma.{column}", Scope.ITEM, said[column])
                for column in _DECLARED
                if said.get(column, "").strip()
            ),
            files=(
                DeclaredFile(
                    track_path(track),
                    FileRole.ORIGINAL,
                    size=size,
                    digests=(digest,) if digest else (),
                    format="MP3",
                    facts=(*_facts(said), ("set", dataset.audio.set_name)),
                ),
            )
            if is_listed
            else (),
            answers=(
                SourceAnswer(
                    _TABLE,
                    content,
                    digest_of(content, Algorithm.SHA256),
                    f"file:{dataset.table}#track_id={track}",
                    self.around.clock.now(),
                ),
            ),
            updated=hashlib.sha256(content + str(digest).encode() + str(size).encode()).hexdigest(),
            mediatype="audio",
            collections=("fma-dataset", dataset.audio.set_name),
            date=said.get("track_date_recorded") or said.get("track_date_created", ""),
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a track; its size and checksum are the validator."""
        item = admitted.item.id
        track, dataset = self._track(item)
        digest = dataset.checksums.find(track)
        if digest is None:
            doubt = "contradict each other" if track in dataset.checksums.column.doubtful else "name no such file"
            raise SourceProtocolError(f"{item}: {file.name}: the dataset's checksums {doubt}: nothing proves its bytes")
        size = dataset.audio.size(track)
        tag = f'"{size}-{digest.value}"'
        start, chunks = dataset.audio.open(track, offset=offset if validator == tag and offset <= (size or 0) else 0)
        yield Delivery(start, tag, size, "audio/mpeg", chunks)

    def close(self) -> None:
        """Close the zip."""
        with self._lock:
            if self._opened is not None:
                self._opened.audio.close()
                self._opened = None

    def _item(self, name: str) -> ItemId:
        found = _NAME.fullmatch(name)
        return ItemId(self.name, f"{int(found[1]):06d}{found[2] or ''}" if found else name)

    def _track(self, item: ItemId) -> tuple[int, Opened]:
        found = _NAME.fullmatch(item.name)
        if found is None or self._item(item.name) != item:
            raise ItemNotFoundError(
                f"{item}: a track is named by its number, in six digits, and a clip of it with {_CLIP} behind"
            )
        dataset = self._dataset()
        if (found[2] or "") != dataset.suffix:
            holds = "clips, named with .clip" if dataset.suffix else "whole tracks, named without .clip"
            raise SourceProtocolError(f"{item}: {dataset.folder} holds {holds}: it says nothing of the other")
        return int(found[1]), dataset

    def _dataset(self, place: str = "", *, with_clips: bool = False) -> Opened:
        """Return the dataset, read once; where no place is named, that which was opened last, or that of the settings."""
        with self._lock:
            if self._opened is not None and place in {"", str(self._opened.folder)}:
                return self._opened
            folder = place or self.around.options.get("folder", "")
            if not folder or not Path(folder).is_absolute():
                raise SettingsError(
                    f"sources.{self.name}: where is the dataset? expected an absolute path as the selection's query or as "
                    f"sources.{self.name}.options.folder, actual {folder[:200]!r}",
                    next_command='"$EDITOR" archiver.toml',
                )
            if self._opened is not None:
                self._opened.audio.close()
            asked_for = with_clips or self.around.options.get("clips", "") == "accept"
            self._opened = _open(Path(folder), self.name, with_clips=asked_for)
            return self._opened


@dataclass(frozen=True)
class FmaOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> FmaDataset:
        """Open the source; the dataset itself is looked at when it is used."""
        clips = surroundings.options.get("clips", "")
        if clips not in {"", "accept", "refuse"}:
            raise SettingsError(
                f'sources.{surroundings.name}.options.clips: expected "accept" or "refuse", actual {clips!r}'
            )
        unknown = sorted(set(surroundings.options) - {"folder", "clips"})
        if unknown:
            raise SettingsError(f"sources.{surroundings.name}.options.{unknown[0]}: unknown; allowed: folder, clips")
        return FmaDataset(surroundings)


OFFER = FmaOffer()


def _open(folder: Path, name: str, *, with_clips: bool) -> Opened:
    audio = _audio(folder, name, with_clips=with_clips)
    sums = audio.checksums()
    if sums is None:
        raise SourceProtocolError(f"{audio.path}: there is no file checksums in it: nothing proves its bytes")
    checksums = read_checksums(sums, what=f"{audio.path}: checksums")
    home = folder if folder.is_dir() and audio.path != folder else folder.parent
    rows, table = _table(home)
    for number, what in ((checksums.damaged, "lines of checksums"), (rows.damaged, f"rows of {_TABLE}")):
        if number:
            log.warning("%s: %d %s say nothing and were passed over", folder, number, what)
    return Opened(folder, rows, table, audio, checksums)


def _audio(folder: Path, name: str, *, with_clips: bool) -> Audio:
    """Open the set of tracks that is there, the untrimmed one first.

    Raises:
        SettingsError: There is none, or only clips, and nobody asked for those.
    """
    places = [folder / f"{one}{end}" for one in _SETS for end in (".zip", "")]
    if folder.is_file() or (folder / "checksums").is_file():
        places = [folder]
    place = next((place for place in places if place.is_file() or place.is_dir()), None)
    if place is None:
        raise SettingsError(
            f"{folder}: no set of tracks is there; expected one of {', '.join(_SETS)}, as a zip or a folder",
            next_command=f"ls {folder}",
        )
    found: Audio = UnpackedAudio(place) if place.is_dir() else ZippedAudio(place)
    if not with_clips and _is_clips(found):
        found.close()
        raise SettingsError(
            f"{place}: {found.set_name or place.stem} holds clips of 30 seconds: no originals, and adaptations that licences with ND "
            f'do not allow to hand on. To keep them all the same: query = "{CLIPS}{folder}"',
            next_command=f"archiver source show {name}",
        )
    return found


def _is_clips(audio: Audio) -> bool:
    return bool({audio.set_name, audio.path.stem} & _CLIP_SETS)


def _table(home: Path) -> tuple[Rows, str]:
    """Read ``raw_tracks.csv``, compared with the metadata's own checksums where they name it."""
    place = next((home / one for one in (f"{_METADATA}.zip", _METADATA, _TABLE) if (home / one).exists()), None)
    if place is None:
        raise SettingsError(
            f"{home}: {_METADATA}.zip is not there: the licences' addresses are in its {_TABLE} alone",
            next_command=f"ls {home}",
        )
    if place.is_dir() or place.name == _TABLE:
        root = place if place.is_dir() else home
        wanted = _sum_of(_file(root / "checksums") if (root / "checksums").is_file() and place.is_dir() else ())
        return _compared(_file(root / _TABLE), wanted, str(root / _TABLE))
    archive = Zip(place)
    try:
        members: dict[str, Member] = {}

        def take(member: Member) -> None:
            base = member.name.rpartition("/")[2]
            if base in {_TABLE, "checksums"}:
                members.setdefault(base, member)

        archive.members(take)
        if _TABLE not in members:
            raise SourceProtocolError(f"{place}: there is no {_TABLE} in it: the licences' addresses are there alone")
        wanted = _sum_of(archive.content(members["checksums"]) if "checksums" in members else ())
        return _compared(archive.content(members[_TABLE]), wanted, f"{place}!{members[_TABLE].name}")
    finally:
        archive.close()


def _compared(chunks: Iterator[bytes], wanted: str, what: str) -> tuple[Rows, str]:
    state = hashlib.sha1(usedforsecurity=False)

    def passing() -> Iterator[bytes]:
        for chunk in chunks:
            state.update(chunk)
            yield chunk

    rows = read_rows(passing(), what=what)
    if wanted and state.hexdigest() != wanted:
        raise SourceProtocolError(f"{what}: damaged: expected SHA-1 {wanted}, actual {state.hexdigest()}")
    return rows, what


def _sum_of(chunks: object) -> str:
    found: list[str] = []

    def take(line: bytes) -> None:
        digest, _, name = line.decode("utf-8", "replace").partition(" ")
        if name.strip().lstrip("*").rpartition("/")[2] == _TABLE and re.fullmatch(r"[0-9A-Fa-f]{40}", digest):
            found.append(digest.lower())

    for_each_line(chunks, take, what="checksums")  # type: ignore[arg-type]
    return found[0] if found else ""


def _file(path: Path) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise SourceUnavailableError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        while chunk := os.read(descriptor, 1 << 20):
            yield chunk
    except OSError as error:
        raise SourceUnavailableError(f"{path}: cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _facts(said: dict[str, str]) -> Iterator[tuple[str, str]]:
    for column in _FACTS:
        if said.get(column, "").strip():
            yield column, said[column]
    genres = literal(said.get("track_genres", ""))
    titles = [one.get("genre_title") for one in genres if isinstance(one, dict)] if isinstance(genres, list) else []
    tags = literal(said.get("tags", ""))
    for name, values in (("genre", titles), ("tag", tags if isinstance(tags, list) else [])):
        for value in values[:50]:
            if isinstance(value, str) and value.strip():
                yield name, value
