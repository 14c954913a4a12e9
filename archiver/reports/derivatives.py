"""How derivations ended, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archiver.core.intervals import human_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.derivatives import Derived


def derived_record(derived: Derived) -> dict[str, Any]:
    """Return one item; keys are promises (`docs/machine-output.md`)."""
    return {
        "item": str(derived.item),
        "version": derived.version,
        "outcome": derived.result.value,
        "reasons": sorted({reason for one in derived.kinds for reason in one.reasons}),
        "kinds": {
            one.kind.value: {
                "outcome": one.result.value,
                "files": one.files,
                "bytes": one.bytes,
                "reasons": list(one.reasons),
                "detail": one.detail,
            }
            for one in derived.kinds
        },
    }


def derived_text(derived: Derived) -> Iterator[str]:
    """Yield lines about one item."""
    yield f"{derived.result.value:<8} {derived.item} v{derived.version}"
    for one in derived.kinds:
        size = f"{one.files} files, {human_size(one.bytes)}" if one.files else ""
        told = "  ".join(part for part in (size, ", ".join(one.reasons), one.detail) if part)
        yield f"  {one.result.value:<8} {one.kind.value:<12} {told}".rstrip()
