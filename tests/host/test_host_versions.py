"""A project as a visitor has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webots_cloud.host.versions import DataFolder, version

VISITOR = "g0123456789abcdef0123"


def write(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    data = DataFolder(tmp_path / "data")
    write(data.projects / "simple/worlds/simple.wbt", "base world")
    write(data.projects / "simple/controllers/drive/drive.py", "base controller")
    return data


def texts(data: DataFolder, project: str = "simple", visitor: str | None = VISITOR) -> dict[str, str] | None:
    files = version(data, project, visitor)
    return None if files is None else {name: path.read_text() for name, path in files.items()}


def own(data: DataFolder, name: str) -> Path:
    return data.own_projects(VISITOR) / "simple" / name


def test_a_visitor_who_saved_nothing_has_the_base_project(data: DataFolder) -> None:
    base = {"controllers/drive/drive.py": "base controller", "worlds/simple.wbt": "base world"}
    assert texts(data) == base
    assert texts(data, visitor=None) == base


def test_a_visitors_own_files_are_laid_over_the_base_project(data: DataFolder) -> None:
    write(own(data, "controllers/drive/drive.py"), "mine")
    write(own(data, "controllers/drive/more.py"), "more")
    assert texts(data) == {
        "controllers/drive/drive.py": "mine",
        "controllers/drive/more.py": "more",
        "worlds/simple.wbt": "base world",
    }


def test_others_do_not_get_a_visitors_files(data: DataFolder) -> None:
    write(own(data, "controllers/drive/drive.py"), "mine")
    assert (texts(data, visitor=None) or {})["controllers/drive/drive.py"] == "base controller"
    assert (texts(data, visitor="gffffffffffffffffffff") or {})["controllers/drive/drive.py"] == "base controller"


@pytest.mark.parametrize("project", ["absent", "..", ".", "", "simple/worlds", "/etc", "simple\0", ".hidden"])
def test_there_is_no_version_of_what_is_no_project(data: DataFolder, project: str) -> None:
    write(data.projects / ".hidden/worlds/simple.wbt")
    assert version(data, project, VISITOR) is None


@pytest.mark.parametrize("visitor", ["..", "../../projects", "", ".", "a/b", "a\0b"])
def test_an_id_that_is_no_name_reaches_no_folder(data: DataFolder, visitor: str) -> None:
    write(data.root / "projects/simple/outside.py", "outside")
    assert set(version(data, "simple", visitor) or {}) == set(version(data, "simple", None) or {})


def test_files_reached_through_symbolic_links_are_left_out(data: DataFolder, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere/secret.py", "secret")
    for folder in (data.projects / "simple", data.own_projects(VISITOR) / "simple"):
        write(folder / "controllers/other/real.py", "real")
        (folder / "controllers/linked").symlink_to(secret.parent)
        (folder / "controllers/other/linked.py").symlink_to(secret)
    assert "secret" not in (texts(data) or {}).values()
    assert (texts(data) or {})["controllers/other/real.py"] == "real"


@pytest.mark.parametrize("linked", ["user", "user/ID", "user/ID/projects", "user/ID/projects/simple"])
def test_a_symbolic_link_above_a_visitors_files_is_not_followed(data: DataFolder, tmp_path: Path, linked: str) -> None:
    real = own(data, "controllers/drive/drive.py")
    write(real, "moved away")
    path = data.root / linked.replace("ID", VISITOR)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert real.read_text() == "moved away"
    assert (texts(data) or {})["controllers/drive/drive.py"] == "base controller"


def test_a_project_that_is_a_symbolic_link_is_none(data: DataFolder, tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/worlds/simple.wbt")
    (data.projects / "linked").symlink_to(tmp_path / "elsewhere")
    assert version(data, "linked", None) is None


def test_hidden_files_and_folders_and_pipes_are_left_out(data: DataFolder) -> None:
    write(data.projects / "simple/.git/config")
    write(data.projects / "simple/worlds/.simple.wbproj")
    os.mkfifo(data.projects / "simple/worlds/pipe")
    assert set(texts(data) or {}) == {"controllers/drive/drive.py", "worlds/simple.wbt"}


def test_a_file_that_has_become_a_folder_of_the_base_project_is_left_out(data: DataFolder) -> None:
    write(own(data, "controllers/drive"), "no folder")
    assert "controllers/drive" not in (version(data, "simple", VISITOR) or {})
