"""``archiver enrich``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError
from archiver.core.items import ItemId, parse_item_id

if TYPE_CHECKING:
    from archiver.core.enrichments import Enriched
    from archiver.ports.enrichments import Enrichments
    from archiver.wiring.enriching import Library


@example(
    "archiver enrich internet-archive/some-item\n"
    "archiver enrich some-item --offline   # what was answered before; nobody is asked"
)
@click.command("enrich")
@click.argument("items", nargs=-1, required=True, metavar="ITEM…")
@click.option("--isrc", multiple=True, metavar="CODE", help="An ISRC of the item that stands nowhere in its bag.")
@click.option("--recording", multiple=True, metavar="MBID", help="A recording of MusicBrainz, likewise.")
@click.option("--refresh", is_flag=True, help="Ask again what was answered before.")
@click.option("--offline", is_flag=True, help="Ask nobody.")
@output_option
@pass_front
def enrich_command(  # noqa: PLR0913 - one option each
    front: Front,
    *,
    items: tuple[str, ...],
    isrc: tuple[str, ...],
    recording: tuple[str, ...],
    refresh: bool,
    offline: bool,
    output: str,
) -> int:
    """Ask MusicBrainz about the recordings of held items, by ISRC and by its own identifiers.

    Identifiers come from tags and from what the source said. Answers are kept in the catalogue, beside the bags: nothing
    that the source said, and no credit, is changed. Exit status 1 when an identifier is none (an ISRC mistyped in a tag),
    3 when MusicBrainz did not answer.
    """
    from archiver.core.enrichments import Told
    from archiver.wiring.enriching import opened_library

    if (isrc or recording) and len(items) > 1:
        raise UsageError("--isrc and --recording are about one item")
    settings = front.settings()
    clock = wiring.clock()
    clock.install_signal_handlers()
    counts: Counter[Told] = Counter()
    with wiring.locked(settings), opened_library(settings, clock=clock, asks=not offline) as library:
        for text in items:
            item = _item(text)
            for one in _enriched(item, library, isrc, recording, refresh=refresh):
                counts[one.told] += 1
                emit(_record(item, one)) if output == "jsonl" else _tell(item, one)
    if output == "jsonl":
        emit({"summary": {told.value: counts[told] for told in Told}})
    else:
        front.say(", ".join(f"{counts[told]} {told.value}" for told in Told if counts[told]) or "no identifiers found")
    if counts[Told.FAILED]:
        return status.INCOMPLETE
    return status.FINDINGS if counts[Told.INVALID] else status.DONE


def _item(text: str) -> ItemId:
    try:
        return parse_item_id(text)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error


def _enriched(
    item: ItemId, library: Library, isrc: tuple[str, ...], recording: tuple[str, ...], *, refresh: bool
) -> list[Enriched]:
    from archiver.core.identifiers import Kind, identifier
    from archiver.workflows.enrich import enriched, found_identifiers

    held = library.catalogue.latest(item)
    if held is None:
        raise UsageError(f"{item} is not held", next_command="archiver list")
    given = [
        *(identifier(Kind.ISRC, one, where="command line") for one in isrc),
        *(identifier(Kind.RECORDING, one, where="command line") for one in recording),
    ]
    found = found_identifiers(held, stores=library.stores, holdings=library.catalogue, tags=library.tags)
    before = (one for one in library.catalogue.attached(item) if one.where == "command line")
    all_ = tuple(dict.fromkeys((*found, *before, *given)))
    library.catalogue.attach(item, all_)
    return list(enriched(all_, encyclopedia=library.encyclopedia, kept=library.catalogue, refresh=refresh))


def print_beside(item: ItemId, kept: Enrichments, output: str) -> None:
    """Print what an earlier enrichment has kept beside the bag of an item; nothing where there was none."""
    from archiver.workflows.enrich import enriched

    for one in enriched(kept.attached(item), encyclopedia=None, kept=kept):
        emit({"enrichment": _record(item, one)}) if output == "jsonl" else _tell(item, one)


def _record(item: ItemId, one: Enriched) -> dict[str, Any]:
    known = one.knowledge
    return {
        "item": str(item),
        "kind": one.identifier.kind.value,
        "identifier": one.identifier.value or one.identifier.raw,
        "raw": one.identifier.raw,
        "where": one.identifier.where,
        "told": one.told.value,
        "cached": one.is_cached,
        "url": known.url if known else "",
        "answered_at": known.at.isoformat() if known else "",
        "knowledge": dict(known.record) if known else {},
        "detail": one.detail,
    }


def _tell(item: ItemId, one: Enriched) -> None:
    identifier = one.identifier
    click.echo(
        printable(
            f"{one.told.value:<8} {item}  {identifier.kind.value} {identifier.value or identifier.raw}  {identifier.where}"
        )
    )
    if one.detail:
        click.echo(printable(f"         {one.detail}"))
    record = one.knowledge.record if one.knowledge else {}
    for known in record.get("recordings", [record] if record else []):
        artists = ", ".join(artist.get("name", "") for artist in known.get("artists", ()))
        when = known.get("first_release_date") or known.get("date") or "no date"
        click.echo(printable(f"         “{known.get('title', '')}” by {artists or 'nobody named'}, {when}"))
        for release in known.get("releases", ())[:5]:
            click.echo(printable(f"           on “{release.get('title', '')}” {release.get('date', '')}"))
