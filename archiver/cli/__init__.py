"""The front door: parse, call one workflow, render, choose the exit status."""
