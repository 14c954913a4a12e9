"""BagIt Profiles 1.4: what a profile asks of a bag beyond the RFC. Offline: a profile is a value, never an address to fetch.

Source: BagIt Profiles Specification 1.4.0 (bagit-profiles/bagit-profiles-specification).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from archiver.core.findings import Finding, FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

IDENTIFIER = "BagIt-Profile-Identifier"
FORBIDDEN, REQUIRED, OPTIONAL = "forbidden", "required", "optional"
DIRECTORY = ""
"""The serialization of a bag that is no archive."""

_ALWAYS_ALLOWED = ("bagit.txt", "bag-info.txt", "fetch.txt", "manifest-*.txt", "tagmanifest-*.txt")
"""Tag files that BagIt itself defines; `Tag-Files-Allowed` speaks of the others."""
_TYPES: dict[str, type] = {
    "BagIt-Profile-Info": dict,
    "Bag-Info": dict,
    "Manifests-Required": list,
    "Manifests-Allowed": list,
    "Tag-Manifests-Required": list,
    "Tag-Manifests-Allowed": list,
    "Allow-Fetch.txt": bool,
    "Fetch.txt-Required": bool,
    "Data-Empty": bool,
    "Serialization": str,
    "Accept-Serialization": list,
    "Accept-BagIt-Version": list,
    "Tag-Files-Required": list,
    "Tag-Files-Allowed": list,
    "Payload-Files-Required": list,
    "Payload-Files-Allowed": list,
}
_ASKED_OF_INFO = ("Source-Organization", "External-Description", "Version", IDENTIFIER)


class ProfileError(ValueError):
    """A profile cannot be read, or contradicts itself; the message names the key."""


@dataclass(frozen=True, slots=True)
class InfoRule:
    """What a profile asks of one label of ``bag-info.txt``.

    Attributes:
        is_required: At least one is there.
        is_repeatable: More than one may be there.
        values: The values allowed; empty for any.
    """

    is_required: bool = False
    is_repeatable: bool = True
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile. Made by `parse_profile`.

    Attributes:
        identifier: Its own identifier.
        info: Rules by label.
        lists: The keys whose value is a list, those that are absent left out.
        allows_fetch: Whether ``fetch.txt`` may be there.
        requires_fetch: Whether it must.
        is_data_empty: Whether the payload may hold nothing, or one file of no bytes, only.
        serialization: ``forbidden``, ``required`` or ``optional``.
    """

    identifier: str
    info: Mapping[str, InfoRule] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allows_fetch: bool = True
    requires_fetch: bool = False
    is_data_empty: bool = False
    serialization: str = OPTIONAL


@dataclass(frozen=True, slots=True)
class BagFacts:
    """What a profile looks at.

    Attributes:
        version: As in the declaration, for example ``1.0``.
        info: Elements of ``bag-info.txt``.
        files: Every file with its bytes; iterated over more than once.
        serialization: Media type of the archive, or `DIRECTORY`.
    """

    version: str
    info: Sequence[tuple[str, str]]
    files: Iterable[tuple[str, int]]
    serialization: str = DIRECTORY


def parse_profile(content: bytes) -> Profile:
    """Read a profile.

    Raises:
        ProfileError: It is no JSON object, a key has another type, or what it requires it does not allow.
    """
    try:
        table = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"not JSON: {error}") from error
    if not isinstance(table, dict):
        raise ProfileError("expected a JSON object")
    for key, kind in _TYPES.items():
        if key in table and not isinstance(table[key], kind):
            raise ProfileError(f"{key}: expected {kind.__name__}, actual {type(table[key]).__name__}")
    lists = {key: _texts(key, table[key]) for key, kind in _TYPES.items() if kind is list and key in table}
    profile = Profile(
        identifier=_identifier(table.get("BagIt-Profile-Info", {})),
        info={label: _rule(label, rule) for label, rule in table.get("Bag-Info", {}).items()},
        lists=lists,
        allows_fetch=table.get("Allow-Fetch.txt", True),
        requires_fetch=table.get("Fetch.txt-Required", False),
        is_data_empty=table.get("Data-Empty", False),
        serialization=table.get("Serialization", OPTIONAL),
    )
    _refuse_contradictions(profile)
    return profile


