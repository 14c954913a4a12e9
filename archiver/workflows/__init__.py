"""The stairs: what comes after what. One archive function per module."""
