"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "archiver"
MODULES = sorted(PACKAGE.rglob("*.py"))
NAMELESS = {"utils", "helpers", "common", "base", "models", "types", "constants"}
HEAVY = (
    "requests", "urllib3", "internetarchive", "boto3", "botocore", "sqlalchemy", "alembic", "rich", "av", "mutagen",
    "numpy", "matplotlib", "jinja2", "cryptography", "lxml", "distributed", "pydub", "soundfile", "pygfried",
)  # fmt: skip


def parsed(path):
    return ast.parse(path.read_text("utf-8"), str(path))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_check_in_the_package_is_no_assert_which_python_may_leave_out(path):
    assert [node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Assert)] == []


def test_every_module_has_a_noun():
    assert [path for path in MODULES if path.stem in NAMELESS] == []


def test_the_seal_of_the_licence_gate_is_named_in_the_gate_alone():
    assert [path.name for path in MODULES if "_SEAL" in path.read_text("utf-8")] == ["gate.py"]


def test_everything_foreign_is_caught_at_the_front_door_and_at_the_items_of_a_batch_only():
    catching = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and isinstance(node.type, ast.Name) and node.type.id == "Exception"
    }
    assert catching <= {"cli/status.py", "workflows/walk_item.py", "rehearsal/answers.py"} | AT_LIBRARIES_WITHOUT_A_TREE


AT_LIBRARIES_WITHOUT_A_TREE = {
    "audio/covers.py",  # tag readers over hostile bytes
    "audio/derive_worker.py",  # the boundary of one file in a process of its own
    "audio/examining.py",  # scanners and tag readers over hostile bytes
    "audio/identifier.py",  # a foreign scanner over hostile bytes
    "audio/worker.py",  # the boundary of one file in a process of its own
    "engines/clusters.py",  # the connections of a scheduler that may be dying
    "engines/errands.py",  # the boundary of one value on another machine; its error goes to the caller
    "notices/messages.py",  # plug-ins of apprise, after the run is over
    "wiring/sources.py",  # the code of another package
}
"""Modules that wrap a library which raises anything at all on hostile input, each with a comment at the place."""


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["status", "--help"], ["harvest", "--help"]])
def test_help_imports_nothing_heavy(command):
    assert set(HEAVY).isdisjoint(imported(command))


NOT_FOR_STATUS = (
    "platformdirs",
    "importlib.metadata",
    "logging",
    "tomllib",
    "archiver.core.findings",
    "archiver.core.holdings",
)


@pytest.mark.parametrize("output", ["text", "jsonl", "prometheus"])
def test_status_imports_no_sqlalchemy_where_every_sum_is_remembered(tmp_path, output):
    command = ["--home", str(tmp_path), "status", "--output", output]
    assert "sqlalchemy" in imported(command)  # it makes the catalogue, and remembers
    assert {*HEAVY, *NOT_FOR_STATUS}.isdisjoint(imported(command))


@pytest.mark.parametrize(
    "command", [["list"], ["audit", "--due"], ["verify", "bag"], ["licence", "check", "CC BY 4.0"]]
)
def test_a_command_imports_what_it_needs_and_no_other_room(tmp_path, command):
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    command = [str(tmp_path / "bag") if word == "bag" else word for word in command]
    asks_the_catalogue = command[0] in {"list", "audit"}
    if asks_the_catalogue:
        imported(["--home", str(tmp_path), "list"])  # makes the catalogue, which takes Alembic
    found = imported(["--home", str(tmp_path), *command])
    assert set(HEAVY).intersection(found) == ({"sqlalchemy"} if asks_the_catalogue else set())
    assert {"statistics", "platformdirs", "archiver.core.licences.decisions"}.isdisjoint(found) or command[
        0
    ] == "licence"


def imported(command):
    """Run a command and return what was imported for it."""
    probe = (
        "import sys\nfrom archiver.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('\\n' + ' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe, *command], capture_output=True, text=True, check=True)
    return set(done.stderr.split())
