"""What runs by itself, and when: a value for each job, and its lines for cron and for systemd.

Minutes are spread by the place of the archive, so that many archives do not ask one source in the same minute.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass

from archiver.core.errors import UsageError

DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"
_CRON_DAYS = {DAILY: "* * *", WEEKLY: "* * 0", MONTHLY: "1 * *"}
_SYSTEMD_DAYS = {DAILY: "*-*-*", WEEKLY: "Sun *-*-*", MONTHLY: "*-*-01"}


@dataclass(frozen=True, slots=True)
class Installation:
    """Where this archive is and how its program is called.

    Attributes:
        program: Words that start the program, absolute.
        options: Global options, with absolute paths.
        directory: The working directory.
        user: Who the jobs run as.
    """

    program: tuple[str, ...]
    options: tuple[str, ...]
    directory: str
    user: str


@dataclass(frozen=True, slots=True)
class Job:
    """One command that runs by itself.

    Attributes:
        name: Letters, digits and ``-``; unique among the jobs of an archive.
        arguments: The command and its own options.
        often: `DAILY`, `WEEKLY` or `MONTHLY`.
        hour: Local time; the minute is spread.
        says: One line for people.
    """

    name: str
    arguments: tuple[str, ...]
    often: str
    hour: int
    says: str


def plain_name(text: str) -> str:
    """Return a name that a unit file may carry; different texts keep different names."""
    plain = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40]
    return (
        plain if plain == text else f"{plain or 'x'}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:6]}"
    )


def minute_of(installation: Installation, job: Job) -> int:
    """Return the minute of the hour at which a job starts: always the same for the same place and job."""
    place = "\0".join((*installation.options, installation.directory, job.name))
    return hashlib.sha256(place.encode("utf-8", "surrogateescape")).digest()[0] % 60


def command(installation: Installation, job: Job) -> tuple[str, ...]:
    """Return the whole command line."""
    return (*installation.program, *installation.options, "-q", *job.arguments)


def cron_lines(installation: Installation, jobs: tuple[Job, ...]) -> list[str]:
    """Return lines for ``crontab -e``.

    Raises:
        UsageError: A path holds a line end, which no crontab can hold.
    """
    lines = [
        "# archiver: what this archive does by itself. cron sends what is wrong by mail to MAILTO.",
        "# A run that finds another one at work ends with status 4 and says who it is.",
        "SHELL=/bin/sh",
    ]
    for job in jobs:
        words = command(installation, job)
        _refuse_line_ends((*words, installation.directory))
        text = f"cd {shlex.quote(installation.directory)} && exec {shlex.join(words)}"
        # In a crontab an unescaped % ends the command (crontab(5)), also inside quotes.
        lines += [
            f"# {job.says}",
            f"{minute_of(installation, job)} {job.hour} {_CRON_DAYS[job.often]} " + text.replace("%", "\\%"),
        ]
    return lines


def unit_files(installation: Installation, jobs: tuple[Job, ...]) -> dict[str, str]:
    """Return systemd unit files by name: a service and a timer for each job.

    Raises:
        UsageError: A path holds a line end, which no unit file can hold.
    """
    units = {}
    prefix = f"archiver-{plain_name(installation.directory.rstrip('/').rpartition('/')[2])}"
    for job in jobs:
        words = command(installation, job)
        _refuse_line_ends((*words, installation.directory))
        units[f"{prefix}-{job.name}.service"] = _SERVICE.format(
            says=job.says.replace("%", "%%"),
            user=installation.user,
            directory=installation.directory.replace("%", "%%"),
            command=" ".join(map(_systemd_word, words)),
        )
        units[f"{prefix}-{job.name}.timer"] = _TIMER.format(
            says=job.says.replace("%", "%%"),
            when=f"{_SYSTEMD_DAYS[job.often]} {job.hour:02}:{minute_of(installation, job):02}:00",
        )
    return units


_SERVICE = """\
[Unit]
Description=archiver: {says}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=12h
StartLimitBurst=8

[Service]
Type=oneshot
User={user}
WorkingDirectory={directory}
ExecStart={command}
# 130: told to stop; what was finished is kept.
SuccessExitStatus=130
# 4: could not run, for example because another run holds the lock: again a little later. Everything else waits for people.
Restart=on-failure
RestartSec=15min
RestartPreventExitStatus=1 2 3
TimeoutStartSec=infinity
TimeoutStopSec=5min
Nice=10
IOSchedulingClass=idle
NoNewPrivileges=true
PrivateTmp=true
"""
_TIMER = """\
[Unit]
Description=archiver, by itself: {says}

[Timer]
OnCalendar={when}
RandomizedDelaySec=10min
Persistent=true

[Install]
WantedBy=timers.target
"""


def _systemd_word(word: str) -> str:
    """Quote a word for ExecStart= (systemd.service(5), systemd.syntax(7)): specifiers, variables, quotes, spaces."""
    plain = word.replace("%", "%%").replace("$", "$$")
    if re.fullmatch(r"[A-Za-z0-9_@%+=:,./$-]+", plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def _refuse_line_ends(words: tuple[str, ...]) -> None:
    for word in words:
        if any(ord(char) < 32 and char != "\t" for char in word):
            raise UsageError(
                f"{word!r} holds a line end or control character: neither crontab nor unit file can hold it"
            )
