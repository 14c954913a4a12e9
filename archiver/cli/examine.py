"""``archiver examine``."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.examinations import Verdict

if TYPE_CHECKING:
    from archiver.core.examinations import Examination
    from archiver.core.suspicions import Measured
    from archiver.ports.derivers import Meter
    from archiver.ports.examiner import Examiner


@example("archiver examine album/*.flac\narchiver examine song.mp3 --loudness --output jsonl")
@click.command("examine")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(min=1, max=64), help="Files decoded at once.")
@click.option("--seconds", type=click.IntRange(min=1), default=900, show_default=True, help="Computing for one file.")
@click.option(
    "--loudness", is_flag=True, help="Measure also loudness, true peak, silence and flat tops; decodes once more."
)
@click.option("--fingerprint", is_flag=True, help="Take acoustic fingerprints too (extra 'fingerprint').")
@output_option
@pass_front
def examine_command(  # noqa: PLR0913 - one keyword for each option
    front: Front,
    *,
    files: tuple[Path, ...],
    jobs: int | None,
    seconds: int,
    loudness: bool,
    fingerprint: bool,
    output: str,
) -> int:
    """Say what audio files are and prove that they play: every frame is decoded. Nothing is written.

    Decoding runs in processes with limits; a file that kills its decoder is a finding and the run goes on.
    """
    from archiver.wiring.derivation import meter
    from archiver.wiring.listening import examiner

    workers = jobs or os.cpu_count() or 1
    room, engine = examiner(workers, seconds=seconds, fingerprints=fingerprint), wiring.threads(workers, "examine")
    ear = meter(workers, seconds=seconds) if loudness else None
    counts = dict.fromkeys(Verdict, 0)
    try:
        for found, measured in engine.over(partial(_listened, room, ear), files):
            counts[found.verdict] += 1
            _show(front, found, output, measured)
    finally:
        engine.close()
        if ear is not None:
            ear.close()
        room.close()
    summary = {verdict.value: count for verdict, count in counts.items()}
    if output == "jsonl":
        emit({"summary": {"files": len(files), **summary}})
    else:
        front.say(", ".join(f"{count} {verdict}" for verdict, count in summary.items() if count))
    return status.DONE if counts[Verdict.VALID] == len(files) else status.FINDINGS


def _listened(room: Examiner, ear: Meter | None, path: Path) -> tuple[Examination, Measured | None]:
    found = room.examine(path, name=str(path))
    is_sound = ear is not None and found.format.samples
    return found, ear.measure(path, name=str(path)) if ear is not None and is_sound else None


def _show(front: Front, found: Examination, output: str, measured: Measured | None) -> None:
    loudness = measured.loudness if measured else None
    if output == "jsonl":
        emit({**found.to_json(), **({"loudness": loudness.to_json()} if loudness else {})})
        return
    form = found.format
    what = (
        f"{form.codec} {form.sample_rate} Hz, {form.channels} channels, {form.seconds} s" if form.codec else "no audio"
    )
    line = printable(f"{found.verdict:<11} {found.path}  {form.puid or 'format unknown'}, {what}")
    if loudness:
        line += f"\n    {loudness.in_words()}" + "".join(f"  {sign}" for sign in loudness.signs)
    if found.verdict is Verdict.VALID:
        front.say(line)
        return
    click.echo(line)
    for remark in found.remarks:
        click.echo(printable(f"    {remark.code}: {remark.detail} ({remark.tool})"))
