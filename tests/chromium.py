"""The real browser of the tests, drawing 3D without a graphics card and asking nobody but us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_PROGRAM = "/usr/bin/chromium"
_ARGUMENTS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Run a browser.

    @param arguments: more of them, on its command line.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=[*_ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            browser.close()
