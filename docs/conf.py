"""How Sphinx makes the manual: `sphinx-build -W -n docs build/manual`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from webots_cloud import __version__

project = "webots-cloud"
author = "the webots-cloud authors"
release = version = __version__

extensions = ["myst_parser"]
# Links may lead to a heading of three levels.
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
