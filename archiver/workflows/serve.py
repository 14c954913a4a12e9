"""Serve: hand out listening copies, each compared with the digest it was made with; a damaged one is made again first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from archiver.core.derivatives import Derived, Kind, KindResult, Result, place_of
from archiver.core.dips import HANDED_OUT, Part, Promised
from archiver.core.errors import ObjectDamagedError, ObjectNotFoundError
from archiver.core.events import Event, EventOutcome, EventType
from archiver.workflows.derivative_shelf import pieces_of, present
from archiver.workflows.derive import derive, refusals
from archiver.workflows.disseminate import Dip, by_trust, promised_of, read_promised

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from archiver.core.derivative_sheets import Sheet
    from archiver.core.derivatives import Derivative
    from archiver.core.holdings import Holding
    from archiver.ports.outboxes import Outbox
    from archiver.workflows.workshop import Workshop

LICENCE = "metadata/licence.json"


def serve(
    held: Holding, kind: Kind, shop: Workshop, *, outbox: Outbox, locked: Callable[[], AbstractContextManager[None]]
) -> Dip | Derived:
    """Hand out what is derived of one version of an item, made now where it is not there.

    Args:
        held: Which version.
        kind: Of derivative.
        shop: The doorways.
        outbox: Where it goes.
        locked: Keeps other runs away while something is made.

    Returns:
        What was handed out; or how making it ended, where nothing could be handed out.

    Raises:
        ObjectDamagedError: A damaged derivative could not be made again.
        StoreError: A store could not be read; try again.
        InterruptedRunError: Asked to stop; the same command goes on.
    """
    refused = refusals(held, (kind,), shop)
    if refused:
        return Derived(held.item, held.version, (refused[kind],))
    sheet = present(held, kind, shop)
    if sheet is None:
        with locked():
            derived = derive(held, (kind,), shop)
        sheet = present(held, kind, shop, is_final=False)
        if sheet is None:
            return derived
    if not sheet.made:
        reasons = tuple(sorted({reason.value for _, reason, _ in sheet.unmade}))
        return Derived(held.item, held.version, (KindResult(kind, Result.NONE, reasons=reasons),))
    try:
        kept = _handed_out(held, sheet, shop, outbox)
    except (ObjectDamagedError, ObjectNotFoundError):
        with locked():
            derive(held, (kind,), shop, is_checking=True)
        sheet = present(held, kind, shop, is_final=False) or sheet
        kept = _handed_out(held, sheet, shop, outbox)
    kept += _licence(held, shop, outbox)
    where = outbox.finish()
    parts = _parts(sheet)
    size = sum(part.promised.size for part in parts)
    detail = f"{len(parts)} files, {size} bytes, derivatives ({kind}), every byte compared with its digest"
    event = Event(
        EventType.DISSEMINATION,
        shop.clock.now(),
        EventOutcome.SUCCESS,
        detail,
        shop.agent,
        held.item,
        version=held.version,
    )
    left = tuple((original.path, reason.value) for original, reason, _ in sheet.unmade)
    return Dip(where, len(parts) + 1, size, kept, event, left)


def _parts(sheet: Sheet) -> list[Part]:
    found = {one.path: one for one in sheet.derivatives if not one.path.endswith(".xml")}
    return [Part(Promised(one.path, one.size, one.sha256), _name(one)) for one in found.values()]


def _name(derivative: Derivative) -> str:
    return derivative.path.removeprefix("data/")


def _handed_out(held: Holding, sheet: Sheet, shop: Workshop, outbox: Outbox) -> int:
    kept, place = 0, place_of(held.prefix, sheet.kind)
    for part in _parts(sheet):
        if outbox.has(part):
            kept += 1
        else:
            outbox.take(part, [partial(pieces_of, shop.shelf, place + part.promised.path)])
    return kept


def _licence(held: Holding, shop: Workshop, outbox: Outbox) -> int:
    """Hand out the licence decision of the bag, proven as the bag's own files are."""
    copies = by_trust(held, shop.vault)
    promised = next((one for one in promised_of(held, copies, shop.vault) if one.path == LICENCE), None)
    if promised is None:
        return 0
    part = Part(promised, HANDED_OUT[LICENCE])
    if outbox.has(part):
        return 1
    outbox.take(part, (partial(read_promised, shop.vault[copy.store], held, promised) for copy in copies))
    return 0
