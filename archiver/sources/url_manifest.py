"""Lists of addresses as a source: files that a data set publishes, each with its digests, its licence and its maker.

    /srv/lists/mtg.csv      item,url,sha256,size,title,creator,licence,source_url

Item ``mtg.1009600`` is the row, or the rows, of that list whose ``item`` is ``1009600``.
"""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from archiver.core.errors import FileRefusedError, ItemNotFoundError, SettingsError, SourceProtocolError
from archiver.core.fixity import Algorithm, digest_of, parse_digest, recognise_digest
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.loose_json import Received, claims, evidence, first
from archiver.sources.url_lists import SUFFIXES, Row, UrlList, names_of
from archiver.sources.web.client import client_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery

PAGE = 1000
CAPABILITIES = Capabilities(
    "Lists of addresses with digests (CSV, JSON Lines)",
    digests=("md5", "sha1", "sha256", "sha512"),
    marks=True,
    requests_per_second=1,
    downloads=2,
)

_LIST = re.compile(r"[A-Za-z0-9_-]{1,60}")
_DIGESTS = (Algorithm.SHA512, Algorithm.SHA256, Algorithm.SHA1, Algorithm.MD5)
_LICENCES = ("licence", "license", "licence_url", "license_url", "licenseurl")
_RIGHTS = re.compile(r"rights|copyright|terms|usage_terms|licen[cs]e_.*|.*_licen[cs]e|restrictions")


class UrlManifests:
    """The lists of one folder; see `archiver.ports.sources.Source`. Safe for threads."""

    def __init__(self, around: Surroundings, folder: Path) -> None:
        self._around = around
        self._folder = folder
        self._client = client_for(around)
        self._lock = threading.Lock()
        self._lists: dict[str, UrlList] = {}

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self._around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield the items of the list that a query names, in its order; see the port."""
        if selection.items:
            chosen = tuple(ItemId(self.name, name) for name in dict.fromkeys(selection.items))
            yield CandidatePage(chosen, "", len(chosen))
            return
        list_ = selection.query.rpartition(".")[0] if selection.query.endswith(SUFFIXES) else selection.query
        with self._lock:
            rows = self._opened(list_)
            names = rows.items()
            hosts = [rows.host(name) for name, _ in names]
        start = int(cursor) if re.fullmatch(r"[0-9]{1,9}", cursor) else 0
        for at in range(start, max(len(names), start + 1), PAGE):
            part = names[at : at + PAGE]
            page = tuple(ItemId(self.name, f"{list_}.{name}") for name, _ in part)
            following = str(at + PAGE) if at + PAGE < len(names) else ""
            marks = tuple(mark for _, mark in part)
            yield CandidatePage(page, following, len(names), marks, tuple(hosts[at : at + PAGE]))

    def describe(self, item: ItemId) -> SourceItem:
        """Read what the list says of an item now; see the port."""
        list_, _, name = item.name.partition(".")
        with self._lock:
            rows = self._opened(list_).rows(name)
        if not rows:
            raise ItemNotFoundError(f"{item}: the list has no such item")
        files = tuple(self._file(item, row, entry) for row in rows for entry in _entries(row))
        if len({file.name for file in files}) != len(files):
            raise SourceProtocolError(f'{item}: two files of one name; a column "file" can tell them apart')
        written = [row.written for row in rows]
        body = json.dumps(written, sort_keys=True).encode()
        received = Received(body, f"list:{list_}", self._around.clock.now())
        return SourceItem(
            id=item,
            title=_first(rows, "title"),
            creators=tuple(dict.fromkeys(one for row in rows for one in names_of(row.values.get("creator")))),
            url=_first(rows, "source_url") or dict(files[0].facts)["url"],
            declarations=tuple(dict.fromkeys(_declarations(rows, files))),
            files=files,
            answers=(evidence("rows.json", written, received),),
            updated=digest_of(body).value,
            mediatype="audio",
            collections=(list_,),
            date=_first(rows, "date"),
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file; see the port. It may lie on any public host."""
        address = dict(file.facts).get("url", "")
        if not address:
            raise FileRefusedError(f"{admitted.item.id}: {file.name[:200]!r} has no address")
        with self._client.open(address, offset=offset, validator=validator, size=file.size) as delivery:
            yield delivery

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def _opened(self, name: str) -> UrlList:
        """Return a list by its name; its file is looked for once. The lock is held."""
        known = self._lists.get(name)
        if known is not None:
            return known
        if not _LIST.fullmatch(name):
            raise SourceProtocolError(f"a list is named by letters, digits, '_' and '-', actual {name[:100]!r}")
        found = [path for suffix in SUFFIXES if (path := self._folder / f"{name}{suffix}").is_file()]
        if len(found) != 1:
            what = f"several lists {name}" if found else f"no list {name}"
            raise ItemNotFoundError(f"{self._folder}: {what} ({', '.join(SUFFIXES)})")
        return self._lists.setdefault(name, UrlList(found[0]))

    def _file(self, item: ItemId, row: Row, entry: Mapping[str, Any]) -> DeclaredFile:
        address = urljoin(f"{self._around.endpoint}/", first(entry.get("url")).strip())
        if not address.startswith(("http://", "https://")):
            raise SourceProtocolError(
                f"{item}: expected an address, or a path below sources.{self.name}.endpoint, actual {address[:200]!r}"
            )
        length = first(entry.get("size")).strip()
        if length and not re.fullmatch(r"[0-9]{1,18}", length):
            raise SourceProtocolError(f"{item}: expected a size in bytes, actual {length[:100]!r}")
        digests = tuple(_digests(item, entry))
        facts = {
            "url": address,
            "title": first(entry.get("title")),
            # Where nothing can be compared, the address stands for the state of the bytes.
            "revision": "" if digests else address,
        }
        return DeclaredFile(
            name=first(entry.get("file")).strip() or _last_part(address) or row.item,
            role=FileRole.ORIGINAL,
            size=int(length) if length else None,
            digests=digests,
            format=first(entry.get("format")),
            facts=tuple((key, value) for key, value in facts.items() if value),
        )


