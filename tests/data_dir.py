"""Where test data that does not belong to the project lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(*parts: str) -> Path:
    """Return the path of shared test data, or skip the calling test where it is absent."""
    root = Path(os.environ.get("ARCHIVER_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no test data at {path}; set ARCHIVER_TEST_DATA")
    return path
