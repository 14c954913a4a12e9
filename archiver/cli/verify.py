"""``archiver verify``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import StoreRefusedError

if TYPE_CHECKING:
    from archiver.core.findings import BagVerdict


@example("archiver verify store/bags\narchiver verify /mnt/deposit/bag-17 --output jsonl")
@click.command("verify")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(min=1, max=256), help="Files read at once.")
@output_option
@pass_front
def verify_command(front: Front, *, paths: tuple[Path, ...], jobs: int | None, output: str) -> int:
    """Check BagIt bags of versions 0.93 to 1.0: complete, valid, every deviation with its clause.

    PATH is a bag, or a directory with bags below it. Nothing is written.
    """
    from archiver.workflows.verify import bags_in, verify

    engine = wiring.threads(jobs or os.cpu_count() or 1, "verify")
    report = _Report(front, output)
    try:
        for path in paths:
            if not path.is_dir():
                raise StoreRefusedError(f"{path}: expected a directory with a bag, actual {_what(path)}")
            store = wiring.directory_store("", path)
            for prefix in bags_in(store):
                report.took(str(path / prefix) if prefix else str(path), verify(store, prefix, files=engine))
    finally:
        engine.close()
    return report.ended()


def _what(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


class _Report:
    """Renders verdicts and chooses the exit status."""

    def __init__(self, front: Front, output: str) -> None:
        self.front = front
        self.output = output
        self.bags = self.valid = self.findings = 0

    def took(self, path: str, verdict: BagVerdict) -> None:
        """Count and print one verdict."""
        from archiver.reports import records, text

        self.bags += 1
        self.valid += verdict.is_valid
        self.findings += len(verdict.findings)
        for finding in verdict.findings:
            if self.output == "jsonl":
                emit(records.finding(finding))
            else:
                click.echo(printable(text.finding(finding)))
        if self.output == "jsonl":
            emit(records.bag_verdict(path, verdict))
        elif verdict.is_valid:
            self.front.say(f"valid     {path}")
        else:
            click.echo(printable(f"{'complete, not valid' if verdict.is_complete else 'not complete'}  {path}"))

    def ended(self) -> int:
        """Print the summary and return the exit status."""
        if self.output == "jsonl":
            emit({"summary": {"bags": self.bags, "valid": self.valid, "findings": self.findings}})
        else:
            self.front.say(f"{self.bags} bags, {self.valid} valid, {self.findings} findings")
        return status.DONE if self.valid == self.bags else status.FINDINGS
