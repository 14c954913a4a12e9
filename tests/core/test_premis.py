"""PREMIS 3 as XML: well formed whatever a source says, in the schema's order, the same bytes for the same values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from archiver.core.bags.paths import parse_payload_path
from archiver.core.events import Agent, Event, EventOutcome, EventType
from archiver.core.fixity import Algorithm, digest_of
from archiver.core.items import DeclaredFile, FileRole, ItemId
from archiver.core.objects import StagedFile
from archiver.core.packages import CapturedFile
from archiver.core.premis import PREMIS, XSI, Rights, format_premis

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AGENT = Agent("archiver 0")
NS = {"p": PREMIS}


def captured(name="song.flac", format_="Flac"):
    declared = DeclaredFile(name, FileRole.ORIGINAL, 1, (digest_of(b"x", Algorithm.SHA1),), format_)
    staged = StagedFile(Path("x"), 1, digest_of(b"x"))
    return CapturedFile(
        declared, parse_payload_path("song.flac"), staged, digest_of(b"x", Algorithm.SHA512), declared.digests[0], AT
    )


FILES = (captured(),)


def written(title="T", detail="d", files=FILES, *, is_licence=True):
    item = ItemId("s", "n")
    event = Event(EventType.CAPTURE, AT, EventOutcome.SUCCESS, detail, AGENT, item, path="data/song.flac")
    return format_premis(
        identifier="s/n/v1",
        title=title,
        examined={},
        files=files,
        events=[event],
        agents=[AGENT],
        rights=Rights("https://creativecommons.org/licenses/by/4.0/", is_licence, "2026-11-25"),
    )


def test_the_entities_come_in_the_order_of_the_schema():
    root = etree.fromstring(written())
    assert (root.tag, root.get("version")) == (f"{{{PREMIS}}}premis", "3.0")
    assert [etree.QName(child).localname for child in root] == ["object", "object", "event", "agent", "rights"]
    kinds = root.xpath("p:object/@*[local-name()='type']", namespaces=NS)
    assert kinds == ["premis:intellectualEntity", "premis:file"]
    order = [etree.QName(child).localname for child in root.find("p:object[2]/p:objectCharacteristics", NS)]
    assert order == ["compositionLevel", "fixity", "fixity", "fixity", "size", "format"]


def test_the_same_values_give_the_same_bytes():
    assert written() == written()


def test_a_public_domain_tool_is_no_licence():
    root = etree.fromstring(written(is_licence=False))
    assert root.findtext(".//p:rightsBasis", namespaces=NS) == "other"
    assert root.find(".//p:licenseInformation", NS) is None


@settings(max_examples=150, deadline=None)
@given(st.text(), st.text(), st.text(min_size=1))
def test_no_text_of_a_source_breaks_it(title, detail, format_):
    root = etree.fromstring(written(title, detail, (captured(format_=format_),)))
    assert len(root) == 5


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text(), st.text(min_size=1))
def test_it_is_the_text_of_the_standard_library(title, detail, format_):
    document = written(title, detail, (captured(format_=format_),)).replace(b"\r", b"\n")  # as a reader has it
    ET.register_namespace("premis", PREMIS)
    ET.register_namespace("xsi", XSI)
    root = ET.fromstring(document)
    ET.indent(root, " ")
    assert ET.tostring(root, encoding="UTF-8") == document.partition(b"\n")[2].rstrip(b"\n")


@pytest.mark.parametrize("text", ["</premis:premis>", "<!-- -->", "]]>", "a\0b", "\ud800", "&amp;"])
def test_markup_in_a_name_stays_text(text):
    root = etree.fromstring(written(title=text))
    shown = root.findtext("p:object/p:originalName", namespaces=NS)
    assert shown == text.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
