"""``archiver report licences``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.licence_survey import LicenceSurvey
    from archiver.core.licences.policies import Policy

_SWITCHES = ("public_domain_mark", "retired", "extension_registry")


@example(
    "archiver report licences\narchiver report licences --policy free-culture --output jsonl\n"
    "archiver report licences --policy all-cc --switch retired=refuse --report licences.csv"
)
@click.command("licences")
@click.option("--policy", "name", metavar="NAME", help="Say also what this policy would not admit.")
@click.option(
    "--switch", "switches", multiple=True, metavar="KEY=VALUE", help=f"Of the policy: {', '.join(_SWITCHES)}."
)
@click.option(
    "--report", "files", multiple=True, metavar="FILE", type=click.Path(path_type=Path), help="Write it into FILE (.json, .csv)."
)  # fmt: skip
@output_option
@pass_front
def report_licences_command(
    front: Front, *, name: str | None, switches: tuple[str, ...], files: tuple[Path, ...], output: str
) -> int:
    """Say what is held under which licence, for which uses, and what another policy would keep out.

    Nothing is deleted, whatever a policy says: what was licensed stays licensed.
    """
    from archiver.core.licence_survey import survey_licences
    from archiver.wiring import reporting

    policy = _policy(name, switches)
    reporting.checked_forms(files, (".json", ".csv"), command="archiver report licences")
    with reporting.opened_catalogue(front.settings()) as catalogue:
        survey = survey_licences(catalogue.holdings(), table=wiring.legal_tools(), policy=policy)
    for file in files:
        reporting.write_whole(file, _json(survey) if file.suffix == ".json" else _csv(survey))
    if output == "jsonl":
        for item, licence in survey.named:
            emit({"item": item, "licence": licence, "admitted": False})
        emit({"summary": survey.to_json()})
    else:
        for line in _lines(survey):
            front.say(printable(line))
        for file in files:
            front.say(f"wrote {file}")
    return status.DONE


def _policy(name: str | None, switches: tuple[str, ...]) -> Policy | None:
    from archiver.core.licences.policies import policy_named

    if name is None:
        if switches:
            raise UsageError("--switch needs --policy", next_command="archiver report licences --policy all-cc")
        return None
    chosen = dict(switch.partition("=")[::2] for switch in switches)
    unknown = next((key for key in chosen if key not in _SWITCHES), None)
    if unknown is not None:
        raise UsageError(f"--switch: unknown key {unknown!r}; allowed: {', '.join(_SWITCHES)}")
    try:
        return policy_named(name, **chosen)
    except ValueError as error:
        raise UsageError(f"--policy, --switch: {error}", next_command="archiver report licences") from error


def _lines(survey: LicenceSurvey) -> Iterator[str]:
    groups = (("tool", survey.tools), ("use", survey.uses), ("policy would admit", survey.policies))
    for title, amounts in groups:
        yield f"by {title}"
        for key, amount in amounts.items():
            yield f"  {amount.items:>9} items {amount.files:>9} files {amount.bytes:>16} bytes  {key}"
    if survey.policy:
        yield f"under {survey.policy} {survey.excluded.items} of {survey.total.items} held items would not be admitted:"
        yield from (f"  {item}  {licence}" for item, licence in survey.named)
        yield "nothing is deleted: a policy decides what comes in"


def _json(survey: LicenceSurvey) -> Iterator[str]:
    record = {
        **survey.to_json(),
        "not_admitted": [{"item": item, "licence": licence} for item, licence in survey.named],
    }
    yield json.dumps(record, indent=1) + "\n"


def _csv(survey: LicenceSurvey) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["by", "key", "items", "files", "bytes"])
    for by, amounts in (("tool", survey.tools), ("use", survey.uses), ("policy", survey.policies)):
        writer.writerows([by, key, one.items, one.files, one.bytes] for key, one in amounts.items())
    if survey.policy:
        one = survey.excluded
        writer.writerow(["not admitted", survey.policy, one.items, one.files, one.bytes])
    yield out.getvalue()
