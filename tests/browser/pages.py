"""A page in headless Chromium that may ask for nothing, and whose every complaint is kept."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Seen:
    """What a page did that it should not."""

    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        if os.environ.get("ARCHIVER_REQUIRE_BROWSER") == "1":
            pytest.fail(f"{CHROMIUM} is not there and ARCHIVER_REQUIRE_BROWSER=1")
        pytest.skip(f"{CHROMIUM} is not there (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, file: Path, **context: Any) -> Iterator[tuple[Page, Seen]]:
    """Open a file; at the end it must have said nothing on the console and asked the network for nothing."""
    seen = Seen()
    page = browser.new_page(**context)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("request", lambda request: seen.asked.append(request.url))
    try:
        page.goto(file.as_uri())
        yield page, seen
        assert seen.said == []
        assert [url for url in seen.asked if not url.startswith("data:")] == [file.as_uri()]
    finally:
        page.close()
