"""Who made what a derivative was made of: in its tags, and in a text beside it. A derivative says that it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.attribution import one_line
from archiver.core.derivatives import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.attribution import Attribution, Credit
    from archiver.core.derivatives import Original

LONGEST_TAG = 1000
"""Characters."""

CHANGES = {
    Kind.OPUS: "encoded as Ogg Opus at 75 kbit/s, with losses, from a bit-identical copy; more than two channels became two",
    Kind.PREVIEW: "an excerpt of 30 seconds, its beginning and end faded, encoded as Ogg Opus at 75 kbit/s",
    Kind.WAVEFORM: "a drawing of the loudness of the recording; no sound",
    Kind.SPECTROGRAM: "a picture of the frequencies of the recording; no sound",
    Kind.LOUDNESS: "measurements of the recording; no sound",
    Kind.COVER: "none: the picture as it is embedded in the file",
}
"""What CC BY 4.0 §3(a)(1)(B) and its like ask to be said: whether and how the material was modified."""


def tags_of(credit: Credit, *, album: str, original: Original) -> tuple[tuple[str, str], ...]:
    """Return the comments of what can be played (xiph.org's names, one line each, cut at a bound); empty ones are left out.

    Args:
        credit: Of the file.
        album: Title of the item.
        original: What the derivative is made of.
    """
    tags = (
        ("TITLE", credit.title),
        ("ARTIST", ", ".join(one for one in map(one_line, credit.creators) if one)),
        ("ALBUM", album),
        ("LICENSE", credit.licence_url),
        ("COPYRIGHT", "; ".join(map(one_line, credit.notices))),
        ("SOURCE", credit.source_url),
        ("DESCRIPTION", credit.sentence()),
        ("DERIVED_FROM", f"{original.path} {original.sha256}"),
    )
    return tuple((name, value) for name, value in ((name, _shown(text)) for name, text in tags) if value)


def _shown(text: str) -> str:
    return one_line(text).encode("utf-8", "replace").decode()[:LONGEST_TAG]


def credit_of(attribution: Attribution, original: Original) -> Credit:
    """Return the credit of one file, or that of the whole item where the file has none of its own."""
    return next((one for one in attribution.files if one.path == original.path), attribution.whole)


def derivative_credits(attribution: Attribution, kind: Kind, originals: Iterable[Original]) -> bytes:
    """Return the text that stands beside derivatives: how to credit each, and what was changed."""
    by_path = {credit.path: credit for credit in attribution.files}
    lines = [
        "How to credit what is in this directory. Copy the sentence of what you use.",
        f"Changes: {CHANGES[kind]}.",
        attribution.whole.disclaimer,
    ]
    for original in originals:
        credit = by_path.get(original.path, attribution.whole)
        lines += ["", f"Made of {one_line(original.path)}", f"    {credit.sentence()}"]
        lines += [f"    Copyright notice: {one_line(notice)}" for notice in credit.notices]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
