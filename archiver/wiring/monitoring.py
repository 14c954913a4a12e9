"""Who is told how a run went: the file for Prometheus, the watcher, people."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archiver import wiring
from archiver.core.errors import ArchiverError
from archiver.core.intervals import parse_duration
from archiver.core.runs import SUCCESS, LastRun, format_run, recognise_run
from archiver.wiring.reporting import fallen_short, opened_glance, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.forecasts import StoreForecast
    from archiver.ports.overview import Overview
    from archiver.settings.reading import Settings

DIRECTORY = "last-runs"
"""In the archive's home, with a file for each command: two commands at once never write the same one."""


def last_runs(settings: Settings) -> dict[str, LastRun]:
    """Return the latest run of each command; empty where there was none."""
    found: dict[str, LastRun] = {}
    try:
        for file in sorted((settings.home / DIRECTORY).glob("*.json")):
            run = recognise_run(file.read_text("utf-8", "replace"))
            if run is not None:
                found[run.command] = run
    except OSError:
        pass
    return found


def backlogs(settings: Settings, catalogue: Overview) -> tuple[StoreForecast, ...]:
    """Return what is overdue in each store."""
    now = wiring.clock().now()
    return tuple(
        catalogue.backlog(name, interval=parse_duration(table.audit_every), now=now)
        for name, table in settings.stores.items()
    )


def metrics_now(settings: Settings) -> str:
    """Return the metrics; without a catalogue those of the runs."""
    from archiver.reports.metrics import metrics

    runs = last_runs(settings)
    try:
        with opened_glance(settings) as catalogue:
            short = fallen_short(settings, catalogue, named=0)
            return metrics(catalogue.totals(), backlogs(settings, catalogue), runs, short)
    except (ArchiverError, ValueError):
        return metrics(None, (), runs)


def run_began(settings: Settings, command: str) -> Iterator[str]:
    """Tell that a run begins; yield what could not be told. The run goes on whatever happens here."""
    before = last_runs(settings).get(command, LastRun(command, 0.0))
    now = wiring.clock().now().timestamp()
    yield from _kept(settings, LastRun(command, now, succeeded_at=before.succeeded_at))
    if settings.monitoring.ping:
        yield from _pinged(settings.monitoring.ping, "/start")


def run_ended(settings: Settings, command: str, status: int) -> Iterator[str]:
    """Tell how a run ended; yield what could not be told."""
    now = wiring.clock().now().timestamp()
    run = last_runs(settings).get(command, LastRun(command, now))
    succeeded_at = now if status in SUCCESS else run.succeeded_at
    yield from _kept(settings, replace(run, ended_at=now, status=status, succeeded_at=succeeded_at))
    monitoring = settings.monitoring
    if monitoring.textfile:
        try:
            write_whole(Path(monitoring.textfile), (metrics_now(settings),))
        except ArchiverError as error:
            yield f"monitoring.textfile: {error.message}"
    if monitoring.ping:
        yield from _pinged(monitoring.ping, "" if status in SUCCESS else "/fail")
    if monitoring.notify and status in monitoring.notify_on:
        yield from _told(settings, command, status)


def _kept(settings: Settings, run: LastRun) -> Iterator[str]:
    if not settings.home.is_dir():
        return  # nothing was ever made here, and telling of a run makes no archive
    try:
        (settings.home / DIRECTORY).mkdir(exist_ok=True)
        write_whole(settings.home / DIRECTORY / f"{run.command}.json", (format_run(run),))
    except (ArchiverError, OSError) as error:
        yield f"the run could not be taken down: {error}"


def _pinged(url: str, ending: str) -> Iterator[str]:
    from archiver.notices.ping import ping

    problem = ping(url.rstrip("/") + ending, agent=wiring.PROGRAM)
    if problem:
        yield f"monitoring.ping{ending}: {problem}"


def _told(settings: Settings, command: str, status: int) -> Iterator[str]:
    from archiver.notices.messages import send

    names = settings.monitoring.notify
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        yield f"monitoring.notify: the environment has no {', '.join(missing)}"
    addresses = [os.environ[name] for name in names if os.environ.get(name)]
    if addresses:
        where = settings.file or settings.home
        problem = send(
            addresses,
            title=f"archiver {command}: status {status} ({settings.organisation})",
            body=f"archiver {command} of {where} ended with status {status}.\nNext: archiver --config {where} status\n",
        )
        if problem:
            yield f"monitoring.notify: {problem}"
