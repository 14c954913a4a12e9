"""The state of the archive in the text format of Prometheus. Names are promises (docs/cron.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prometheus_client import Gauge

    from archiver.core.coverage import Shortfall
    from archiver.core.forecasts import StoreForecast
    from archiver.core.runs import LastRun
    from archiver.core.totals import Totals


def metrics(
    totals: Totals | None,
    backlogs: Sequence[StoreForecast],
    runs: Mapping[str, LastRun],
    shortfalls: Sequence[Shortfall] = (),
) -> str:
    """Return every metric; `totals` is None where the catalogue could not be opened."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest  # noqa: PLC0415 - only here

    registry = CollectorRegistry()

    def gauge(name: str, says: str, labels: Sequence[str] = ()) -> Gauge:
        return Gauge(f"archiver_{name}", says, labels, registry=registry)

    if totals is not None:
        for name, says, value in (
            ("items", "Items held.", totals.items),
            ("files", "Payload files held.", totals.files),
            ("bytes", "Payload bytes held, one copy counted.", totals.bytes),
            ("quarantined_items", "Items whose latest outcome is quarantine.", totals.undecided),
            ("failed_items", "Items whose latest outcome is failure.", totals.failed),
            ("refused_items", "Items whose latest outcome is refusal.", totals.refused),
        ):
            gauge(name, says).set(value)
        copies = gauge("copies", "Copies by store and state.", ("store", "state"))
        oldest = gauge("oldest_check_seconds", "Time of the oldest check.", ("store",))
        for store in totals.stores:
            copies.labels(store.store, "good").set(store.good)
            copies.labels(store.store, "not-good").set(store.copies - store.good)
            if store.oldest_check:
                oldest.labels(store.store).set(store.oldest_check.timestamp())
    overdue = gauge("overdue_copies", "Copies not checked within the interval of their store.", ("store",))
    for backlog in backlogs:
        overdue.labels(backlog.store).set(backlog.overdue)
    if totals is not None:
        _of_shortfalls(gauge, shortfalls)
    _of_runs(gauge, runs)
    return generate_latest(registry).decode("utf-8")


def _of_shortfalls(gauge: Callable[[str, str, Sequence[str]], Gauge], shortfalls: Sequence[Shortfall]) -> None:
    short = gauge("short_versions", "Versions with too few of what the settings ask for.", ("lacks",))
    for what in ("copies", "places", "providers", "media"):
        short.labels(what).set(sum(one.number for one in shortfalls if what in {lack.what for lack in one.lacks}))


def _of_runs(gauge: Callable[[str, str, Sequence[str]], Gauge], runs: Mapping[str, LastRun]) -> None:
    started = gauge("last_run_start_timestamp_seconds", "When the latest run of a command began.", ("command",))
    ended = gauge("last_run_end_timestamp_seconds", "When it ended; 0 while it works or was killed.", ("command",))
    status = gauge("last_run_exit_status", "How it ended; -1 while it works or was killed.", ("command",))
    success = gauge("last_success_timestamp_seconds", "When a run of the command last ended with 0.", ("command",))
    for name, run in runs.items():
        started.labels(name).set(run.started_at)
        ended.labels(name).set(run.ended_at)
        status.labels(name).set(run.status)
        if run.succeeded_at:
            success.labels(name).set(run.succeeded_at)
