"""Builds surveys of archives that never were: so many items, some with hostile titles, some copies not good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from archiver.core.coverage import StorePlan
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import Algorithm, Digest, Grade
from archiver.core.holdings import Copy, CopyStatus, Holding
from archiver.core.items import ItemId
from archiver.core.surveys import Activity, Incident, Survey, Surveyor

NOW = datetime(2031, 3, 9, 12, 0, tzinfo=UTC)
PLANS = (
    StorePlan("primary", "directory", "Berlin", "own hardware", "disk", "fire", timedelta(days=90)),
    StorePlan("mirror", "s3", "Helsinki", "Example Cloud", "object storage", "provider failure", timedelta(days=365)),
)
LICENCES = ("by/4.0/", "by-sa/3.0/us/", "by-nc-sa/3.0/", "by-nc-nd/2.5/", "zero/1.0/")
HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\u202egnitirw desrever\u2066 and \u200b invisible",
    "x" * 10_000,
    "{{ 7 * 7 }} {% raw %} <!-- ]]>",
    '=HYPERLINK("http://127.0.0.1/")',
    "ls\x1b[2J\x00\x07 \ud800 lone",
    "\u2028\u2029 line ends",
)
AGENT = Agent("archiver 0.1.0")
SHA512 = Digest(Algorithm.SHA512, "ab" * 64)


def holding(
    number: int, title: str = "", *, bad: CopyStatus | None = None, days: tuple[int, int] = (12, 40)
) -> Holding:
    item = ItemId("internet-archive", f"item-{number:06}")
    key = f"bags/internet-archive/ab/cd/{item.name}/v1"
    copies = (
        Copy("mirror", key, CopyStatus.GOOD, Grade.PROVIDER, NOW - timedelta(days=days[1])),
        Copy("primary", key, bad or CopyStatus.GOOD, Grade.READ, NOW - timedelta(days=days[0])),
    )
    return Holding(
        item=item,
        version=1,
        prefix=f"{key}/",
        title=title or f"Recording no. {number}",
        licence=f"https://creativecommons.org/licenses/{LICENCES[number * number % len(LICENCES)]}",
        state=Digest(Algorithm.SHA256, "cd" * 32),
        updated="",
        files=number % 17 + 1,
        bytes=(number * 7919 % 9973) ** 2 * 13 + 1000,
        tag_manifest=SHA512,
        ingested_at=NOW - timedelta(days=30 + number * 11 % 700),
        copies=copies,
    )


def event(number: int, outcome: EventOutcome, *, at: datetime, detail: str = "") -> Event:
    return Event(
        EventType.FIXITY_CHECK, at, outcome, detail or "expected sha512:ab…, actual sha512:cd…", AGENT,
        ItemId("internet-archive", f"item-{number:06}"), version=1, store="primary", path=f"data/{number}.flac",
    )  # fmt: skip


def survey(number: int = 200, *, damaged: int = 3, hostile: bool = True) -> Survey:
    surveyor = Surveyor(at=NOW, plans=PLANS, wanted_copies=2)
    for index in range(number):
        bad = (CopyStatus.DAMAGED if index % 2 else CopyStatus.MISSING) if index < damaged else None
        title = HOSTILE[index] if hostile and index < len(HOSTILE) else ""
        late = 101 if damaged and index % 9 == 0 else index % 80
        surveyor.add(holding(index, title, bad=bad, days=(late, index % 300)))
    first = date(2029, 5, 1)
    checks = [
        Activity(first + timedelta(days=day), EventType.FIXITY_CHECK, outcome, store, amount)
        for day in range(0, 676, 5)
        for outcome, store, amount in (
            (EventOutcome.SUCCESS, "primary", 4 + day % 13),
            (EventOutcome.SUCCESS, "mirror", 2 + day % 3),
            (EventOutcome.FAILURE, "primary", int(day % 85 == 0 and damaged > 0)),
        )
        if amount
    ]
    failed = [
        event(n, EventOutcome.FAILURE, at=NOW - timedelta(days=n * 20), detail=HOSTILE[n]) for n in range(damaged)
    ]
    mended = [
        event(n, EventOutcome.SUCCESS, at=NOW - timedelta(days=n * 20 - 1)) if n else None for n in range(damaged)
    ]
    return surveyor.survey(
        organisation="Example Sound Archive <b>",
        program="archiver 0.1.0",
        checks=checks,
        incidents=[Incident(*pair) for pair in zip(failed, mended, strict=True)],
    )
