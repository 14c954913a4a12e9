"""A source in a package of its own: a station's programmes, which a real one would read over the network."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from archiver.core.errors import FileRefusedError, ItemNotFoundError
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.gate import AdmittedItem
from archiver.core.items import DeclaredFile, FileRole, ItemId, SourceAnswer, SourceItem
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.selections import Selection
from archiver.ports.offers import Capabilities, Surroundings
from archiver.ports.sources import CandidatePage, Delivery

PROGRAMMES = {
    "bells": ("https://creativecommons.org/licenses/by/4.0/", b"RIFF bells " * 500),
    "jingle": ("", b"RIFF jingle " * 500),
}
"""Licence and bytes of each programme."""


@dataclass(frozen=True)
class ExampleRadio:
    """See `archiver.ports.sources.Source`."""

    around: Surroundings

    @property
    def name(self) -> str:
        """The name in the settings, which is also that in item identifiers."""
        return self.around.name

    def enumerate(self, selection: Selection, *, cursor: str = "") -> Iterator[CandidatePage]:
        """Yield one page: the named items, or all."""
        names = selection.items or tuple(PROGRAMMES)
        yield CandidatePage(tuple(ItemId(self.name, name) for name in names), "", len(names))

    def describe(self, item: ItemId) -> SourceItem:
        """Tell what is declared; the licence goes in exactly as found, judging it is the gate's."""
        if item.name not in PROGRAMMES:
            raise ItemNotFoundError(f"{item}: the source knows no such item")
        licence, content = PROGRAMMES[item.name]
        answer = json.dumps({"id": item.name, "licence": licence}).encode()
        url = f"https://radio.example/{item.name}"
        return SourceItem(
            id=item,
            title=item.name.title(),
            creators=("Example Radio",),
            url=url,
            # The field decides how far a declaration is believed: archiver.core.licences.fields.
            declarations=(Declaration("rights-text", Scope.ITEM, licence),) if licence else (),
            files=(
                DeclaredFile(
                    f"{item.name}.wav",
                    FileRole.ORIGINAL,
                    size=len(content),
                    digests=(digest_of(content, Algorithm.SHA256),),
                ),
            ),
            answers=(
                SourceAnswer(
                    "programme.json", answer, digest_of(answer, Algorithm.SHA256), url, self.around.clock.now()
                ),
            ),
            updated=hashlib.sha256(answer).hexdigest(),
        )

    @contextmanager
    def read(
        self, admitted: AdmittedItem, file: DeclaredFile, *, offset: int = 0, validator: str = ""
    ) -> Iterator[Delivery]:
        """Hand out the bytes; only what the gate admitted can be asked for."""
        _, content = PROGRAMMES.get(admitted.item.id.name, ("", b""))
        if not content:
            raise FileRefusedError(f"{admitted.item.id}: {file.name}: gone")
        yield Delivery(0, "", len(content), "audio/wav", iter([content]))

    def close(self) -> None:
        """Close nothing: there are no connections."""


@dataclass(frozen=True)
class ExampleOffer:
    """See `archiver.ports.offers.Offer`."""

    capabilities: Capabilities = Capabilities("Example Radio", digests=("sha256",), requests_per_second=0)

    def open(self, surroundings: Surroundings) -> ExampleRadio:
        """Open it."""
        return ExampleRadio(surroundings)


OFFER = ExampleOffer()
