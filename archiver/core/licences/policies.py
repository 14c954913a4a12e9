"""Policies: which legal tools an archive admits."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archiver.core.licences.tools import Tool

PRESETS = ("pd-only", "free-culture", "commercial-ok", "derivatives-ok", "all-cc")
"""From narrow to wide; free-culture is inside commercial-ok and derivatives-ok, and all of them are inside all-cc."""

PUBLIC_DOMAIN_MARK = ("quarantine", "accept")


@dataclass(frozen=True, slots=True)
class Policy:
    """What the gate admits. Made by `policy_named`.

    Attributes:
        name: One of `PRESETS`.
        public_domain_mark: ``quarantine``, or ``accept`` for a collection somebody has reviewed: the mark grants nothing,
            and anybody can put it on anything.
    """

    name: str
    public_domain_mark: str = "quarantine"

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
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def policy_named(name: str, *, public_domain_mark: str = "quarantine") -> Policy:
    """Return a policy.

    Raises:
        ValueError: There is no such preset or switch; the message names those that are allowed.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown policy {name!r}; allowed: {', '.join(PRESETS)}")
    if public_domain_mark not in PUBLIC_DOMAIN_MARK:
        raise ValueError(f"unknown value {public_domain_mark!r}; allowed: {', '.join(PUBLIC_DOMAIN_MARK)}")
    return Policy(name, public_domain_mark)
