"""What an operator hands in, as a source: the walk of a harvest goes through it like through any other.

Nothing is asked of any network. Bags come validated; each is read through the place where it lies, directory or archive, and
its own tag files are kept as the answers of this source. Loose files are hashed when they are described, so that the same
files are the same state wherever they lie, and compared with that when they are captured.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from archiver.core import handed
from archiver.core.attribution import PATH as ATTRIBUTION
from archiver.core.attribution import recognise_attribution
from archiver.core.bags.tag_files import tag_files_of
from archiver.core.bags.validating import plan_of
from archiver.core.errors import (
    DigestMismatchError,
    FileRefusedError,
    ItemNotFoundError,
    SourceProtocolError,
    SourceUnavailableError,
    StoreError,
)
from archiver.core.fixity import Algorithm, Hasher, digest_of
from archiver.core.items import DeclaredFile, FileRole, SourceAnswer, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.ports.sources import CandidatePage, Delivery
from archiver.sources.checksum_lists import is_checksum_list, parse_list
from archiver.sources.sidecars import SIDECARS, Sidecar, parse_sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from archiver.core.bags.completing import Wanted
    from archiver.core.bags.validating import BagPlan
    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.handed import Words
    from archiver.core.items import ItemId
    from archiver.core.selections import Selection
    from archiver.ports.addresses import Addresses
    from archiver.ports.bags import BagPlace
    from archiver.ports.clock import Clock
    from archiver.sources.checksum_lists import Listed

LONGEST_LIST = 8 << 20
"""Bytes of a checksum list."""
MOST_TAG_BYTES = 64 << 20
"""Bytes of all tag files of one bag together: they are kept as provenance, and wait in memory until they are."""


@dataclass(frozen=True)
class HandedBag:
    """A bag, found valid.

    Attributes:
        item: What it is called.
        place: Where it lies.
        prefix: There, ending in ``/``, or empty.
        shown: The name of its directory or archive, for the record; no path of this machine.
        words: What the operator says of it.
        wanted: Payload files that it names in its fetch file and that are not in it.
        addresses: Opens them; None where nothing is wanted.
    """

    item: ItemId
    place: BagPlace
    prefix: str
    shown: str
    words: Words
    wanted: Sequence[Wanted] = ()
    addresses: Addresses | None = None

    def describe(self, clock: Clock) -> SourceItem:
        """Read the tag files and the sidecars."""
        sizes = {facts.key.removeprefix(self.prefix): facts.size for facts in self.place.list(self.prefix)}
        tags = self._tags(sizes)
        plan = plan_of(sizes, {name: tags[name] for name in tag_files_of(sizes)})
        payload = {path.removeprefix("data/"): sizes[path] for path in sizes if path.startswith("data/")}
        said = _said(self.words, {name: self._small(f"data/{name}") for name in _spoken_of(payload)}, is_ours=False)
        # A bag of this program says it in a record of its own.
        own = recognise_attribution(tags.get(ATTRIBUTION, b""))
        credit = own.whole if own else None
        info, at = plan.info, clock.now()
        title = credit.title if credit else handed.first(info, "title", "dc-title", "external-description")
        creators = credit.creators if credit else handed.every(info, "creator", "dc-creator", "artist", "author")
        url = credit.source_url if credit else handed.first(info, "source-url", "url") or _url(self.item.name)
        files: list[tuple[str, int | None, tuple[Digest, ...]]]
        files = [(f"data/{name}", size, plan.expected.get(f"data/{name}", ())) for name, size in payload.items()]
        files += [(one.path, one.length, one.digests) for one in self.wanted]
        return SourceItem(
            id=self.item,
            title=said.title or title or self.item.name,
            creators=said.creators or creators,
            url=said.url or url,
            declarations=(*said.declarations, *handed.info_declarations(info)),
            files=tuple(
                DeclaredFile(
                    path.removeprefix("data/"),
                    FileRole.ORIGINAL,
                    size=size,
                    digests=digests,
                    facts=said.facts(path.removeprefix("data/")),
                    must_match_all=True,
                )
                for path, size, digests in sorted(files, key=lambda file: file[0])
            ),
            answers=(
                said.answer(self.shown, at),
                *(
                    SourceAnswer(f"bag/{name}", content, digest_of(content), f"file:{self.shown}/{name}", at)
                    for name, content in sorted(tags.items())
                ),
            ),
            date=said.date,
            checked=_checked(plan, len(payload), len(self.wanted)),
            revision=_revision(tags),
        )

    @contextmanager
    def fetched(self, name: str, *, offset: int, validator: str) -> Iterator[Delivery | None]:
        """Open a file that the bag wants from elsewhere, or give None for one that is in it."""
        one = next((one for one in self.wanted if one.path == f"data/{name}"), None)
        if one is None or self.addresses is None:
            yield None
            return
        with self.addresses.open(one.url, offset=offset, validator=validator, size=one.length) as delivery:
            yield delivery

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a payload file."""
        return _pieces(self.place, f"{self.prefix}data/{name}")

    def _tags(self, sizes: Mapping[str, int]) -> dict[str, bytes]:
        names = [name for name in sizes if not name.startswith("data/")]
        total = sum(sizes[name] for name in names)
        if total > MOST_TAG_BYTES:
            raise SourceProtocolError(
                f"{self.item}: its tag files have {total} bytes; expected at most {MOST_TAG_BYTES}, for they are kept whole"
            )
        return {name: self._small(name) for name in names}

    def _small(self, path: str) -> bytes:
        return _whole(_pieces(self.place, self.prefix + path), path, limit=MOST_TAG_BYTES)


