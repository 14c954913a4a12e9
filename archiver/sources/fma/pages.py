"""Single pages of freemusicarchive.org, named one by one, for operators who have its permission.

The Free Music Archive has closed its programming interface, and asks not to have its search queried and its pages scraped
without approval (docs/sources.md). So this source is off until the operator states the permission, reads only pages that a
selection names, follows no link but to the files of such a page, keeps to robots.txt, and asks every ten seconds at most.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from archiver.core.errors import FileRefusedError, ItemNotFoundError, SettingsError, SourceProtocolError
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.ports.offers import Capabilities
from archiver.ports.sources import CandidatePage
from archiver.sources.web.client import client_for
from archiver.sources.web.reach import Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.gate import AdmittedItem
    from archiver.core.selections import Selection
    from archiver.ports.offers import Surroundings
    from archiver.ports.sources import Delivery
    from archiver.sources.web.client import Client

HOME = "https://freemusicarchive.org"
HOSTS = ("freemusicarchive.org", "files.freemusicarchive.org")
RATE = 0.1
"""Requests a second, at most: one every ten seconds."""
LONGEST_PAGE = 4 << 20
MOST_TRACKS = 500
CAPABILITIES = Capabilities(
    "Free Music Archive: pages named one by one, with its permission", requests_per_second=RATE, downloads=1
)

_SLUG = r"[A-Za-z0-9_()'!,~-]{1,100}"
_PATH = re.compile(rf"/music/({_SLUG})/({_SLUG})(?:/({_SLUG}))?/?")
_NAME = re.compile(rf"({_SLUG})\.({_SLUG})(?:\.({_SLUG}))?")
_NO_ARTIST = frozenset(["charts", "search"])
_KEPT = ("id", "handle", "url", "title", "artistName", "artistUrl", "albumTitle", "fileName", "fileUrl")


@dataclass(frozen=True)
class FreeMusicArchive:
    """Pages of tracks and albums; see `archiver.ports.sources.Source`. ``/music/A/B/C/`` is the item ``A.B.C``.

    Attributes:
        around: Its settings: ``permission``, what the operator states.
        client: Asks.
    """

    around: Surroundings
    client: Client

    @property
    def name(self) -> str:
        """The name used in item identifiers."""
        return self.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:  # noqa: ARG002 - one page
        """Yield one page: what the selection names, as identifiers or in its query as addresses parted by spaces."""
        names = selection.items or tuple(_name_of(url) for url in selection.query.split())
        items = tuple(ItemId(self.name, name) for name in dict.fromkeys(names))
        yield CandidatePage(items, "", len(items))

    def describe(self, item: ItemId) -> SourceItem:
        """Read the page of a track or an album."""
        path = _path_of(item)
        try:
            answer = self.client.get(self._home() + path, limit=LONGEST_PAGE, obeys_robots=True)
        except FileRefusedError as error:
            raise ItemNotFoundError(f"{item}: {error.message}") from error
        page = _Page()
        page.read(answer.text())
        tracks = _tracks(page.tracks, what=str(item))
        content = json.dumps({"url": HOME + path, "tracks": tracks, "license": page.licences}, indent=1, sort_keys=True)
        is_album = _PATH.fullmatch(path.rstrip("/"))[3] is None  # type: ignore[index]  # `_path_of` made it
        permission = self.around.options["permission"].encode()
        now = self.around.clock.now()
        return SourceItem(
            id=item,
            title=(tracks[0]["albumTitle"] if is_album else tracks[0]["title"]),
            creators=tuple(dict.fromkeys(track["artistName"] for track in tracks if track["artistName"])),
            url=HOME + path,
            declarations=tuple(Declaration("html.rel-license", Scope.ITEM, url) for url in page.licences),
            files=tuple(_file(track) for track in tracks),
            answers=(
                SourceAnswer(
                    "page.json",
                    content.encode(),
                    digest_of(answer.body, Algorithm.SHA256),
                    HOME + path,
                    now,
                    ("/page",),
                ),
                SourceAnswer("permission.txt", permission, digest_of(permission, Algorithm.SHA256), "settings", now),
            ),
            mediatype="audio",
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Open a file of a page; see the port."""
        if file not in admitted.item.files:
            raise FileRefusedError(f"{admitted.item.id}: {file.name[:200]!r} is no file of this page")
        url = next(value for key, value in file.facts if key == "url")
        if self.around.endpoint:
            url = self.around.endpoint + urlsplit(url).path
        with self.client.open(url, offset=offset, validator=validator, obeys_robots=True) as delivery:
            yield delivery

    def close(self) -> None:
        """Close every connection."""
        self.client.close()

    def _home(self) -> str:
        return self.around.endpoint or HOME


