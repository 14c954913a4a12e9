"""``archiver examine``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.examinations import Verdict

if TYPE_CHECKING:
    from archiver.core.examinations import Examination


@example("archiver examine album/*.flac\narchiver examine song.mp3 --output jsonl")
@click.command("examine")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(min=1, max=64), help="Files decoded at once.")
@click.option("--seconds", type=click.IntRange(min=1), default=900, show_default=True, help="Computing for one file.")
@output_option
@pass_front
def examine_command(front: Front, *, files: tuple[Path, ...], jobs: int | None, seconds: int, output: str) -> int:
    """Say what audio files are and prove that they play: every frame is decoded. Nothing is written.

    Decoding runs in processes with limits; a file that kills its decoder is a finding and the run goes on.
    """
    from archiver.wiring.listening import examiner

    workers = jobs or os.cpu_count() or 1
    room, engine = examiner(workers, seconds=seconds), wiring.threads(workers, "examine")
    counts = dict.fromkeys(Verdict, 0)
    try:
        for found in engine.over(lambda path: room.examine(path, name=str(path)), files):
            counts[found.verdict] += 1
            _show(front, found, output)
    finally:
        engine.close()
        room.close()
    summary = {verdict.value: count for verdict, count in counts.items()}
    if output == "jsonl":
        emit({"summary": {"files": len(files), **summary}})
    else:
        front.say(", ".join(f"{count} {verdict}" for verdict, count in summary.items() if count))
    return status.DONE if counts[Verdict.VALID] == len(files) else status.FINDINGS


def _show(front: Front, found: Examination, output: str) -> None:
    if output == "jsonl":
        emit(found.to_json())
        return
    form = found.format
    what = (
        f"{form.codec} {form.sample_rate} Hz, {form.channels} channels, {form.seconds} s" if form.codec else "no audio"
    )
    line = printable(f"{found.verdict:<11} {found.path}  {form.puid or 'format unknown'}, {what}")
    if found.verdict is Verdict.VALID:
        front.say(line)
        return
    click.echo(line)
    for remark in found.remarks:
        click.echo(printable(f"    {remark.code}: {remark.detail} ({remark.tool})"))
