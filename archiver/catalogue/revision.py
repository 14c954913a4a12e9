"""The revision of the schema."""

HEAD = "0011"
"""The one this program works with."""
