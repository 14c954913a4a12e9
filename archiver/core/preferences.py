"""Preference signals: what a host, or whoever wrote a file's metadata, says about machines, mining and training.

A preference is kept with who stated it, where and when. It never becomes a term of a licence, and a licence never answers
for a preference. Where parts differ, any "n" wins, as in the IETF's draft vocabulary; nothing said is unknown.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.records import format_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from archiver.core.embedded import EmbeddedPreference
    from archiver.core.licences.evidence import Declaration

PATH = "metadata/preferences.json"
HEADERS = ("content-usage", "tdm-reservation", "tdm-policy", "x-robots-tag")
"""Header fields that state a preference, lower case."""
ACCESS = "access"
"""The category of robots.txt rules: they speak of fetching by one crawler and of nothing else (RFC 9309)."""
LONGEST_RAW = 2000
MOST = 200

_AI_CRAWLERS = (
    *("gptbot", "ccbot", "google-extended", "anthropic-ai", "claudebot", "applebot-extended", "bytespider"),
    *("perplexitybot", "meta-externalagent", "amazonbot", "cohere-ai", "diffbot", "omgilibot", "*"),
)
_DMI = {
    "DMI-ALLOWED": (("tdm", "y"), ("train-ai", "y")),
    "DMI-PROHIBITED": (("tdm", "n"), ("train-ai", "n")),
    "DMI-PROHIBITED-AIMLTRAINING": (("train-ai", "n"),),
    "DMI-PROHIBITED-GENAIMLTRAINING": (("train-genai", "n"),),
    "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING": (("tdm", "n"), ("train-ai", "n"), ("search", "y")),
}
_Group = tuple[set[str], list[tuple[str, str]]]
"""Agents of a robots.txt group, and its lines."""

_USAGE = re.compile(r"^\s*([a-z*][a-z0-9_.*-]*)\s*=\s*([yn])\s*(?:;.*)?$")
_NO_TRAINING = re.compile(
    r"(?i)\b(?:no|not|never|prohibited|without)\b[^.\n]{0,60}\b(?:ai|machine[ -]learning|text and data mining|tdm)\b"
    r"|\b(?:ai|machine[ -]learning|text and data mining)\b[^.\n]{0,40}\b(?:prohibited|forbidden|not (?:allowed|permitted))\b"
)


@dataclass(frozen=True, slots=True)
class Preference:
    """One statement.

    Attributes:
        signal: How it was stated, for example ``robots.txt``, ``Content-Usage`` or ``plus:DataMining``.
        category: What of: ``train-ai``, ``tdm``, ``search`` …, or `ACCESS`.
        value: ``y``, ``n``, or empty where the statement answers neither.
        scope: ``host``, ``item`` or ``file``.
        declared_by: ``host`` or ``creator``: a host's word is not the musician's.
        raw: As found.
        retrieved_at: ISO time in UTC.
        url: Where it was found; empty for a file's own metadata.
        subject: The file it stands in, or empty.
    """

    signal: str
    category: str
    value: str
    scope: str
    declared_by: str
    raw: str
    retrieved_at: str
    url: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What a source's host states.

    Attributes:
        preferences: In order.
        unread: What could not be asked, and why.
    """

    preferences: tuple[Preference, ...] = ()
    unread: tuple[str, ...] = ()


def host_preferences(
    robots: str, tdmrep: str, *, paths: Iterable[str], host: str, at: datetime
) -> Iterator[Preference]:
    """Yield what a host's two files state about paths; empty texts state nothing.

    Args:
        robots: ``/robots.txt``.
        tdmrep: ``/.well-known/tdmrep.json``.
        paths: The paths that matter, such as the item's page.
        host: Scheme and host.
        at: When they were read.
    """
    paths = tuple(paths)
    when = at.isoformat(timespec="seconds")
    for place, found in (
        (
            "/robots.txt",
            (one for group in _groups(robots) for one in (*_usages(group, paths), *_accesses(group, paths))),
        ),
        ("/.well-known/tdmrep.json", _reserved(tdmrep, paths)),
    ):
        for signal, category, value, raw in found:
            yield Preference(signal, category, value, "host", "host", raw[:LONGEST_RAW], when, host + place)


