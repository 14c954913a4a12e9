"""The program's entry: global options, and commands that are imported only when they are called."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from archiver import __version__
from archiver.cli.front import Front
from archiver.cli.status import EXIT_STATUSES, ended
from archiver.cli.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 110
"""Columns of help at most."""

COMMANDS = {
    "init": ("init", "Write a commented archiver.toml and make the archive."),
    "demo": ("demo", "Show the whole journey offline, with sample audio."),
    "harvest": ("harvest", "Ingest what selections name."),
    "add": ("add", "Take in bags of others, or files of your own."),
    "source": ("source", "Which sources there are and what they can do."),
    "review": ("review", "The quarantine, decided by a named person with a reason."),
    "list": ("holdings", "List what the archive holds."),
    "search": ("holdings", "Find what is held by identifier, title or licence."),
    "show": ("holdings", "Show one item: versions, copies, files, events."),
    "get": ("get", "Hand out an item, every byte proven."),
    "derive": ("derive", "Make listening copies, previews, pictures of the sound."),
    "enrich": ("enrich", "Ask MusicBrainz about recordings, beside the bags."),
    "examine": ("examine", "Say what audio files are, and prove that they play."),
    "verify": ("verify", "Check bags: complete, valid, every deviation."),
    "audit": ("audit", "Check copies in stores, the longest unchecked first."),
    "repair": ("audit", "Put damaged copies right from sound ones."),
    "replicate": ("replicate", "Bring what is held into a store that lacks it."),
    "withdraw": ("withdraw", "Take an item down: dark at once, its content kept out."),
    "restore": ("withdraw", "End a takedown."),
    "rebuild": ("rebuild", "Make the catalogue again from one store alone."),
    "drill": ("drill", "Restore a random sample to scratch and certify it."),
    "licence": ("licence", "Ask the licence gate alone."),
    "report": ("report", "Reports for people and programs, from the catalogue."),
    "snapshot": ("snapshot", "Put what the catalogue knows beside the bags of every store."),
    "schedule": ("schedule", "Ready crontab lines or systemd unit files."),
    "log": ("log", "The signed audit log: publish, show, verify."),
    "store": ("store", "Prove what a store really does."),
    "status": ("overview", "Holdings, copies, last runs."),
}
"""Name of each command, the module below `archiver.cli` that has it, and its line in the help."""


SILENT = frozenset(["status"])
"""Commands that log nothing unless they are asked to say more: importing what logs takes as long as their work."""


class Commands(click.Group):
    """A group that imports a command's module when the command is called, and not to list its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of a journey."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"archiver.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, and name the nearest one where there is none of that name."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint} Commands: {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from `COMMANDS` alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the exit statuses and an example."""
        with formatter.section("Exit status"):
            formatter.write_dl([(str(status), meaning) for status, meaning in EXIT_STATUSES.items()])
        with formatter.section("Example"):
            formatter.write("  archiver init my-archive && cd my-archive\n")
            formatter.write("  archiver harvest netlabels --dry-run --limit 5\n")


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST})
@click.option("--config", type=click.Path(), help="Settings file; else ./archiver.toml.")
@click.option("--home", type=click.Path(), help="Where catalogue, store and staging are by default.")
@click.option("-v", "--verbose", count=True, help="Say more on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what is wrong.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Of the log; else [logging] format.")
@click.version_option(__version__, "--version", prog_name="archiver", message="%(prog)s %(version)s")
@click.pass_context
def cli(
    ctx: click.Context, *, config: str | None, home: str | None, verbose: int, quiet: bool, log_format: str | None
) -> None:
    """A preservation archive for openly licensed audio.

    It harvests recordings that their makers put under Creative Commons or into the public domain, keeps them as BagIt
    bags with the proof beside each file, and shows that nothing has changed.
    """
    from pathlib import Path  # a tenth of the start-up of `--help`, which needs none

    watch = ctx.obj
    ctx.obj = Front(
        config=Path(config) if config else None,
        home=Path(home) if home else None,
        verbosity=-1 if quiet else verbose,
        log_format=log_format,
    )
    if verbose or log_format or ctx.invoked_subcommand not in SILENT:
        ctx.obj.set_up_logging()
    if isinstance(watch, Watch):
        watch.began(ctx.obj, ctx.invoked_subcommand)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit status."""
    watch = Watch(arguments)
    given = None if arguments is None else list(arguments)
    width = _width()
    sys.exit(watch.ended(ended(lambda: cli.main(args=given, standalone_mode=False, obj=watch, terminal_width=width))))


def _width() -> int:
    """Return the columns of help, as click would; it asks `shutil`, which imports every way of compressing."""
    try:
        columns = int(os.environ.get("COLUMNS") or 0) or os.get_terminal_size(1).columns
    except (ValueError, OSError):
        columns = 0
    return max(min(columns or 80, WIDEST) - 2, 50)
