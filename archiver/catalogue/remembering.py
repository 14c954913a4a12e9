"""Sums over everything that is held, remembered until something happens.

Whatever changes what is held, or what is known of a copy, appends an event; so a sum that was taken at the last event is
still right while that is the last one. A night with nothing to do asks for no sum over a million rows.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from archiver.catalogue import schema
from archiver.core.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

log = logging.getLogger(__name__)


class Remembering:
    """Keeps sums; each is JSON under a name."""

    def _reads(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _writes(self) -> AbstractContextManager[sa.Connection]:
        raise NotImplementedError

    def _remembered(self, name: str, take: Callable[[sa.Connection], Any]) -> Any:
        """Return a sum as it was taken at the last event, taking it where that was not done.

        Args:
            name: Of the sum, with everything it depends on besides what happened.
            take: Takes it; returns what JSON can say.
        """
        memo = schema.memo.c
        with self._reads() as connection:
            # First the event: a change that comes in between makes the sum newer than it claims, never older.
            last = last_event(connection)
            kept = connection.execute(sa.select(memo.value).where(memo.name == name, memo.last_event == last)).scalar()
            if kept is not None:
                return json.loads(kept)
            value = take(connection)
        try:
            with self._writes() as connection:
                connection.execute(schema.memo.delete().where(memo.name == name))
                connection.execute(schema.memo.insert().values(name=name, last_event=last, value=json.dumps(value)))
        except CatalogueError as error:  # read-only, or two took it at once: the sum is right all the same
            log.debug("%s was not remembered: %s", name, error.message)
        return value


def last_event(connection: sa.Connection) -> int:
    """Return the number of the last event, 0 before the first."""
    return connection.execute(sa.select(sa.func.max(schema.event.c.id))).scalar() or 0


def forget(connection: sa.Connection) -> None:
    """Forget every sum: something changed that no event tells of, as when a catalogue is made again."""
    connection.execute(schema.memo.delete())
