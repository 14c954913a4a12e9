"""Charts show what there is, and a scale also where there is nothing."""

from __future__ import annotations

import pytest

from archiver.reports import charts


@pytest.mark.parametrize(("totals", "top"), [([], 1.0), ([0.0, 0.0], 1.0), ([2.0, 100.0], 103.0)])
def test_a_scale_begins_at_nought_and_ends_above_the_largest(totals, top):
    assert charts._top(totals) == pytest.approx(top)
