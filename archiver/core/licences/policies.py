"""Policies: which legal tools an archive admits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archiver.core.licences.tools import Tool

PRESETS = ("pd-only", "free-culture", "commercial-ok", "derivatives-ok", "all-cc")
"""From narrow to wide; free-culture is inside commercial-ok and derivatives-ok, and all of them are inside all-cc."""

PUBLIC_DOMAIN_MARK = ("quarantine", "accept")
SWITCHES = {
    "public_domain_mark": PUBLIC_DOMAIN_MARK,
    "retired": ("accept", "quarantine", "refuse"),
    "versionless": ("quarantine", "refuse"),
    "extension_registry": ("off", "accept"),
}
"""What each switch may be; the first value holds unless a selection says otherwise."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gate admits. Made by `policy_named`.

    Attributes:
        name: One of `PRESETS`.
        public_domain_mark: ``quarantine``, or ``accept`` for a collection somebody has reviewed: the mark grants nothing,
            and anybody can put it on anything.
        retired: What happens to tools that Creative Commons has retired; they are still valid for works under them.
        versionless: What happens to a licence without a version. No version is ever invented, so nothing accepts it.
        extension_registry: ``accept`` asks the second table (the Free Art License) as well.
        denied_uploaders: SHA-256 of each address, lower case; what they give is quarantined.
        denied_collections: Identifiers; what is in them is quarantined.
    """

    name: str
    public_domain_mark: str = "quarantine"
    retired: str = "accept"
    versionless: str = "quarantine"
    extension_registry: str = "off"
    denied_uploaders: tuple[str, ...] = ()
    denied_collections: tuple[str, ...] = ()

    def admits(self, tool: Tool) -> bool:
        """Tell whether a tool gives what the policy asks for. Only exactly ``true`` allows; ``partial`` does not."""
        if not tool.lets_anyone_copy:
            return False
        is_commercial = tool.commercial == "true" and tool.verbatim_sharing == "yes"
        has_derivatives = tool.derivatives == "true"
        return {
            "pd-only": not tool.is_licence,
            "free-culture": is_commercial and has_derivatives,
            "commercial-ok": is_commercial,
            "derivatives-ok": has_derivatives,
            "all-cc": True,
        }[self.name]

    @property
    def sha256(self) -> str:
        """Digest of what the policy says, for decision records."""
        return hashlib.sha256(json.dumps(self._switches(), sort_keys=True).encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return the record as it stands in ``metadata/licence.json``: every switch, and the digest of them all."""
        return {**self._switches(), "sha256": self.sha256}

    def _switches(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def policy_named(
    name: str, *, denied_uploaders: Iterable[str] = (), denied_collections: Iterable[str] = (), **switches: str
) -> Policy:
    """Return a policy.

    Args:
        name: One of `PRESETS`.
        denied_uploaders: Addresses, as the source writes them.
        denied_collections: Identifiers of collections.
        switches: Keys and values of `SWITCHES`.

    Raises:
        ValueError: There is no such preset or switch; the message names those that are allowed.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown policy {name!r}; allowed: {', '.join(PRESETS)}")
    for switch, value in switches.items():
        if value not in SWITCHES.get(switch, ()):
            allowed = ", ".join(SWITCHES.get(switch, SWITCHES))
            raise ValueError(f"unknown value {value!r} of {switch}; allowed: {allowed}")
    return Policy(
        name,
        denied_uploaders=tuple(sorted({uploader_digest(one) for one in denied_uploaders})),
        denied_collections=tuple(sorted(set(denied_collections))),
        **switches,
    )


def uploader_digest(address: str) -> str:
    """Return what stands for an uploader's address, which is never written down."""
    return hashlib.sha256(address.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
