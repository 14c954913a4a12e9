"""Recordings that the operator holds: folders, each with a sidecar that says what it is.

    incoming/some-album/item.toml      title, creator, licence, source_url; or item.csv
    incoming/some-album/01 first.flac
    incoming/some-album/album.md5      compared with the bytes when they are read
    incoming/some-album/album.ffp      compared with the fingerprint in each FLAC file's head

Nothing outside the folder is read: a symbolic link, a pipe or a device in it stops the item.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.core.errors import (
    ArchiverError,
    DigestMismatchError,
    FileRefusedError,
    ItemNotFoundError,
    SettingsError,
    SourceProtocolError,
    SourceUnavailableError,
    UnsafeNameError,
)
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage, Delivery
from archiver.sources.checksum_lists import fingerprint_of, is_checksum_list, parse_list, tag_length
from archiver.sources.drop_folder import Look, is_unfinished, look
from archiver.sources.loose_json import mark
from archiver.sources.sidecars import SIDECARS, Sidecar, parse_sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings

log = logging.getLogger(__name__)

MOST_FILES = 20_000
LONGEST_LIST = 8 << 20
"""Bytes of a sidecar or checksum file."""
CAPABILITIES = Capabilities(
    "Folders that the operator holds",
    digests=("md5", "sha1", "sha256", "sha512"),
    forgets=True,
    marks=True,
    requests_per_second=0,
    downloads=2,
)

_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
SETTLE = 2.0
"""Seconds for which a folder must have been left alone before it is taken, unless the settings say otherwise."""


@dataclass(frozen=True)
class LocalFolders:
    """The folders below one drop folder; see `archiver.ports.sources.Source`."""

    around: Surroundings
    folder: Path
    settle: float = SETTLE

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:  # noqa: ARG002
        """Yield one page: the folders a selection names, or with the query ``*`` every whole folder that has a sidecar."""
        if selection.items:
            names = list(selection.items)
            yield CandidatePage(tuple(ItemId(self.name, name) for name in names), "", len(names))
        elif selection.query == "*":
            found = self._whole()
            items = tuple(ItemId(self.name, name) for name, _ in found)
            yield CandidatePage(items, "", len(found), tuple(mark for _, mark in found))
        else:
            raise SourceProtocolError(f'the query of local folders is "*", actual {selection.query[:100]!r}')

    def describe(self, item: ItemId) -> SourceItem:
        """Read the sidecar, the checksum lists and the names of a folder; of audio nothing but a FLAC file's head."""
        names = self._names(item)
        sidecar, content, said = self._sidecar(item, names)
        writing = look(names, opened=partial(self._opened, item), now=self._now()).writing
        if writing:
            raise SourceUnavailableError(f"{item}: {writing[:200]!r} is still being written; the next run takes it")
        digests, fingerprints = self._listed(item, names)
        for name in said.files:
            if name not in names:
                raise SourceProtocolError(f"{item}: {sidecar} names {name[:200]!r}, which is not there")
        return SourceItem(
            id=item,
            title=said.item.get("title", ""),
            creators=said.creators,
            url=said.item.get("source_url", ""),
            declarations=tuple(_declarations(said)),
            files=tuple(
                DeclaredFile(
                    name,
                    FileRole.PROVENANCE if name == sidecar else FileRole.ORIGINAL,
                    size=found.st_size,
                    digests=digests.get(name, ()),
                    facts=tuple(_facts(found, said.files.get(name, {}), fingerprints.get(name, ""))),
                )
                for name, found in sorted(names.items())
            ),
            answers=(
                SourceAnswer(
                    sidecar,
                    content,
                    digest_of(content, Algorithm.SHA256),
                    f"file:{item.name}/{sidecar}",
                    self.around.clock.now(),
                ),
            ),
            updated=_mark(content, names),
            date=said.item.get("date", ""),
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file of the folder; its size and time are the validator."""
        what = f"{admitted.item.id}: {file.name}"
        descriptor = self._opened(admitted.item.id, file.name)
        try:
            _compare_fingerprint(descriptor, dict(file.facts).get("ffp", ""), what)
            found = os.fstat(descriptor)
            tag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
            start = offset if validator == tag and offset <= found.st_size else 0
            os.lseek(descriptor, start, os.SEEK_SET)
            yield Delivery(start, tag, found.st_size, "application/octet-stream", _chunks(descriptor, what))
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close nothing: each file is closed when it was read."""

    def _now(self) -> float:
        return self.around.clock.now().timestamp()

    def _whole(self) -> list[tuple[str, str]]:
        """Return the folders with a sidecar that nobody is still filling, each with a digest of its names, sizes and times.

        What changed a moment ago is looked at a second time when the pause is over; the pause is one for all folders.
        """
        try:
            names = sorted(
                path.name
                for path in self.folder.iterdir()
                if not is_unfinished(path.name) and any((path / sidecar).is_file() for sidecar in SIDECARS)
            )
        except OSError as error:
            raise SourceUnavailableError(f"{self.folder}: cannot be listed: {error.strerror}") from error
        first = {name: self._looked(name) for name in names}
        began = self._now()
        fresh = [name for name, seen in first.items() if seen is not None and seen.changed > began - self.settle]
        if fresh and self.settle:
            self.around.clock.wait(self.settle)
        second = {name: self._looked(name) for name in fresh}
        last = {**first, **second}
        return [(name, _seen(last[name])) for name in names if _is_whole(name, first[name], last[name])]

    def _looked(self, name: str) -> Look | None:
        """Look at a folder; None where it cannot be looked at: `describe` says why."""
        item = ItemId(self.name, name)
        try:
            return look(self._names(item), opened=partial(self._opened, item), now=self._now())
        except ArchiverError:
            return None

    def _sidecar(self, item: ItemId, names: Mapping[str, os.stat_result]) -> tuple[str, bytes, Sidecar]:
        found = [name for name in SIDECARS if name in names]
        if not found:
            raise ItemNotFoundError(f"{item}: {self.folder / item.name} has no {' and no '.join(SIDECARS)}")
        if len(found) > 1:
            raise SourceProtocolError(f"{item}: two sidecars, {' and '.join(found)}; keep one")
        content = self._small(item, found[0])
        return found[0], content, parse_sidecar(found[0], content, what=str(item))

    def _names(self, item: ItemId) -> dict[str, os.stat_result]:
        """Return every regular file of an item's folder, by its name below it.

        Raises:
            UnsafeNameError: Something else than a file or folder is in it, or a name that is not UTF-8.
        """
        root = self._root(item)
        found: dict[str, os.stat_result] = {}
        for directory, folders, files, handle in os.fwalk(root, onerror=_raise, follow_symlinks=False):
            for name in (*folders, *files):
                path = os.path.relpath(os.path.join(directory, name), root)  # noqa: PTH118 - names are bytes in disguise
                shown = f"{item}: {path!r}"
                if not path.isprintable():
                    raise UnsafeNameError(f"{shown}: the name cannot be printed")
                state = os.stat(name, dir_fd=handle, follow_symlinks=False)
                if stat.S_ISREG(state.st_mode):
                    found[path] = state
                elif not stat.S_ISDIR(state.st_mode):
                    raise UnsafeNameError(f"{shown}: expected a file or folder, actual a link, pipe or device")
                if len(found) > MOST_FILES:
                    raise SourceProtocolError(f"{item}: more than {MOST_FILES} files")
        return found

    def _root(self, item: ItemId) -> Path:
        if not _NAME.fullmatch(item.name) or item.name in {".", ".."}:
            raise UnsafeNameError(f"{item}: a folder's name is made of letters, digits, '.', '_' and '-'")
        root = self.folder / item.name
        if root.is_symlink() or not root.is_dir():
            raise ItemNotFoundError(f"{item}: {root} is no folder")
        return root

    def _opened(self, item: ItemId, name: str) -> int:
        """Open a file name by name without following a link; the caller closes it."""
        parts = name.split("/")
        if any(part in {"", ".", ".."} for part in parts):
            raise UnsafeNameError(f"{item}: {name[:200]!r} leads out of its folder")
        try:
            handle = os.open(self._root(item), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            for number, part in enumerate(parts, 1):
                kind = os.O_NONBLOCK if number == len(parts) else os.O_DIRECTORY
                try:
                    below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=handle)
                finally:
                    os.close(handle)
                handle = below
        except OSError as error:
            raise FileRefusedError(f"{item}: {name[:200]!r}: cannot be opened: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise UnsafeNameError(f"{item}: {name[:200]!r} is no regular file")
        return handle

    def _small(self, item: ItemId, name: str) -> bytes:
        descriptor = self._opened(item, name)
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LONGEST_LIST + 1)
        if len(content) > LONGEST_LIST:
            raise SourceProtocolError(f"{item}: {name}: longer than {LONGEST_LIST} bytes")
        return content

    def _listed(
        self, item: ItemId, names: Mapping[str, os.stat_result]
    ) -> tuple[dict[str, tuple[Digest, ...]], dict[str, str]]:
        """Return what lists of checksums and of fingerprints say; a line about a file that is not there stops the item."""
        digests: dict[str, tuple[Digest, ...]] = {}
        fingerprints: dict[str, str] = {}
        for list_ in sorted(filter(is_checksum_list, names)):
            for listed in parse_list(list_, self._small(item, list_), what=str(item)):
                name = os.path.normpath(Path(list_).parent / listed.name)
                if name not in names:
                    raise SourceProtocolError(f"{item}: {list_} names {listed.name[:200]!r}, which is not there")
                if not listed.is_fingerprint:
                    digests[name] = (*digests.get(name, ()), listed.digest)
                elif fingerprints.setdefault(name, listed.digest.value) != listed.digest.value:
                    raise SourceProtocolError(f"{item}: {list_}: another fingerprint of {name[:200]!r} than before")
        return digests, fingerprints


@dataclass(frozen=True)
class LocalOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> LocalFolders:
        """Open the drop folder that ``[sources.local.options] folder`` names."""
        folder = surroundings.options.get("folder", "")
        if not folder or not Path(folder).is_absolute():
            raise SettingsError(
                f"sources.{surroundings.name}.options.folder: expected an absolute path, actual {folder[:200]!r}",
                next_command='"$EDITOR" archiver.toml',
            )
        settle = surroundings.options.get("settle", str(SETTLE))
        if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", settle):
            raise SettingsError(
                f"sources.{surroundings.name}.options.settle: expected seconds, actual {settle[:100]!r}",
                next_command='"$EDITOR" archiver.toml',
            )
        return LocalFolders(surroundings, Path(folder), float(settle))


OFFER = LocalOffer()


def _is_whole(name: str, first: Look | None, second: Look | None) -> bool:
    if first is None or second is None:
        return True  # `describe` says what is wrong with it
    if second.writing or first.mark != second.mark:
        log.info("%s: left for the next run: %s", name, second.writing[:200] or "it has just changed")
        return False
    return True


def _seen(looked: Look | None) -> str:
    """Return the mark of a folder: who changes a byte of it, changes a time that cannot be set."""
    return mark(sorted(looked.mark)) if looked is not None else ""


def _declarations(said: Sidecar) -> Iterator[Declaration]:
    if said.item.get("licence"):
        yield Declaration("operator.licence", Scope.ITEM, said.item["licence"])
    for name, facts in sorted(said.files.items()):
        if facts.get("licence"):
            yield Declaration("operator.licence", Scope.FILE, facts["licence"], subject=name)


def _facts(found: os.stat_result, said: Mapping[str, str], fingerprint: str) -> Iterator[tuple[str, str]]:
    yield "mtime", str(found.st_mtime_ns)
    yield from ((key, said[key]) for key in ("title", "source_url", "date") if said.get(key))
    if fingerprint:
        yield "ffp", fingerprint


def _compare_fingerprint(descriptor: int, expected: str, what: str) -> None:
    if not expected:
        return
    try:
        head = os.pread(descriptor, 64, 0)
        before = tag_length(head)
        actual = fingerprint_of(os.pread(descriptor, 64, before) if before else head)
    except OSError as error:
        raise SourceUnavailableError(f"{what}: cannot be read: {error.strerror}") from error
    if actual != expected:
        raise DigestMismatchError(
            "the FLAC fingerprint is not the listed one", where=what, expected=expected, actual=actual or "none"
        )


def _mark(content: bytes, names: dict[str, os.stat_result]) -> str:
    state = hashlib.sha256(content)
    for name, found in sorted(names.items()):
        state.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return state.hexdigest()


def _chunks(descriptor: int, what: str) -> Iterator[bytes]:
    try:
        while chunk := os.read(descriptor, _CHUNK):
            yield chunk
    except OSError as error:
        raise SourceUnavailableError(f"{what}: cannot be read: {error.strerror}") from error


def _raise(error: OSError) -> None:
    raise SourceUnavailableError(f"{error.filename}: cannot be read: {error.strerror}") from error
