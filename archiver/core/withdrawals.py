"""Takedowns: an item goes dark at once, its tombstone stays, its content is kept from coming back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.core.items import ItemId

TOMBSTONES = "archive/withdrawals/"
"""Below this prefix each store keeps a record of every takedown and of its end."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One takedown.

    Attributes:
        item: What was withdrawn.
        at: When, in UTC.
        reason: Why, in the operator's words.
        approver: The person who decided it.
        delete_after: When the bytes may be deleted, or None where the settings do not allow that.
        deleted_at: When they were, or None.
        ended_at: When the item was restored, or None while it is dark.
        ended_by: The person who decided that, or empty.
    """

    item: ItemId
    at: datetime
    reason: str
    approver: str
    delete_after: datetime | None = None
    deleted_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the tombstone's fields."""

        def iso(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "item": str(self.item),
            "at": iso(self.at),
            "reason": self.reason,
            "approver": self.approver,
            "delete_after": iso(self.delete_after),
            "deleted_at": iso(self.deleted_at),
            "ended_at": iso(self.ended_at),
            "ended_by": self.ended_by,
        }
