import pytest

from archiver.core.error_pages import is_error_page


@pytest.mark.parametrize(
    ("name", "content_type", "head"),
    [
        ("01.flac", "text/html", b"fLaC"),
        ("01.flac", "audio/flac", b"<!DOCTYPE html><html>"),
        ("01.mp3", "", b"\xef\xbb\xbf\n  <html lang=en>"),
        ("01.mp3", "application/octet-stream", b"<HTML><HEAD>"),
        ("noname", "application/xhtml+xml", b""),
    ],
)
def test_a_page_in_place_of_audio_is_recognised(name, content_type, head):
    assert is_error_page(name, content_type=content_type, head=head)


@pytest.mark.parametrize(
    ("name", "content_type", "head"),
    [
        ("01.flac", "audio/flac", b"fLaC\x00"),
        ("notes.html", "text/html", b"<!doctype html>"),
        ("notes.txt", "text/html", b"<html> is a tag"),
        ("01.mp3", "application/octet-stream", b"ID3"),
        ("01.mp3", "", b""),
    ],
)
def test_a_file_is_no_page(name, content_type, head):
    assert not is_error_page(name, content_type=content_type, head=head)
