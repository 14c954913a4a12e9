"""Capture: stream every chosen file of an admitted item once, and prove that it is what the source declared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from archiver.core.error_pages import is_error_page
from archiver.core.errors import (
    DigestMismatchError,
    ErrorPageError,
    InterruptedRunError,
    SizeMismatchError,
    SourceUnavailableError,
)
from archiver.core.fixity import STORED, Algorithm, strongest
from archiver.core.packages import CapturedFile, Sip
from archiver.workflows.recall import recall, recalled_before

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from archiver.core.bags.paths import PayloadPath
    from archiver.core.fixity import Digest
    from archiver.core.gate import AdmittedItem
    from archiver.core.items import DeclaredFile, ItemId
    from archiver.core.packages import PassedOver
    from archiver.core.patience import Patience
    from archiver.ports.clock import Clock
    from archiver.ports.engines import Engine
    from archiver.ports.progress import Progress
    from archiver.ports.sources import Delivery, Source
    from archiver.ports.staging import Incoming, Staging
    from archiver.workflows.recall import Shelf


class Opened(Protocol):
    """Opens a file at an offset, as `archiver.ports.sources.Source.read` does."""

    def __call__(self, *, offset: int, validator: str) -> AbstractContextManager[Delivery]:
        """Open the file; one try."""
        ...


LARGEST_UNDECLARED = 64 << 30
"""Bytes. Where neither the source's record nor its answer gives a size, a body without end is cut here."""


def capture(
    admitted: AdmittedItem,
    *,
    state: Digest,
    source: Source,
    staging: Staging,
    transfers: Engine,
    clock: Clock,
    progress: Progress,
    patience: Patience,
    shelf: Shelf | None = None,
) -> Sip:
    """Bring every chosen file of an admitted item into staging.

    Each file is read from the source once and hashed in passing for the source's strongest digest, SHA-256 and SHA-512.
    While one file waits for the source, others go on. What an earlier run left of the same state is taken up.

    Args:
        admitted: What the gate let in.
        state: The state of the item; staged bytes of another state are dropped.
        source: Where to read.
        staging: Where the bytes go.
        transfers: Runs the captures of several files at once.
        clock: For the date of capture, and for waiting.
        progress: Told of every chunk.
        patience: How often to try a file, and how long to wait in between.
        shelf: The version held until now: what the source declares again is taken from there.

    Returns:
        The files in payload order, each durable in staging.

    Raises:
        CaptureError: A file is not what was declared; its bytes were dropped, other files stay staged.
        SourceError: A file could not be had; what is here of it stays for a later run.
        StagingFullError: What is here stays.
        InterruptedRunError: What is here stays.
    """
    one = partial(
        _capture_patiently,
        admitted,
        state=state,
        source=source,
        staging=staging,
        clock=clock,
        progress=progress,
        patience=patience,
        shelf=shelf,
    )
    files = [one(admitted.files[0])] if len(admitted.files) == 1 else list(transfers.over(one, admitted.files))
    return Sip(admitted, tuple(sorted(files, key=lambda file: str(file.path).encode())))


def _capture_patiently(
    admitted: AdmittedItem,
    chosen: tuple[DeclaredFile, PayloadPath],
    *,
    state: Digest,
    source: Source,
    staging: Staging,
    clock: Clock,
    progress: Progress,
    patience: Patience,
    shelf: Shelf | None,
) -> CapturedFile:
    declared, path = chosen
    item = admitted.item.id
    verified_by = strongest(declared.digests)
    next_try = 1
    recalled = recalled_before(item, declared, staging) if shelf else None
    passed_over: tuple[PassedOver, ...] = ()
    while True:
        with staging.receive(item, declared.name, state=state, algorithms=algorithms_for(declared)) as incoming:
            try:
                if next_try == 1 and shelf and verified_by and not _is_begun(incoming, declared):
                    recalled, passed_over = recall(
                        incoming, declared, shelf, verified_by=verified_by, staging=staging, clock=clock
                    )
                bring(
                    incoming,
                    declared,
                    partial(source.read, admitted, declared),
                    item=item,
                    clock=clock,
                    progress=progress,
                )
            except SourceUnavailableError as error:
                next_try += 1
                wait = patience.wait_before(next_try, retry_after=error.retry_after, what=f"{item}: {declared.name}")
                if wait is None:
                    raise
                failure = error
            else:
                sha512 = _digest(incoming, Algorithm.SHA512)
                staged = incoming.commit()
                return CapturedFile(declared, path, staged, sha512, verified_by, clock.now(), recalled, passed_over)
        progress.waits(item, seconds=wait, why=failure.message)
        clock.wait(wait)


def _is_begun(incoming: Incoming, declared: DeclaredFile) -> bool:
    """Tell whether the file is here already, or so far that the source is asked for the rest only."""
    return bool(incoming.offset and incoming.validator) or _is_here(incoming, declared)


