import pytest

from archiver.core.fixity import Algorithm, Digest, Grade, Hasher, digest_of, parse_digest, recognise_digest, strongest

# FIPS 180-4 example values for "abc" (NIST, "Secure Hash Standard: example values"); MD5 from RFC 1321 A.5.
ABC = {
    Algorithm.MD5: "900150983cd24fb0d6963f7d28e17f72",
    Algorithm.SHA1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    Algorithm.SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    Algorithm.SHA512: (
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
    ),
}


def test_one_pass_gives_every_digest():
    hasher = Hasher(ABC)
    hasher.update(b"a")
    hasher.update(memoryview(b"bc"))
    assert {digest.algorithm: digest.value for digest in hasher.digests()} == ABC
    assert hasher.size == 3


@pytest.mark.parametrize("value", ["", "ABC", "z" * 64, ABC[Algorithm.SHA256].upper(), ABC[Algorithm.SHA1]])
def test_a_digest_of_another_form_is_refused(value):
    with pytest.raises(ValueError, match="not a sha256 digest"):
        Digest(Algorithm.SHA256, value)


def test_a_source_may_write_digests_in_capitals_or_nonsense():
    assert recognise_digest(Algorithm.SHA1, f" {ABC[Algorithm.SHA1].upper()}\n") == Digest(
        Algorithm.SHA1, ABC[Algorithm.SHA1]
    )
    assert recognise_digest(Algorithm.SHA1, "none") is None


def test_sha1_proves_more_than_md5():
    digests = [digest_of(b"abc", algorithm) for algorithm in (Algorithm.MD5, Algorithm.SHA1)]
    assert strongest(digests) == digests[1]
    assert strongest([]) is None


def test_a_digest_is_read_back_from_its_text():
    digest = digest_of(b"abc", Algorithm.SHA512)
    assert parse_digest(str(digest)) == digest


def test_grades_are_ordered_by_what_they_prove():
    assert [grade.label for grade in sorted(Grade)] == ["listed", "size", "provider", "read", "decode"]