def check_profile(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    """Yield what a bag lacks of a profile; serialization and version come first, as the specification asks."""
    yield from _serialization(profile, bag)
    yield from _version(profile, bag)
    yield from _info(profile, bag)
    yield from _manifests(profile, bag, "manifest-", "Manifests", FindingCode.PROFILE_MANIFESTS)
    yield from _manifests(profile, bag, "tagmanifest-", "Tag-Manifests", FindingCode.PROFILE_TAG_MANIFESTS)
    yield from _fetch(profile, bag)
    yield from _payload_and_tags(profile, bag)


def _identifier(info: dict[str, Any]) -> str:
    for key in _ASKED_OF_INFO:
        if not isinstance(info.get(key), str) or not info[key].strip():
            raise ProfileError(f"BagIt-Profile-Info.{key}: is missing")
    return str(info[IDENTIFIER])


def _rule(label: str, rule: object) -> InfoRule:
    if not isinstance(rule, dict):
        raise ProfileError(f"Bag-Info.{label}: expected an object")
    for key in ("required", "repeatable"):
        if not isinstance(rule.get(key, True), bool):
            raise ProfileError(f"Bag-Info.{label}.{key}: expected true or false")
    values = rule.get("values", [])
    if not isinstance(values, list):
        raise ProfileError(f"Bag-Info.{label}.values: expected a list")
    return InfoRule(
        rule.get("required", False), rule.get("repeatable", True), _texts(f"Bag-Info.{label}.values", values)
    )


def _texts(key: str, values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise ProfileError(f"{key}: expected a list of texts")
    return tuple(values)


def _refuse_contradictions(profile: Profile) -> None:
    if profile.serialization not in {FORBIDDEN, REQUIRED, OPTIONAL}:
        raise ProfileError(f"Serialization: expected forbidden, required or optional, actual {profile.serialization!r}")
    if profile.serialization != FORBIDDEN and not profile.lists.get("Accept-Serialization", ("any",)):
        raise ProfileError("Accept-Serialization: is empty, so that no archive could be accepted")
    if profile.requires_fetch and not profile.allows_fetch:
        raise ProfileError("Fetch.txt-Required: fetch.txt is required and not allowed")
    for kind in ("Manifests", "Tag-Manifests", "Tag-Files", "Payload-Files"):
        allowed = profile.lists.get(f"{kind}-Allowed")
        for name in profile.lists.get(f"{kind}-Required", ()):
            if allowed is not None and not _matches(name, allowed):
                raise ProfileError(f"{kind}-Allowed: does not allow {name!r}, which {kind}-Required asks for")


def _serialization(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    code, is_archive = FindingCode.PROFILE_SERIALIZATION, bag.serialization != DIRECTORY
    actual = bag.serialization or "a directory"
    if is_archive and profile.serialization == FORBIDDEN:
        yield Finding(code, "", expected="a directory", actual=actual)
    elif not is_archive and profile.serialization == REQUIRED:
        yield Finding(code, "", expected="an archive", actual=actual)
    accepted = profile.lists.get("Accept-Serialization")
    if is_archive and accepted is not None and bag.serialization not in accepted:
        yield Finding(code, "", expected=" or ".join(accepted), actual=actual)


def _version(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    accepted = profile.lists.get("Accept-BagIt-Version")
    if accepted is not None and bag.version not in accepted:
        yield Finding(FindingCode.PROFILE_VERSION, "bagit.txt", expected=" or ".join(accepted), actual=bag.version)


def _info(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    where = "bag-info.txt"
    values: dict[str, list[str]] = {}
    for label, value in bag.info:
        values.setdefault(label.lower(), []).append(value)
    named = [value for value in values.get(IDENTIFIER.lower(), []) if value.strip()]
    if profile.identifier not in named:
        code = FindingCode.PROFILE_OTHER if named else FindingCode.PROFILE_IDENTIFIER
        yield Finding(code, where, expected=profile.identifier, actual=", ".join(named) or "nothing")
    for label, rule in profile.info.items():
        found_values = values.get(label.lower(), [])
        if rule.is_required and not any(value.strip() for value in found_values):
            yield Finding(FindingCode.PROFILE_BAG_INFO, f"{where}: {label}", expected="a value", actual="nothing")
        if not rule.is_repeatable and len(found_values) > 1:
            yield Finding(
                FindingCode.PROFILE_BAG_INFO, f"{where}: {label}", expected="once", actual=f"{len(found_values)} times"
            )
        for value in found_values:
            if rule.values and value not in rule.values:
                expected = " or ".join(rule.values)
                yield Finding(FindingCode.PROFILE_BAG_INFO, f"{where}: {label}", expected=expected, actual=value)


def _manifests(profile: Profile, bag: BagFacts, start: str, kind: str, code: FindingCode) -> Iterator[Finding]:
    there = {
        name.removeprefix(start).removesuffix(".txt")
        for name, _ in bag.files
        if name.startswith(start) and "/" not in name
    }
    for algorithm in profile.lists.get(f"{kind}-Required", ()):
        if algorithm not in there:
            yield Finding(code, f"{start}{algorithm}.txt", expected="a manifest", actual="nothing")
    allowed = profile.lists.get(f"{kind}-Allowed")
    for algorithm in sorted(there) if allowed is not None else ():
        if allowed is not None and algorithm not in allowed:
            yield Finding(code, f"{start}{algorithm}.txt", expected=" or ".join(allowed), actual=algorithm)


def _fetch(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    is_there = any(name == "fetch.txt" for name, _ in bag.files)
    if is_there and not profile.allows_fetch:
        yield Finding(FindingCode.PROFILE_FETCH, "fetch.txt", expected="nothing", actual="a fetch file")
    if profile.requires_fetch and not is_there:
        yield Finding(FindingCode.PROFILE_FETCH, "fetch.txt", expected="a fetch file", actual="nothing")


def _payload_and_tags(profile: Profile, bag: BagFacts) -> Iterator[Finding]:
    number = bytes_ = 0
    for name, size in bag.files:
        if name.startswith("data/"):
            number, bytes_ = number + 1, bytes_ + size
    if profile.is_data_empty and (number > 1 or bytes_):
        expected = "no file, or one of no bytes"
        yield Finding(FindingCode.PROFILE_DATA_EMPTY, "data/", expected=expected, actual=f"{number} files")
    tags = (name for name, _ in bag.files if not name.startswith("data/"))
    yield from _files(profile, "Tag-Files", tags, FindingCode.PROFILE_TAG_FILES)
    payload = (name for name, _ in bag.files if name.startswith("data/"))
    yield from _files(profile, "Payload-Files", payload, FindingCode.PROFILE_PAYLOAD_FILES)


def _files(profile: Profile, kind: str, names: Iterable[str], code: FindingCode) -> Iterator[Finding]:
    missing = set(profile.lists.get(f"{kind}-Required", ()))
    allowed = profile.lists.get(f"{kind}-Allowed")
    for name in names:
        missing.discard(name)
        is_bagits_own = kind == "Tag-Files" and _matches(name, _ALWAYS_ALLOWED)
        if allowed is not None and not is_bagits_own and not _matches(name, allowed):
            yield Finding(code, name, expected=" or ".join(allowed)[:300], actual="a file")
    for name in sorted(missing):
        yield Finding(code, name, expected="a file", actual="nothing")


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