def algorithms_for(declared: DeclaredFile) -> tuple[Algorithm, ...]:
    """Return which digests of a file are computed while it is captured: those we store, and what they are compared with."""
    return tuple(dict.fromkeys((*STORED, *(digest.algorithm for digest in _compared(declared)))))


def bring(
    incoming: Incoming,
    declared: DeclaredFile,
    opened: Opened,
    *,
    item: ItemId,
    clock: Clock,
    progress: Progress,
) -> None:
    """Append what is missing of a file, and prove that it is what was declared; one try.

    Where whoever gives it has another state of it by now, it is begun anew.

    Args:
        incoming: With the digests of `algorithms_for`.
        declared: What it must be.
        opened: Opens it at an offset.
        item: Whose file; for messages.
        clock: For a stop in between.
        progress: Told of every chunk.

    Raises:
        CaptureError: It is not what was declared; its bytes were dropped.
        SourceError: It could not be had; what is here stays.
    """
    _bring_here(incoming, declared, opened, item=item, clock=clock, progress=progress)
    _compare(incoming, declared, item=item)


def _bring_here(
    incoming: Incoming, declared: DeclaredFile, opened: Opened, *, item: ItemId, clock: Clock, progress: Progress
) -> None:
    if _is_here(incoming, declared):
        progress.received(item, bytes_=incoming.offset)
        return
    if declared.size is not None and incoming.offset >= declared.size:
        incoming.begin(validator="")
    with opened(offset=incoming.offset, validator=incoming.validator) as delivery:
        resumes = 0 < incoming.offset == delivery.offset and delivery.validator == incoming.validator
        if resumes:
            progress.received(item, bytes_=incoming.offset)
        else:
            incoming.begin(validator="" if delivery.offset else delivery.validator)
        if delivery.offset and not resumes:
            raise SourceUnavailableError(
                f"{item}: {declared.name}: the source went on at byte {delivery.offset}, unasked"
            )
        _receive(incoming, declared, delivery, item=item, clock=clock, progress=progress)


def _receive(
    incoming: Incoming, declared: DeclaredFile, delivery: Delivery, *, item: ItemId, clock: Clock, progress: Progress
) -> None:
    limit = declared.size if declared.size is not None else delivery.length
    limit = LARGEST_UNDECLARED if limit is None else limit
    at_start = incoming.offset == 0
    for chunk in delivery.chunks:
        if clock.stopping():
            raise InterruptedRunError("stopped while bytes were coming in")
        if at_start and is_error_page(declared.name, content_type=delivery.content_type, head=chunk[:512]):
            incoming.begin(validator="")
            raise ErrorPageError(
                "the source sent a web page in place of the file",
                where=f"{item}: {declared.name}",
                expected=declared.format or "a file",
                actual=delivery.content_type or "a page",
            )
        at_start = False
        if incoming.offset + len(chunk) > limit:
            received = incoming.offset + len(chunk)
            incoming.begin(validator="")
            raise SizeMismatchError(
                "the body does not end",
                where=f"{item}: {declared.name}",
                expected=f"{limit} bytes",
                actual=f"at least {received}",
            )
        incoming.write(chunk)
        progress.received(item, bytes_=len(chunk))


def _compare(incoming: Incoming, declared: DeclaredFile, *, item: ItemId) -> None:
    """Compare what is here with what was declared; drop it where they differ."""
    where = f"{item}: {declared.name}"
    if declared.size is not None and incoming.offset != declared.size:
        actual = incoming.offset
        incoming.begin(validator="")
        raise SizeMismatchError(
            "the body has another length", where=where, expected=f"{declared.size} bytes", actual=str(actual)
        )
    for expected in _compared(declared):
        actual_digest = _digest(incoming, expected.algorithm)
        if actual_digest != expected:
            incoming.begin(validator="")
            raise DigestMismatchError(
                "the bytes are not the declared ones", where=where, expected=str(expected), actual=str(actual_digest)
            )


def _compared(declared: DeclaredFile) -> tuple[Digest, ...]:
    if declared.must_match_all:
        return declared.digests
    verified_by = strongest(declared.digests)
    return (verified_by,) if verified_by else ()


def _is_here(incoming: Incoming, declared: DeclaredFile) -> bool:
    """Tell whether every byte is here: of the declared size, or where none is declared, of the declared digest."""
    verified_by = strongest(declared.digests)
    if declared.size is None:
        return verified_by is not None and _digest(incoming, verified_by.algorithm) == verified_by
    is_right = verified_by is None or _digest(incoming, verified_by.algorithm) == verified_by
    return incoming.offset == declared.size and is_right


def _digest(incoming: Incoming, algorithm: Algorithm) -> Digest:
    return next(digest for digest in incoming.digests() if digest.algorithm is algorithm)
