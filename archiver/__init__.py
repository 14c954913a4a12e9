"""A preservation archive for openly licensed audio."""

__version__ = "0.1.0"
