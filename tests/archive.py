"""An archive in a directory of its own, used as its operator does: through the command line, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bagit

if TYPE_CHECKING:
    from archiver.rehearsal.corpus import DoubleItem

ROOT = Path(__file__).parents[1]
LICENCE = "http://creativecommons.org/licenses/by/4.0/"


def environment(**extra: str) -> dict[str, str]:
    """The environment of this process without settings of ours, plus what is given."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ARCHIVER_", "AWS_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error::ResourceWarning", **extra}


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def outcomes(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Outcome and reasons by item name; an item that is named twice is a fault."""
        found: dict[str, tuple[str, tuple[str, ...]]] = {}
        for record in self.records:
            if "item" in record:
                name = record["item"].partition("/")[2]
                assert name not in found, f"{name} is named twice"
                found[name] = (record["outcome"], tuple(record["reasons"]))
        return found

    @property
    def summary(self) -> dict[str, Any]:
        return self.records[-1]["summary"]


@dataclass
class Archive:
    """Settings and a selection in a directory; `run` gives commands to it."""

    root: Path
    endpoint: str
    stores: dict[str, dict[str, str]] = field(default_factory=lambda: {"primary": {"url": "store/"}})
    source: dict[str, str] = field(default_factory=lambda: {"backoff": "0.05", "tries": "4", "timeout": "5"})
    harvest: dict[str, str] = field(default_factory=dict)
    audio: dict[str, str] = field(default_factory=lambda: {"examine": "false"})
    catalogue: str = ""
    extra_environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        self.write()
        self.select("all")

    def write(self) -> None:
        lines = ["[archive]", 'organisation = "Test Archive"', 'contact = "mailto:ops@example.org"']
        if self.catalogue:
            lines += ["[catalogue]", f'url = "{self.catalogue}"']
        for name, keys in self.stores.items():
            lines += [f"[stores.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
        lines += ["[sources.internet-archive]", f'endpoint = "{self.endpoint}"']
        lines += [f"{key} = {value}" for key, value in self.source.items()]
        if self.harvest:
            lines += ["[harvest]", *(f"{key} = {value}" for key, value in self.harvest.items())]
        lines += ["[audio]", *(f"{key} = {value}" for key, value in self.audio.items())]
        (self.root / "archiver.toml").write_text("\n".join(lines) + "\n")

    def select(self, name: str, **keys: Any) -> None:
        selection = {"title": "Everything", "source": "internet-archive", "policy": "all-cc", "files": "originals"}
        chosen = {**selection, "stores": list(self.stores), **keys}
        if "items" not in chosen:
            chosen.setdefault("query", "mediatype:audio")
        (self.root / "manifests").mkdir(exist_ok=True)
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in chosen.items())
        (self.root / "manifests" / f"{name}.toml").write_text(text)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "archiver", "--config", str(self.root / "archiver.toml"), *arguments]

    def run(self, *arguments: str, timeout: float = 120, **extra: str) -> Result:
        done = subprocess.run(
            self.command(*arguments),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            cwd=self.root,
            env=environment(**{**self.extra_environment, **extra}),
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def harvested(self, *options: str, selection: str = "all", **extra: str) -> Result:
        return self.run("harvest", selection, "--output", "jsonl", *options, **extra)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.root,
            env=environment(**self.extra_environment),
        )

    def store(self, name: str = "primary") -> Path:
        return self.root / self.stores[name]["url"]

    def bags(self, name: str = "primary") -> dict[str, Path]:
        """Every bag in a directory store, by ``item/vN``."""
        found = self.store(name).glob("bags/*/*/*/*/v*")
        return {f"{path.parent.name}/{path.name}": path for path in found}

    def left_in_staging(self) -> list[str]:
        staging = self.root / "staging"
        return sorted(str(path.relative_to(staging)) for path in staging.rglob("*")) if staging.exists() else []

    def names_of(self, *stores: str) -> list[str]:
        """Every file below the root that lies in no bag of these stores."""
        inside = [self.store(name) for name in stores]
        files = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(
            str(path.relative_to(self.root)) for path in files if not any(path.is_relative_to(one) for one in inside)
        )


def prove_bag(bag: Path, item: DoubleItem) -> None:
    """A second opinion: bagit-python finds the bag valid, and its payload is the source's bytes and nothing else."""
    if not any("%" in file.name for file in item.files):
        # bagit-python 1.9 does not decode %25 (RFC 8493 §2.1.3), so it cannot find such a file.
        bagit.Bag(str(bag)).validate(processes=1)
    originals = {file.name: file for file in item.files if file.source == "original" and not file.extra.get("private")}
    payload = {
        str(path.relative_to(bag / "data")): path.read_bytes() for path in (bag / "data").rglob("*") if path.is_file()
    }
    assert payload.keys() == originals.keys()
    for name, content in payload.items():
        assert content == originals[name].content * originals[name].repeat, name
    for algorithm in ("sha256", "sha512"):
        lines = (bag / f"manifest-{algorithm}.txt").read_text().splitlines()
        listed = {
            path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%"): digest
            for digest, path in (line.split("  ", 1) for line in lines)
        }
        assert listed == {
            f"data/{name}": hashlib.new(algorithm, content).hexdigest() for name, content in payload.items()
        }
