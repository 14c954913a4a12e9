"""A double of archive.org on loopback, for tests, the demo and a first try. It speaks the wire as it was recorded, faults included."""
