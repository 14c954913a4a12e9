"""Verify: is this bag complete, and is it valid? Every deviation is a finding; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.bags.profiles import DIRECTORY, BagFacts, check_profile
from archiver.core.bags.validating import DECLARATION, LARGEST_TAG_FILE, compare, plan_of, tag_files_of
from archiver.core.errors import StoreError
from archiver.core.findings import TOLERABLE, WARNINGS, BagVerdict, Finding, FindingCode
from archiver.core.fixity import Hasher
from archiver.core.objects import ObjectFacts, Stranger, StrangerKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from archiver.core.bags.profiles import Profile
    from archiver.core.bags.validating import BagPlan
    from archiver.core.fixity import Digest
    from archiver.ports.bags import BagPlace, BagStream
    from archiver.ports.engines import Engine

_CODES = {
    StrangerKind.LINK: FindingCode.LINK_REFUSED,
    StrangerKind.SHARED: FindingCode.HARD_LINK,
    StrangerKind.SPECIAL: FindingCode.SPECIAL_FILE,
    StrangerKind.UNNAMEABLE: FindingCode.NAME_NOT_UTF8,
    StrangerKind.UNSAFE: FindingCode.PATH_UNSAFE,
    StrangerKind.REPEATED: FindingCode.MEMBER_REPEATED,
    StrangerKind.DAMAGED: FindingCode.SERIALIZATION_DAMAGED,
    StrangerKind.EXCESSIVE: FindingCode.SERIALIZATION_EXCESSIVE,
}


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked of a bag beside the RFC.

    Attributes:
        is_lenient: Whether tolerable deviations are named and do not count.
        profile: A profile it must satisfy, or None.
        serialization: Media type of the archive it comes in, or empty; for the profile.
    """

    is_lenient: bool = False
    profile: Profile | None = None
    serialization: str = DIRECTORY


DEMAND = Demand()
"""Nothing but the RFC, strictly."""


def bags_in(store: BagPlace, prefix: str = "") -> tuple[str, ...]:
    """Return the place of every bag below a prefix, in order; the prefix itself when no bag declaration is found."""
    return outermost((facts.key for facts in store.list(prefix)), prefix)


def outermost(keys: Iterable[str], prefix: str = "") -> tuple[str, ...]:
    """Return the place of every bag by its declaration, bags inside the payload of another left out."""
    ends = (
        key.removesuffix(DECLARATION) for key in keys if key == prefix + DECLARATION or key.endswith("/" + DECLARATION)
    )
    found: list[str] = []
    for place in sorted(ends):
        if not any(place.startswith(outer + "data/") for outer in found):
            found.append(place)
    return tuple(found) or (prefix,)


def verify(
    store: BagPlace, prefix: str, *, files: Engine, strangers: Iterable[Stranger] = (), demand: Demand = DEMAND
) -> BagVerdict:
    """Read every byte of a bag once and judge it.

    Args:
        store: Where it is.
        prefix: Its place, ending in ``/``, or empty.
        files: Reads several files at once.
        strangers: What lies there and is no object.
        demand: What is asked of the bag beside the RFC.

    Raises:
        StoreUnavailableError: The store does not answer; there is no verdict.
    """
    facts = store.list(prefix)
    bag = _Bag(prefix, store.name, facts, strangers, demand)
    bag.take_tags(lambda names: ((name, _pieces(store, prefix + name)) for name in names))
    plan = bag.plan()
    for found in files.over(partial(_checked, store, prefix, plan), sorted(plan.expected)):
        bag.findings += found
    return bag.verdict()


def verify_archive(
    archive: BagPlace, survey: Iterable[ObjectFacts | Stranger], *, files: Engine, demand: Demand = DEMAND
) -> list[BagVerdict]:
    """Judge the bag in an archive whose members can be read in any order.

    Args:
        archive: The archive.
        survey: Every member, in the archive's order.
        files: Reads several members at once.
        demand: What is asked of the bag beside the RFC.
    """
    facts, strangers = _sorted_out(survey)
    keys = [fact.key for fact in facts]
    verdicts = []
    for number, prefix in enumerate(_bags_in_archive(keys)):
        # An archive holds one bag; what lies in it and is no object counts against the first.
        mine = strangers if number == 0 else ()
        verdict = verify(archive, prefix, files=files, strangers=mine, demand=demand)
        verdicts.append(_with_serialization(verdict, keys))
    return verdicts


def verify_stream(archive: BagStream, *, demand: Demand = DEMAND) -> BagVerdict:
    """Judge the bag in an archive that is read from beginning to end: once for names, once for tag files, once for all.

    Three passes keep memory small and compute no digest in vain: manifests may come last in an archive.
    """
    facts, strangers = _sorted_out(archive.survey())
    keys = [fact.key for fact in facts]
    prefix = _bags_in_archive(keys)[0]
    bag = _Bag(prefix, archive.name, facts, strangers, demand)
    bag.take_tags(lambda names: _without(prefix, archive.contents([prefix + name for name in names])))
    plan = bag.plan()
    try:
        for path, chunks in _without(prefix, archive.contents([prefix + path for path in plan.expected])):
            bag.findings += _judged(path, plan.expected[path], chunks)
    except StoreError as error:
        bag.findings.append(Finding(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message))
    return _with_serialization(bag.verdict(), keys)


