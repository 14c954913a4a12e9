"""Engines: run the same function over many values, here or elsewhere, without knowing what the work is."""
