"""The shelf: data files that ship with the program, read once and checked."""

from archiver.shelf.licences import licence_table

__all__ = ["licence_table"]
