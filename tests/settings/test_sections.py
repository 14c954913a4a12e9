"""Sections: what a key may hold is what it gets, and everything else is named."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the types of the keys are read at run time
from typing import Literal

import pytest

from archiver.settings.sections import NOTHING, Section, WrongValueError, converted, from_text


class Inner(Section):
    url: str
    words: tuple[Literal["a", "b"], ...] = ()


class Outer(Section):
    text: str = "x"
    number: int = 1
    amount: float = 0.5
    is_so: bool = True
    maybe: int | None = None
    files: str | tuple[str, ...] = "all"
    inner: Mapping[str, Inner] = NOTHING
    free: Mapping[str, str] = NOTHING


def test_what_is_not_given_is_the_default():
    assert Outer() == converted({}, Outer)
    assert (Outer().number, Outer(number=2).number) == (1, 2)


def test_what_is_given_is_taken_as_its_key_has_it():
    table = {
        "amount": 3,
        "maybe": 4,
        "files": ["a"],
        "inner": {"one": {"url": "u", "words": ["b"]}},
        "free": {"k": "v"},
    }
    read = converted(table, Outer)
    assert read == Outer(
        amount=3.0, maybe=4, files=("a",), inner={"one": Inner(url="u", words=("b",))}, free={"k": "v"}
    )
    assert (type(read.amount), converted(read.to_builtins(), Outer)) == (float, read)


@pytest.mark.parametrize(
    ("table", "where", "what"),
    [
        ({"text": 1}, "text", "expected a text, got a whole number"),
        ({"number": "1"}, "number", "expected a whole number, got a text"),
        ({"number": True}, "number", "expected a whole number, got true or false"),
        ({"number": 1.0}, "number", "expected a whole number, got a number"),
        ({"number": 2**63}, "number", "the whole number is too great"),
        ({"amount": "1"}, "amount", "expected a number, got a text"),
        ({"amount": False}, "amount", "expected a number, got true or false"),
        ({"amount": 10**400}, "amount", "the whole number is too great"),
        ({"is_so": 1}, "is_so", "expected true or false, got a whole number"),
        ({"maybe": "1"}, "maybe", "expected a whole number, got a text"),
        ({"files": 1}, "files", "expected a text or a list, got a whole number"),
        ({"files": ["a", 1]}, "files[1]", "expected a text, got a whole number"),
        ({"inner": []}, "inner", "expected a table, got a list"),
        ({"inner": {"one": "u"}}, "inner.one", "expected a table, got a text"),
        ({"inner": {"one": {}}}, "inner.one", "the key 'url' is missing"),
        ({"inner": {"one": {"url": "u", "words": ["c"]}}}, "inner.one.words[0]", "invalid value 'c'; allowed: a, b"),
        ({"free": {"k": 1}}, "free.k", "expected a text, got a whole number"),
    ],
)
def test_what_is_wrong_is_named_with_its_keys(table, where, what):
    with pytest.raises(WrongValueError) as wrong:
        converted(table, Outer)
    assert (wrong.value.where, wrong.value.what) == (where, what)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", str, "7"),
        ("7", int, 7),
        ("-7", int, -7),
        ("0.5", float, 0.5),
        ("7", float, 7.0),
        ("true", bool, True),
        ("False", bool, False),
        ("0", bool, False),
        ("null", float | None, None),
        ("2", float | None, 2.0),
        ("a", Literal["a", "b"], "a"),
    ],
)
def test_a_variable_says_the_same_in_text(text, kind, value):
    read = from_text(text, kind)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "kind"), [("many", int), ("1_0", int), (" 1", int), ("1.5", int), ("yes", bool), ("c", Literal["a"]), ("a", tuple[str, ...])]
)  # fmt: skip
def test_a_variable_that_says_something_else_is_refused(text, kind):
    with pytest.raises(WrongValueError):
        from_text(text, kind)


def test_a_section_never_changes():
    with pytest.raises(AttributeError, match="does not change"):
        Outer().number = 2
    assert Outer().replace(number=2) == Outer(number=2) != Outer()
