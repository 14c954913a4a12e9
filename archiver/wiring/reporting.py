"""What reports are made of: settings become plans, the catalogue answers, files are written whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from archiver import wiring
from archiver.core.coverage import CopyRule, StorePlan
from archiver.core.errors import SettingsError, UsageError
from archiver.core.intervals import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from archiver.catalogue.opening import Catalogue
    from archiver.core.audits import AuditReport
    from archiver.core.coverage import Shortfall
    from archiver.core.items import ItemId
    from archiver.core.ndsa import Assessment
    from archiver.core.surveys import Survey
    from archiver.ports.catalogue import Holdings
    from archiver.ports.coverage import Coverage
    from archiver.ports.overview import Overview
    from archiver.settings.reading import Settings

NAMED = 100
"""Versions of each shortfall that an audit names; the last finding counts the others."""
FORMS = (".html", ".json", ".csv", ".xml")


def store_plans(settings: Settings) -> tuple[StorePlan, ...]:
    """Return what the settings say about each store.

    Raises:
        SettingsError: An interval cannot be read.
    """
    return tuple(_plan(name, settings) for name in settings.stores)


def _plan(name: str, settings: Settings) -> StorePlan:
    table = settings.stores[name]
    try:
        every = parse_duration(table.audit_every)
    except ValueError as error:
        raise SettingsError(f"stores.{name}.audit_every: {error}") from error
    if not every:
        raise SettingsError(f"stores.{name}.audit_every: expected more than nothing, actual {table.audit_every!r}")
    kind = "s3" if table.url.startswith("s3://") else "directory"
    return StorePlan(name, kind, table.location, table.provider, table.medium, table.threat, every)


def copy_rule(settings: Settings) -> CopyRule:
    """Return how many copies, places, providers and media the settings ask for."""
    asked = settings.archive
    return CopyRule(settings.min_copies, asked.min_places, asked.min_providers, asked.min_media)


def fallen_short(settings: Settings, catalogue: Coverage, *, named: int | None) -> tuple[Shortfall, ...]:
    """Return how versions fall short of the settings, whatever the state of the stores now.

    Args:
        settings: Of the archive.
        catalogue: Says where everything lies.
        named: Versions named of each way at most, or None for all.
    """
    from archiver.workflows.coverage import shortfalls

    plans = {plan.name: plan for plan in store_plans(settings)}
    return tuple(shortfalls(catalogue, rule=copy_rule(settings), plans=plans, named=named))


def items_fallen_short(settings: Settings, catalogue: Holdings, items: Sequence[ItemId]) -> tuple[Shortfall, ...]:
    """Return how the versions of these items fall short of the settings, one by one."""
    from archiver.workflows.coverage import shortfalls_of

    plans = {plan.name: plan for plan in store_plans(settings)}
    return tuple(shortfalls_of(catalogue, items, rule=copy_rule(settings), plans=plans))


def taken_survey(settings: Settings, catalogue: Catalogue) -> Survey:
    """Return a survey of the archive now."""
    from archiver.workflows.survey import survey

    return survey(
        catalogue,
        catalogue,
        catalogue,
        at=wiring.clock().now(),
        plans=store_plans(settings),
        rule=copy_rule(settings),
        organisation=settings.organisation,
        program=wiring.AGENT,
    )


@contextmanager
def opened_catalogue(settings: Settings) -> Iterator[Catalogue]:
    """Open the catalogue, and close it at the end."""
    catalogue = wiring.open_catalogue(settings)
    try:
        yield catalogue
    finally:
        catalogue.close()


@contextmanager
def opened_glance(settings: Settings) -> Iterator[Overview]:
    """Open the catalogue for its sums alone, which is many times quicker, and close it at the end."""
    from archiver.catalogue.glancing import Glance

    glance = Glance(settings.catalogue_url)
    try:
        yield glance
    finally:
        glance.close()


def surveyed(settings: Settings) -> Survey:
    """Return a survey of the archive now, for a report that needs nothing else of the catalogue."""
    with opened_catalogue(settings) as catalogue:
        return taken_survey(settings, catalogue)


def write_audit_reports(settings: Settings, files: Sequence[Path], audit: AuditReport | None = None) -> None:
    """Write the audit report into each file, in the form that its ending names.

    Args:
        settings: Of the archive.
        files: Already checked with `checked_forms`.
        audit: The one that was just made, or None for a report from the catalogue alone.
    """
    from archiver.core.premis import format_events
    from archiver.reports.survey_data import survey_csv, survey_json
    from archiver.reports.survey_page import survey_page

    with opened_catalogue(settings) as catalogue:
        taken = taken_survey(settings, catalogue)
        makers = {
            ".html": lambda: survey_page(taken, audit),
            ".json": lambda: survey_json(taken, audit),
            ".csv": lambda: survey_csv(taken),
            ".xml": lambda: format_events(
                _objects(catalogue) if taken.items else [("archive", settings.organisation)], catalogue.happened()
            ),
        }
        write_reports(files, makers)


def assessed(settings: Settings) -> tuple[Assessment, Survey]:
    """Return how the archive stands to the NDSA levels, and the survey that says so."""
    from archiver.core.ndsa import Facts, assess

    with opened_catalogue(settings) as catalogue:
        survey = taken_survey(settings, catalogue)
        facts = Facts(
            survey=survey,
            done=catalogue.items_with(),
            agents=catalogue.agents(),
            untitled=sum(not held.title.strip() for held in catalogue.holdings()),
            declared=settings.declarations,
            examined=catalogue.examined_items(),
        )
    return assess(facts), survey


def collected(settings: Settings) -> tuple[Survey, Mapping[str, tuple[int, int]]]:
    """Return a survey, and files and bytes by the ending of their names."""
    with opened_catalogue(settings) as catalogue:
        return taken_survey(settings, catalogue), catalogue.extensions()


def _objects(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    return ((str(held.item), held.title) for held in catalogue.holdings())


def checked_forms(
    files: Sequence[Path], forms: Sequence[str] = FORMS, *, command: str = "archiver report audit"
) -> None:
    """Refuse a file whose ending names no form, or whose directory is not there, before any work is done.

    Args:
        files: As they were given with ``--report``.
        forms: Endings that are allowed; the first one is proposed.
        command: What is to be typed again.

    Raises:
        UsageError: Names the file and what is allowed.
    """
    for file in files:
        if file.suffix.lower() not in forms:
            raise UsageError(
                f"--report {file}: expected a name that ends in {', '.join(forms)}",
                next_command=f"{command} --report {str(file).removesuffix(file.suffix)}{forms[0]}",
            )
        if not file.absolute().parent.is_dir():
            raise UsageError(
                f"--report {file}: there is no directory {file.parent}", next_command=f"mkdir -p {file.parent}"
            )
        if file.is_dir():
            raise UsageError(
                f"--report {file}: is a directory; expected a file's name",
                next_command=f"{command} --report {file / f'report{forms[0]}'}",
            )


def write_reports(files: Sequence[Path], makers: Mapping[str, Callable[..., Iterable[str]]], *values: Any) -> None:
    """Write a report into each file, in the form that its ending names, in capital letters too.

    Args:
        files: Already checked with `checked_forms`.
        makers: What makes each form, by the ending of a name.
        values: What the makers take.
    """
    for file in files:
        write_whole(file, makers[file.suffix.lower()](*values))


def write_whole(file: Path, pieces: Iterable[str]) -> None:
    """Write a file so that a reader sees the old one or the new one, never half of it.

    Raises:
        SettingsError: It cannot be written; what was there before is as it was.
    """
    beside = file.with_name(f".{file.name[:200]}.{os.getpid()}.part")
    try:
        try:
            with beside.open("w", encoding="utf-8", errors="replace", newline="") as out:
                for piece in pieces:
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(file)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(
            f"{file} cannot be written: {error.strerror}",
            next_command=f"ls -ld {file.parent}   # then the same command again, with a name that can be written",
        ) from error
