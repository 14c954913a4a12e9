"""The revision of the schema."""

HEAD = "0012"
"""The one this program works with."""
