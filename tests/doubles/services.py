"""Doubles of single services, on the wire that docs/sources.md and the recorded answers describe."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from tests.doubles.service import Reply, Request, ServiceDouble

BY = "https://creativecommons.org/licenses/by/4.0/"
SOUND = b"not quite music, but bytes of some length " * 500


@dataclass
class CommonsFile:
    """A file of Wikimedia Commons; `words` are values of extmetadata, None takes one away."""

    number: int
    name: str
    content: bytes = SOUND
    words: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    page: dict[str, Any] = field(default_factory=dict)
    category: str = "Bells"

    def parts(self, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """The file's own record, and its extmetadata, which the service may send in another answer."""
        words = {
            "License": "cc-by-4.0",
            "LicenseShortName": "CC BY 4.0",
            "LicenseUrl": "https://creativecommons.org/licenses/by/4.0",
            "UsageTerms": "Creative Commons Attribution 4.0",
            "Artist": '<a href="//commons.wikimedia.org/wiki/User:Nobody">Nobody &amp; Sons</a>',
            "ObjectName": self.name.rpartition(".")[0],
            **self.words,
        }
        info = {
            "timestamp": "2020-01-01T00:00:00Z",
            "user": "Uploader",
            "size": len(self.content),
            "width": 0,
            "height": 0,
            "duration": 1.5,
            "url": f"{host}/wikipedia/commons/a/aa/{self.name.replace(' ', '_')}?utm_source=commons.wikimedia.org&utm_campaign=imageinfo",
            "descriptionurl": f"https://commons.wikimedia.org/wiki/File:{self.name.replace(' ', '_')}",
            "sha1": hashlib.sha1(self.content).hexdigest(),
            "mime": "application/ogg",
            "mediatype": "AUDIO",
            **self.info,
        }
        info = {key: value for key, value in info.items() if value is not None}
        return info, {key: {"value": value, "source": "x"} for key, value in words.items() if value is not None}


class CommonsDouble(ServiceDouble):
    """`/w/api.php` and the files. With `host` files have the address of the real service."""

    def __init__(self, files: list[CommonsFile], *, page_size: int = 2, host: str = "https://upload.wikimedia.org"):
        super().__init__(self._answer)
        self.files, self.page_size, self.host = files, page_size, host

    def _answer(self, request: Request) -> Reply | None:
        if request.path != "/w/api.php":
            found = next((file for file in self.files if request.path.endswith(file.name.replace(" ", "_"))), None)
            tag = f'"{hashlib.sha1(found.content).hexdigest()}"' if found else ""
            return Reply(found.content, headers={"Content-Type": "audio/ogg", "ETag": tag}) if found else None
        return Reply(json.dumps(self._query(request.query)).encode(), headers={"Content-Type": "application/json"})

    def _query(self, query: dict[str, str]) -> dict[str, Any]:
        files, following = self._chosen(query), {}
        if "generator" in query:
            start = int(query.get("gcmcontinue", "0"))
            if start + self.page_size < len(files):
                following = {"gcmcontinue": str(start + self.page_size), "continue": "gcmcontinue||"}
            files = files[start : start + self.page_size]
        if not files and "pageids" in query:
            missing = {query["pageids"]: {"pageid": int(query["pageids"]), "missing": ""}}
            return {"batchcomplete": "", "query": {"pages": missing}}
        if "iicontinue" not in query:  # extmetadata comes in a second answer
            same = {"gcmcontinue": query["gcmcontinue"]} if "gcmcontinue" in query else {}
            pages = {str(file.number): self._page(file, file.parts(self.host)[0]) for file in files}
            return {"continue": {"iicontinue": "x|1", "continue": "||", **same}, "query": {"pages": pages}}
        pages = {str(file.number): self._page(file, {"extmetadata": file.parts(self.host)[1]}) for file in files}
        whole = {"batchcomplete": "", "query": {"pages": pages}}
        return {**whole, "continue": following} if following else whole

    def _page(self, file: CommonsFile, info: dict[str, Any]) -> dict[str, Any]:
        title = f"File:{file.name}"
        return {"pageid": file.number, "ns": 6, "title": title, "imageinfo": [info], **file.page}

    def _chosen(self, query: dict[str, str]) -> list[CommonsFile]:
        if "pageids" in query:
            return [file for file in self.files if str(file.number) == query["pageids"]]
        if "titles" in query:
            titles = query["titles"].split("|")
            return [file for file in self.files if f"File:{file.name}" in titles]
        return [file for file in self.files if query.get("gcmtitle", "") in {"", f"Category:{file.category}"}]