def _sorted_out(survey: Iterable[ObjectFacts | Stranger]) -> tuple[list[ObjectFacts], list[Stranger]]:
    facts: list[ObjectFacts] = []
    strangers: list[Stranger] = []
    for member in survey:
        if isinstance(member, Stranger):
            strangers.append(member)
        else:
            facts.append(member)
    return facts, strangers


def _bags_in_archive(keys: list[str]) -> tuple[str, ...]:
    """Return the place of each bag; without any declaration the one directory at the top, so that what is missing is said."""
    found = outermost(keys)
    tops = {key.partition("/")[0] for key in keys if "/" in key}
    return (f"{tops.pop()}/",) if found == ("",) and DECLARATION not in keys and len(tops) == 1 else found


def _with_serialization(verdict: BagVerdict, keys: Iterable[str]) -> BagVerdict:
    """Add what the rules of serialization say (BagIt 0.97 §4): one directory at the top, and in it one bag."""
    tops = {key.partition("/")[0] if "/" in key else "" for key in keys}
    if len(tops) == 1 and "" not in tops:
        return verdict
    finding = Finding(
        FindingCode.SERIALIZATION_TOP,
        "",
        expected="one directory at the top of the archive, which is the bag",
        actual=", ".join(sorted(top or "files without a directory" for top in tops))[:300] or "nothing",
    )
    return replace(verdict, findings=(finding, *verdict.findings))


class _Bag:
    """Collects what is found out about one bag."""

    def __init__(
        self,
        prefix: str,
        name: str,
        facts: Iterable[ObjectFacts],
        strangers: Iterable[Stranger],
        demand: Demand,
    ) -> None:
        self.prefix = prefix
        self.demand = demand
        self.name = name
        self.sizes = {one.key.removeprefix(prefix): one.size for one in facts if one.key.startswith(prefix)}
        self.findings = [
            Finding(_CODES[one.kind], one.path.removeprefix(prefix), expected="a plain file", actual=one.detail)
            for one in strangers
        ]
        self.tags: dict[str, bytes] = {}

    def take_tags(self, opened: Callable[[list[str]], Iterable[tuple[str, Iterable[bytes]]]]) -> None:
        """Read the tag files that make up the plan; one that cannot be read, or is too large, is a finding."""
        wanted = []
        for name in tag_files_of(self.sizes):
            if self.sizes[name] > LARGEST_TAG_FILE:
                actual = f"{self.sizes[name]} bytes; at most {LARGEST_TAG_FILE} are read"
                self.findings.append(Finding(FindingCode.FILE_UNREADABLE, name, expected="a tag file", actual=actual))
            else:
                wanted.append(name)
        try:
            for name, chunks in opened(wanted):
                self.take_tag(name, chunks)
        except StoreError as error:
            if error.transient:
                raise
            self.findings.append(Finding(FindingCode.SERIALIZATION_DAMAGED, "", actual=error.message))

    def take_tag(self, name: str, chunks: Iterable[bytes]) -> None:
        """Read one tag file."""
        try:
            self.tags[name] = b"".join(chunks)
        except StoreError as error:
            if error.transient:
                raise
            self.findings.append(Finding(FindingCode.FILE_UNREADABLE, name, actual=error.message))

    def plan(self) -> BagPlan:
        """Read what the bag promises."""
        plan = plan_of(self.sizes, self.tags)
        self.findings += plan.findings
        if self.demand.profile is not None:
            facts = BagFacts(f"{plan.version[0]}.{plan.version[1]}", plan.info, self.sizes, self.demand.serialization)
            self.findings += check_profile(self.demand.profile, facts)
        return plan

    def verdict(self) -> BagVerdict:
        """Put every finding in its place."""
        placed = (replace(finding, where=self.prefix + finding.where, store=self.name) for finding in self.findings)
        ordered = tuple(sorted(placed, key=lambda finding: (finding.where, finding.code)))
        return BagVerdict(self.prefix, ordered, WARNINGS | TOLERABLE if self.demand.is_lenient else WARNINGS)


def _without(prefix: str, contents: Iterable[tuple[str, Iterator[bytes]]]) -> Iterator[tuple[str, Iterator[bytes]]]:
    for key, chunks in contents:
        yield key.removeprefix(prefix), chunks


def _checked(store: BagPlace, prefix: str, plan: BagPlan, path: str) -> list[Finding]:
    return _judged(path, plan.expected[path], _pieces(store, prefix + path))


def _judged(path: str, expected: tuple[Digest, ...], chunks: Iterable[bytes]) -> list[Finding]:
    hasher = Hasher(digest.algorithm for digest in expected)
    try:
        for chunk in chunks:
            hasher.update(chunk)
    except StoreError as error:
        if error.transient:
            raise
        return [Finding(FindingCode.FILE_UNREADABLE, path, expected=str(expected[0]), actual=error.message)]
    return list(compare(path, expected=expected, actual=hasher.digests()))


def _pieces(store: BagPlace, key: str) -> Iterator[bytes]:
    with store.read(key) as chunks:
        yield from chunks
