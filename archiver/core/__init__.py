"""The study: values and rules. No I/O, no clock, no logging."""
