"""Examine: listen to every captured audio file while it is in staging, and say of each how far it plays.

What is found never drops bytes that are the declared ones: it is written down in the bag and in the catalogue. A selection
may ask that an item with damage waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from archiver.core.embedded import worth_weighing
from archiver.core.examinations import Verdict, compared_with_source
from archiver.core.gate import TurnedAway
from archiver.core.licences.evidence import Declaration, Scope
from archiver.core.reviews import DAMAGED
from archiver.core.selections import is_audio

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archiver.core.examinations import Examination
    from archiver.core.fixity import Digest
    from archiver.core.licences.table import LicenceTable
    from archiver.core.packages import CapturedFile, Sip
    from archiver.core.reviews import Case, Reviewed
    from archiver.core.selections import Selection
    from archiver.ports.engines import Engine
    from archiver.ports.examiner import Examiner

_BAD = frozenset((Verdict.DAMAGED, Verdict.UNDECODABLE))


@dataclass(frozen=True, slots=True)
class Examining:
    """Who listens, and how many files at once.

    Attributes:
        examiner: Decodes, in processes of its own.
        engine: Asks about several files at once; not the one that captures, or what is decoded would keep the source waiting.
    """

    examiner: Examiner
    engine: Engine


def examine(sip: Sip, *, examining: Examining) -> Sip:
    """Examine every audio file of a SIP.

    Args:
        sip: Captured; the bytes are in staging.
        examining: Who listens.

    Returns:
        The SIP with what was found, whatever it is.
    """
    audio = [file for file in sip.files if is_audio(file.declared.name)]
    one = partial(_examined, examiner=examining.examiner)
    found = [one(audio[0])] if len(audio) == 1 else examining.engine.over(one, audio)
    return replace(sip, examined=dict(sorted(found)))


def _examined(file: CapturedFile, *, examiner: Examiner) -> tuple[str, Examination]:
    found = examiner.examine(file.staged.path, name=f"data/{file.path}")
    return str(file.path), compared_with_source(found, dict(file.declared.facts).get("length", ""))


def kept_back(
    sip: Sip, selection: Selection, *, state: Digest, table: LicenceTable, reviewed: Reviewed
) -> Sip | TurnedAway:
    """Let a SIP on, or say that it waits for a person because its selection keeps damaged audio back.

    Args:
        sip: Examined.
        selection: What it asks.
        state: Of the item: a person's word is about exactly these files.
        table: The legal tools, for what the files declare.
        reviewed: What people have said about the item.

    Returns:
        The SIP, with the case in which a person accepted its damage where there is one.
    """
    bad = {path: found for path, found in sip.examined.items() if found.verdict in _BAD}
    if not bad or selection.damaged != "quarantine":
        return sip
    case = next((case for case in reviewed.accepted if DAMAGED in case.reasons and case.state == str(state)), None)
    if case is not None:
        return _with_case(sip, case)
    return TurnedAway(
        sip.admitted.item,
        sip.admitted.decision,
        True,  # noqa: FBT003 - positional as everywhere
        (DAMAGED,),
        _told(bad),
        # What is found stands among what is declared, so that a case about the licence alone is another case.
        embedded=(*worth_weighing(sip.tags, table=table), *_as_declared(bad)),
    )


def _with_case(sip: Sip, case: Case) -> Sip:
    if sip.admitted.review is not None:
        return sip
    return replace(sip, admitted=replace(sip.admitted, review=case))


def _as_declared(bad: Mapping[str, Examination]) -> Iterator[Declaration]:
    for path, found in bad.items():
        yield Declaration("archive.examined", Scope.FILE, found.verdict.value, path)


def _told(bad: Mapping[str, Examination]) -> str:
    shown = [f"{path} is {found.verdict} ({found.remarks[0].detail})" for path, found in list(bad.items())[:5]]
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    return "; ".join(shown) + more
