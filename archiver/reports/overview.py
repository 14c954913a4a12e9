"""The state of the archive in lines of text. It imports little: `archiver status` shall answer at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.coverage import in_words
from archiver.core.intervals import human_size
from archiver.reports.records import moment, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.coverage import Shortfall
    from archiver.core.forecasts import StoreForecast
    from archiver.core.runs import LastRun
    from archiver.core.totals import Totals


def totals(all_: Totals) -> Iterator[str]:
    """Yield lines about the whole archive."""
    files = "1 file" if all_.files == 1 else f"{all_.files} files"
    yield f"{all_.items} items in {all_.versions} versions, {files}, {human_size(all_.bytes)}"
    for store in all_.stores:
        oldest = f", oldest check {timestamp(store.oldest_check)}" if store.oldest_check else ""
        yield f"  {store.store}: {store.copies} copies, {store.good} good, {human_size(store.bytes)}{oldest}"
    yield f"quarantined: {all_.undecided}   refused: {all_.refused}   failed: {all_.failed}"
    for run in all_.last_runs:
        ended = "complete" if run.complete else ("incomplete" if run.ended_at else "not ended")
        numbers = ", ".join(f"{number} {outcome.value}" for outcome, number in run.counts if number)
        yield f"  run {run.id}  {timestamp(run.started_at)}  {run.selection}  {ended}  {numbers}"


def watched(backlogs: Iterable[StoreForecast], runs: Mapping[str, LastRun]) -> Iterator[str]:
    """Yield what is overdue, and how the last run of each command went."""
    late = [one for one in backlogs if one.overdue]
    yield "overdue checks: " + (", ".join(f"{one.store} {one.overdue}" for one in late) or "none")
    if late:
        yield "  next: archiver audit --due"
    for run in runs.values():
        how = f"status {run.status}" if run.ended_at else "works, or was killed"
        yield f"  {run.command}: began {moment(run.started_at)}, {how}; last success {moment(run.succeeded_at) or 'never'}"


def shortfalls(found: Iterable[Shortfall]) -> Iterator[str]:
    """Yield which versions fall short of what the settings ask for, by what, and what to do."""
    for one in found:
        yield f"too few copies: {versions(one.number)} with {in_words(one.lacks)}"
        for item, version in one.versions:
            yield f"    {item} v{version}"
        left = one.number - len(one.versions)
        if left:
            yield f"    and {left} more: archiver status --output jsonl"
        yield f"  next: {one.next}"


def versions(number: int) -> str:
    """Return so many versions in words."""
    return f"{number} version" if number == 1 else f"{number} versions"
