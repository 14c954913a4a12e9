"""Our own bags beside those of the suite: for each rule one bag that breaks it and no other rule, and bags that only look wrong.

Each is a function of an empty directory. What is expected stands beside it: the codes found, and whether it is valid.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archiver.core.findings import FindingCode as Code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALGORITHMS = ("sha256", "sha512")


@dataclass
class Draft:
    """A bag that is right until a fixture changes it."""

    payload: dict[str, bytes] = field(default_factory=lambda: {"data/a.txt": b"a", "data/sub/b.txt": b"b"})
    info: str = ""
    declaration: bytes = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, bytes] = field(default_factory=dict)
    without_tag_manifests: bool = False
    tag_manifests: dict[str, str] = field(default_factory=dict)

    def oxum(self) -> str:
        return f"{sum(map(len, self.payload.values()))}.{len(self.payload)}"

    def manifest(self, algorithm: str, *paths: str) -> str:
        chosen = paths or tuple(self.payload)
        return "".join(
            f"{hashlib.new(algorithm, self.payload[path]).hexdigest()}  {escaped(path)}\n" for path in chosen
        )

    def write(self, root: Path) -> None:
        files = dict(self.payload)
        files["bagit.txt"] = self.declaration
        files["bag-info.txt"] = (self.info or f"Payload-Oxum: {self.oxum()}\n").encode()
        for algorithm in ALGORITHMS:
            files[f"manifest-{algorithm}.txt"] = self.manifest(algorithm).encode()
        files.update({name: text.encode() for name, text in self.manifests.items()})
        files.update(self.tags)
        for name in [name for name, content in files.items() if content == b"\0absent"]:
            del files[name]
        if not self.without_tag_manifests:
            tags = {name: content for name, content in files.items() if not name.startswith("data/")}
            for algorithm in ALGORITHMS:
                lines = [
                    f"{hashlib.new(algorithm, content).hexdigest()}  {escaped(n)}\n" for n, content in tags.items()
                ]
                files[f"tagmanifest-{algorithm}.txt"] = "".join(lines).encode()
            files.update({name: text.encode() for name, text in self.tag_manifests.items()})
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def escaped(path: str) -> str:
    return path.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


@dataclass(frozen=True)
class Case:
    """One fixture.

    Attributes:
        name: Its name in the table of docs/conformance.md.
        codes: The codes that are found, exactly.
        valid: Whether the bag is valid.
        complete: Whether the bag is complete.
    """

    name: str
    build: Callable[[Path], object]
    codes: frozenset[Code]
    valid: bool
    complete: bool


CASES: list[Case] = []


def case(*codes: Code, valid: bool = False, complete: bool = False) -> Callable[[Callable[[Path], object]], None]:
    def keep(build: Callable[[Path], object]) -> None:
        name = build.__name__.strip("_").replace("_", " ")
        CASES.append(Case(name, build, frozenset(codes), valid, valid or complete))

    return keep


def draft(**changes: object) -> Draft:
    made = Draft()
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@case(valid=True)
def _a_bag_that_is_right(root: Path) -> None:
    draft().write(root)


@case(valid=True)
def _no_tag_manifest_at_all(root: Path) -> None:
    draft(without_tag_manifests=True).write(root)


@case(valid=True)
def _names_with_percent_and_line_ends(root: Path) -> None:
    names = ("data/100%.txt", "data/100%0A.txt", "data/100%25.txt", "data/a\nb.txt", "data/a\rb.txt")
    draft(payload={name: name.encode() for name in names}).write(root)


@case(valid=True)
def _names_with_spaces_before_the_end_and_inside(root: Path) -> None:
    draft(payload={"data/a b.txt": b"1", "data/trailing ": b"2", "data/tab\tin": b"3", "data/#hash": b"4"}).write(root)


@case(valid=True)
def _line_ends_of_carriage_return_alone(root: Path) -> None:
    made = draft(declaration=b"BagIt-Version: 1.0\rTag-File-Character-Encoding: UTF-8\r")
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("\n", "\r") for a in ALGORITHMS}
    made.write(root)


@case(valid=True)
def _digests_in_capitals(root: Path) -> None:
    made = draft()
    lines = made.manifest("sha256").splitlines()
    made.manifests = {"manifest-sha256.txt": "".join(f"{line[:64].upper()}{line[64:]}\n" for line in lines)}
    made.write(root)


@case(valid=True)
def _a_payload_of_no_file(root: Path) -> None:
    (root / "data").mkdir()
    draft(payload={}, manifests={f"manifest-{a}.txt": "" for a in ALGORITHMS}).write(root)


@case(Code.OXUM_MISMATCH)
def _an_oxum_beyond_four_gigabytes(root: Path) -> None:
    draft(info="Payload-Oxum: 8589934592.2\n").write(root)


@case(Code.DECLARATION_MISSING)
def _no_declaration(root: Path) -> None:
    draft(tags={"bagit.txt": b"\0absent"}).write(root)


@case(Code.DECLARATION_MALFORMED)
def _declaration_lines_in_the_other_order(root: Path) -> None:
    draft(declaration=b"Tag-File-Character-Encoding: UTF-8\nBagIt-Version: 1.0\n").write(root)


@case(Code.DECLARATION_MALFORMED)
def _a_third_line_in_the_declaration(root: Path) -> None:
    draft(declaration=Draft().declaration + b"More: x\n").write(root)


@case(Code.DECLARATION_MALFORMED)
def _a_byte_order_mark(root: Path) -> None:
    draft(declaration=b"\xef\xbb\xbf" + Draft().declaration).write(root)


@case(Code.DECLARATION_MALFORMED)
def _white_space_around_the_version(root: Path) -> None:
    draft(declaration=b"BagIt-Version : 1.0\nTag-File-Character-Encoding: UTF-8\n").write(root)


@case(Code.VERSION_UNKNOWN)
def _a_version_that_never_was(root: Path) -> None:
    draft(declaration=b"BagIt-Version: 2.7\nTag-File-Character-Encoding: UTF-8\n").write(root)


@case(Code.TAG_ENCODING)
def _an_encoding_that_does_not_exist(root: Path) -> None:
    draft(declaration=b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-99\n").write(root)


@case(Code.PAYLOAD_MANIFEST_MISSING, Code.FILE_UNEXPECTED)
def _no_payload_manifest(root: Path) -> None:
    draft(tags={f"manifest-{a}.txt": b"\0absent" for a in ALGORITHMS}).write(root)


@case(Code.ALGORITHM_UNKNOWN, Code.FILE_MISSING)
def _a_manifest_of_an_unknown_algorithm(root: Path) -> None:
    draft(
        manifests={
            "manifest-xxh3.txt": f"{'0' * 16}  data/nothing\n{'0' * 16}  data/a.txt\n{'0' * 16}  data/sub/b.txt\n"
        }
    ).write(root)


@case(Code.MANIFEST_MALFORMED)
def _a_line_that_is_no_entry(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + "this is no entry\n"}
    made.write(root)


@case(Code.MANIFEST_MALFORMED)
def _an_empty_line(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": "\n" + made.manifest("sha256")}
    made.write(root)


@case(Code.MANIFEST_MALFORMED, Code.MANIFEST_INCOMPLETE)
def _a_digest_that_is_too_short(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256", "data/a.txt") + "abcd  data/sub/b.txt\n"}
    made.write(root)


@case(Code.MANIFEST_PATH_OUTSIDE)
def _a_tag_file_in_a_payload_manifest(root: Path) -> None:
    made = draft()
    digest = hashlib.sha256(made.declaration).hexdigest()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + f"{digest}  bagit.txt\n"}
    made.write(root)


@case(Code.MANIFEST_DUPLICATE)
def _the_same_line_twice(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + made.manifest("sha256", "data/a.txt")}
    made.write(root)


@case(Code.MANIFEST_INCOMPLETE)
def _manifests_that_list_one_half_each(root: Path) -> None:
    made = draft()
    made.manifests = {
        "manifest-sha256.txt": made.manifest("sha256", "data/a.txt"),
        "manifest-sha512.txt": made.manifest("sha512", "data/sub/b.txt"),
    }
    made.write(root)


@case(Code.MANIFEST_ASTERISK, valid=True)
def _entries_of_md5sum(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256").replace("  data/", " *data/")}
    made.write(root)


@case(Code.PATH_UNSAFE)
def _an_entry_that_leaves_the_bag(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + f"{'0' * 64}  data/../../etc/passwd\n"}
    made.write(root)


@case(Code.PATHS_COLLIDE)
def _names_that_differ_by_case(root: Path) -> None:
    draft(payload={"data/Song.txt": b"1", "data/song.TXT": b"2"}).write(root)


@case(Code.PATHS_COLLIDE)
def _names_that_differ_by_normalisation(root: Path) -> None:
    draft(payload={"data/\u00e9.txt": b"1", "data/e\u0301.txt": b"2"}).write(root)


@case(Code.PATHS_COLLIDE)
def _a_file_and_a_directory_that_differ_by_case(root: Path) -> None:
    draft(payload={"data/Songs": b"1", "data/songs/one.txt": b"2"}).write(root)


@case(valid=True)
def _directories_that_differ_by_case_and_hold_other_names(root: Path) -> None:
    draft(payload={"data/Songs/one.txt": b"1", "data/songs/two.txt": b"2"}).write(root)


@case(valid=True)
def _a_tag_file_in_a_directory_that_is_called_like_a_tag_manifest(root: Path) -> None:
    draft(tags={"tagmanifest-notes/read.md": b"1"}).write(root)


@case(Code.TAG_MANIFEST_OMITS)
def _a_tag_manifest_without_a_payload_manifest(root: Path) -> None:
    made = draft()
    digest = hashlib.sha256(made.declaration).hexdigest()
    made.tag_manifests = {
        "tagmanifest-sha256.txt": f"{digest}  bagit.txt\n{hashlib.sha256(made.manifest('sha256').encode()).hexdigest()}  manifest-sha256.txt\n"
    }
    made.write(root)


@case(Code.TAG_MANIFEST_SELF)
def _a_tag_manifest_that_lists_a_tag_manifest(root: Path) -> None:
    made = draft()
    made.write(root)
    path = root / "tagmanifest-sha512.txt"
    other = hashlib.sha512((root / "tagmanifest-sha256.txt").read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes() + f"{other}  tagmanifest-sha256.txt\n".encode())


@case(Code.BAG_INFO_MALFORMED)
def _bag_info_without_a_colon(root: Path) -> None:
    draft(info="Payload-Oxum: 2.2\nno colon here\n").write(root)


@case(Code.OXUM_MALFORMED)
def _an_oxum_that_is_no_number(root: Path) -> None:
    draft(info="Payload-Oxum: many\n").write(root)


@case(Code.OXUM_REPEATED)
def _an_oxum_that_is_there_twice(root: Path) -> None:
    draft(info="Payload-Oxum: 2.2\nPayload-Oxum: 2.2\n").write(root)


@case(Code.OXUM_MISMATCH)
def _an_oxum_that_is_wrong(root: Path) -> None:
    draft(info="Payload-Oxum: 3.2\n").write(root)


def fetching(line: str) -> Draft:
    return draft(tags={"fetch.txt": line.encode()})


@case(Code.FETCH_MALFORMED)
def _a_relative_address_to_fetch(root: Path) -> None:
    fetching("a.txt 1 data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_file_address_to_fetch(root: Path) -> None:
    fetching("file:///etc/passwd - data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_line_to_fetch_that_begins_with_a_space(root: Path) -> None:
    fetching(" https://example.org/a.txt 1 data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_line_to_fetch_whose_parts_stand_between_spaces_that_are_none(root: Path) -> None:
    fetching("https://example.org/a.txt\u00a01\u00a0data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _an_address_to_fetch_with_a_control_character_in_it(root: Path) -> None:
    fetching("https://exam\x1bple.org/a.txt 1 data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_length_to_fetch_that_is_no_number(root: Path) -> None:
    fetching("https://example.org/a.txt much data/a.txt\n").write(root)


@case(Code.FETCH_ADDRESS, Code.FILE_MISSING)
def _a_file_to_fetch_from_a_private_address(root: Path) -> None:
    made = fetching("http://127.0.0.1/c.txt 1 data/c.txt\n")
    digests = {a: hashlib.new(a, b"c").hexdigest() for a in ALGORITHMS}
    made.manifests = {f"manifest-{a}.txt": made.manifest(a) + f"{digests[a]}  data/c.txt\n" for a in ALGORITHMS}
    made.write(root)


@case(Code.PATH_RESERVED, valid=True)
def _a_name_that_windows_keeps_for_a_device(root: Path) -> None:
    draft(payload={"data/CON.txt": b"1"}).write(root)


@case(Code.FETCH_NOT_LISTED)
def _a_file_to_fetch_that_no_manifest_lists(root: Path) -> None:
    fetching("https://example.org/c.txt 1 data/c.txt\n").write(root)


@case(Code.PATH_UNSAFE)
def _a_file_to_fetch_outside_the_bag(root: Path) -> None:
    fetching("https://example.org/c.txt 1 ../c.txt\n").write(root)


@case(Code.FILE_MISSING)
def _a_listed_file_that_is_not_there(root: Path) -> None:
    made = draft(info="Payload-Oxum: 2.2\n")
    made.write(root)
    (root / "data/a.txt").unlink()
    (root / "bag-info.txt").write_text("Source-Organization: x\n")
    relist(root)


@case(Code.FILE_UNEXPECTED)
def _a_file_that_is_not_listed(root: Path) -> None:
    made = draft(info="Source-Organization: x\n")
    made.write(root)
    (root / "data/more.txt").write_bytes(b"more")


@case(Code.FILE_CHANGED, complete=True)
def _a_payload_file_that_was_changed(root: Path) -> None:
    draft().write(root)
    (root / "data/a.txt").write_bytes(b"A")


@case(Code.FILE_CHANGED, complete=True)
def _a_tag_file_that_was_changed(root: Path) -> None:
    draft().write(root)
    (root / "bag-info.txt").write_text("Payload-Oxum: 2.2\nMore: x\n")


@case(Code.FILE_MISSING)
def _a_tag_manifest_that_lists_a_deleted_tag_file(root: Path) -> None:
    draft(tags={"notes.txt": b"notes"}).write(root)
    (root / "notes.txt").unlink()


@case(Code.LINK_REFUSED, Code.FILE_MISSING)
def _a_payload_file_that_is_a_symbolic_link(root: Path) -> None:
    draft(info="Source-Organization: x\n").write(root)
    (root / "data/a.txt").unlink()
    (root / "data/a.txt").symlink_to("/etc/hostname")


@case(Code.LINK_REFUSED)
def _a_symbolic_link_that_nobody_lists(root: Path) -> None:
    draft().write(root)
    (root / "data/link").symlink_to("a.txt")


@case(Code.HARD_LINK, valid=True)
def _payload_files_that_are_one_file(root: Path) -> None:
    draft(payload={"data/a.txt": b"a", "data/b.txt": b"a"}).write(root)
    (root / "data/b.txt").unlink()
    os.link(root / "data/a.txt", root / "data/b.txt")


@case(Code.SPECIAL_FILE)
def _a_pipe(root: Path) -> None:
    draft().write(root)
    os.mkfifo(root / "data/pipe")


@case(Code.NAME_NOT_UTF8)
def _a_name_that_is_not_utf8(root: Path) -> None:
    draft().write(root)
    (root / "data" / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")


@case(Code.PAYLOAD_DIRECTORY_MISSING)
def _no_payload_directory(root: Path) -> None:
    draft(payload={}, manifests={f"manifest-{a}.txt": "" for a in ALGORITHMS}).write(root)


@case(Code.MANIFEST_INCOMPLETE)
def _three_manifests_of_which_one_lists_half(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-md5.txt": made.manifest("md5", "data/a.txt")}
    made.write(root)


@case(valid=True)
def _an_old_bag_whose_manifests_list_one_half_each(root: Path) -> None:
    made = draft(declaration=old())
    made.manifests = {
        "manifest-sha256.txt": made.manifest("sha256", "data/a.txt"),
        "manifest-sha512.txt": made.manifest("sha512", "data/sub/b.txt"),
    }
    made.write(root)


@case(Code.PATH_ENCODING)
def _a_percent_sign_that_is_not_encoded(root: Path) -> None:
    made = draft(payload={"data/100%.txt": b"1", "data/b.txt": b"2"})
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("%25", "%") for a in ALGORITHMS}
    made.write(root)


@case(Code.PATH_ENCODING, Code.FILE_MISSING, Code.FILE_UNEXPECTED)
def _a_space_that_is_percent_encoded(root: Path) -> None:
    made = draft(payload={"data/a b.txt": b"1"})
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("a b", "a%20b") for a in ALGORITHMS}
    made.write(root)


@case(valid=True)
def _line_ends_encoded_in_small_letters(root: Path) -> None:
    made = draft(payload={"data/a\nb.txt": b"1", "data/a\rb.txt": b"2"})
    made.manifests = {
        f"manifest-{a}.txt": made.manifest(a).replace("%0A", "%0a").replace("%0D", "%0d") for a in ALGORITHMS
    }
    made.write(root)


@case(valid=True)
def _an_old_bag_in_which_a_percent_sign_is_a_character(root: Path) -> None:
    made = draft(declaration=old(), payload={"data/100%.txt": b"1", "data/100%25.txt": b"2", "data/%20": b"3"})
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("%25", "%") for a in ALGORITHMS}
    made.write(root)


@case(Code.FILE_MISSING, Code.FILE_UNEXPECTED)
def _an_old_bag_with_the_code_of_a_line_end_in_a_name(root: Path) -> None:
    made = draft(declaration=old(), payload={"data/100%0A.txt": b"1"})
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("%25", "%") for a in ALGORITHMS}
    made.write(root)


@case(valid=True)
def _a_fetched_file_whose_name_is_encoded(root: Path) -> None:
    made = fetching("https://example.org/1 1 data/100%25%0A.txt\n")
    made.payload = {"data/100%\n.txt": b"1"}
    made.write(root)


@case(Code.PATH_ENCODING)
def _a_fetched_file_whose_name_is_not_encoded(root: Path) -> None:
    made = fetching("https://example.org/1 1 data/100%.txt\n")
    made.payload = {"data/100%.txt": b"1"}
    made.write(root)


@case(Code.FETCH_MALFORMED)
def _an_empty_line_in_the_fetch_file(root: Path) -> None:
    fetching("https://example.org/a.txt 1 data/a.txt\n\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_negative_length_to_fetch(root: Path) -> None:
    fetching("https://example.org/a.txt -1 data/a.txt\n").write(root)


@case(Code.FETCH_MALFORMED)
def _a_tag_file_to_fetch(root: Path) -> None:
    fetching("https://example.org/a.txt 1 bag-info.txt\n").write(root)


@case(Code.FETCH_NOT_LISTED, Code.FILE_MISSING)
def _a_file_to_fetch_that_one_manifest_lists(root: Path) -> None:
    made = fetching("https://example.org/c.txt 1 data/c.txt\n")
    digest = hashlib.sha256(b"c").hexdigest()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + f"{digest}  data/c.txt\n"}
    made.write(root)


@case(Code.TAG_ENCODING)
def _a_byte_order_mark_in_a_manifest(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": "\ufeff" + made.manifest("sha256")}
    made.write(root)


@case(Code.TAG_ENCODING)
def _a_byte_order_mark_in_the_metadata(root: Path) -> None:
    made = draft()
    made.info = f"\ufeffPayload-Oxum: {made.oxum()}\n"
    made.write(root)


@case(Code.TAG_ENCODING, Code.FILE_UNEXPECTED)
def _manifests_in_another_encoding_than_declared(root: Path) -> None:
    made = draft(payload={"data/\u00e9.txt": b"1"})
    made.tags = {f"manifest-{a}.txt": made.manifest(a).encode("latin-1") for a in ALGORITHMS}
    made.write(root)


@case(valid=True)
def _tag_files_in_latin_1_as_declared(root: Path) -> None:
    made = draft(payload={"data/\u00e9.txt": b"1"})
    made.declaration = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: ISO-8859-1\n"
    made.tags = {f"manifest-{a}.txt": made.manifest(a).encode("latin-1") for a in ALGORITHMS}
    made.write(root)


@case(Code.TAG_ENCODING)
def _an_encoding_that_is_a_trick_of_ours(root: Path) -> None:
    draft(declaration=b"BagIt-Version: 1.0\nTag-File-Character-Encoding: rot13\n").write(root)


@case(Code.TAG_ENCODING)
def _an_encoding_that_takes_for_ever(root: Path) -> None:
    draft(declaration=b"BagIt-Version: 1.0\nTag-File-Character-Encoding: punycode\n").write(root)


@case(valid=True)
def _line_ends_of_all_three_kinds_in_one_file(root: Path) -> None:
    made = draft(payload={f"data/{number}.txt": b"x" for number in range(4)})
    ends = iter(["\r\n", "\r", "\n", "\r\n"])
    lines = made.manifest("sha256").splitlines()
    made.manifests = {"manifest-sha256.txt": "".join(line + next(ends) for line in lines)}
    made.write(root)


@case(valid=True)
def _characters_that_end_lines_elsewhere(root: Path) -> None:
    names = ("\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\u00a0")
    draft(payload={f"data/a{name}b.txt": name.encode() for name in names}).write(root)


@case(Code.MANIFEST_MALFORMED, Code.MANIFEST_INCOMPLETE)
def _an_entry_parted_by_a_space_that_is_none(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256").replace("  data/a", "\u00a0data/a")}
    made.write(root)


@case(Code.MANIFEST_MALFORMED)
def _a_comment_in_a_manifest(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": "# made by hand\n" + made.manifest("sha256")}
    made.write(root)


@case(Code.MANIFEST_MALFORMED, Code.MANIFEST_INCOMPLETE)
def _a_digest_that_is_too_long(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": "0" + made.manifest("sha256")}
    made.write(root)


@case(Code.MANIFEST_MALFORMED, Code.MANIFEST_INCOMPLETE)
def _a_path_before_its_digest(root: Path) -> None:
    made = draft()
    first, second = made.manifest("sha256").splitlines()
    made.manifests = {"manifest-sha256.txt": f"{second}\n{first[66:]}  {first[:64]}\n"}
    made.write(root)


@case(Code.PATH_DOT, valid=True)
def _entries_that_begin_with_a_dot(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256").replace("  data/", "  ./data/")}
    made.write(root)


@case(Code.PATH_DOT, Code.MANIFEST_DUPLICATE)
def _one_file_under_two_spellings(root: Path) -> None:
    made = draft()
    again = made.manifest("sha256", "data/a.txt").replace("data/", "./data/")
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + again}
    made.write(root)


@case(Code.MANIFEST_DUPLICATE)
def _an_old_bag_with_two_digests_for_one_file(root: Path) -> None:
    made = draft(declaration=old())
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + f"{'0' * 64}  data/a.txt\n"}
    made.write(root)


@case(Code.PATH_UNSAFE)
def _an_entry_for_a_directory(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256") + f"{'0' * 64}  data/sub/\n"}
    made.write(root)


@case(Code.PATH_UNSAFE, Code.MANIFEST_INCOMPLETE)
def _backslashes_for_slashes(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha256.txt": made.manifest("sha256").replace("data/a", "..\\data\\a")}
    made.write(root)


@case(Code.MANIFEST_PATH_OUTSIDE)
def _a_payload_file_in_a_tag_manifest(root: Path) -> None:
    made = draft()
    made.write(root)
    path = root / "tagmanifest-sha256.txt"
    path.write_bytes(path.read_bytes() + made.manifest("sha256", "data/a.txt").encode())


@case(Code.TAG_MANIFEST_SELF)
def _a_tag_manifest_that_lists_itself(root: Path) -> None:
    draft().write(root)
    path = root / "tagmanifest-sha256.txt"
    path.write_bytes(path.read_bytes() + f"{'0' * 64}  tagmanifest-sha256.txt\n".encode())


@case(Code.ALGORITHM_UNKNOWN)
def _an_algorithm_in_capitals(root: Path) -> None:
    made = draft()
    made.tags = {"manifest-sha256.txt": b"\0absent", "manifest-SHA-256.txt": made.manifest("sha256").encode()}
    made.write(root)


@case(Code.ALGORITHM_UNKNOWN)
def _an_unknown_algorithm_beside_known_ones(root: Path) -> None:
    made = draft()
    made.manifests = {"manifest-sha3512.txt": made.manifest("sha3_512")}
    made.write(root)


@case(Code.FILE_MISSING, Code.FILE_UNEXPECTED)
def _an_entry_in_other_case_than_its_file(root: Path) -> None:
    made = draft()
    made.manifests = {f"manifest-{a}.txt": made.manifest(a).replace("a.txt", "A.txt") for a in ALGORITHMS}
    made.write(root)


@case(Code.FILE_UNEXPECTED)
def _a_hidden_file_of_a_desktop(root: Path) -> None:
    draft(info="Source-Organization: x\n").write(root)
    (root / "data/sub/.DS_Store").write_bytes(b"x")


@case(Code.LINK_REFUSED, Code.FILE_MISSING)
def _a_payload_directory_that_is_a_symbolic_link(root: Path) -> None:
    draft(info="Source-Organization: x\n").write(root)
    (root / "data/sub").rename(root / "elsewhere")
    (root / "data/sub").symlink_to(root / "elsewhere")


@case(valid=True)
def _a_bag_in_the_payload_of_a_bag(root: Path) -> None:
    inner = {"data/inner/bagit.txt": Draft().declaration, "data/inner/manifest-md5.txt": b"no entry"}
    draft(payload=inner).write(root)


@case(Code.VERSION_UNKNOWN)
def _a_version_with_a_nought_too_many(root: Path) -> None:
    draft(declaration=b"BagIt-Version: 1.00\nTag-File-Character-Encoding: UTF-8\n").write(root)


@case(Code.DECLARATION_MALFORMED)
def _a_declaration_in_small_letters(root: Path) -> None:
    draft(declaration=b"bagit-version: 1.0\ntag-file-character-encoding: UTF-8\n").write(root)


@case(Code.DECLARATION_MALFORMED)
def _an_empty_line_after_the_declaration(root: Path) -> None:
    draft(declaration=Draft().declaration + b"\n").write(root)


@case(Code.DECLARATION_MALFORMED)
def _an_empty_declaration(root: Path) -> None:
    draft(declaration=b"").write(root)


@case(Code.BAG_INFO_MALFORMED)
def _a_label_with_white_space_before_its_colon(root: Path) -> None:
    draft(info="Payload-Oxum: 2.2\nTitle : x\n").write(root)


@case(Code.BAG_INFO_MALFORMED)
def _a_value_right_behind_its_colon(root: Path) -> None:
    draft(info="Payload-Oxum: 2.2\nTitle:x\n").write(root)


@case(Code.BAG_INFO_MALFORMED)
def _a_continued_line_that_continues_nothing(root: Path) -> None:
    draft(info="  continued\nPayload-Oxum: 2.2\n").write(root)


@case(valid=True)
def _an_old_bag_with_white_space_around_its_colons(root: Path) -> None:
    draft(declaration=old(), info="Title  :   x\nPayload-Oxum :2.2\n").write(root)


@case(Code.OXUM_MISMATCH)
def _an_oxum_under_a_label_in_small_letters(root: Path) -> None:
    draft(info="payload-oxum: 2.3\n").write(root)


def old() -> bytes:
    return b"BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"


def relist(root: Path) -> None:
    """Write the tag manifests anew."""
    tags = [p for p in root.iterdir() if p.is_file() and not p.name.startswith("tagmanifest-")]
    for algorithm in ALGORITHMS:
        lines = [f"{hashlib.new(algorithm, p.read_bytes()).hexdigest()}  {p.name}\n" for p in tags]
        (root / f"tagmanifest-{algorithm}.txt").write_text("".join(lines))
