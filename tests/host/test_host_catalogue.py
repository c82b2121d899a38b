"""What the demo site offers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from webots_cloud.host.catalogue import MAX_TITLE, Catalogue, Project


def write(path: Path, text: str = "#VRML_SIM V8.5 utf8\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_project_is_described_by_its_file(tmp_path: Path) -> None:
    write(tmp_path / "maze/worlds/a.wbt")
    write(tmp_path / "maze/worlds/b.wbt")
    write(tmp_path / "maze/project.ini", "[project]\ntitle = The maze\ndescription = A 100 % maze.\nworld = b.wbt\n")
    maze = Project("maze", "The maze", "A 100 % maze.", ("a.wbt", "b.wbt"), "b.wbt")
    assert Catalogue(tmp_path).projects() == (maze,)


def test_a_project_without_a_file_is_named_after_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "four_wheels/worlds/a.wbt")
    assert Catalogue(tmp_path).projects() == (Project("four_wheels", "four wheels", "", ("a.wbt",), "a.wbt"),)


@pytest.mark.parametrize(
    "ini",
    [
        b"",
        b"title = no section",
        b"[other]\ntitle = x",
        b"[project]\ntitle = a\ntitle = b",
        b"[project]\ntitle = \xff",
        b"[project]\nworld = absent.wbt",
        b"[project]\nworld = ../../secret.wbt",
        b"[project]\ntitle =",
    ],
)
def test_a_broken_file_is_tolerated(tmp_path: Path, ini: bytes) -> None:
    write(tmp_path / "maze/worlds/a.wbt")
    (tmp_path / "maze/project.ini").write_bytes(ini)
    assert Catalogue(tmp_path).projects() == (Project("maze", "maze", "", ("a.wbt",), "a.wbt"),)


def test_endless_texts_are_cut(tmp_path: Path) -> None:
    write(tmp_path / "maze/worlds/a.wbt")
    write(tmp_path / "maze/project.ini", f"[project]\ntitle = {'x' * 1000}\n")
    assert Catalogue(tmp_path).projects()[0].title == "x" * MAX_TITLE


def test_what_is_no_project_is_not_offered(tmp_path: Path) -> None:
    write(tmp_path / "no_worlds/controllers/a.py")
    write(tmp_path / "not_a_world/worlds/a.txt")
    write(tmp_path / ".hidden/worlds/a.wbt")
    write(tmp_path / "bad name/worlds/a.wbt")
    write(tmp_path / "file")
    (tmp_path / "linked").symlink_to(tmp_path / ".hidden")
    assert Catalogue(tmp_path).projects() == ()
    assert Catalogue(tmp_path / "absent").projects() == ()


def test_new_changed_and_removed_projects_are_noticed(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    write(tmp_path / "one/worlds/a.wbt")
    assert [project.name for project in catalogue.projects()] == ["one"]
    write(tmp_path / "two/worlds/a.wbt")
    assert [project.name for project in catalogue.projects()] == ["one", "two"]
    write(tmp_path / "one/project.ini", "[project]\ntitle = First\n")
    assert [project.title for project in catalogue.projects()] == ["First", "two"]
    (tmp_path / "two").rename(tmp_path / ".two")
    assert [project.title for project in catalogue.projects()] == ["First"]


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path / "one/worlds/a.wbt")
    ini = tmp_path / "one/project.ini"
    write(ini, "[project]\ntitle = First\n")
    catalogue = Catalogue(tmp_path)
    before, times = catalogue.projects(), ini.stat()
    ini.write_text("[project]\ntitle = Other\n")
    os.utime(ini, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert catalogue.projects() == before
    os.utime(ini, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    assert catalogue.projects()[0].title == "Other"


def test_pictures_lie_beside_their_worlds(tmp_path: Path) -> None:
    worlds = tmp_path / "maze/worlds"
    for name in ("a.wbt", "b.wbt", "c.wbt", ".b.jpg", ".other.jpg"):
        write(worlds / name)
    (worlds / ".c.jpg").symlink_to(worlds / "a.wbt")
    catalogue = Catalogue(tmp_path)
    assert catalogue.projects()[0].pictures == ("b.wbt",)
    assert catalogue.picture("maze", "b") == worlds / ".b.jpg"
    for project, world in (("maze", "a"), ("maze", "c"), ("maze", "../worlds/.b"), ("..", "b"), ("maze/..", "b")):
        assert catalogue.picture(project, world) is None


def test_one_project_is_known_as_all_are(tmp_path: Path) -> None:
    write(tmp_path / "maze/worlds/a.wbt")
    write(tmp_path / "no_world/controllers/a.py")
    catalogue = Catalogue(tmp_path)
    assert (catalogue.project("maze"),) == catalogue.projects()
    for name in ("no_world", "absent", "..", "", "maze/.", "x" * 65):
        assert catalogue.project(name) is None
    write(tmp_path / "maze/worlds/b.wbt")
    assert (catalogue.project("maze"),) == catalogue.projects()
