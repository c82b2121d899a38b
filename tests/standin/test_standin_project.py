import os
from pathlib import Path

import pytest

from webots_cloud.standin.project import MAX_FILE, Project, ProjectError, is_plain_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "worlds" / "textures").mkdir(parents=True)
    (root / "controllers" / "c").mkdir(parents=True)
    (root / "controllers" / "c" / "c.py").write_text("print(1)\n")
    (root / "worlds" / "a.wbt").write_text("")
    (root / "worlds" / ".hidden.wbt").write_text("")
    (root / "worlds" / "textures" / "t x.png").write_bytes(b"png")
    (root / "host.txt").write_text("secret")
    (tmp_path / "outside.py").write_text("outside")
    (tmp_path / "outside.png").write_bytes(b"outside")
    return root


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "a\\b", "a\0b", "a\nb", "a:b", "x" * 129])
def test_names_that_lead_elsewhere_are_not_plain(folder: Path, name: str) -> None:
    assert not is_plain_name(name)
    project = Project(folder)
    assert project.controller(name) is None
    with pytest.raises(ProjectError):
        project.write(name, "c.py", "")
    with pytest.raises(ProjectError):
        project.write("c", name, "")
    assert project.shown(["worlds", name]) is None


def test_a_controller_is_read_and_written(folder: Path) -> None:
    project = Project(folder)
    project.write("c", "c.py", "print(2)\n")
    project.write("c", "a.txt", "new")
    assert project.read("c", "c.py") == "print(2)\n"
    assert project.controller_files("c") == ["c.py", "a.txt"]
    assert project.controller("c") == folder / "controllers" / "c" / "c.py"
    project.write("c", "c.py", "")
    assert project.read("c", "c.py") == ""


def test_sources_and_texts_of_a_controller_are_given_and_nothing_else(folder: Path) -> None:
    for name in ("c.c", "tools.hpp", "Makefile", "c.o", "c", "picture.png", ".hidden.py"):
        (folder / "controllers" / "c" / name).write_text("")
    assert Project(folder).controller_files("c") == ["c.py", "Makefile", "c.c", "tools.hpp"]


def test_links_are_not_followed(folder: Path) -> None:
    controllers = folder / "controllers"
    (controllers / "c" / "link.py").symlink_to(folder.parent / "outside.py")
    (controllers / "d").symlink_to(folder.parent)
    (controllers / "e").mkdir()
    (controllers / "e" / "e.py").symlink_to(folder.parent / "outside.py")
    (folder / "worlds" / "link.png").symlink_to(folder.parent / "outside.png")
    project = Project(folder)
    for controller, file in (("c", "link.py"), ("d", "outside.py")):
        with pytest.raises(ProjectError):
            project.read(controller, file)
        with pytest.raises(ProjectError):
            project.write(controller, file, "mine")
    assert (folder.parent / "outside.py").read_text() == "outside"
    assert project.controller("e") is None
    assert project.shown(["worlds", "link.png"]) is None


def test_a_pipe_in_the_place_of_a_file_does_not_hold_anybody_up(folder: Path) -> None:
    os.mkfifo(folder / "controllers" / "c" / "pipe.py")
    project = Project(folder)
    with pytest.raises(ProjectError):
        project.read("c", "pipe.py")
    with pytest.raises(ProjectError):
        project.write("c", "pipe.py", "x")


def test_sizes_and_counts_are_bounded(folder: Path) -> None:
    project = Project(folder)
    with pytest.raises(ProjectError, match="longer than"):
        project.write("c", "c.py", "x" * (MAX_FILE + 1))
    (folder / "controllers" / "c" / "long.py").write_text("x" * (MAX_FILE + 1))
    with pytest.raises(ProjectError, match="longer than"):
        project.read("c", "long.py")
    for number in range(250):
        (folder / "controllers" / "c" / f"f{number}.py").touch()
    with pytest.raises(ProjectError, match="too many files"):
        project.write("c", "another.py", "")


def test_what_is_not_there_or_not_text_is_told(folder: Path) -> None:
    project = Project(folder)
    (folder / "controllers" / "c" / "b.py").write_bytes(b"\xff")
    with pytest.raises(ProjectError, match=r"There is no such file: controller x\."):
        project.read("x", "x.py")
    with pytest.raises(ProjectError, match="There is no such file"):
        project.read("c", "x.py")
    with pytest.raises(ProjectError, match="not a text"):
        project.read("c", "b.py")


def test_pages_may_have_textures_but_neither_sources_nor_notes(folder: Path) -> None:
    project = Project(folder)
    assert project.shown(["worlds", "textures", "t x.png"]) == folder / "worlds" / "textures" / "t x.png"
    assert project.shown(["host.txt"]) is None
    assert project.shown(["controllers", "c", "c.py"]) is None
    assert project.shown(["worlds"]) is None
    assert project.shown([]) is None


def test_robot_windows_are_found_where_webots_serves_them(folder: Path) -> None:
    page = folder / "plugins" / "robot_windows" / "w" / "w.html"
    page.parent.mkdir(parents=True)
    page.write_text("x")
    project = Project(folder)
    assert project.shown(["robot_windows", "w", "w.html"]) == page.resolve()
    assert project.shown(["robot_windows", "w"]) is None
    assert project.shown(["robot_windows", "..", "w.html"]) is None
    assert project.shown(["robot_windows"]) is None


def test_a_texture_is_named_from_the_root_of_the_server(folder: Path) -> None:
    project = Project(folder)
    worlds = folder / "worlds"
    assert project.texture(worlds, "textures/t x.png") == "worlds/textures/t%20x.png"
    assert project.texture(worlds, "../worlds/textures/t x.png") == "worlds/textures/t%20x.png"
    for url in ("../../outside.png", "/etc/passwd", "http://x/t.png", "none.png", "a\0.png", "x" * 5000):
        assert project.texture(worlds, url) is None


def test_worlds_of_a_folder_are_listed(folder: Path) -> None:
    assert Project(folder).worlds(folder / "worlds") == ["a.wbt"]
