"""Derivatives: what is made out of a kept recording for listeners, beside the bag and never instead of the original.

A derivative can be made again at any time from the bag, byte for byte with the same libraries; so it is never repaired and
never counted as a copy. What may be made is decided here, from the licence alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archiver.core.fixity import Digest
    from archiver.core.items import ItemId
    from archiver.core.licences.policies import Policy
    from archiver.core.licences.table import LicenceTable
    from archiver.core.licences.tools import Tool
    from archiver.core.objects import StagedFile

ROOT = "derivatives/"
"""Below this prefix of the store; the bags are below ``bags/``."""


class Kind(StrEnum):
    """What can be made of a recording."""

    OPUS = "opus"
    WAVEFORM = "waveform"
    SPECTROGRAM = "spectrogram"
    PREVIEW = "preview"
    COVER = "cover"
    LOUDNESS = "loudness"
    """Not for listening: what was measured of the recording."""


RECIPES = {
    Kind.OPUS: "opus/1: Ogg Opus, 75 kbit/s constrained VBR, 48 kHz, at most 2 channels, fixed serial number",
    Kind.WAVEFORM: "waveform/1: lowest and highest sample of each stretch, at most 4096 stretches, 8 bits; JSON and SVG",
    Kind.SPECTROGRAM: "spectrogram/1: Hann windows of 1024 samples, mean power in dB from -96 to 0, at most 1200 columns",
    Kind.PREVIEW: "preview/1: 30 seconds from a quarter of the recording on, 1 s fade in, 2 s fade out, then as opus/1",
    Kind.COVER: "cover/1: the front cover as it is embedded, JPEG, PNG or WebP, at most 5 MB and 8000 pixels a side",
    Kind.LOUDNESS: "loudness/1: EBU R 128, true peak, peaks of each channel, flat tops and silence",
}
"""How each kind is made; another recipe makes other bytes, so what an earlier one made is made anew."""


PIECES = {Kind.WAVEFORM: 2}
"""How many derivatives of a kind come of one file, where it is not one: the numbers and the drawing."""


class Because(StrEnum):
    """Stable codes of why a derivative is not made; `docs/derivatives.md` has a line for each."""

    WITHDRAWN = "ITEM_WITHDRAWN"
    QUARANTINED = "ITEM_QUARANTINED"
    LICENCE_UNKNOWN = "LICENCE_UNKNOWN"
    SHARING = "LICENCE_FORBIDS_SHARING"
    NO_DERIVATIVES = "LICENCE_NO_DERIVATIVES"
    POLICY = "POLICY_EXCLUDES"
    NO_AUDIO = "NO_AUDIO"
    WEB_PAGE = "WEB_PAGE_AS_AUDIO"
    NO_COVER = "NO_COVER"
    COVER_SIZE = "COVER_TOO_LARGE"
    COVER_KIND = "COVER_NOT_AN_IMAGE"
    UNSUPPORTED = "SOUND_UNSUPPORTED"
    LIMIT = "LIMIT_EXCEEDED"
    WORKER_DIED = "WORKER_DIED"
    NOT_PROVEN = "DERIVATIVE_NOT_PROVEN"


@dataclass(frozen=True, slots=True)
class DerivativeRules:
    """What the settings ask.

    Attributes:
        policy: Licences that derivatives are made under at all.
        shifts_formats: Whether a NoDerivatives licence lets the whole recording be kept in another format.
    """

    policy: Policy
    shifts_formats: bool = True


def kept_back(kind: Kind, licence: str, *, table: LicenceTable, rules: DerivativeRules) -> Because | None:
    """Return why a kind may not be made under a licence, or None where it may.

    NoDerivatives: the whole recording in another format is no adaptation (CC 4.0 §2(a)(4); the earlier versions grant the
    modifications "technically necessary to exercise the rights in other media and formats"), and a cover is handed on bit
    for bit. An excerpt with fades is an adaptation; pictures of the sound are nowhere allowed in words, so they wait.

    Args:
        kind: What is to be made.
        licence: Canonical URL, as the catalogue keeps it.
        table: The legal tools.
        rules: What the settings ask.
    """
    tool = tool_of(licence, table=table)
    if kind is Kind.LOUDNESS:
        return None  # numbers about a recording are nobody's work
    if tool is None:
        return Because.LICENCE_UNKNOWN
    if not tool.lets_anyone_copy:
        return Because.SHARING
    if not rules.policy.admits(tool):
        return Because.POLICY
    if tool.derivatives == "true" or kind is Kind.COVER or (kind is Kind.OPUS and rules.shifts_formats):
        return None
    return Because.NO_DERIVATIVES


def tool_of(licence: str, *, table: LicenceTable) -> Tool | None:
    """Return the legal tool of a canonical URL, those of the second table included."""
    others = table.extension.tools if table.extension else ()
    return next((tool for tool in (*table.tools, *others) if tool.url == licence), None)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made of one file.

    Attributes:
        kinds: At least one.
        tags: Written into what can be played: name and value, one line each.
    """

    kinds: tuple[Kind, ...]
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """One file that was made, on the local disk.

    Attributes:
        kind: What it is.
        suffix: Added to the name of its source, for example ``.opus``.
        file: Its bytes.
        facts: What its making found out, for the record: names and JSON values.
    """

    kind: Kind
    suffix: str
    file: StagedFile
    facts: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Unmade:
    """Why one kind was not made of one file."""

    kind: Kind
    reason: Because
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What became of an order.

    Attributes:
        products: What was made.
        unmade: What was not; each kind ordered is in one of the two.
        tools: Name and version of what made it.
    """

    products: tuple[Product, ...] = ()
    unmade: tuple[Unmade, ...] = ()
    tools: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Original:
    """The payload file that a derivative was made of: its path in the bag, and what its bytes were."""

    path: str
    sha256: Digest


@dataclass(frozen=True, slots=True)
class Derivative:
    """One derivative as it is kept.

    Attributes:
        path: Below the directory of its kind.
        size: Bytes.
        sha256: Of the bytes.
        original: What it was made of; None for the files that stand beside derivatives.
        facts: As in `Product`.
    """

    path: str
    size: int
    sha256: Digest
    original: Original | None
    facts: tuple[tuple[str, Any], ...] = ()


class Result(StrEnum):
    """How a kind, or an item, ended. The words are promises of the machine output."""

    MADE = "made"
    PRESENT = "present"
    """Everything was there already."""
    NONE = "none"
    """There is nothing that it could be made of."""
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class KindResult:
    """How one kind of one item ended.

    Attributes:
        kind: Which.
        result: How.
        files: Derivatives that are kept of it now.
        bytes: Of everything that is kept of it now.
        reasons: Stable codes of what was not made, and of why.
        detail: For people.
    """

    kind: Kind
    result: Result
    files: int = 0
    bytes: int = 0
    reasons: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Derived:
    """How one item ended: each kind asked for, in order."""

    item: ItemId
    version: int
    kinds: tuple[KindResult, ...]

    @property
    def result(self) -> Result:
        """The outcome that tells most: a failure, then something made, then something there."""
        found = {one.result for one in self.kinds}
        order = (Result.FAILED, Result.MADE, Result.PRESENT, Result.REFUSED)
        return next((one for one in order if one in found), Result.NONE)


def item_place(bag: str) -> str:
    """Return where derivatives of every version of an item are, from a bag's place in a store; ends in ``/``."""
    return ROOT + bag.removeprefix("bags/").rstrip("/").rpartition("/")[0] + "/"


def place_of(bag: str, kind: Kind) -> str:
    """Return where derivatives of one kind of one version are, from the bag's place in a store; ends in ``/``."""
    return f"{ROOT}{bag.removeprefix('bags/').rstrip('/')}/{kind}/"


LONGEST_NAME = 240
"""Bytes of a file name; some file systems take no more than 255."""


def name_of(original: Original, suffix: str) -> str:
    """Return the path of a derivative below its kind: that of its source with the suffix added, so that none collide."""
    path = f"{original.path}{suffix}"
    directory, _, name = path.rpartition("/")
    if len(name.encode()) <= LONGEST_NAME:
        return path
    kept = name.encode()[: LONGEST_NAME - 40].decode("utf-8", "ignore")
    return f"{directory}/{kept}~{original.sha256.value[:16]}{suffix}"
