"""What a file says of its own licence: declarations and preferences out of its tags, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import Polarity
from archiver.core.licences.fields import FieldKind, kind_of
from archiver.core.licences.reservations import reserves
from archiver.core.licences.weighing import weigh

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.licences.evidence import Declaration
    from archiver.core.licences.table import LicenceTable

UNREAD = "embedded.unread"
"""The field of a declaration that says: here is something that was not read. It counts as an unresolved claim."""
LONGEST_NOTICE = 500
"""Characters; a longer text in such a field is no notice."""
LONGEST_SUBJECT = 2000
"""Characters of file names that one declaration lists."""

_STEMS = (
    *(
        "creative commons",
        "creativecommons",
        "creative-commons",
        "cc by",
        "cc-by",
        "cc0",
        "cc zero",
        "licen",
        "copyleft",
    ),
    *(
        "public domain",
        "public-domain",
        "copyright",
        "©",
        "gfdl",
        "attribution",
        "permission",
        "in_copyright",
        "fma-limited",
    ),
    *("reserv", "réserv", "riservat", "rezerv", "vorbehalten", "voorbehouden", "forbehold", "förbehåll", "zastrze"),
    *("vyhraz", "vyhraden", "fenntart", "pidätet", "sakl", "pridržan", "zadržan", "kaitstud", "saugomos"),
    *("защищ", "сохранен", "зарезерв", "захищен", "запазен", "διατηρ", "権利", "著作権", "無断", "禁", "版权", "版權"),
    *(
        "保留",
        "권리",
        "무단",
        "الحقوق",
        "הזכויות",
        "สงวน",
        "redistribut",
        "distribut",
        "reproduc",
        "duplicat",
        "copying",
    ),
    *("copied", "not be ", "not copy", "not share", "not upload", "not for ", "n't copy", "n't share", "n't upload"),
    *("unauthori", "download", "without consent", "prior consent", "written consent", "use only", "streaming only"),
)
"""Parts of words, in lower case: a text without any of them neither keeps rights nor speaks of a licence."""


@dataclass(frozen=True, slots=True)
class EmbeddedPreference:
    """A preference signal in a file's metadata, as found.

    Attributes:
        name: For example ``plus:DataMining``.
        raw: Its value.
    """

    name: str
    raw: str


@dataclass(frozen=True, slots=True)
class EmbeddedTags:
    """What was read out of one file's tags.

    Attributes:
        declarations: In the order of the tags, each with the file's name as its subject.
        preferences: Preference signals.
        notes: What could not be read, for people.
    """

    declarations: tuple[Declaration, ...] = ()
    preferences: tuple[EmbeddedPreference, ...] = ()
    notes: tuple[str, ...] = ()


def speaks_of_rights(text: str) -> bool:
    """Tell whether a piece of a long text is worth weighing: it keeps rights, or claims something about a licence."""
    folded = " ".join(text.lower().split())
    return any(stem in folded for stem in _STEMS)


def reserves_in(content: bytes, encoding: str) -> bool:
    """Tell whether bytes are a text in this encoding that keeps rights."""
    try:
        return reserves(content.decode(encoding))
    except UnicodeDecodeError:
        return False


def worth_weighing(tags: Iterable[EmbeddedTags], *, table: LicenceTable) -> tuple[Declaration, ...]:
    """Return what the tags of an item's files declare, the same words of several files as one declaration.

    A comment that says nothing of rights is a comment; it is no evidence and would only hide what is.
    """
    subjects: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Declaration] = {}
    for one in tags:
        for declaration in one.declarations:
            key = (declaration.field, declaration.raw)
            first.setdefault(key, declaration)
            subjects.setdefault(key, []).append(declaration.subject)
    return tuple(
        replace(declaration, subject=_listed(subjects[key]))
        for key, declaration in first.items()
        if kind_of(declaration.field) is not FieldKind.FREE
        or weigh(declaration, table).polarity is not Polarity.NEUTRAL
    )


def notices(declarations: Iterable[Declaration]) -> tuple[str, ...]:
    """Return the copyright notices among declarations, as supplied: whoever prints a credit must keep them intact."""
    found = (
        one.raw
        for one in declarations
        if kind_of(one.field) is FieldKind.NOTICE
        or (
            kind_of(one.field) is FieldKind.RIGHTS and one.raw.lower().startswith(("©", "℗", "(c)", "(p)", "copyright"))
        )
    )
    return tuple(dict.fromkeys(text for text in found if len(text) <= LONGEST_NOTICE))


def _listed(names: list[str]) -> str:
    listed, length = 0, 0
    for name in names:
        length += len(name) + 2
        if listed and length > LONGEST_SUBJECT:
            break
        listed += 1
    more = len(names) - listed
    return ", ".join(names[:listed]) + (f" and {more} more" if more else "")
