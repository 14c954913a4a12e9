"""Fixtures for every test. Tests that use one server carry ``xdist_group``, so that only one process starts it."""

from tests.servers.fixtures import ministack, postgresql, swift

__all__ = ["ministack", "postgresql", "swift"]