@dataclass
class Upload:
    """An upload at ccMixter; `keys` stand over its record, `file` over the record of its first file."""

    number: int
    name: str = "Remix"
    content: bytes = SOUND
    keys: dict[str, Any] = field(default_factory=dict)
    file: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        name = f"nobody_-_{self.name}.mp3"
        sha1 = base64.b32encode(hashlib.sha1(self.content).digest()).decode()
        file = {
            "file_id": self.number,
            "file_name": name,
            "file_nicname": "mp3",
            "file_format_info": {"media-type": "audio", "mime_type": "audio/mpeg", "ps": "4:53"},
            "file_extra": {"sha1": sha1},
            "file_is_remote": 0,
            "download_url": f"https://ccmixter.org/content/nobody/nobody - {self.name}.mp3",
            "local_path": "/var/www/x.mp3",
            "file_rawsize": len(self.content),
            **self.file,
        }
        return {
            "upload_id": self.number,
            "upload_name": self.name,
            "upload_extra": {"bpm": "@BPM@", "usertags": "ambient"},
            "user_name": "nobody",
            "user_real_name": "No Body",
            "file_page_url": f"https://ccmixter.org/files/nobody/{self.number}",
            "license_url": "http://creativecommons.org/licenses/by/3.0/",
            "license_name": "Attribution (3.0)",
            "upload_date_format": "Wed, Sep 30, 2026 @ 9:47 AM",
            "files": [file],
            "upload_description_plain": "raw\tcontrol",
            **self.keys,
        }


class CcMixterDouble(ServiceDouble):
    """`/api/query` in invalid JSON, at most three uploads at once, and files for who comes from its pages."""

    def __init__(self, uploads: list[Upload]) -> None:
        super().__init__(self._answer)
        self.uploads = uploads

    def _answer(self, request: Request) -> Reply | None:
        if request.path == "/api/query":
            chosen = self.uploads
            if "ids" in request.query:
                chosen = [upload for upload in chosen if str(upload.number) in request.query["ids"].split(",")]
            start = int(request.query.get("offset", "0"))
            text = json.dumps([upload.record() for upload in chosen[start : start + 3]])
            body = text.replace('"@BPM@"', "094").replace("\\t", "\t")
            return Reply(body.encode(), headers={"Content-Type": "text/plain", "X-JSON": "x" * 80_000})
        found = next((upload for upload in self.uploads if request.path.endswith(f"{upload.name}.mp3")), None)
        if found is None:
            return None
        if not request.headers.get("referer", "").endswith("/"):
            return Reply(b"<html>Forbidden</html>", 403, {"Content-Type": "text/html"})
        return Reply(found.content, headers={"Content-Type": "audio/mpeg", "ETag": '"1-2"'})


@dataclass
class Track:
    """A track at Jamendo; `keys` stand over its record."""

    number: int
    content: bytes = SOUND
    keys: dict[str, Any] = field(default_factory=dict)

    def record(self, client_id: str) -> dict[str, Any]:
        return {
            "id": str(self.number),
            "name": f"Track {self.number}",
            "artist_name": "Haeresis",
            "album_name": "Opera I",
            "duration": 144,
            "audio": f"https://mp3d.jamendo.com/?trackid={self.number}&format=mp32&from=app-{client_id}",
            "audiodownload": f"https://mp3d.jamendo.com/download/track/{self.number}/mp32/",
            "audiodownload_allowed": True,
            "license_ccurl": "http://creativecommons.org/licenses/by-nc/2.0/",
            "shareurl": f"https://www.jamendo.com/track/{self.number}",
            "releasedate": "2005-04-12",
            "waveform": '{"peaks":[1,2]}',
            **self.keys,
        }