@dataclass(frozen=True)
class HandedFiles:
    """Loose files and folders, together one item.

    Attributes:
        item: What they are called.
        place: Where they lie, by the names they get.
        mark: Returns what differs once a file was written to.
        beside: Checksum lists that lie beside loose files and are not handed in themselves.
        samples: Returns the digest of a FLAC file's decoded samples, in hexadecimal, or an empty text.
        words: What the operator says of them.
    """

    item: ItemId
    place: BagPlace
    mark: Callable[[str], str]
    beside: Mapping[str, bytes]
    samples: Callable[[str], str]
    words: Words
    _known: dict[tuple[str, str], DeclaredFile] = field(default_factory=dict)

    def describe(self, clock: Clock) -> SourceItem:
        """Hash the files, compare them with their checksum lists, and read the sidecars."""
        sizes = {facts.key: facts.size for facts in self.place.list("")}
        listed = self._listed(sizes)
        said = _said(self.words, {name: self._small(name) for name in _spoken_of(sizes)}, is_ours=True)
        missing = next((name for name in said.sidecar.files if name not in sizes), None)
        if missing is not None:
            raise SourceProtocolError(f"{self.item}: its sidecar names {missing[:200]!r}, which is not there")
        at = clock.now()
        return SourceItem(
            id=self.item,
            title=said.title or self.item.name,
            creators=said.creators,
            url=said.url,
            declarations=said.declarations,
            files=tuple(
                replace(self._declared(name, sizes[name], listed.get(name, ()), clock), facts=said.facts(name))
                for name in sorted(sizes)
            ),
            answers=(
                said.answer(self.item.name, at),
                *(
                    SourceAnswer(name, content, digest_of(content), f"file:{name.rpartition('/')[2]}", at)
                    for name, content in self._records(sizes)
                ),
            ),
            date=said.date,
        )

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        return _pieces(self.place, name)

    def _records(self, sizes: Mapping[str, int]) -> Iterator[tuple[str, bytes]]:
        yield from ((name, self._small(name)) for name in SIDECARS if name in sizes)
        for name, content in sorted(self.beside.items()):
            yield f"beside/{name}", content

    def _declared(self, name: str, size: int, listed: Sequence[Listed], clock: Clock) -> DeclaredFile:
        """Hash a file and compare it; once, as long as nobody writes to it."""
        if name in SIDECARS:
            return DeclaredFile(name, FileRole.PROVENANCE, size=size)
        mark = self.mark(name)
        if (name, mark) not in self._known:
            found = self._hashed(name, size, listed, clock)
            digests = tuple(dict.fromkeys(one.digest for one in listed if not one.is_fingerprint))
            # A list with weak digests only does not make the file weaker than one without a list.
            self._known[name, mark] = DeclaredFile(
                name, FileRole.ORIGINAL, size=size, digests=tuple(dict.fromkeys((*digests, found[Algorithm.SHA256])))
            )
        return self._known[name, mark]

    def _hashed(self, name: str, size: int, listed: Sequence[Listed], clock: Clock) -> dict[Algorithm, Digest]:
        hasher = Hasher(sorted({Algorithm.SHA256, *(one.digest.algorithm for one in listed)}))
        for chunk in self.chunks(name):
            clock.wait(0)
            hasher.update(chunk)
        if hasher.size != size:
            raise SourceUnavailableError(f"{self.item}: {name} changed while it was read")
        found = {digest.algorithm: digest for digest in hasher.digests()}
        for one in listed:
            actual = self.samples(name) if one.is_fingerprint else found[one.digest.algorithm].value
            if actual != one.digest.value:
                what = "decoded samples" if one.is_fingerprint else "bytes"
                raise DigestMismatchError(
                    f"the {what} are not those of the checksum file",
                    where=f"{self.item}: {name}",
                    expected=str(one.digest),
                    actual=actual or "no lossless audio that can be decoded",
                )
        return found

    def _listed(self, sizes: Mapping[str, int]) -> dict[str, list[Listed]]:
        """Return what the lists say of each file.

        Raises:
            SourceProtocolError: A list among the files names one that is not there, or cannot be read.
        """
        found: dict[str, list[Listed]] = {}
        for list_ in sorted(name for name in sizes if is_checksum_list(name)):
            for one in parse_list(list_, self._small(list_), what=str(self.item)):
                name = _joined(list_, one.name)
                if name not in sizes:
                    raise SourceProtocolError(f"{self.item}: {list_} names {one.name[:200]!r}, which is not there")
                found.setdefault(name, []).append(one)
        for list_, content in sorted(self.beside.items()):
            for one in parse_list(list_, content, what=str(self.item)):
                name = _joined(list_.rpartition("/")[2], one.name)
                if name in sizes:  # a list of a whole folder, of which some files are handed in
                    found.setdefault(name, []).append(one)
        return found

    def _small(self, name: str) -> bytes:
        return _whole(_pieces(self.place, name), name, limit=LONGEST_LIST)


