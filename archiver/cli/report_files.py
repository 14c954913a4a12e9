"""``--report FILE``: a report in files, each in the form that its name's ending asks for. The same for every report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from archiver.cli.front import Front


def report_option(forms: str) -> Callable[[Any], Any]:
    """Offer ``--report FILE``; what was given arrives as ``files``.

    Args:
        forms: The endings that are allowed, as a sentence goes on with them.
    """
    return click.option(
        "--report",
        "files",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        help=f"Write it into FILE, which ends in {forms}; may be given several times.",
    )


def write_reports(
    front: Front, files: Sequence[Path], makers: Mapping[str, Callable[..., Iterable[str]]], *values: Any, output: str
) -> None:
    """Write a report into each file, and say so to people.

    Args:
        front: The global options.
        files: Already checked with `archiver.wiring.reporting.checked_forms`.
        makers: What makes each form, by the ending of a name.
        values: What the makers take.
        output: Where it is for programs nothing is said.
    """
    from archiver.wiring import reporting

    reporting.write_reports(files, makers, *values)
    say_written(front, files, output=output)


def say_written(front: Front, files: Sequence[Path], *, output: str) -> None:
    """Tell people which files were written."""
    if output == "text":
        for file in files:
            front.say(f"wrote {file}")
