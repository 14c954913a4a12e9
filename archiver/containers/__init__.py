"""Archives that hold bags: tar, plain or compressed, and zip. Read only, and nothing is ever unpacked to the disk."""