@dataclass(frozen=True)
class Handed:
    """Everything that one command hands in; see `archiver.ports.sources.Source`."""

    parcels: Mapping[ItemId, HandedBag | HandedFiles]
    clock: Clock

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return handed.SOURCE

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:  # noqa: ARG002
        """Yield one page: what was handed in."""
        yield CandidatePage(tuple(self.parcels), "", len(self.parcels))

    def describe(self, item: ItemId) -> SourceItem:
        """Read what is declared of a parcel."""
        try:
            return self._parcel(item).describe(self.clock)
        except StoreError as error:
            raise _refused(item, error) from error

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file; one that lies here from its beginning, for an archive has no middle to begin in."""
        item, parcel = admitted.item.id, self._parcel(admitted.item.id)

        def chunks() -> Iterator[bytes]:
            try:
                yield from parcel.chunks(file.name)
            except StoreError as error:
                raise _refused(item, error) from error

        here = Delivery(0, "", file.size, "application/octet-stream", chunks())
        if isinstance(parcel, HandedFiles):
            yield here
            return
        with parcel.fetched(file.name, offset=offset, validator=validator) as delivery:
            yield delivery or here

    def close(self) -> None:
        """Close nothing: the places belong to who opened them."""

    def _parcel(self, item: ItemId) -> HandedBag | HandedFiles:
        if item not in self.parcels:
            raise ItemNotFoundError(f"{item} was not handed in", next_command="archiver add PATH --licence URL")
        return self.parcels[item]


@dataclass(frozen=True)
class _Said:
    """What the operator and the sidecars say together; the operator goes first."""

    words: Words
    sidecar: Sidecar
    beside: tuple[Declaration, ...]

    @property
    def title(self) -> str:
        return self.words.title or self.sidecar.item.get("title", "")

    @property
    def creators(self) -> tuple[str, ...]:
        return self.words.creators or self.sidecar.creators

    @property
    def url(self) -> str:
        return self.words.source_url or self.sidecar.item.get("source_url", "")

    @property
    def date(self) -> str:
        return self.sidecar.item.get("date", "")

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        of_item = (("operator.licence", self.words.licence), ("sidecar.licence", self.sidecar.item.get("licence", "")))
        of_files = ((name, said.get("licence", "")) for name, said in sorted(self.sidecar.files.items()))
        return (
            *(Declaration(field, Scope.ITEM, raw) for field, raw in of_item if raw),
            *(Declaration("sidecar.licence", Scope.FILE, raw, name) for name, raw in of_files if raw),
            *self.beside,
        )

    def facts(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return what is said of one file."""
        said = self.sidecar.files.get(name, {})
        return tuple((key, said[key]) for key in ("title", "source_url", "date") if said.get(key))

    def answer(self, shown: str, at: datetime) -> SourceAnswer:
        """Return the operator's words as a record; it is the first, because the decision rests on it."""
        content = (json.dumps(self.words.to_json(), indent=1) + "\n").encode()
        return SourceAnswer("operator.json", content, digest_of(content), f"operator:{shown}", at)


