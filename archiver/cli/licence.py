"""``archiver licence check`` and ``archiver licence list``."""

from __future__ import annotations

import importlib
import json
import math
import sys
from typing import TYPE_CHECKING, Any, ClassVar

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.licences.policies import Policy

LONGEST_LINE = 1 << 20
"""Characters of one line of JSON on standard input; a longer one is answered as unknown."""

policy_option = click.option("--policy", default="all-cc", show_default=True, help="What the gate admits.")


class LicenceCommands(click.Group):
    """A group that imports the larger of its commands when they are called."""

    LATER: ClassVar = {"recheck": "licence_recheck", "table": "licence_table"}
    """Name of a command, and the module below `archiver.cli` that has it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        return [*super().list_commands(ctx), *self.LATER]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of this module, or import one."""
        if cmd_name not in self.LATER:
            return super().get_command(ctx, cmd_name)
        module = importlib.import_module(f"archiver.cli.{self.LATER[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command


@click.group("licence", cls=LicenceCommands, context_settings={"help_option_names": ["-h", "--help"]})
def licence_command() -> None:
    """Ask the licence gate alone: no network, no archive."""


@example(
    'archiver licence check "http://creativecommons.org/licenses/by-sa/3.0/us/"\n'
    'archiver licence check "CC BY 4.0, all rights reserved" --context ia.rights\n'
    "archiver licence check - < declarations.jsonl"
)
@licence_command.command("check")
@click.argument("declarations", nargs=-1, required=True, metavar="DECLARATION…")
@click.option("--context", default="ia.licenseurl", show_default=True, help="The field a declaration stands in.")
@policy_option
@output_option
@pass_front
def check(front: Front, *, declarations: tuple[str, ...], context: str, policy: str, output: str) -> int:
    """Judge declarations as the gate would, one line each.

    With - as DECLARATION, JSON Lines {"declaration": …, "context": …} are read from standard input, and each gets one
    line of JSON.
    """
    from archiver.core.licences.judging import judge

    table, chosen = wiring.legal_tools(), _policy(policy)
    is_stream = declarations == ("-",)
    pairs: Iterator[tuple[Any, str]] = _lines(context) if is_stream else ((text, context) for text in declarations)
    for declaration, where in pairs:
        judgement = judge(declaration, where, table=table, policy=chosen)
        record = judgement.to_json()
        if is_stream or output == "jsonl":
            emit(record)
        else:
            reasons = ", ".join(record["reasons"])
            front.say(f"{record['outcome']:<12}{record['class']:<10}{record['licence'] or '-'}  {reasons}")
    return status.DONE


def _lines(context: str) -> Iterator[tuple[Any, str]]:
    """Yield what each line of standard input declares; a line that is no such JSON is itself the declaration."""
    stream = sys.stdin.buffer
    while line := stream.readline(LONGEST_LINE + 1):
        text = line.decode("utf-8", "replace").strip()
        if not text:
            continue
        try:
            entry = json.loads(text, parse_float=_finite, parse_constant=_finite)
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict) and "declaration" in entry:
            where = entry.get("context")
            yield entry["declaration"], where if isinstance(where, str) else context
        else:
            yield text, "unreadable"


def _finite(text: str) -> float:
    """Refuse what only looks like JSON: NaN and Infinity, and numbers that would be read as them."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


@example("archiver licence list --policy free-culture\narchiver licence list --output jsonl")
@licence_command.command("list")
@policy_option
@output_option
@pass_front
def list_(front: Front, *, policy: str, output: str) -> int:
    """List the legal tools and what each permits, those first that the policy admits."""
    chosen = _policy(policy)
    tools = sorted(wiring.legal_tools().tools, key=lambda tool: (not chosen.admits(tool), tool.url))
    for tool in tools:
        record = {**tool.to_json(), "admitted": chosen.admits(tool)}
        if output == "jsonl":
            emit(record)
        else:
            answer = "admitted" if record["admitted"] else "excluded"
            click.echo(printable(f"{answer}  {tool.identifier:<32}  {tool.url}"))
    front.say(
        f"{sum(map(chosen.admits, tools))} of {len(tools)} legal tools under {policy}"
    ) if output == "text" else None
    return status.DONE


def _policy(name: str) -> Policy:
    from archiver.core.licences.policies import policy_named

    try:
        return policy_named(name)
    except ValueError as error:
        raise UsageError(f"--policy: {error}", next_command="archiver licence list --policy all-cc") from error
