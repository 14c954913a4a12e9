"""``archiver licence table``: the maintainers' command that makes the table of legal tools again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from archiver.cli import status
from archiver.cli.front import Front, example, pass_front, printable
from archiver.core.errors import CannotRunError, UsageError


@example("archiver licence table\narchiver licence table --from cc-legal-tools.csv --write official.csv")
@click.command("table")
@click.option("--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="Creative Commons' own CSV.")
@click.option(
    "--write", "target", type=click.Path(path_type=Path), metavar="FILE", help="Write the new table into FILE."
)
@pass_front
def table_command(front: Front, *, source: Path | None, target: Path | None) -> int:
    """Show where the table of legal tools is from, or make it again from Creative Commons' own.

    Exit status 1 when the new table differs. It is not written when a tool would be gone: works are under it.
    """
    from archiver.wiring.licences import provenance, rebuilt_table

    if source is None:
        if target is not None:
            raise UsageError("--write needs --from", next_command="archiver licence table --from FILE --write FILE")
        front.say(provenance())
        return status.DONE
    rebuilt = rebuilt_table(source)
    for word, urls in (("added", rebuilt.added), ("changed", rebuilt.changed), ("REMOVED", rebuilt.removed)):
        for url in urls:
            front.say(printable(f"{word}  {url}"))
    if rebuilt.removed:
        raise CannotRunError(
            f"{source}: {len(rebuilt.removed)} legal tools would be gone, the first {rebuilt.removed[0]}; nothing was"
            " written: works are under them, so a removal is for a person to understand first",
            next_command="archiver licence table",
        )
    if target is not None:
        _write(front, target, rebuilt.text.encode())
    front.say(f"{len(rebuilt.added)} added, {len(rebuilt.changed)} changed, none removed")
    return status.FINDINGS if rebuilt.added or rebuilt.changed else status.DONE


def _write(front: Front, target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise CannotRunError(f"{target}: cannot be written: {error.strerror}") from error
    front.say(f"wrote {target}: SHA-256 {hashlib.sha256(content).hexdigest()}")
