"""Where signatures and time stamps are made and judged."""
