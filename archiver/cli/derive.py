"""``archiver derive``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.progress import progress_bars
from archiver.core.errors import CannotRunError, InterruptedRunError, UsageError
from archiver.core.items import parse_item_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archiver.core.derivatives import Derived, Kind
    from archiver.core.holdings import Holding
    from archiver.core.items import ItemId
    from archiver.core.selections import Selection
    from archiver.ports.clock import Clock
    from archiver.settings.reading import Settings
    from archiver.workflows.workshop import Workshop


@example(
    "archiver derive some-item\n"
    "archiver derive some-item other-item --opus --waveform\n"
    "archiver derive --selection netlabels\n"
    "archiver derive --all --opus --check --output jsonl"
)
@click.command("derive")
@click.argument("items", nargs=-1, metavar="[ITEM…]")
@click.option("--opus", is_flag=True, help="Ogg Opus at 75 kbit/s, the whole recording.")
@click.option("--waveform", is_flag=True, help="The outline, as peaks in JSON and as SVG.")
@click.option("--spectrogram", is_flag=True, help="The frequencies, as PNG.")
@click.option("--preview", is_flag=True, help="Thirty seconds with faded ends, as Ogg Opus.")
@click.option("--cover", is_flag=True, help="The embedded front cover, as it is.")
@click.option(
    "--loudness", is_flag=True, help="Measure: EBU R 128, true peak, silence, flat tops; feeds `report suspicious`."
)
@click.option(
    "--selection", metavar="NAME", help="What this selection stored; of the kinds that it names, unless you name some."
)
@click.option("--all", "everything", is_flag=True, help="Every item that is held.")
@click.option("--version", type=click.IntRange(min=1), help="Of one ITEM, another version than the newest.")
@click.option("--check", is_flag=True, help="Read what is there, and make again what is damaged.")
@output_option
@pass_front
def derive_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    /,
    *,
    items: tuple[str, ...],
    selection: str | None,
    everything: bool,
    version: int | None,
    check: bool,
    output: str,
    **kinds: bool,
) -> int:
    """Make listening copies and pictures of what is kept, beside the bags and never instead of them.

    Without a kind all are made that the licence allows: nothing but the whole recording in another format and the embedded
    cover under a NoDerivatives licence, nothing at all of what is withdrawn or quarantined. What is there already is left; a
    run that was interrupted goes on when the same command is given again.
    """
    if bool(items) + bool(selection) + everything != 1:
        raise UsageError("expected ITEM…, --selection or --all, and one of them", next_command="archiver derive --help")
    if version and len(items) != 1:
        raise UsageError("--version needs exactly one ITEM", next_command="archiver show ITEM")
    settings = front.settings()
    chosen = _selected(selection, settings)
    wanted = _kinds(kinds, chosen)
    run = _Run(front, output, is_named=bool(items), is_kind_named=any(kinds.values()))
    with wiring.locked(settings):
        return run.over(settings, _Choice(items, chosen.name if chosen else None, version), wanted, is_checking=check)


def _selected(name: str | None, settings: Settings) -> Selection | None:
    from archiver.settings.selections import read_selection

    return read_selection(name, settings) if name else None


def _kinds(flags: dict[str, bool], selection: Selection | None) -> tuple[Kind, ...]:
    """Return the kinds that were asked for: by name, else those of the selection, else all."""
    from archiver.core.derivatives import Kind

    named = tuple(kind for kind in Kind if flags[kind.value])
    return named or (selection.derivatives if selection else ()) or tuple(Kind)


class _Choice:
    """Which versions of which items."""

    def __init__(self, items: tuple[str, ...], selection: str | None, version: int | None) -> None:
        self.items = items
        self.selection = selection
        self.version = version

    def held(self, settings: Settings) -> Iterator[Holding]:
        """Yield them.

        Raises:
            UsageError: One that was named is not held.
        """
        from contextlib import closing

        with closing(wiring.open_catalogue(settings)) as catalogue:
            if not self.items:
                stored = catalogue.stored_by(self.selection) if self.selection else None
                yield from (held for held in catalogue.holdings() if stored is None or held.item in stored)
                return
            for item in map(_item, self.items):
                versions = [one for one in catalogue.versions(item) if self.version in {None, one.version}]
                if not versions:
                    raise UsageError(
                        f"the archive does not hold {item}{f', version {self.version}' if self.version else ''}",
                        next_command="archiver list",
                    )
                yield versions[-1]


def _item(text: str) -> ItemId:
    try:
        return parse_item_id(text)
    except ValueError as error:
        raise UsageError(str(error), next_command="archiver list") from error


def derive_stored(
    front: Front, settings: Settings, items: Iterable[ItemId], kinds: tuple[Kind, ...], *, output: str, clock: Clock
) -> int:
    """Make derivatives of items that a harvest has just stored, under its lock, and return the exit status.

    Raises:
        InterruptedRunError: Asked to stop; `archiver derive --selection` goes on.
    """
    run = _Run(front, output, is_named=False, is_kind_named=False, is_part=True)
    run.work(settings, _Choice(tuple(map(str, items)), None, None), kinds, clock=clock)
    return run.status


class _Run:
    """Renders how each item ended and chooses the exit status."""

    def __init__(
        self, front: Front, output: str, *, is_named: bool, is_kind_named: bool, is_part: bool = False
    ) -> None:
        self.front = front
        self.output = output
        self.is_named = is_named
        self.is_kind_named = is_kind_named
        self.is_part = is_part
        self.counts: Counter[str] = Counter()
        self.status = status.DONE

    def over(self, settings: Settings, choice: _Choice, kinds: tuple[Kind, ...], *, is_checking: bool) -> int:
        """Work upon every item; the summary is printed also when the run ends early."""
        clock = wiring.clock()
        clock.install_signal_handlers()
        try:
            self.work(settings, choice, kinds, clock=clock, is_checking=is_checking)
        except CannotRunError as error:
            status.say(error)
            self.status = status.CANNOT_RUN
        except InterruptedRunError:
            status.print_problem("interrupted: what was finished is kept; the same command goes on from here")
            self.status = status.INTERRUPTED
        if self.output == "jsonl":
            emit({"summary": dict(self.counts)})
        else:
            self.front.say(", ".join(f"{number} {word}" for word, number in self.counts.items()) or "nothing to do")
        return self.status

    def work(
        self,
        settings: Settings,
        choice: _Choice,
        kinds: tuple[Kind, ...],
        *,
        clock: Clock,
        is_checking: bool = False,
    ) -> None:
        """Work upon every item and print how each ended."""
        from archiver.wiring.derivation import opened_workshop

        with (
            progress_bars(is_wanted=not self.front.is_quiet) as progress,
            opened_workshop(settings, clock=clock, progress=progress) as shop,
        ):
            self._items(choice.held(settings), kinds, shop, is_checking=is_checking)

    def _items(self, items: Iterable[Holding], kinds: tuple[Kind, ...], shop: Workshop, *, is_checking: bool) -> None:
        from archiver.workflows.derive import derive

        for held in items:
            if shop.clock.stopping():
                raise InterruptedRunError("stopped between two items")
            derived = derive(held, kinds, shop, is_checking=is_checking)
            shop.progress.ended(held.item, outcome=derived.result)
            self._took(derived)

    def _took(self, derived: Derived) -> None:
        from archiver.core.derivatives import Result
        from archiver.reports.derivatives import derived_record, derived_text

        self.counts[derived.result.value] += 1
        found = {one.result for one in derived.kinds}
        if Result.FAILED in found:
            self.status = max(self.status, status.INCOMPLETE)
        elif self.is_named and (derived.result is Result.REFUSED or (self.is_kind_named and Result.REFUSED in found)):
            self.status = max(self.status, status.FINDINGS)
        if self.output == "jsonl":
            emit({"derived": derived_record(derived)} if self.is_part else derived_record(derived))
        else:
            for line in derived_text(derived):
                self.front.say(printable(line))
        if Result.FAILED in found and (self.output == "jsonl" or self.front.is_quiet):
            for line in derived_text(derived):
                status.print_problem(printable(line))
