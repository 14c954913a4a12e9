"""Judging one declaration of any shape, as `archiver licence check` does: a text, a list, or an object of several fields."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archiver.core.licences.decisions import Decision, Signals, decide
from archiver.core.licences.evidence import Declaration, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.core.licences.policies import Policy
    from archiver.core.licences.table import LicenceTable

MOST_FIELDS = 10_000
"""Declarations taken out of one value; one with more is judged as unreadable."""

_BUNDLE = "bundle."


@dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to one declaration.

    Attributes:
        declaration: As given.
        context: As given.
        decision: What the gate decided.
    """

    declaration: object
    context: str
    decision: Decision

    def to_json(self) -> dict[str, Any]:
        """Return the record of the machine output (DESIGN §3)."""
        return {
            "declaration": self.declaration,
            "context": self.context,
            "licence": self.decision.licence,
            "class": self.decision.licence_class.value,
            "outcome": self.decision.outcome.value,
            "reasons": [reason.value for reason in self.decision.reasons],
        }


def judge(declaration: object, context: str, *, table: LicenceTable, policy: Policy) -> Judgement:
    """Judge a declaration alone, in the field it comes from. Never raises.

    Args:
        declaration: A text; a list for a repeated field (a context that ends in ``[]``); an object for ``bundle.SOURCE``,
            its keys being field names. The latter two may also be given as JSON text.
        context: The field, for example ``ia.licenseurl``; an unknown one is free text and grants nothing.
        table: The legal tools.
        policy: What is admitted.
    """
    value = _parsed(declaration, context)
    declarations = tuple(_declarations(value, context))
    if len(declarations) > MOST_FIELDS:
        declarations = (Declaration("unreadable", Scope.ITEM, "more fields than are read: licence unknown"),)
    decision = decide(declarations, table=table, policy=policy, signals=_signals(value))
    return Judgement(declaration, context, decision)


def _parsed(declaration: object, context: str) -> object:
    """Read the JSON of a repeated field or a bundle; what is none stays the text it is."""
    if isinstance(declaration, str) and (context.endswith("[]") or context.startswith(_BUNDLE)):
        try:
            parsed = json.loads(declaration)
        except (ValueError, RecursionError):
            return declaration
        return parsed if isinstance(parsed, list | dict) else declaration
    return declaration


def _declarations(value: object, context: str) -> Iterator[Declaration]:
    if isinstance(value, dict):
        for key, inner in value.items():
            for text in _texts(inner):
                yield Declaration(_field(str(key), context), Scope.ITEM, text)
    else:
        field = context.removesuffix("[]")
        for text in _texts(value):
            yield Declaration(field, Scope.ITEM, text)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts of a value; what is neither a text nor a list of texts is a claim that cannot be read."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for one in value[: MOST_FIELDS + 1]:
            yield one if isinstance(one, str) else _unreadable(one)
    elif value is not None:
        yield _unreadable(value)


def _unreadable(value: object) -> str:
    return "" if value is None else f"licence unreadable: a {type(value).__name__}"


def _field(key: str, context: str) -> str:
    """Name a field of a bundle: ``licenseurl`` in ``bundle.ia`` is ``ia.licenseurl``."""
    source = context.removeprefix(_BUNDLE) if context.startswith(_BUNDLE) else context
    return key if "." in key else f"{source}.{key}"


def _signals(value: object) -> Signals:
    if not isinstance(value, dict):
        return Signals()
    restricted = value.get("access-restricted-item")
    collections = value.get("collection")
    return Signals(
        access_restricted=restricted is True or str(restricted).lower() == "true",
        stream_only=str(value.get("audiodownload_allowed")).lower() == "false"
        or "stream_only" in (collections if isinstance(collections, list) else [collections]),
    )
