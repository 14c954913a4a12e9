"""``archiver report``: from the catalogue, without new checks. Each subcommand has a module of its own."""

from __future__ import annotations

import importlib

import click

REPORTS = {
    "audit": ("report_audit", "Copies, checks, damage, backlog: for a director and an auditor."),
    "ndsa": ("report_ndsa", "The level of digital preservation reached in each area, and what is missing."),
    "licences": ("report_licences", "Holdings by licence, use and policy, and what another policy would do."),
    "suspicious": (
        "report_suspicious",
        "Recordings to listen to: silent, clipped, half dead, other than they are said to be.",
    ),
    "duplicates": ("report_duplicates", "Recordings that are held more than once, whatever their tags and containers."),
    "crawls": ("report_crawls", "What each crawl met and what became of it, in tables that add up."),
    "collection": ("report_collection", "Holdings, licences, sizes, formats, sources, growth."),
}
"""Name of each report, the module below `archiver.cli` that has it, and its line in the help."""


class Reports(click.Group):
    """A group that imports a report's module when the report is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names."""
        return list(REPORTS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one report."""
        if cmd_name not in REPORTS:
            return None
        module = importlib.import_module(f"archiver.cli.{REPORTS[cmd_name][0]}")
        command: click.Command = getattr(module, f"report_{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of reports from `REPORTS` alone."""
        with formatter.section("Reports"):
            formatter.write_dl([(name, help_) for name, (_, help_) in REPORTS.items()])


@click.command("report", cls=Reports, epilog="\b\nExample:\n  archiver report audit --report audit.html")
def report_command() -> None:
    """Make a report from the catalogue, without new checks."""
