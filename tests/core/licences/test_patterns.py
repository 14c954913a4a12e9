"""Expressions that are compiled when they are first asked."""

from __future__ import annotations

import re
import subprocess
import sys

from archiver.core.licences.patterns import Pattern


def test_a_pattern_answers_as_that_of_the_library():
    pattern = Pattern("b+", re.IGNORECASE)
    assert [pattern.search("aBb")[0], pattern.match("aBb"), pattern.match("Bba")[0]] == ["Bb", None, "Bb"]


def test_an_item_without_a_sentence_needs_no_sentence_compiled():
    probe = (
        "from archiver.core.licences import grants\n"
        "assert not any(one._compiled for one in (grants.NEGATION, grants.WRONG_OBJECT, *grants._GRANTS))\n"
    )
    subprocess.run([sys.executable, "-c", probe], check=True)
