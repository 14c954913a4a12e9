"""Bags of hostile names and contents: what we write we read, and write again byte for byte; what others write we judge rightly."""

from __future__ import annotations

import random
import warnings
from contextlib import suppress
from datetime import date
from pathlib import Path

import bagit
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.core.bags.bag_info import BagInfo, format_bag_info
from archiver.core.bags.layout import lay_out
from archiver.core.bags.manifests import format_manifest
from archiver.core.bags.paths import collision_key, parse_payload_path, unsafe_because
from archiver.core.bags.tag_files import tag_files_of
from archiver.core.bags.validating import plan_of
from archiver.core.findings import WARNINGS, FindingCode
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.objects import StagedFile
from archiver.core.packages import PayloadFile
from archiver.engines.threads import ThreadEngine
from archiver.stores.directory import DirectoryStore
from archiver.workflows.verify import verify_tree

alphabet = st.sampled_from("ab/%25%0A0D\r\n\t .~\\é\u0301:*\u2028\x85\x0b#") | st.characters(codec="utf-8")
names = st.text(alphabet, min_size=1, max_size=30).filter(lambda name: not unsafe_because(name))
payloads = st.dictionaries(names, st.binary(max_size=5), max_size=6)
texts = st.text(st.characters(codec="utf-8"), max_size=40)


def info(payload, title):
    sizes = [len(content) for content in payload.values()]
    return BagInfo(
        title,
        "mailto:a@example.org",
        "source/item",
        title,
        date(2026, 1, 2),
        sum(sizes),
        len(sizes),
        "archiver",
        "u",
        "p",
        1,
    )


def files(payload):
    for name, content in sorted(payload.items()):
        staged = StagedFile(Path("unused"), len(content), digest_of(content))
        yield PayloadFile(parse_payload_path(name), staged, digest_of(content, Algorithm.SHA512))


@settings(deadline=None)
@given(payloads, texts, st.binary(max_size=20))
def test_write_read_write_is_the_identity(payload, title, record):
    written = {
        str(path): content
        for path, content in lay_out(list(files(payload)), info=info(payload, title), metadata={"metadata/x": record})
    }
    sizes = {f"data/{name}": len(content) for name, content in payload.items()}
    sizes.update({path: len(content) for path, content in written.items()})

    plan = plan_of(sizes, {name: written[name] for name in tag_files_of(sizes)})

    allowed = {FindingCode.PATHS_COLLIDE, *WARNINGS}  # the writer refuses such names before it comes to this
    assert {finding.code for finding in plan.findings} <= allowed
    assert {path for path in plan.expected if path.startswith("data/")} == {f"data/{name}" for name in payload}
    for path, digests in plan.expected.items():
        content = written[path] if path in written else payload[path.removeprefix("data/")]
        assert [digest_of(content, digest.algorithm) for digest in digests] == list(digests)
    assert format_bag_info(plan.info) == written["bag-info.txt"]
    for algorithm in (Algorithm.SHA256, Algorithm.SHA512):
        for manifest, belongs in ((f"manifest-{algorithm}.txt", True), (f"tagmanifest-{algorithm}.txt", False)):
            entries = (
                (path, digest)
                for path, digests in plan.expected.items()
                for digest in digests
                if digest.algorithm is algorithm and path.startswith("data/") == belongs
            )
            assert format_manifest(entries) == written[manifest]


PIECES = [
    "a",
    "Ab",
    "é",
    "e\u0301",
    "%",
    "%25",
    "%0A",
    "%0d",
    "%20",
    " ",
    "  ",
    "\t",
    "\n",
    "\r",
    "#",
    "*",
    "~",
    "\u2028",
    "\x85",
    "\x0b",
    "日",
    "🎵",
    "-",
    "'",
    '"',
    ".",
]
LOST = ("%0A", "%0D", "%0a", "%0d")
"""In BagIt 0.97, which bagit-python writes, these in a name read as a line end: it rejects such a bag itself."""


def hostile_names(number, draw):
    found = {}
    while len(found) < number:
        name = "".join(draw.choice(PIECES) for _ in range(draw.randint(1, 6)))
        key = collision_key(
            name
        ).strip()  # bagit-python strips names, and does not make a bag in which two then are one
        if key and not unsafe_because(name):
            found.setdefault(key, name)
    return list(found.values())


def made_by_bagit(root, names):
    root.mkdir()
    for number, name in enumerate(names):
        (root / name).write_bytes(b"%d" % number)
    # It reads what it has written, parts lines at characters that end none, and raises: the bag is there all the same.
    with warnings.catch_warnings(), suppress(bagit.BagError):
        warnings.simplefilter("ignore")
        bagit.make_bag(str(root), checksums=["sha256", "sha512"])
    engine = ThreadEngine(2, name="theirs")
    try:
        (verdict,) = verify_tree(DirectoryStore("", root), files=engine)
    finally:
        engine.close()
    return verdict


def test_a_bag_of_bagit_python_of_500_hostile_names_is_judged_by_what_it_wrote(tmp_path):
    every = hostile_names(900, random.Random(5))
    sound = [name for name in every if not any(code in name for code in LOST)][:500]
    assert len(sound) == 500

    verdict = made_by_bagit(tmp_path / "sound", sound)
    assert verdict.is_valid, verdict.findings[:5]
    assert {finding.code for finding in verdict.findings} <= WARNINGS


def test_names_that_bagit_python_loses_are_missing_and_unexpected_and_nothing_else_is(tmp_path):
    lost = ["100%0A.txt", "100%0d.txt"]
    verdict = made_by_bagit(tmp_path / "lost", [*lost, "100%.txt", "100%25.txt", "a\nb.txt"])
    assert {(finding.code, finding.where) for finding in verdict.findings} == {
        *((FindingCode.FILE_UNEXPECTED, f"data/{name}") for name in lost),
        (FindingCode.FILE_MISSING, "data/100\n.txt"),
        (FindingCode.FILE_MISSING, "data/100\r.txt"),
    }
