"""Derive: make what listeners need out of what is kept, beside the bags and never instead of them.

Holding ── may it be made? ──> originals ── first copy that is right ──> bench ── derive ──> shelf ── manifest last ──> whole

Without its manifest nothing of a kind is whole, so a crash between two objects leaves nothing that is taken for finished; the
next run takes up what was made. Damage is no loss here: what is not the promised bytes is made again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.derivative_credits import credit_of, derivative_credits, tags_of
from archiver.core.derivative_sheets import (
    ATTRIBUTION,
    MANIFEST,
    PREMIS,
    Sheet,
    measured_by,
    recognise_sheet,
    sheet_record,
)
from archiver.core.derivatives import (
    PIECES,
    RECIPES,
    Because,
    Derivative,
    Derived,
    Kind,
    KindResult,
    Order,
    Original,
    Result,
    kept_back,
    name_of,
    place_of,
)
from archiver.core.errors import ArchiverError, CannotRunError, InterruptedRunError, ObjectDamagedError, StoreError
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import digest_of
from archiver.core.holdings import CopyStatus
from archiver.core.premis import Rights, format_derivation
from archiver.core.reviews import Standing
from archiver.workflows.attribute import attribution_of
from archiver.workflows.derivative_shelf import (
    ONCE_MORE,
    checked,
    found,
    is_whole,
    originals_of,
    pieces_of,
    put,
    remove_derivatives,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from archiver.core.attribution import Attribution
    from archiver.core.derivatives import Made
    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.objects import StagedFile
    from archiver.workflows.workshop import Workshop

KEPT_EVERY = 5.0
"""Seconds after which what was made is taken down for a run that goes on; what is made twice has the same bytes."""
_DARK = frozenset((Because.WITHDRAWN.value, Because.QUARANTINED.value))
"""Reasons for which also what was made earlier goes."""


def derive(held: Holding, kinds: Iterable[Kind], shop: Workshop, *, is_checking: bool = False) -> Derived:
    """Make what is not there yet of one version of an item. The caller holds the archive's lock.

    Args:
        held: Which version.
        kinds: What to make.
        shop: The doorways.
        is_checking: Read everything that is there, and make again what is not as the manifest has it.

    Raises:
        CannotRunError: Somebody must act; what was finished stays finished.
        InterruptedRunError: Asked to stop; the same command goes on.
    """
    kinds = tuple(dict.fromkeys(kinds))
    refused = refusals(held, kinds, shop)
    removed = 0
    if refused and all(one.reasons[0] in _DARK for one in refused.values()):
        removed = remove_derivatives(held, shop.shelf)
    allowed = tuple(kind for kind in kinds if kind not in refused)
    try:
        results = _made_kinds(held, allowed, shop, is_checking=is_checking) if allowed else {}
    except (CannotRunError, InterruptedRunError):
        raise
    except ArchiverError as error:
        reason = getattr(error, "reason", "INTERNAL_ERROR")
        results = {kind: KindResult(kind, Result.FAILED, reasons=(reason,), detail=str(error)) for kind in allowed}
    if removed:
        detail = f"{removed} objects that were made earlier are removed"
        refused = {kind: replace(one, detail=detail) for kind, one in refused.items()}
    return Derived(held.item, held.version, tuple({**refused, **results}[kind] for kind in kinds))


def refusals(held: Holding, kinds: Iterable[Kind], shop: Workshop) -> dict[Kind, KindResult]:
    """Return the kinds that may not be made, each with its reason; nothing is read or changed for this."""
    dark = _dark(held, shop)
    if dark is not None:
        return {kind: KindResult(kind, Result.REFUSED, reasons=(dark.value,)) for kind in kinds}
    reasons = {kind: kept_back(kind, held.licence, table=shop.table, rules=shop.rules) for kind in kinds}
    return {
        kind: KindResult(kind, Result.REFUSED, reasons=(reason.value,), detail=held.licence)
        for kind, reason in reasons.items()
        if reason is not None
    }


def _dark(held: Holding, shop: Workshop) -> Because | None:
    """Return why nothing at all may be made of an item now."""
    if shop.withdrawals.withdrawn(held.item) is not None:
        return Because.WITHDRAWN
    # A case of before the ingestion was decided, or its declarations are gone; one of after it says that doubt arose.
    later = [case for case in shop.reviews.cases(held.item) if case.opened_at > held.ingested_at]
    now = shop.clock.now()
    is_doubted = later and later[-1].standing(shop.review_rules, now) is not Standing.ACCEPTED
    return Because.QUARANTINED if is_doubted else None


def _made_kinds(held: Holding, kinds: tuple[Kind, ...], shop: Workshop, *, is_checking: bool) -> dict[Kind, KindResult]:
    originals = originals_of(held, shop)
    results: dict[Kind, KindResult] = {}
    begun: dict[Kind, Sheet] = {}
    for kind in kinds:
        sheet, sizes = found(held, kind, shop.shelf)
        if sheet is not None and is_checking:
            sheet = checked(held, sheet, sizes, shop.shelf)
        if sheet is not None and is_whole(sheet, sizes, originals):
            results[kind] = _result(sheet, Result.PRESENT)
            _take_down(held, sheet, shop)
        else:
            begun[kind] = _taken_up(held, kind, sheet, sizes, originals, shop)
    if begun:
        shop.bench.clear()
        attribution = _attribution(held, shop)
        for kind, sheet in _worked(held, begun, originals, attribution, shop).items():
            results[kind] = _finished(held, sheet, attribution, shop)
    return results


def _attribution(held: Holding, shop: Workshop) -> Attribution:
    """Return the credits of a bag, which names its licence too: a catalogue that somebody altered gives no permission.

    Raises:
        ObjectDamagedError: The two do not agree.
    """
    attribution = attribution_of(held, shop.vault)
    if attribution.whole.licence_url != held.licence:
        raise ObjectDamagedError(
            f"{held.item}: expected the licence {held.licence!r}, as the catalogue has it, "
            f"actual {attribution.whole.licence_url!r} in the bag",
            next_command=f"archiver audit --item {held.item}",
        )
    return attribution


def _taken_up(
    held: Holding,
    kind: Kind,
    sheet: Sheet | None,
    sizes: Mapping[str, int],
    originals: Mapping[Original, HeldFile],
    shop: Workshop,
) -> Sheet:
    """Return a sheet with what is there already, by an earlier run that may have been killed; nothing of it looks whole."""
    place = place_of(held.prefix, kind)
    record = shop.bench.kept(_progress_name(place))
    earlier = [
        one for one in (sheet, recognise_sheet(record) if record else None) if one and one.recipe == RECIPES[kind]
    ]
    empty = Sheet(str(held.item), held.version, kind, RECIPES[kind], held.licence)
    done = {(one.path, one.original): one for other in earlier for one in other.made}
    unmade = {one[0]: one for other in earlier for one in other.unmade if one[1] not in ONCE_MORE}
    whole = [one for one in done.values() if sizes.get(one.path) == one.size and one.original in originals]
    # The drawing and the numbers of a waveform come together; where one is lost, both are made again.
    pieces = Counter(one.original for one in whole)
    full = {original for original, count in pieces.items() if count == PIECES.get(kind, 1)}
    begun = replace(
        empty,
        derivatives=tuple(one for one in whole if one.original in full),
        unmade=tuple(one for original, one in unmade.items() if original in originals and original not in full),
        tools=next((other.tools for other in earlier if other.tools), ()),
    )
    shop.bench.keep(_progress_name(place), sheet_record(begun))
    shop.shelf.delete(place + MANIFEST)
    return begun


def _progress_name(place: str) -> str:
    return f"derived-{hashlib.sha256(place.encode()).hexdigest()}"


def _worked(
    held: Holding,
    begun: dict[Kind, Sheet],
    originals: Mapping[Original, HeldFile],
    attribution: Attribution,
    shop: Workshop,
) -> dict[Kind, Sheet]:
    """Work upon each file once for all the kinds that lack it, and take down after each file what there is by now."""
    sheets = dict(begun)
    done = {
        kind: {one.original for one in sheet.derivatives} | {one[0] for one in sheet.unmade}
        for kind, sheet in begun.items()
    }
    lacking = {original: tuple(kind for kind in begun if original not in done[kind]) for original in originals}
    todo = [(original, kinds) for original, kinds in lacking.items() if kinds]
    shop.progress.began(held.item)
    shop.progress.expects(held.item, files=len(todo), bytes_=sum(originals[original].size for original, _ in todo))
    kept_at = shop.clock.monotonic()
    try:
        for original, kept, made in shop.files.over(partial(_derived_file, held, originals, attribution, shop), todo):
            for kind in {*(kind for kind, _ in kept), *(lost.kind for lost in made.unmade)}:
                sheets[kind] = _with(sheets[kind], original, kept, made)
            if shop.clock.monotonic() - kept_at >= KEPT_EVERY:
                _keep(held, sheets, shop)
                kept_at = shop.clock.monotonic()
    finally:
        _keep(held, sheets, shop)
    if shop.clock.stopping():
        raise InterruptedRunError("stopped between two files; the same command goes on")
    return sheets


def _with(sheet: Sheet, original: Original, kept: Iterable[tuple[Kind, Derivative]], made: Made) -> Sheet:
    """Return a sheet with what became of one file."""
    return replace(
        sheet,
        derivatives=(*sheet.derivatives, *(derivative for kind, derivative in kept if kind is sheet.kind)),
        unmade=(*sheet.unmade, *((original, no.reason, no.detail) for no in made.unmade if no.kind is sheet.kind)),
        tools=made.tools or sheet.tools,
    )


def _keep(held: Holding, sheets: Mapping[Kind, Sheet], shop: Workshop) -> None:
    for kind, sheet in sheets.items():
        shop.bench.keep(_progress_name(place_of(held.prefix, kind)), sheet_record(sheet))


def _derived_file(
    held: Holding,
    originals: Mapping[Original, HeldFile],
    attribution: Attribution,
    shop: Workshop,
    task: tuple[Original, tuple[Kind, ...]],
) -> tuple[Original, list[tuple[Kind, Derivative]], Made]:
    original, kinds = task
    if shop.clock.stopping():
        raise InterruptedRunError("stopped between two files; the same command goes on")
    tags = tags_of(credit_of(attribution, original), album=attribution.whole.title, original=original)
    kept = []
    with ExitStack() as stack:
        source = _proven(held, originals[original], shop, stack)
        made = shop.deriver.derive(source, Order(kinds, tags))
        for product in made.products:
            is_cover = product.kind is Kind.COVER  # one picture is often in every file: it is kept once
            name = (
                f"data/{product.file.sha256.value[:32]}{product.suffix}"
                if is_cover
                else name_of(original, product.suffix)
            )
            derivative = Derivative(name, product.file.size, product.file.sha256, original, product.facts)
            put(shop.shelf, place_of(held.prefix, product.kind) + name, product.file, derivative.sha256)
            kept.append((product.kind, derivative))
    shop.progress.received(held.item, bytes_=source.size)
    return original, kept, made


def _proven(held: Holding, file: HeldFile, shop: Workshop, stack: ExitStack) -> StagedFile:
    """Bring a payload file to the bench from the first copy whose bytes are the promised ones."""
    failures = []
    last: StoreError | None = None
    copies = [copy for copy in held.copies if copy.store in shop.vault]
    for copy in sorted(copies, key=lambda copy: copy.status is not CopyStatus.GOOD):
        chunks = pieces_of(shop.vault[copy.store], held.prefix + file.path)
        try:
            return stack.enter_context(shop.bench.brought(chunks, size=file.size, sha256=file.sha256))
        except StoreError as error:
            last = error if last is None or error.transient else last
            failures.append(f"{copy.store}: {error.message}")
    if last is not None and last.transient:
        raise last
    raise ObjectDamagedError(
        f"{held.item}: {file.path}: no copy is what was stored: {'; '.join(failures) or 'no store has one'}",
        next_command=f"archiver repair {held.item}",
    ) from last


def _finished(held: Holding, sheet: Sheet, attribution: Attribution, shop: Workshop) -> KindResult:
    """Put what stands beside the derivatives, the manifest last, remove what is not in it, and take the event down."""
    place = place_of(held.prefix, sheet.kind)
    made = sorted(sheet.made, key=lambda one: (one.path, one.original.path if one.original else ""))
    originals = tuple(sorted({one.original for one in made if one.original}, key=lambda one: one.path))
    sheet = replace(sheet, unmade=tuple(sorted(sheet.unmade, key=lambda one: one[0].path)))
    event = _event(held, sheet, len(originals), shop)
    beside = []
    if made:
        tools = [Agent(f"{name} {version}") for name, version in sheet.tools]
        rights = Rights(held.licence, attribution.whole.is_licence, attribution.whole.retrieved_on)
        premis = format_derivation(
            identifier=f"{held.item}/v{held.version}",
            place=place,
            derivatives=made,
            event=event,
            agents=[shop.agent, *tools],
            rights=rights,
        )
        for name, content in ((ATTRIBUTION, derivative_credits(attribution, sheet.kind, originals)), (PREMIS, premis)):
            put(shop.shelf, place + name, content, digest_of(content))
            beside.append(Derivative(name, len(content), digest_of(content), None))
    sheet = replace(sheet, derivatives=(*beside, *made))
    listed = {one.path for one in sheet.derivatives}
    for facts in tuple(shop.shelf.list(place)):
        if facts.key.removeprefix(place) not in listed:
            shop.shelf.delete(facts.key)
    record = sheet_record(sheet)
    put(shop.shelf, place + MANIFEST, record, digest_of(record))
    shop.ledger.appended((replace(event, detail=f"{event.detail}; {MANIFEST} {digest_of(record)}"),))
    _take_down(held, sheet, shop)
    shop.bench.drop(_progress_name(place))
    return _result(sheet, Result.MADE)


def _take_down(held: Holding, sheet: Sheet, shop: Workshop) -> None:
    """Let the catalogue know what was measured; also where that is long there, since a rebuilt catalogue does not know it."""
    if sheet.kind is Kind.LOUDNESS:
        shop.measurements.measured(held.item, held.version, measured_by(sheet))


def _event(held: Holding, sheet: Sheet, sources: int, shop: Workshop) -> Event:
    is_incomplete = any(reason in ONCE_MORE for _, reason, _ in sheet.unmade)
    return Event(
        EventType.CREATION,
        shop.clock.now(),
        EventOutcome.WARNING if is_incomplete else EventOutcome.SUCCESS,
        f"{len(sheet.made)} derivatives of {sources} files; {sheet.recipe}",
        shop.agent,
        held.item,
        version=held.version,
        store=shop.shelf.name,
    )


def _result(sheet: Sheet, result: Result) -> KindResult:
    reasons = tuple(sorted({str(reason) for _, reason, _ in sheet.unmade}))
    again = next((f"{original.path}: {detail}" for original, reason, detail in sheet.unmade if reason in ONCE_MORE), "")
    if again:
        result = Result.FAILED
    elif not sheet.made:
        result = Result.NONE
    unique = {one.path: one.size for one in sheet.derivatives}
    return KindResult(sheet.kind, result, len({one.path for one in sheet.made}), sum(unique.values()), reasons, again)
