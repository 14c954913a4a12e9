"""The letter box: the only reader of the environment, of `archiver.toml` and of selection files."""
