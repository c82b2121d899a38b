"""What the tests of both monitor pages share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

PATIENCE_SECONDS = 60
Scheme = Literal["light", "dark"]
PHONE, DESKTOP, WALL = (390, 844), (1280, 800), (2560, 1440)

LOOKS = pytest.mark.parametrize(
    ("scheme", "size"),
    [("light", PHONE), ("dark", PHONE), ("light", DESKTOP), ("dark", WALL)],
    ids=["light phone", "dark phone", "light desktop", "dark wall"],
)


@contextmanager
def looking(
    browser: Browser, scheme: Scheme = "light", size: tuple[int, int] = DESKTOP, password: str = ""
) -> Iterator[Page]:
    """Open a browser's window; nothing may go wrong in it."""
    credentials = {"username": "any", "password": password} if password else None
    troubles: list[str] = []
    with browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        http_credentials=credentials,  # type: ignore[arg-type]  # a dictionary of its kind
    ) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
        yield page
    assert troubles == []


def is_live(page: Page) -> None:
    """Wait until what is seen is how it is."""
    expect(page.locator("#connection")).to_have_text("Live")


def fits(page: Page, size: tuple[int, int]) -> bool:
    """Tell whether nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth") <= size[0])


def tile(page: Page, title: str) -> str:
    """Give the number of a tile."""
    found = page.locator(".tile").filter(has=page.get_by_text(title, exact=True)).locator(".number")
    return found.inner_text()
