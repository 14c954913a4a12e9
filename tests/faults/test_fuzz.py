"""A few hundred broken bags; the many are for `benchmarks/fuzz_bags.py`, which this runs."""

from __future__ import annotations

import subprocess
import sys

from tests.archive import ROOT, environment


def test_no_mutated_bag_breaks_us_or_touches_anything_outside():
    done = subprocess.run(
        [sys.executable, "benchmarks/fuzz_bags.py", "--count", "300", "--seed", "2600"],
        capture_output=True, text=True, check=False, cwd=ROOT, env=environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 mutated bags" in done.stdout
