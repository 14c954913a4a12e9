from hypothesis import given
from hypothesis import strategies as st

from archiver.core.bags.manifests import format_manifest, recognise_entry, split_lines
from archiver.core.bags.paths import decode_path, encode_path, unsafe_because
from archiver.core.fixity import digest_of

names = st.text(alphabet=st.sampled_from("ab/%25%0A0D\r\n\t .~\\é\u0301:*") | st.characters(codec="utf-8"), max_size=40)


@given(names)
def test_encoding_and_decoding_a_path_is_the_identity(name):
    assert decode_path(encode_path(name)) == name


@given(names)
def test_an_encoded_path_is_one_line(name):
    assert not set(encode_path(name)) & {"\r", "\n"}


@given(names)
def test_a_safe_name_stays_below_its_directory(name):
    if not unsafe_because(name):
        assert not name.startswith("/")
        assert ".." not in name.split("/")
        assert "\0" not in name


@given(st.dictionaries(names.filter(lambda name: not unsafe_because(name)), st.binary(max_size=3), max_size=5))
def test_a_manifest_reads_back_as_it_was_written(contents):
    entries = {f"data/{name}": digest_of(content) for name, content in contents.items()}

    lines = split_lines(format_manifest(entries.items()).decode())
    read = dict(reversed(recognise_entry(line)) for line in lines)

    assert {decode_path(path): value for path, value in read.items()} == {path: d.value for path, d in entries.items()}
