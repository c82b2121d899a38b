"""The real browser of the tests, drawing 3D without a graphics card and asking nobody but us."""

from __future__ import annotations

import os
import subprocess
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


def press_in_frame(button: Locator) -> None:
    """Press a button in a frame of a stranger's, and not with the pointer.

    What a pointer does there just after the frame came up or moved is dropped by browsers, so that nobody is made to
    click on something else.
    """
    button.dispatch_event("click")


def trust(home: Path, authority: Path) -> None:
    """Have browsers trust an authority.

    @param home: of their user.
    @param authority: the file with its certificate, in PEM.
    """
    store = home / ".pki" / "nssdb"
    store.mkdir(parents=True)
    for order in (["-N", "--empty-password"], ["-A", "-n", "authority", "-t", "C,,", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{store}", *order], check=True)
