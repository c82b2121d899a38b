"""What browsers get: the client `webots.View` and the demo pages. The website host serves them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BrowserFilesMissing", "static_folder"]


class BrowserFilesMissing(Exception):
    """The browser files were not built; the text says how to build them."""


def static_folder() -> Path:
    """Return the folder with the browser files (`index.html`, `simulation.html`, `webots.js` and all they load).

    @raise BrowserFilesMissing: where they were not built, or before there was one of them, which can only be in a
        checkout.
    """
    folder = Path(__file__).parent / "static"
    if not all((folder / name).is_file() for name in ("webots.js", "not_found.html")):
        raise BrowserFilesMissing(
            f"the browser files are missing from {folder}: run `pip install -e .` in the checkout to build them"
        )
    return folder