class JamendoDouble(ServiceDouble):
    """`/v3.0/tracks/` for who has the right client id; every error has status 200."""

    def __init__(self, tracks: list[Track], *, client_id: str, page_size: int = 2) -> None:
        super().__init__(self._answer)
        self.tracks, self.client_id, self.page_size = tracks, client_id, page_size

    def _answer(self, request: Request) -> Reply | None:
        if request.path == "/v3.0/tracks/":
            if request.query.get("client_id") != self.client_id:
                return self.envelope(5, f"Invalid Client Id Error: {request.query.get('client_id')} is not authorized.")
            chosen = [track for track in self.tracks if request.query.get("id", str(track.number)) == str(track.number)]
            start = int(request.query.get("offset", "0"))
            results = [track.record(self.client_id) for track in chosen[start : start + self.page_size]]
            return self.envelope(0, "", results, total=len(chosen))
        found = next((track for track in self.tracks if f"/track/{track.number}/" in request.path), None)
        if found is None or found.keys.get("audiodownload_allowed") is False:
            return None
        return Reply(found.content, headers={"Content-Type": "audio/mpeg", "ETag": '"1-2"'})

    @staticmethod
    def envelope(code: int, message: str, results: list[Any] | None = None, *, total: int = 0) -> Reply:
        headers = {
            "status": "failed" if code else "success",
            "code": code,
            "error_message": message,
            "warnings": "",
            "results_count": len(results or []),
            "results_fullcount": total,
        }
        return Reply(
            json.dumps({"headers": headers, "results": results or []}).encode(),
            headers={"Content-Type": "application/json"},
        )


@dataclass
class Episode:
    """An entry of a feed; `inside` is further XML in it."""

    guid: str
    content: bytes = SOUND
    inside: str = ""
    enclosure: str = '<enclosure url="{url}/audio/{guid}.mp3" length="0" type="audio/mpeg"/>'

    def xml(self, url: str) -> str:
        enclosure = self.enclosure.format(url=url, guid=self.guid)
        link = f"<link>https://example.org/{self.guid}</link>"
        guid = f'<guid isPermaLink="false">{self.guid}</guid><title>Episode {self.guid}</title>'
        return f"<item>{guid}{link}<pubDate>Fri, 09 Oct 2020 04:30:38 GMT</pubDate>{enclosure}{self.inside}</item>"


NAMESPACES = (
    'xmlns:creativeCommons="http://backend.userland.com/creativeCommonsRssModule" xmlns:cc="http://web.resource.org/cc/" '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:podcast="https://podcastindex.org/namespace/1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:dcterms="http://purl.org/dc/terms/"'
)


class FeedDouble(ServiceDouble):
    """`/feed.xml` with an entity tag and a date, both understood when they are asked with; and its enclosures."""

    def __init__(self, episodes: list[Episode], *, head: str = "<title>A cast</title>") -> None:
        super().__init__(self._answer)
        self.episodes, self.head = episodes, head

    @property
    def body(self) -> bytes:
        items = "".join(episode.xml(self.url) for episode in self.episodes)
        return (
            f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{self.head}{items}</channel></rss>'.encode()
        )

    def _answer(self, request: Request) -> Reply | None:
        if request.path == "/feed.xml":
            tag = f'"{hashlib.sha1(self.body).hexdigest()}"'
            headers = {"ETag": tag, "Last-Modified": "Fri, 09 Oct 2020 04:30:38 GMT", "Content-Type": "text/html"}
            if request.headers.get("if-none-match") == tag:
                return Reply(b"", 304, headers)
            return Reply(self.body, headers=headers)
        found = next((one for one in self.episodes if request.path == f"/audio/{one.guid}.mp3"), None)
        return Reply(found.content, headers={"Content-Type": "audio/mpeg", "ETag": '"1-2"'}) if found else None
