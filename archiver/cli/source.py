"""``archiver source``: which sources there are and what they can do."""

from __future__ import annotations

from dataclasses import asdict

import click

from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import ArchiverError, UsageError


@click.group("source", context_settings={"help_option_names": ["-h", "--help"]})
def source_command() -> None:
    """Show which sources there are: the program's own, and those that installed packages bring."""


@example("archiver source list\narchiver source list --output jsonl")
@source_command.command("list")
@output_option
@pass_front
def list_sources(front: Front, *, output: str) -> int:  # noqa: ARG001 - every command gets it
    """List the sources; one whose package cannot be loaded is a finding."""
    from archiver.wiring import sources

    ended = status.DONE
    for name in sources.names():
        try:
            _print(name, output)
        except ArchiverError as error:
            status.print_problem(f"error: {printable(str(error))}")
            ended = status.FINDINGS
    return ended


@example("archiver source show internet-archive")
@source_command.command("show")
@click.argument("name")
@output_option
@pass_front
def show_source(front: Front, *, name: str, output: str) -> int:  # noqa: ARG001 - every command gets it
    """Show what one source can do."""
    from archiver.wiring import sources

    if name not in sources.names():
        raise UsageError(
            f"there is no source {name[:100]!r}; known: {', '.join(sources.names())}",
            next_command="archiver source list",
        )
    _print(name, output)
    return status.DONE


@example("archiver source check internet-archive")
@source_command.command("check")
@click.argument("name")
@pass_front
def check_source(front: Front, *, name: str) -> int:
    """Load a source and open it with these settings; nothing is asked of it."""
    from archiver import wiring
    from archiver.wiring import sources

    if name not in sources.names():
        raise UsageError(
            f"there is no source {name[:100]!r}; known: {', '.join(sources.names())}",
            next_command="archiver source list",
        )
    source, _, _ = wiring.open_source(front.settings(), name, clock=wiring.clock(), jobs=1)
    source.close()
    click.echo(f"{name}: can be opened")
    return status.DONE


def _print(name: str, output: str) -> None:
    from archiver.wiring import sources

    can = sources.capabilities(name)
    if output == "jsonl":
        emit({"source": name, "package": sources.origin(name), **asdict(can)})
        return
    digests = ", ".join(can.digests) or "none"
    rate = f"{can.requests_per_second:g} requests a second" if can.requests_per_second else "no limit"
    since = "can be asked for what is new" if can.incremental else "is asked for everything"
    click.echo(printable(f"{name}: {can.title} (from {sources.origin(name)})"))
    click.echo(printable(f"  digests: {digests}; licence of each {can.licence_scope}; {since}"))
    click.echo(f"  {rate}, {can.downloads} downloads at once")