def _usages(group: _Group, paths: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    for name, text in group[1]:
        if name == "content-usage":
            place, _, statement = text.partition(" ") if text.startswith("/") else ("/", "", text)
            if any(_covers(place, path) for path in paths):
                for category, value in content_usage(statement):
                    yield "robots.txt Content-Usage", category, value, f"{name}: {text}"


def _accesses(group: _Group, paths: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    agents, rules = group
    for agent in sorted(agents & set(_AI_CRAWLERS)):
        for path in paths:
            rule = _deciding(rules, path)
            if rule:
                yield "robots.txt", ACCESS, "n" if rule.startswith("disallow") else "y", f"user-agent: {agent}; {rule}"


def _reserved(tdmrep: str, paths: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    for is_reserved, policy, place in _reservations(tdmrep):
        if any(_covers(place, path) for path in paths):
            raw = json.dumps({"location": place, "tdm-reservation": is_reserved, "tdm-policy": policy})
            yield "tdmrep.json", "tdm", "n" if is_reserved else "y", raw


def header_preferences(
    headers: Mapping[str, str], *, url: str, at: datetime, subject: str = ""
) -> Iterator[Preference]:
    """Yield what the header fields of an answer state."""
    when = at.isoformat(timespec="seconds")
    scope = "file" if subject else "item"

    def said(signal: str, category: str, value: str, raw: str) -> Preference:
        return Preference(signal, category, value, scope, "host", raw[:LONGEST_RAW], when, url, subject)

    found = {name.lower(): value for name, value in headers.items() if name.lower() in HEADERS}
    usage = found.get("content-usage", "")
    for category, value in content_usage(usage):
        yield said("Content-Usage", category, value, usage)
    reservation = found.get("tdm-reservation", "").strip()
    if reservation in {"0", "1"}:
        policy = found.get("tdm-policy", "")
        yield said("TDM-Reservation", "tdm", "n" if reservation == "1" else "y", f"{reservation} {policy}".strip())
    robots = found.get("x-robots-tag", "")
    words = {word.strip().lower().rpartition(":")[2].strip() for word in robots.split(",")}
    if "noai" in words:
        yield said("X-Robots-Tag noai", "train-ai", "n", robots)
    if "noimageai" in words:
        yield said("X-Robots-Tag noimageai", "train-ai-images", "n", robots)


def embedded_preferences(stated: Iterable[EmbeddedPreference], *, subject: str, at: datetime) -> Iterator[Preference]:
    """Yield what a file's own metadata states."""
    when = at.isoformat(timespec="seconds")
    for one in stated:
        pairs: tuple[tuple[str, str], ...] = (("tdm", ""),)
        if one.name == "plus:DataMining":
            pairs = _DMI.get(one.raw.rstrip("/").rpartition("/")[2].upper(), pairs)
        elif one.name == "tdm:reservation" and one.raw in {"0", "1"}:
            pairs = (("tdm", "n" if one.raw == "1" else "y"),)
        for category, value in pairs:
            yield Preference(f"XMP {one.name}", category, value, "file", "creator", one.raw, when, subject=subject)


def written_preferences(declarations: Iterable[Declaration], *, url: str, at: datetime) -> Iterator[Preference]:
    """Yield what texts of an item or its files say in plain words against training."""
    for one in declarations:
        match = _NO_TRAINING.search(one.raw[:20_000])
        if match:
            scope = "file" if one.subject else "item"
            when = at.isoformat(timespec="seconds")
            yield Preference(
                f"text in {one.field}",
                "train-ai",
                "n",
                scope,
                "creator",
                match[0][:LONGEST_RAW],
                when,
                url,
                one.subject,
            )


def content_usage(text: str) -> Iterator[tuple[str, str]]:
    """Yield category and value of each member of a ``Content-Usage`` field; what is neither y nor n says nothing."""
    for member in text.split(","):
        match = _USAGE.match(member)
        if match:
            yield match[1], match[2]


def combined(preferences: Iterable[Preference]) -> dict[str, str]:
    """Return one answer for each category: any "n" wins, else a "y" holds; access rules are no preference of use."""
    answers: dict[str, str] = {}
    for one in preferences:
        if one.value and one.category != ACCESS:
            answers[one.category] = "n" if "n" in {one.value, answers.get(one.category)} else "y"
    return dict(sorted(answers.items()))


def preferences_record(stated: Stated) -> bytes:
    """Return ``metadata/preferences.json``."""
    record = {
        "version": 1,
        "note": "Preferences as stated, each with who stated it. They are no terms of the licence and change none.",
        "combined": combined(stated.preferences),
        "preferences": [asdict(one) for one in dict.fromkeys(stated.preferences)][:MOST],
        "unread": list(stated.unread),
    }
    return format_record(record)


def recorded(record: bytes) -> tuple[tuple[str, str], ...]:
    """Return the combined answers of a record; none where it is not one of ours."""
    try:
        answers: Any = json.loads(record)["combined"]
        return tuple((str(category), str(value)) for category, value in answers.items() if value in {"y", "n"})
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()


def _groups(robots: str) -> Iterator[_Group]:
    """Yield the groups of a robots.txt: agents in lower case, and their lines (RFC 9309 §2.1)."""
    agents: set[str] = set()
    rules: list[tuple[str, str]] = []
    for line in robots.splitlines():
        name, is_line, value = line.partition("#")[0].partition(":")
        name, value = name.strip().lower(), value.strip()
        if not is_line:
            continue
        if name == "user-agent":
            if rules:
                yield agents, rules
                agents, rules = set(), []
            agents.add(value.lower())
        elif name in {"allow", "disallow", "content-usage"}:
            rules.append((name, value))
    if rules:
        yield agents, rules


def _deciding(rules: Iterable[tuple[str, str]], path: str) -> str:
    """Return the longest rule that matches; of two as long as each other the allowing one (RFC 9309 §2.2.2)."""
    matching = [
        (len(value), name == "allow", f"{name}: {value}")
        for name, value in rules
        if name != "content-usage" and value and _covers(value, path)
    ]
    return max(matching)[2] if matching else ""


def _covers(pattern: str, path: str) -> bool:
    """Match a path prefix with ``*`` and a final ``$``, in time that grows with the lengths alone."""
    is_anchored = pattern.endswith("$")
    parts = pattern.removesuffix("$").split("*")
    if not path.startswith(parts[0]):
        return False
    place = len(parts[0])
    for part in parts[1:]:
        found = path.find(part, place)
        if found < 0:
            return False
        place = found + len(part)
    return not is_anchored or place == len(path) or (len(parts) > 1 and path.endswith(parts[-1]))


def _reservations(tdmrep: str) -> Iterator[tuple[int, str, str]]:
    try:
        rules = json.loads(tdmrep) if tdmrep else []
    except (ValueError, RecursionError):
        return
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, dict) and rule.get("tdm-reservation") in {0, 1} and isinstance(rule.get("location"), str):
            yield int(rule["tdm-reservation"]), str(rule.get("tdm-policy", "")), rule["location"]
