"""The layout of our AIPs (DESIGN §2): the place in a store, the tag files and their order."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import quote

from archiver.core.bags.bag_info import DECLARATION, format_bag_info
from archiver.core.bags.manifests import format_manifest
from archiver.core.bags.paths import parse_tag_path
from archiver.core.fixity import Algorithm, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from archiver.core.bags.bag_info import BagInfo
    from archiver.core.bags.paths import TagPath
    from archiver.core.packages import PayloadFile

LAST_TAG_FILE = "tagmanifest-sha512.txt"
"""Written last of all: a bag without it was never finished."""
SHADOW = "tagmanifest-sha256.txt"
"""The second tag manifest. The last one does not list it (RFC 8493 §2.2.1), but everything it says can be computed again."""

LONGEST_SEGMENT = 200
"""Characters of an item's identifier in a key; a longer one is cut and its digest added."""


def aip_prefix(source: str, item: str, version: int) -> str:
    """Return an AIP's place in every store, ending in ``/``: ``bags/<source>/<ab>/<cd>/<item>/v<N>/``.

    ``<ab><cd>`` are the first four hexadecimal digits of SHA-256 of the item's identifier. Characters of the identifier
    outside ``A-Z a-z 0-9 . _ -`` are percent-encoded, so that no identifier is a path.
    """
    digest = hashlib.sha256(item.encode("utf-8", "surrogatepass")).hexdigest()
    return f"bags/{_segment(source)}/{digest[:2]}/{digest[2:4]}/{_segment(item)}/v{version}/"


def _segment(text: str) -> str:
    quoted = quote(text, safe="", errors="surrogatepass").replace("~", "%7E")
    if quoted.strip(".") == "":
        quoted = quoted.replace(".", "%2E")
    if len(quoted) > LONGEST_SEGMENT:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{quoted[:LONGEST_SEGMENT]}-{digest[:16]}"
    return quoted


def in_writing_order(paths: Iterable[str]) -> list[str]:
    """Return the paths of a bag's tag files in the order in which they are written: the tag manifests last."""
    return sorted(paths, key=lambda path: (path.startswith("tagmanifest-"), path))


def lay_out(
    payload: Sequence[PayloadFile], *, info: BagInfo, metadata: Mapping[str, bytes]
) -> tuple[tuple[TagPath, bytes], ...]:
    """Return every tag file of a bag in the order of writing, the tag manifests last.

    The same payload, info and metadata give the same bytes.

    Args:
        payload: Every payload file.
        info: For ``bag-info.txt``.
        metadata: Further tag files by their path in the bag.

    Raises:
        UnsafeNameError: A path in ``metadata`` is no tag path.
    """
    tags: dict[str, bytes] = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": format_bag_info(info.elements()),
        "manifest-sha512.txt": format_manifest((f"data/{file.path}", file.sha512) for file in payload),
        "manifest-sha256.txt": format_manifest((f"data/{file.path}", file.staged.sha256) for file in payload),
        **dict(sorted(metadata.items())),
    }
    listed = tuple(tags.items())
    for algorithm in (Algorithm.SHA256, Algorithm.SHA512):
        # RFC 8493 §2.2.1: a tag manifest lists every payload manifest and no tag manifest.
        entries = ((path, digest_of(content, algorithm)) for path, content in listed)
        tags[f"tagmanifest-{algorithm}.txt"] = format_manifest(entries)
    return tuple((parse_tag_path(path), content) for path, content in tags.items())
