"""What the global options say, for every command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from archiver.cli.status import LOG_FORMAT

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from pathlib import Path

    from archiver.settings.reading import Settings

output_option = click.option(
    "--output",
    type=click.Choice(["text", "jsonl"]),
    default="text",
    show_default=True,
    help="For people, or one JSON object a line.",
)

engine_option = click.option(
    "--engine",
    type=click.Choice(["threads", "dask"]),
    help="Threads of this process, or the workers of a Dask scheduler; else [engine] name.",
)


@dataclass(frozen=True, slots=True)
class Front:
    """The global options.

    Attributes:
        config: ``--config``, or None.
        home: ``--home``, or None.
        verbosity: -1 for ``-q``, 0, or how often ``-v`` was given.
        log_format: ``--log-format``, or None for what the settings say.
    """

    config: Path | None
    home: Path | None
    verbosity: int
    log_format: str | None = None

    @property
    def is_quiet(self) -> bool:
        """Tell whether only what is wrong is said."""
        return self.verbosity < 0

    def settings(self) -> Settings:
        """Read the settings."""
        from archiver.settings.reading import read_settings

        settings = read_settings(config=self.config, home=self.home)
        if self.log_format is None and settings.logging.format == "json":
            self.set_up_logging()
            speak_json()
        return settings

    def set_up_logging(self) -> None:
        """Send the program's log to standard error."""
        import logging

        level = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}.get(self.verbosity, logging.DEBUG)
        logging.basicConfig(level=logging.ERROR, format=LOG_FORMAT, stream=sys.stderr)
        logging.getLogger("archiver").setLevel(level)
        if self.log_format == "json":
            speak_json()

    def say(self, text: str = "") -> None:
        """Print a result for people on standard output, unless ``-q``."""
        if not self.is_quiet:
            click.echo(printable(text))


def speak_json() -> None:
    """Let every line of the log be one JSON object: time, level, logger, message, and what the message was given."""
    import logging

    from pythonjsonlogger.json import JsonFormatter

    formatter = JsonFormatter(
        "%(message)s%(levelname)s%(name)s",
        rename_fields={"levelname": "level", "name": "logger"},
        timestamp="at",
        json_ensure_ascii=True,
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
        handler.set_name(JSON_LOG)
        if not handler.filters:
            handler.addFilter(_without_passwords)


JSON_LOG = "archiver-json"
_PASSWORD = r"(?<=//)[^/@\s]+(?=@)"  # noqa: S105 - where one would be


def _without_passwords(record: logging.LogRecord) -> bool:
    """Take the user and password out of any address that a message names."""
    text = record.getMessage()
    if "@" in text:
        import re

        record.msg, record.args = re.sub(_PASSWORD, "…", text), ()
    return True


def emit(record: dict[str, Any]) -> None:
    """Print one record of machine output. It is handed on at once: a reader may be waiting for it."""
    import json  # --help prints no record

    click.echo(json.dumps(record, ensure_ascii=True))


def printable(text: str) -> str:
    """Return a text from outside with what would steer a terminal escaped; line ends and tabs stay."""
    shown = "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode() for char in text
    )
    return shown.encode("utf-8", "backslashreplace").decode()


def example(text: str) -> Callable[[click.Command], click.Command]:
    """Add an example to a command's help, printed as it is written."""

    def decorate(command: click.Command) -> click.Command:
        command.epilog = "\b\nExample:\n" + "\n".join(f"  {line}" for line in text.splitlines())
        return command

    return decorate


pass_front = click.make_pass_decorator(Front)
