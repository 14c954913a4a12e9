"""Records: byte for byte what `json.dumps` writes, so that a bag does not depend on who wrote its JSON."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.core.records import format_record

TEXTS = st.text(st.characters(codec=None))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(TEXTS, inner),
)


class Code(StrEnum):
    ONE = "one"


@settings(max_examples=60, deadline=None)
@given(VALUES, st.booleans())
def test_it_is_the_text_of_the_standard_library(value, is_sorted):
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=is_sorted) + "\n"
    assert format_record(value, is_sorted=is_sorted) == text.encode("utf-8", "backslashreplace")
    ascii_text = json.dumps(value, indent=1, sort_keys=is_sorted) + "\n"
    assert format_record(value, is_ascii=True, is_sorted=is_sorted) == ascii_text.encode()


def test_a_code_is_written_as_its_text_and_what_is_empty_on_one_line():
    assert format_record({"a": Code.ONE, "b": [], "c": {}}) == b'{\n "a": "one",\n "b": [],\n "c": {}\n}\n'


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError):
        format_record({"a": b"bytes"})
    with pytest.raises(TypeError):
        format_record({1: "a number as a key"})