def _entries(row: Row) -> Iterator[Mapping[str, Any]]:
    """Yield what describes each file: the row itself, or in JSON the objects of its ``files``."""
    files = row.values.get("files")
    if isinstance(files, list) and files and all(isinstance(one, dict) for one in files):
        yield from files
    else:
        yield row.values


def _digests(item: ItemId, entry: Mapping[str, Any]) -> Iterator[Digest]:
    """Yield what the list says of the bytes; a digest that cannot be read stops the item: somebody meant it."""
    for algorithm in _DIGESTS:
        written = first(entry.get(algorithm.value)).strip()
        digest = recognise_digest(algorithm, written) if written else None
        if written and digest is None:
            raise SourceProtocolError(f"{item}: expected a {algorithm} in hexadecimal, actual {written[:140]!r}")
        if digest is not None:
            yield digest
    written = first(entry.get("digest")).strip()
    if written:
        try:
            yield parse_digest(written.lower())
        except ValueError as error:
            raise SourceProtocolError(f"{item}: expected ALGORITHM:HEXADECIMAL, actual {written[:140]!r}") from error


def _declarations(rows: list[Row], files: tuple[DeclaredFile, ...]) -> Iterator[Declaration]:
    """Yield what the rows say of rights: of the item where they agree, else of each file."""
    said = [tuple(claim for column in _LICENCES for claim in claims(row.values.get(column))) for row in rows]
    for row, licences in zip(rows, said, strict=True):
        of_item = len(set(said)) == 1
        subject = "" if of_item else next((file.name for file in files if _is_of(row, file)), "")
        for licence in licences:
            yield Declaration("manifest.licence", Scope.ITEM if of_item else Scope.FILE, licence, subject=subject)
        for column, value in row.values.items():
            if column not in _LICENCES and _RIGHTS.fullmatch(column):
                yield from (Declaration("manifest.rights", Scope.ITEM, claim) for claim in claims(value))


def _is_of(row: Row, file: DeclaredFile) -> bool:
    return dict(file.facts)["url"].endswith(first(row.values.get("url")).strip())


def _first(rows: list[Row], column: str) -> str:
    return next((value for row in rows if (value := first(row.values.get(column)).strip())), "")


def _last_part(address: str) -> str:
    try:
        return unquote(urlsplit(address).path.rpartition("/")[2], errors="replace")
    except ValueError:
        return ""


@dataclass(frozen=True)
class UrlManifestOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> UrlManifests:
        """Open the folder of lists that ``[sources.url-manifest.options] folder`` names."""
        folder = surroundings.options.get("folder", "")
        if not folder or not Path(folder).is_absolute():
            raise SettingsError(
                f"sources.{surroundings.name}.options.folder: expected an absolute path, actual {folder[:200]!r}",
                next_command='"$EDITOR" archiver.toml',
            )
        return UrlManifests(surroundings, Path(folder))


OFFER = UrlManifestOffer()
