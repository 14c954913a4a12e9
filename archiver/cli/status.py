"""Exit statuses: one table, printed in the help, and the one place that chooses."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from archiver.core.errors import ArchiverError, CannotRunError, InterruptedRunError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

LOG_FORMAT = "%(levelname)s %(name)s: %(message)s"
"""Of the log for people."""
DONE = 0
FINDINGS = 1
USAGE = 2
INCOMPLETE = 3
CANNOT_RUN = 4
INTERRUPTED = 130

EXIT_STATUSES = {
    DONE: "done, nothing wrong",
    FINDINGS: "done, findings exist (damage, an invalid bag, an item that is not held)",
    USAGE: "the command line is wrong",
    INCOMPLETE: "incomplete: some items could not be answered; the same command tries them again",
    CANNOT_RUN: "could not run: settings, store, catalogue, or another run holds the lock",
    INTERRUPTED: "interrupted; the same command goes on",
}


def status_of(error: BaseException) -> int:
    """Return the exit status that an error stands for."""
    if isinstance(error, InterruptedRunError | KeyboardInterrupt | click.Abort):
        return INTERRUPTED
    if isinstance(error, UsageError | click.UsageError):
        return USAGE
    if isinstance(error, CannotRunError | click.ClickException):
        return CANNOT_RUN
    return INCOMPLETE


def say(error: ArchiverError) -> None:
    """Print what is wrong, and what to type now, on standard error."""
    print_problem(f"error: {error.message}")
    if error.next_command:
        print_problem(f"  next: {error.next_command}")


def print_problem(text: str) -> None:
    """Print to standard error; characters the terminal cannot show are escaped. Where the log is JSON, so is this."""
    import logging  # a third of the start-up of `--help`, which prints no problem

    if any(handler.name == "archiver-json" for handler in logging.getLogger().handlers):
        level = logging.WARNING if text.startswith("warning: ") else logging.ERROR
        logging.getLogger("archiver").log(level, "%s", text)
        return
    click.echo(text.encode("utf-8", "backslashreplace").decode(), err=True)


def ended(run: Callable[[], Any]) -> int:
    """Run a command and return the exit status; what goes wrong is said on standard error."""
    try:
        result = run()
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone (`archiver list | head`): nothing is wrong, and nothing more can be said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (click.ClickException, ArchiverError, KeyboardInterrupt, click.Abort) as error:
        _explain(error)
        return status_of(error)
    except Exception:
        # The last door: Python would end with status 1, and status 1 says that findings exist.
        import logging

        logging.basicConfig(format=LOG_FORMAT)  # a command that logs nothing has not set it up
        logging.getLogger(__name__).exception("this is a fault of archiver itself; what was finished is kept")
        print_problem("  next: archiver status   # and report the lines above")
        return CANNOT_RUN
    return result if isinstance(result, int) else DONE


def _explain(error: BaseException) -> None:
    if isinstance(error, click.ClickException):
        error.show()
    elif isinstance(error, ArchiverError):
        say(error)
    else:
        print_problem("interrupted; the same command goes on from here")
