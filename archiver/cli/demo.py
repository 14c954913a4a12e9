"""``archiver demo``: the whole journey offline, made of the same steps a user takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, example, pass_front
from archiver.cli.harvest import harvest_all
from archiver.core.errors import SettingsError

if TYPE_CHECKING:
    from archiver.settings.reading import Settings

MARK = "# Made by `archiver demo`."
SETTINGS = f"""\
{MARK} The same as for real use, but for the endpoint: the source runs on this machine while the demo lasts.
[archive]
organisation = "Demo Sound Archive"

[stores.primary]
url = "store/"

[stores.mirror]
url = "mirror/"

[sources.internet-archive]
endpoint = "ENDPOINT"
"""
SELECTION = """\
title = "Everything the demo's source has"
source = "internet-archive"
query = "mediatype:audio"
policy = "all-cc"
files = "originals"
stores = ["primary", "mirror"]
"""


@example("archiver demo\narchiver demo /tmp/archiver-demo")
@click.command("demo")
@click.argument(
    "directory",
    required=False,
    default="archiver-demo",
    metavar="[DIR]",
    type=click.Path(path_type=Path, file_okay=False),
)
@pass_front
def demo_command(front: Front, *, directory: Path) -> int:
    """Harvest sample audio from a source on loopback, damage one copy, find it, put it right.

    Nothing leaves this machine. The archive stays in DIR to be looked at; given again, the demo starts anew there.
    """
    _prepare(directory)
    with wiring.demo_source() as endpoint:
        (directory / "archiver.toml").write_text(SETTINGS.replace("ENDPOINT", endpoint), "utf-8")
        (directory / "manifests").mkdir(exist_ok=True)
        (directory / "manifests" / "demo.toml").write_text(SELECTION, "utf-8")
        inside = Front(directory / "archiver.toml", None, front.verbosity)
        settings = inside.settings()
        front.say("1. Harvest: the licence gate lets three of five items in, each into two stores.\n")
        harvest_all(inside, settings, [str(directory / "manifests" / "demo.toml")])
        front.say("\n2. Again: everything is held already, not one audio byte is asked for.\n")
        harvest_all(inside, settings, [str(directory / "manifests" / "demo.toml")])
    is_right = _check_and_repair(front, settings, directory)
    _say_what_next(front, directory)
    return status.DONE if is_right else status.FINDINGS


def _prepare(directory: Path) -> None:
    """Make the directory, emptying that of an earlier demo and nobody else's."""
    import shutil

    settings = directory / "archiver.toml"
    if directory.exists() and any(directory.iterdir()):
        if not settings.is_file() or not settings.read_text("utf-8", "replace").startswith(MARK):
            raise SettingsError(
                f"{directory} is not empty and no earlier demo", next_command="archiver demo NEW-DIRECTORY"
            )
        shutil.rmtree(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{directory} cannot be made: {error.strerror}", next_command="archiver demo DIR"
        ) from error


def _check_and_repair(front: Front, settings: Settings, directory: Path) -> bool:
    from archiver.cli.audit import AuditRun
    from archiver.core.audits import AuditPlan, Scope
    from archiver.wiring import audits

    plan = AuditPlan(Scope.ALL, audits.intervals(settings))

    def audited(*reports: Path, repairs: bool = False) -> int:
        return AuditRun(front, settings, plan, output="text", repairs=repairs, reports=reports).done(2)

    front.say("\n3. Audit: every byte of every copy is read.\n")
    was_sound = audited() == status.DONE
    mirror = wiring.open_store("mirror", settings.stores["mirror"])
    key = next(facts.key for facts in mirror.list("bags/") if facts.key.endswith("/data/01 - Dawn.wav"))
    damaged = directory / "mirror" / key
    front.say(f"\n4. One byte is changed on purpose: {damaged}\n")
    _flip_a_byte(damaged)
    front.say("5. Audit with repair: found, put right from the other copy, which is verified while it is read.\n")
    report = directory / "audit.html"
    was_found = audited(report, repairs=True) == status.FINDINGS
    front.say(f"\n   The report: {report}\n\n6. Audit again: nothing is wrong any more.\n")
    return was_sound and was_found and audited() == status.DONE


def _flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))


def _say_what_next(front: Front, directory: Path) -> None:
    program, far = _program()
    bag = next((directory / "store" / "bags").glob("*/*/*/demo-three-chords/v1"), directory)
    front.say(
        f"""
Look at what is kept:
    ls -R {bag}
    cat {bag / "ATTRIBUTION.txt"}
    cat {bag / "metadata" / "licence.json"}
    {program} --config {directory / "archiver.toml"} list
    {program} --config {directory / "archiver.toml"} show demo-three-chords

For a real harvest:
    {program} init my-archive
    cd my-archive                                  # set contact in archiver.toml
    {far} harvest netlabels --dry-run --limit 5
    {far} harvest netlabels --limit 5
    {far} verify store/bags"""
    )


def _program() -> tuple[str, str]:
    """Return what a shell calls this program, here and from another directory: a fresh environment is on no PATH."""
    import shutil
    import sys

    if shutil.which("archiver") or not Path(sys.argv[0]).is_file() or Path(sys.argv[0]).name != "archiver":
        return "archiver", "archiver"
    return sys.argv[0], str(Path(sys.argv[0]).resolve())