def _said(words: Words, contents: Mapping[str, bytes], *, is_ours: bool) -> _Said:
    """Read what is beside the recordings.

    Args:
        words: The operator's.
        contents: Of the files of `_spoken_of`.
        is_ours: Whether a sidecar that cannot be read stops the item; in a bag of others it may be anything.

    Raises:
        SourceProtocolError: There are two sidecars, or one that cannot be read.
    """
    sidecar, beside = Sidecar({}, ()), list[Declaration]()
    sidecars = [name for name in SIDECARS if name in contents]
    if is_ours and len(sidecars) > 1:
        raise SourceProtocolError(f"two sidecars, {' and '.join(sidecars)}; keep one")
    for name, content in contents.items():
        if name not in SIDECARS:
            beside += handed.stated(name, content)
            continue
        try:
            sidecar = parse_sidecar(name, content, what=name)
        except SourceProtocolError:
            if is_ours:
                raise
            beside.append(handed.spoken(name, content))
    return _Said(words, sidecar, tuple(beside))


def _spoken_of(sizes: Mapping[str, int]) -> list[str]:
    found = sorted(name for name in sizes if name in SIDECARS or handed.is_statement(name))
    for name in found:
        if sizes[name] > handed.LONGEST_SIDECAR:
            raise SourceProtocolError(f"{name}: {sizes[name]} bytes; expected at most {handed.LONGEST_SIDECAR}")
    return found


def _checked(plan: BagPlan, files: int, wanted: int) -> str:
    version = ".".join(map(str, plan.version))
    holes = f", {wanted} more asked for by its fetch file and compared with every manifest" if wanted else ""
    return f"handed in as a valid bag of BagIt {version}: {files} payload files, every manifest compared{holes}"


def _revision(tags: Mapping[str, bytes]) -> str:
    statement = [[name, digest_of(content).value] for name, content in sorted(tags.items())]
    return digest_of(json.dumps(statement).encode()).value


def _url(name: str) -> str:
    return name if name.startswith(("https://", "http://")) else ""


def _joined(list_: str, name: str) -> str:
    """Return a listed name as seen from the top."""
    place = list_.rpartition("/")[0]
    parts: list[str] = place.split("/") if place else []
    for part in name.split("/"):
        if part == "..":
            parts = [*parts[:-1]] if parts else ["", ".."]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _pieces(place: BagPlace, key: str) -> Iterator[bytes]:
    with place.read(key) as chunks:
        yield from chunks


def _whole(chunks: Iterator[bytes], name: str, *, limit: int) -> bytes:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > limit:
            raise SourceProtocolError(f"{name}: longer than {limit} bytes")
    return bytes(content)


def _refused(item: ItemId, error: StoreError) -> FileRefusedError | SourceUnavailableError:
    kind = SourceUnavailableError if error.transient else FileRefusedError
    return kind(f"{item}: {error.message}")
