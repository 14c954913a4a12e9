"""``archiver report licences``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from archiver import wiring
from archiver.cli import status
from archiver.cli.front import Front, emit, example, output_option, pass_front, printable
from archiver.cli.report_files import report_option, write_reports
from archiver.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

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
@report_option(".json or .csv")
@output_option
@pass_front
def report_licences_command(
    front: Front, *, name: str | None, switches: tuple[str, ...], files: tuple[Path, ...], output: str
) -> int:
    """Say what is held under which licence, for which uses, and what another policy would keep out.

    Nothing is deleted, whatever a policy says: what was licensed stays licensed.
    """
    from archiver.core.licence_survey import survey_licences
    from archiver.reports.licences import licence_csv, licence_json, licence_lines
    from archiver.wiring import reporting

    makers = {".json": licence_json, ".csv": licence_csv}
    policy = _policy(name, switches)
    reporting.checked_forms(files, tuple(makers), command="archiver report licences")
    with reporting.opened_catalogue(front.settings()) as catalogue:
        survey = survey_licences(catalogue.holdings(), table=wiring.legal_tools(), policy=policy)
    if output == "jsonl":
        for item, licence in survey.named:
            emit({"item": item, "licence": licence, "admitted": False})
        emit({"summary": survey.to_json()})
    else:
        for line in licence_lines(survey):
            front.say(printable(line))
    write_reports(front, files, makers, survey, output=output)
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
