"""What is published: the wheel and the source archive."""

from __future__ import annotations

import tarfile
from pathlib import Path

from tests.e2e.cloud import CHECKOUT
from webots_cloud import __version__


def test_wheel_and_source_archive_have_the_version_of_the_package(distributions: Path) -> None:
    assert {file.name for file in distributions.iterdir()} == {
        f"webots_cloud-{__version__}-py3-none-any.whl",
        f"webots_cloud-{__version__}.tar.gz",
    }


def test_the_source_archive_has_what_an_operator_installs_from_it(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("ajax", "docs", "etc", "script", "systemd"):
        files = [str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / folder).rglob("*") if path.is_file()]
        assert files
        assert {file for file in files if "__pycache__" not in file} <= names
    assert {"LICENSE", "NEWS", "README.md"} <= names
