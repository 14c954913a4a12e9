"""The ledger: objects, copies, events and decisions in SQL. An index of the bags; it decides nothing."""

from archiver.catalogue.opening import Catalogue, open_catalogue

__all__ = ["Catalogue", "open_catalogue"]
