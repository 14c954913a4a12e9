"""The notice board: values become text and JSON records. Strings out, nothing printed here."""
