"""``archiver schedule``: ready crontab lines and unit files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli import status
from archiver.cli.front import Front, example, pass_front

if TYPE_CHECKING:
    from collections.abc import Sequence


@example(
    "archiver schedule cron | crontab -          # replaces this user's crontab\n"
    "archiver schedule systemd\n"
    "archiver schedule systemd --write /etc/systemd/system && systemctl daemon-reload"
)
@click.command("schedule")
@click.argument("form", type=click.Choice(["cron", "systemd"]))
@click.option("--max-duration", default="4h", show_default=True, help="After so long an audit begins no check.")
@click.option("--max-bytes", default="", metavar="N", help="An audit reads no more, for example 500GB.")
@click.option(
    "--replicate",
    "replicated",
    multiple=True,
    metavar="STORE",
    help="Also bring every version into this store; repeatable.",
)
@click.option(
    "--write",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the unit files into this directory instead of printing them.",
)
@pass_front
def schedule_command(
    front: Front, *, form: str, max_duration: str, max_bytes: str, replicated: tuple[str, ...], directory: Path | None
) -> int:
    """Print crontab lines or systemd unit files for this archive, with the paths of this installation.

    A job for each selection in manifests/, one each for the audit, the recheck of licences, the snapshot of the catalogue,
    the store doctor, and the log where it has a key. Times are spread by the
    place of the archive.
    """
    from archiver.core.errors import UsageError
    from archiver.core.intervals import parse_duration, parse_size
    from archiver.core.schedules import cron_lines, unit_files
    from archiver.wiring import reporting, schedules

    try:
        parse_duration(max_duration)
        parse_size(max_bytes or "0")
    except ValueError as error:
        raise UsageError(str(error)) from error
    if directory is not None and (form == "cron" or not directory.is_dir()):
        raise UsageError("--write takes an existing directory, and unit files only")
    settings = front.settings()
    for name in replicated:
        if name not in settings.stores:
            raise UsageError(
                f"no store {name!r} in the settings; there are: {', '.join(settings.stores)}",
                next_command=f"archiver schedule {form} --replicate {list(settings.stores)[-1]}",
            )
    here = schedules.installation(settings, home=front.home)
    jobs = schedules.jobs(
        settings, is_there=_is_there, max_duration=max_duration, max_bytes=max_bytes, replicated=replicated
    )
    if form == "cron":
        click.echo("\n".join(cron_lines(here, jobs)))
        return status.DONE
    units = unit_files(here, jobs)
    for name, text in units.items():
        if directory is None:
            click.echo(f"# {name}\n{text}")
        else:
            reporting.write_whole(directory / name, (text,))
    timers = [name for name in units if name.endswith(".timer")]
    to_type = f"systemctl daemon-reload && systemctl enable --now {' '.join(timers)}"
    click.echo(f"# then: {to_type}" if directory is None else f"wrote {len(units)} files\n  next: {to_type}")
    return status.DONE


def _is_there(arguments: Sequence[str]) -> bool:
    """Tell whether the program has a command, and the subcommand where it is a group."""
    from archiver.cli.main import cli

    group: click.Command | None = cli
    context = click.Context(cli)
    for word in arguments:
        if not isinstance(group, click.Group):
            return True
        group = group.get_command(context, word)
        if group is None:
            return False
    return not isinstance(group, click.Group)
