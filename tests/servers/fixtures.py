"""Fixtures of real servers, one for each test process. `tests/conftest.py` makes them known to every test."""

from __future__ import annotations

import pytest

from tests.servers.postgresql import run_postgresql
from tests.servers.s3_servers import run_ministack, run_swift


@pytest.fixture(scope="session")
def ministack(tmp_path_factory):
    yield from run_ministack(tmp_path_factory.mktemp("ministack"))


@pytest.fixture(scope="session")
def swift(tmp_path_factory):
    yield from run_swift(tmp_path_factory.mktemp("swift"))


@pytest.fixture(scope="session")
def postgresql():
    yield from run_postgresql()
