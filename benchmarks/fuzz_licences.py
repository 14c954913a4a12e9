"""Throw random and mutated declarations at the licence gate: no exception, and nothing open that is not known to be.

    python benchmarks/fuzz_licences.py --number 1000000 --seed 1

Four kinds, in turn:

* noise: random text, with pieces of licences in it, in random fields;
* a host edited by one character: never a tool;
* a judged declaration that is not open, wrapped, re-cased, re-spaced or embedded in a list or a bundle: never open;
* a grant with something that takes it away (negation, reservation, question, condition, other object, other tool),
  before or behind it: never open.

Anything *open* of noise must contain, word for word, an address or a name that the resolvers know; it is counted and the
first of them are printed for a person to look at. The exit status is 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from archiver.core.licences.fields import KINDS
from archiver.core.licences.judging import judge
from archiver.core.licences.policies import policy_named
from archiver.shelf import licence_table

TABLE = licence_table()
POLICY = policy_named("all-cc", public_domain_mark="accept")
DATA = Path(__file__).parents[1] / "tests" / "core" / "licences" / "data"
FIELDS = (*KINDS, "nobody.knows", "ia.licenseurl[]", "bundle.ia", "bundle.file", "")
PIECES = (
    "CC", "BY", "NC", "SA", "ND", "4.0", "3.0", "de", "creativecommons.org", "https://", "/licenses/", "by-sa", "Attribution", "not", "All rights reserved",
    "licensed under", "©", "2010", "<a href='", "</a>", "&amp;", "%2F", "\\", "@", "?", "\0", "\ufeff", "\u200b", "\u017f", "\u0131", "\u0421", "\u3002", "\ud800", "{", "[", '"', ":", "or", "cover",
)  # fmt: skip
SPOILERS = (
    "not", "Not", "never", "All rights reserved", "alle Rechte vorbehalten", "tous droits réservés", "?", "maybe", "if you pay", "except track 2", "only in Germany", "cover art",
    "photo", "samples", "lyrics", "no commercial use", "do not redistribute", "CC BY-NC-ND 2.5 IT", "http://creativecommons.org/licenses/sampling/1.0/", "personal use only", "was", "pending",
)  # fmt: skip


def judged(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CLOSED = [
    row
    for name in ("truth-shared.csv", "truth-more.csv")
    for row in judged(name)
    if row["expected_decision_class"] != "open"
]
GRANTS = (
    [tool.url for tool in TABLE.tools]
    + [tool.identifier for tool in TABLE.tools if tool.is_licence]
    + [f"Licensed under {tool.identifier}" for tool in TABLE.tools if tool.is_licence]
)


def noise(rng: random.Random) -> tuple[object, str, bool]:
    pieces = [
        rng.choice(PIECES) if rng.random() < 0.7 else chr(rng.randrange(1, 0x2FFF)) for _ in range(rng.randrange(12))
    ]
    text = rng.choice(("", " ", "-")).join(pieces)
    value: object = rng.choice(
        (text, text, text, [text], {"licenseurl": text}, None, rng.randrange(9), {"a": {"b": [text]}})
    )
    return value, rng.choice(FIELDS), False


def edited_host(rng: random.Random) -> tuple[object, str, bool]:
    url = rng.choice(TABLE.tools).url
    place, char = rng.randrange(8, 26), chr(rng.choice((rng.randrange(0x21, 0x7F), rng.randrange(0xA1, 0x2FFF))))
    host = url[8:27]
    new = rng.choice(
        (
            host[: place - 8] + char + host[place - 7 :],
            host[: place - 8] + host[place - 7 :],
            host[: place - 8] + char + host[place - 8 :],
        )
    )
    if new.lower() in {host, "www." + host} or char in "/?#":
        new = "x" + host
    return f"https://{new}{url[27:]}", rng.choice(("ia.licenseurl", "id3.WCOP", "vorbis.LICENSE")), True


def closed(rng: random.Random) -> tuple[object, str, bool]:
    row = rng.choice(CLOSED)
    text, field = row["declaration"], row["context"]
    if field.endswith("[]") or field.startswith("bundle."):
        return text, field, True
    change = rng.randrange(6)
    if change == 0:
        text = f" \t{text}\r\n"
    elif change == 1:
        text = text.replace(" ", "  ")
    elif change == 2:
        return json.dumps([text]), field + "[]", True
    elif change == 3:
        return {field: text, "ia.title": "A title"}, "bundle.file", True
    elif change == 4:
        return {"ia.licenseurl": "", field: text}, "bundle.file", True
    return text, field, True


def spoilt(rng: random.Random) -> tuple[object, str, bool]:
    grant, spoiler = rng.choice(GRANTS), rng.choice(SPOILERS)
    joint = rng.choice((" ", ", ", ". ", "; ", " - ", ": ", "\n"))
    text = f"{spoiler}{joint}{grant}" if rng.random() < 0.5 else f"{grant}{joint}{spoiler}"
    is_same = spoiler.startswith("CC BY-NC-ND 2.5 IT") and ("by-nc-nd/2.5/it" in grant or "BY-NC-ND 2.5 IT" in grant)
    return (
        text,
        rng.choice(("rights-text", "ia.rights", "id3.TCOP", "vorbis.LICENSE", "commons.UsageTerms", "ia.licenseurl")),
        not is_same,
    )


KINDS_OF_INPUT = (noise, edited_host, closed, spoilt)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    counts: Counter[str] = Counter()
    shown = 0
    begun = time.monotonic()
    for number in range(options.number):
        value, field, must_be_closed = KINDS_OF_INPUT[number % 4](rng)
        try:
            answer = judge(value, field, table=TABLE, policy=POLICY).to_json()
            json.dumps(answer)
        except Exception as error:  # noqa: BLE001 - that there is none is what is shown here
            counts["exceptions"] += 1
            print("EXCEPTION", repr(error), repr(value), field)
            continue
        is_open = answer["class"] == "open"
        counts[KINDS_OF_INPUT[number % 4].__name__] += 1
        if is_open and must_be_closed:
            counts["false-open"] += 1
            if counts["false-open"] <= 20:
                print("FALSE-OPEN", repr(value), field, answer["licence"])
        elif is_open:
            counts["open noise"] += 1
            if shown < 5:
                shown += 1
                print("open, to be looked at:", repr(value), field, answer["licence"])
    print(f"{options.number} declarations, seed {options.seed}, {time.monotonic() - begun:.0f} s: {dict(counts)}")
    return 1 if counts["exceptions"] or counts["false-open"] else 0


if __name__ == "__main__":
    sys.exit(main())
