"""``archiver log``: the signed audit log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import ArchiverError, StoreError, UsageError

if TYPE_CHECKING:
    from archiver.settings.reading import Settings

store_option = click.option("--store", "names", multiple=True, metavar="NAME", help="Only this store; repeatable.")
key_option = click.option(
    "--key", "keys", multiple=True, metavar="PUBLIC", help="Trust this public key (ed25519:…); repeatable."
)


@click.group("log", context_settings={"help_option_names": ["-h", "--help"]})
def log_command() -> None:
    """Keep a signed, chained log of all events in every store, and hold catalogue and bags against it."""


@example("archiver log key ~/.config/archiver/log.key")
@log_command.command("key")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@pass_front
def key(front: Front, *, file: Path | None) -> int:
    """Make the key that signs the log, readable by you alone, and print its public half.

    FILE lies outside the archive; without it, the file that the settings name. A key is never replaced.
    """
    from archiver.wiring import logbook

    settings = front.settings()
    if file is None and not settings.log.key:
        raise UsageError("which file? the settings name none", next_command="archiver log key FILE")
    place = (file or Path(settings.log.key)).expanduser().absolute()
    public = logbook.make_key(place)
    click.echo(public)
    if str(place) != settings.log.key:
        status.print_problem(f'now put it into archiver.toml:\n  [log]\n  key = "{place}"')
    return status.DONE


@example("archiver log publish")
@log_command.command("publish")
@output_option
@pass_front
def publish(front: Front, *, output: str) -> int:
    """Add what happened since the last time, sign it, and put it into every store."""
    settings = front.settings()
    with wiring.locked(settings):
        return publish_log(front, settings, output=output)


def publish_if_wanted(front: Front, settings: Settings) -> int:
    """Publish at the end of another command, where the settings have a key; the caller holds the lock."""
    if not (settings.log.key and settings.log.publish):
        return status.DONE
    try:
        return publish_log(front, settings, output="none")
    except ArchiverError as error:
        status.say(error)
        return status.status_of(error)


def publish_log(front: Front, settings: Settings, *, output: str) -> int:
    """Publish and say what was done; return the exit status."""
    from archiver.wiring import logbook
    from archiver.workflows.publish_log import publish as published

    sealer = logbook.sealer(settings)
    with closing(wiring.open_catalogue(settings)) as catalogue:
        done = published(
            wiring.open_stores(settings, tuple(settings.stores)),
            events=catalogue,
            sealer=sealer,
            witness=logbook.witness(settings),
            clock=wiring.clock(),
        )
    head = done.head.head if done.head else None
    for name, reason in done.behind:
        status.print_problem(f"error: the log in store {name!r} is behind: {reason}\n  next: archiver log publish")
    if output == "jsonl":
        emit(
            {
                "summary": {
                    "segments": done.segments,
                    "events": done.events,
                    "segment": head.segment if head else 0,
                    "digest": head.digest if head else "",
                    "behind": [name for name, _ in done.behind],
                }
            }
        )
    elif output == "text":
        front.say(f"{done.events} events added; the log ends at segment {head.segment if head else 0}")
    return status.INCOMPLETE if done.behind else status.DONE


@example("archiver log show\narchiver log show --store mirror --output jsonl")
@log_command.command("show")
@store_option
@output_option
@pass_front
def show(front: Front, *, names: tuple[str, ...], output: str) -> int:
    """Show the signed heads that each store holds, oldest first."""
    from archiver.wiring import logbook
    from archiver.workflows.logbook import read_log

    settings = front.settings()
    witness = logbook.witness(settings)
    number = problems = unanswered = 0
    for name, store in wiring.open_stores(settings, _chosen(settings, names)).items():
        try:
            log = read_log(store, witness)
        except StoreError as error:
            status.say(error)
            unanswered += 1
            continue
        number, problems = number + len(log.heads), problems + len(log.findings)
        for signed in log.heads:
            head = signed.head
            if output == "jsonl":
                emit(
                    {
                        "head": {
                            "store": name,
                            "segment": head.segment,
                            "digest": head.digest,
                            "previous": head.previous,
                            "events": head.events,
                            "at": head.at,
                            "public_key": head.public_key,
                            "timestamped": bool(signed.timestamp),
                        }
                    }
                )
            else:
                click.echo(
                    printable(
                        f"{name}  {head.segment:>6}  {head.at}  {head.events:>9} events  sha256:{head.digest[:16]}…"
                    )
                )
    if output == "text" and not number:
        front.say("no log was published yet\n  next: archiver log publish")
    if unanswered:
        return status.INCOMPLETE
    return status.FINDINGS if problems else status.DONE


@example("archiver log verify\narchiver log verify --store mirror --key ed25519:…")
@log_command.command("verify")
@store_option
@key_option
@click.option("--no-bags", is_flag=True, help="Leave out the bags; compare the log and the catalogue alone.")
@output_option
@pass_front
def verify(front: Front, *, names: tuple[str, ...], keys: tuple[str, ...], no_bags: bool, output: str) -> int:
    """Hold catalogue, bags and each store's log against what was signed. Nothing is written.

    Finds a bag rewritten together with its manifests, events deleted, altered, added or reordered, a catalogue that was
    rolled back, a log that was altered, cut off or forked, and a wrong signature.
    """
    from archiver.reports import records, text
    from archiver.wiring import logbook
    from archiver.workflows.verify_log import Evidence, Tally, verify_log

    settings = front.settings()
    chosen = _chosen(settings, names)
    tally, number = Tally(), 0
    if logbook.is_trusting(settings, keys):
        status.print_problem("warning: no key to trust was given: --key PUBLIC, or [log] public_keys in archiver.toml")
    with closing(wiring.open_catalogue(settings)) as catalogue:
        evidence = Evidence(
            stores=wiring.open_stores(settings, chosen),
            events=catalogue,
            witness=logbook.witness(settings, keys),
            remembered=logbook.remembered(settings),
            with_bags=not no_bags,
        )
        for finding in verify_log(evidence, tally):
            number += 1
            if output == "jsonl":
                emit(records.finding(finding))
            else:
                click.echo(printable(text.finding(finding)))
    for reason in tally.unanswered:
        status.print_problem(f"error: {reason}")
    summary = {
        "findings": number,
        "segments": tally.segments,
        "events": tally.events,
        "bags": tally.bags,
        "unpublished": tally.unpublished,
        "unanswered": len(tally.unanswered),
    }
    if output == "jsonl":
        emit({"summary": summary})
    else:
        front.say(
            f"{tally.events} events in {tally.segments} segments, {tally.bags} bags, {number} findings; "
            f"{tally.unpublished} events are not in the log yet"
        )
    if tally.unanswered:
        return status.INCOMPLETE
    if not tally.segments and not number:
        status.print_problem("no log was published yet: nothing was proven\n  next: archiver log publish")
        return status.INCOMPLETE
    return status.FINDINGS if number else status.DONE


def _chosen(settings: Settings, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in settings.stores:
            raise UsageError(f"there is no store {name!r}; stores: {', '.join(settings.stores)}")
    return names or tuple(settings.stores)
