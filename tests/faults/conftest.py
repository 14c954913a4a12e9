"""An archive that is harvested once and copied for each test."""

from __future__ import annotations

import shutil

import pytest

from archiver.rehearsal.double import ArchiveDouble
from tests.archive import Archive
from tests.damage import NAMES, item


@pytest.fixture(scope="module")
def harvested(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    with ArchiveDouble([item(name) for name in NAMES]) as double:
        archive = Archive(root, double.url, stores={"primary": {"url": "store/"}, "mirror": {"url": "mirror/"}})
        assert archive.harvested().status == 0
    return archive


@pytest.fixture
def archive(harvested, tmp_path):
    shutil.copytree(harvested.root, tmp_path / "a", symlinks=True)
    return Archive(tmp_path / "a", "http://127.0.0.1:9", stores=harvested.stores)
