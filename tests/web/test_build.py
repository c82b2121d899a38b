"""The build step of the browser files, on a copy of their sources."""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from webots_cloud.web import BrowserFilesMissing, static_folder

TOP = Path(__file__).resolve().parents[2]


@pytest.fixture
def build(tmp_path: Path) -> ModuleType:
    """The build step of a checkout in which nothing was built or installed yet."""
    sources = TOP / "webots_cloud" / "web"
    ignored = shutil.ignore_patterns("node_modules", "static", ".build*", "__pycache__")
    shutil.copytree(sources, tmp_path / "webots_cloud" / "web", ignore=ignored)
    shutil.copy(TOP / "setup.py", tmp_path)
    spec = importlib.util.spec_from_file_location("copied_setup", tmp_path / "setup.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_unchanged_build_is_kept_and_a_changed_source_makes_a_new_one(build: ModuleType, static: Path) -> None:
    (build.WEB / "node_modules").symlink_to(static.with_name("node_modules"))
    build.make_browser_files()
    first = build.STATIC.stat().st_ino
    build.make_browser_files()
    assert build.STATIC.stat().st_ino == first
    with (build.WEB / "src" / "pages" / "index.html").open("a") as page:
        page.write("<!-- changed -->")
    build.make_browser_files()
    assert "changed" in (build.STATIC / "index.html").read_text()
    assert sorted(path.name for path in build.WEB.glob(".build*")) == [".build.lock"]


def test_without_the_npm_registry_the_build_ends_with_a_sentence_and_leaves_nothing(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retry_mintimeout", "10")
    with pytest.raises(SystemExit, match="needs access to the npm registry"):
        build.make_browser_files()
    assert not build.STATIC.exists()


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((TOP / "webots_cloud" / "web" / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_the_built_files_name_the_licences_of_what_they_hold(static: Path) -> None:
    text = (static / "LICENSES.txt").read_text()
    for words in (
        "x_ite",
        "Permission is hereby granted",
        "SIL OPEN FONT LICENSE",
        "@codemirror/view 6",
        "style-mod 4",
    ):
        assert words in text
    # Installed, but in no file that is served.
    for name in ("esbuild", "axe-core", "typescript"):
        assert name not in text


def test_what_a_page_loads_beside_the_3d_engine_is_small(static: Path) -> None:
    sizes = {name: len(gzip.compress((static / name).read_bytes(), 9)) for name in ("webots.mjs", "editor.mjs")}
    assert sum(sizes.values()) < 300_000, sizes


def test_the_folder_to_serve_is_found_once_it_is_built(static: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert static_folder() == static
    monkeypatch.setattr("webots_cloud.web.__file__", "/nowhere/__init__.py")
    with pytest.raises(BrowserFilesMissing, match="pip install"):
        static_folder()


def test_a_folder_of_an_earlier_version_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "webots.js").touch()
    monkeypatch.setattr("webots_cloud.web.__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(BrowserFilesMissing, match="pip install"):
        static_folder()
