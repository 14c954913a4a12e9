"""Bags in archives under their names; see `archiver.ports.bags.BagPlace`."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.core.errors import ObjectNotFoundError
from archiver.core.objects import ObjectFacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.ports.bags import BagArchive


@dataclass(frozen=True)
class ArchivedPlace:
    """An archive, found valid, whose members are remembered by name."""

    archive: BagArchive
    _members: dict[str, ObjectFacts] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name that the archive gives itself."""
        return self.archive.name

    def list(self, prefix: str) -> Iterator[ObjectFacts]:
        """Yield the members whose name begins with ``prefix``."""
        yield from (facts for facts in self._known().values() if facts.key.startswith(prefix))

    @contextmanager
    def read(self, key: str) -> Iterator[Iterator[bytes]]:
        """Open a member; see the port."""
        facts = self._known().get(key)
        if facts is None:
            raise ObjectNotFoundError(f"the archive holds no {key[:200]!r}")
        with self.archive.reader() as reader:
            yield iter(reader(facts))

    def _known(self) -> dict[str, ObjectFacts]:
        if not self._members:
            self._members.update((one.key, one) for one in self.archive.survey() if isinstance(one, ObjectFacts))
        return self._members
