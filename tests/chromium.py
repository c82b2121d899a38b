"""The real browser of the tests, drawing 3D without a graphics card and asking nobody but us."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Locator, sync_playwright

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
def chromium(*arguments: str, home: Path | None = None) -> Iterator[Browser]:
    """Run a browser.

    @param arguments: more of them, on its command line.
    @param home: the home of its user, which may have authorities of its own; C{None}: that of this process.
    """
    environment: dict[str, str | float | bool] = {**os.environ, **({"HOME": str(home)} if home else {})}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=[*_ARGUMENTS, *arguments], env=environment)
        try:
            yield browser
        finally:
            browser.close()


def click_in_frame(button: Locator, seconds: float = 60) -> None:
    """Click a button in a frame that has just come up.

    A busy browser may lose a click there; so it comes when moves of the pointer are felt by the button.
    """
    button.evaluate("(it) => it.addEventListener('pointermove', () => { it.dataset.feels = 'yes'; })")
    deadline, moves = time.monotonic() + seconds, 0
    while button.get_attribute("data-feels") is None:
        assert time.monotonic() < deadline, "the pointer does not come to the button"
        button.hover(position={"x": 4 + moves % 2, "y": 4})
        moves += 1
    button.click()


def trust(home: Path, authority: Path) -> None:
    """Have browsers trust an authority.

    @param home: of their user.
    @param authority: the file with its certificate, in PEM.
    """
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for order in (["-N", "--empty-password"], ["-A", "-n", "authority", "-t", "C,,", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *order], check=True)
