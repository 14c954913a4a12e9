"""The same values for people, as lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archiver.core.attribution import one_line
from archiver.core.intervals import human_size
from archiver.core.outcomes import Outcome
from archiver.reports.records import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from archiver.core.crawls import Crawl
    from archiver.core.events import Event
    from archiver.core.findings import Finding
    from archiver.core.holdings import HeldFile, Holding
    from archiver.core.outcomes import ItemOutcome
    from archiver.core.versions import Difference


def item_outcome(outcome: ItemOutcome) -> str:
    """Return one line for an item of a harvest."""
    line = f"{outcome.outcome.value:<12}{outcome.item}"
    if outcome.outcome in {Outcome.STORED, Outcome.UNCHANGED}:
        line += f"  {_files(outcome.files)}"
        if outcome.bytes:
            line += f", {human_size(outcome.bytes)}"
        if outcome.recalled:
            line += f" ({human_size(outcome.recalled)} of them held already)"
        line += f"  {outcome.licence}"
    if outcome.reasons:
        line += f"  {', '.join(outcome.reasons)}"
    if outcome.outcome is Outcome.FAILED:
        line += f"\n            {outcome.detail.replace(chr(10), chr(10) + ' ' * 12)}"
    return line


def harvest_summary(counts: Mapping[Outcome, int], *, bytes_: int, seconds: float) -> str:
    """Return the last line of a harvest."""
    numbers = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts.get(outcome))
    rate = f", {human_size(int(bytes_ / seconds))}/s" if bytes_ and seconds else ""
    return f"{numbers or 'no items'}; {human_size(bytes_)} in {seconds:.1f} s{rate}"


def crawl(name: str, one: Crawl) -> str:
    """Return the table of a crawl on a few lines; each line adds up to the one above."""
    announced = "" if one.announced is None else f"{one.announced} announced, "
    unanswered = f", {one.undescribed} not described" if one.undescribed else ""
    recognised = f"{one.recognised} recognised as unchanged, " if one.recognised else ""
    lines = [f"{one_line(name)}: {announced}{one.found} found: {recognised}{one.described} described{unanswered}"]
    ended = ", ".join(f"{number} {outcome.value}" for outcome, number in one.outcomes if number)
    lines.append(f"    {one.admitted} admitted; {ended or 'nothing'}" + (f"; {one.gone} gone" if one.gone else ""))
    for outcome in (Outcome.REFUSED, Outcome.QUARANTINED, Outcome.FAILED):
        why = ", ".join(f"{number} {reason}" for found, reason, number in one.reasons if found is outcome)
        if why:
            lines.append(f"    {outcome.value}: {why}")
    if not one.is_whole:
        lines.append("    not to its end")
    return "\n".join(lines)


def dip(where: str, *, files: int, bytes_: int, kept: int) -> str:
    """Return one line for what was handed out."""
    before = f", {kept} of them handed out before" if kept else ""
    return f"{where}: {_files(files)}, {human_size(bytes_)}, every byte as it was stored{before}"


def holding(held: Holding) -> str:
    """Return one line for an item."""
    copies = ", ".join(f"{copy.store}: {copy.status.value} ({copy.grade.label})" for copy in held.copies)
    return (
        f"{held.item}  v{held.version}  {_files(held.files)}, {human_size(held.bytes)}  {held.licence}\n"
        f"    {one_line(held.title) or '(no title)'}\n    copies: {copies}"
    )


def item(
    versions: Iterable[Holding], differences: Iterable[Difference], files: Iterable[HeldFile], events: Iterable[Event]
) -> Iterator[str]:
    """Yield lines about one item: versions, their differences, files of the newest one, and what happened."""
    for held in versions:
        yield holding(held)
        yield f"    ingested {timestamp(held.ingested_at)}, tag manifest {held.tag_manifest}"
        for copy in held.copies:
            yield f"    {copy.store}: {copy.key}, {copy.status.value}, checked {timestamp(copy.checked_at)}"
    for one in differences:
        yield from difference(one)
    yield "files:"
    for file in files:
        yield f"    {file.path}  {human_size(file.size)}  {file.sha256}"
    yield "events:"
    for event in events:
        where = "  ".join(part for part in (event.store, event.path) if part)
        yield f"    {timestamp(event.at)}  {event.type.value}  {event.outcome.value}  {where}  {event.detail}"


def difference(one: Difference) -> Iterator[str]:
    """Yield lines about what a version changed over the one before."""
    numbers = [(one.added, "added"), (one.removed, "removed"), (one.changed, "changed"), (one.moved, "of them moved")]
    counted = ", ".join(f"{len(paths)} {word}" for paths, word in numbers if paths)
    yield f"v{one.before} to v{one.after}: {counted or 'the same files'}, {_files(one.unchanged)} unchanged"
    renamed = {path for pair in one.moved for path in pair}
    for mark, paths in (("+", one.added), ("-", one.removed), ("*", one.changed)):
        yield from (f"    {mark} {one_line(path)}" for path in paths if path not in renamed)
    yield from (f"    > {one_line(before)} is now {one_line(after)}" for before, after in one.moved)
    for change in (*((one.licence,) if one.licence else ()), *one.metadata):
        before, after = (one_line(text) or "(none)" for text in (change.before, change.after))
        yield f"    {one_line(change.field)}: {before} is now {after}"
    yield from (f"    the source's record differs: {one_line(path)}" for path in one.tag_files)
    if one.unread:
        yield f"    the bags' own descriptions were not compared: {one.unread}"


def finding(found: Finding) -> str:
    """Return what is wrong, where, what was expected and what is there."""
    line = f"{found.code.value}  {found.where}"
    if found.expected:
        line += f"\n    expected: {found.expected}"
    if found.actual:
        line += f"\n    actual:   {found.actual}"
    line += f"\n    rule:     {found.clause}"
    return line + (f"\n    next:     {found.next}" if found.next else "")


def _files(number: int) -> str:
    return f"{number} file" if number == 1 else f"{number} files"