@dataclass(frozen=True)
class FreeMusicArchiveOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = CAPABILITIES

    def open(self, surroundings: Surroundings) -> FreeMusicArchive:
        """Open the source, where the operator states that it may be used."""
        permission = surroundings.options.get("permission", "").strip()
        if len(permission) < 10:
            raise SettingsError(
                f"sources.{surroundings.name} is off: the Free Music Archive asks that nobody scrapes its pages without its "
                "approval. Where you have it, say so: options.permission = who gave it, when, and for what",
                next_command='"$EDITOR" archiver.toml   # or harvest free-music-archive, its collection at the Internet Archive',
            )
        # A double on this machine is no stranger; anything else is asked every ten seconds, whatever the settings say.
        rate = None if Reach(surroundings.endpoint).is_here else RATE
        return FreeMusicArchive(surroundings, client_for(surroundings, hosts=HOSTS, requests_per_second=rate))


OFFER = FreeMusicArchiveOffer()


class _Page(HTMLParser):
    """What a page states in its marks: tracks, and links that say they are its licence. Its words are not looked at."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tracks: list[str] = []
        self.licences: list[str] = []

    def read(self, html: str) -> None:
        """Read a page; never raises."""
        try:
            self.feed(html)
            self.close()
        except (ValueError, AssertionError):  # seen of broken declarations ("<![")
            self.licences.clear()  # what cannot be read to its end may say something else there

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if "data-track-info" in values and len(self.tracks) <= 2 * MOST_TRACKS:
            self.tracks.append(values["data-track-info"])
        if (
            tag in {"a", "link"}
            and "license" in values.get("rel", "").lower().split()
            and values.get("href", "").strip()
        ):
            href = values["href"].strip()[:2000]
            if href not in self.licences and len(self.licences) < 100:
                self.licences.append(href)


def _tracks(found: list[str], *, what: str) -> list[dict[str, str]]:
    """Return the tracks of a page, each once: a track's page names it twice.

    Raises:
        SourceProtocolError: It names none, or one without a file.
    """
    tracks: dict[str, dict[str, str]] = {}
    for text in found:
        try:
            said: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise SourceProtocolError(f"{what}: the page's track information is no JSON") from error
        if not isinstance(said, dict):
            raise SourceProtocolError(f"{what}: the page's track information is no object")
        track = {key: str(said.get(key) if said.get(key) is not None else "") for key in _KEPT}
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", track["fileName"]) or not _is_file(track["fileUrl"]):
            raise SourceProtocolError(f"{what}: the page names no file for {track['title'][:100]!r}")
        tracks.setdefault(track["id"] or track["fileUrl"], track)
    if not tracks or len(tracks) > MOST_TRACKS:
        raise SourceProtocolError(f"{what}: expected a page of 1 to {MOST_TRACKS} tracks, actual {len(tracks)}")
    # Different numbers for one file: seen in a page that was put together badly; the file counts.
    return list({track["fileUrl"]: track for track in reversed(tracks.values())}.values())[::-1]


def _is_file(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and parts.hostname in HOSTS and parts.path.lower().endswith(".mp3")
    except ValueError:
        return False


def _file(track: dict[str, str]) -> DeclaredFile:
    facts = [("url", track["fileUrl"]), ("title", track["title"]), ("artist", track["artistName"])]
    if track["albumTitle"] not in {"", "-"}:
        facts.append(("album", track["albumTitle"]))
    return DeclaredFile(
        track["fileName"], FileRole.ORIGINAL, format="MP3", facts=tuple(fact for fact in facts if fact[1])
    )


def _name_of(url: str) -> str:
    """Return the item's name for a page's address.

    Raises:
        SourceProtocolError: It is none of a track or an album.
    """
    try:
        parts = urlsplit(url)
        path = unquote(parts.path)
    except ValueError:
        parts, path = urlsplit(""), ""
    match = _PATH.fullmatch(path)
    if (
        parts.hostname not in {"freemusicarchive.org", "www.freemusicarchive.org"}
        or not match
        or match[1] in _NO_ARTIST
    ):
        raise SourceProtocolError(
            f"expected {HOME}/music/ARTIST/ALBUM/ or …/ALBUM/TRACK/, actual {url[:200]!r}: searches, genres and charts are not read"
        )
    return ".".join(part for part in match.groups() if part)


def _path_of(item: ItemId) -> str:
    match = _NAME.fullmatch(item.name)
    if not match or match[1] in _NO_ARTIST:
        raise ItemNotFoundError(f"{item}: a page is named ARTIST.ALBUM or ARTIST.ALBUM.TRACK, as in its address")
    return "/music/" + "/".join(part for part in match.groups() if part) + "/"
