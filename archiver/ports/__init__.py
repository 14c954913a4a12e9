"""The doorways: what the rooms promise to the stairs. Protocols only, no code."""
