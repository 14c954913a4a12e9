"""Enrich: ask an encyclopedia about the recordings of a held item, by the identifiers that its bag itself has.

What it answers is kept beside the bags and never in them: the source's words, the credits and the licence stay what they
were when the item was ingested. An answer is asked for once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.enrichments import PROVIDER, Enriched, Told
from archiver.core.errors import ArchiverError, ObjectDamagedError, SourceError, StoreError
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.identifiers import identifiers_in
from archiver.core.selections import AUDIO_SUFFIXES
from archiver.core.versions import DESCRIPTIVE
from archiver.workflows.attribute import description_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.holdings import Holding
    from archiver.core.identifiers import Identifier
    from archiver.ports.catalogue import Holdings
    from archiver.ports.enrichments import Encyclopedia, Enrichments, IdentifierReader
    from archiver.ports.stores import Store

HEAD = 1 << 20
"""Bytes at the beginning of each recording that are read for its tags."""
MOST_FILES = 1000
LONGEST_ANSWER = 64 << 20


def found_identifiers(
    held: Holding, *, stores: Mapping[str, Store], holdings: Holdings, tags: IdentifierReader
) -> tuple[Identifier, ...]:
    """Return the identifiers of a held item: in its source's answers and in the tags of its recordings, in that order.

    Args:
        held: The version to look at.
        stores: Where its copies are; one that answers will do.
        holdings: For its files.
        tags: Reads tags.

    Raises:
        StoreError: No copy can be read, or the copy's record of the source is damaged.
    """
    described = description_of(held, stores)
    found: dict[Identifier, None] = {}
    for path, digest in sorted(described.tag_files.items()):
        if path.startswith(DESCRIPTIVE) and path.endswith((".json", ".xml")):
            content = _whole(held, path, stores)
            if digest_of(content, Algorithm.SHA512) != digest:
                raise ObjectDamagedError(
                    f"{held.item}: {path} is not what was deposited", next_command=f"archiver verify {held.prefix}"
                )
            found.update(dict.fromkeys(identifiers_in(content, where=path)))
    for number, file in enumerate(holdings.files(held.item, held.version)):
        if number < MOST_FILES and file.path[file.path.rfind(".") :].lower() in AUDIO_SUFFIXES:
            found.update(dict.fromkeys(tags.identifiers(_head(held, file.path, stores), where=file.path)))
    return tuple(found)


def enriched(
    identifiers: Iterable[Identifier],
    *,
    encyclopedia: Encyclopedia | None,
    kept: Enrichments,
    refresh: bool = False,
) -> Iterator[Enriched]:
    """Yield what is known of each identifier, asking about each value once.

    Args:
        identifiers: As found.
        encyclopedia: Who is asked; None to ask nobody.
        kept: Answers of before, and where new ones go.
        refresh: Ask again what was answered before.
    """
    asked: dict[str, Enriched] = {}
    for one in identifiers:
        if not one.value:
            yield Enriched(one, Told.INVALID, detail=f"{one.raw[:100]!r} is no {one.kind.value}")
            continue
        answer = asked.get(one.key)
        if answer is None:
            answer = _asked(one, encyclopedia, kept, refresh=refresh)
            asked[one.key] = answer
        yield Enriched(one, answer.told, answer.knowledge, answer.is_cached, answer.detail)


def _asked(one: Identifier, encyclopedia: Encyclopedia | None, kept: Enrichments, *, refresh: bool) -> Enriched:
    known = kept.known(PROVIDER, one.key)
    if known is not None and (encyclopedia is None or not refresh):
        return Enriched(one, Told.FOUND if known.record else Told.UNKNOWN, known, is_cached=True)
    if encyclopedia is None:
        return Enriched(one, Told.UNASKED)
    try:
        knowledge = encyclopedia.ask(one)
    except SourceError as error:
        return Enriched(one, Told.FAILED, known, is_cached=known is not None, detail=error.message)
    kept.keep(PROVIDER, knowledge)
    return Enriched(one, Told.FOUND if knowledge.record else Told.UNKNOWN, knowledge)


def _whole(held: Holding, path: str, stores: Mapping[str, Store]) -> bytes:
    content = _read(held, path, stores, LONGEST_ANSWER + 1)
    if len(content) > LONGEST_ANSWER:
        raise ObjectDamagedError(f"{held.item}: {path} is longer than {LONGEST_ANSWER} bytes")
    return content


def _head(held: Holding, path: str, stores: Mapping[str, Store]) -> bytes:
    return _read(held, path, stores, HEAD)


def _read(held: Holding, path: str, stores: Mapping[str, Store], most: int) -> bytes:
    """Return the first bytes of a file in the bag, from the first copy that gives them."""
    failure: ArchiverError | None = None
    for copy in held.copies:
        if copy.store not in stores:
            continue
        content = bytearray()
        try:
            with stores[copy.store].read(f"{copy.key}/{path}") as chunks:
                for chunk in chunks:
                    content += chunk
                    if len(content) >= most:
                        break
        except StoreError as error:
            failure = error
            continue
        return bytes(content[:most])
    raise failure or ObjectDamagedError(f"{held.item}: no store has a copy of {path}")
