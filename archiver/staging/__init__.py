"""The hall table: local disk, where files wait between the source and the stores."""
