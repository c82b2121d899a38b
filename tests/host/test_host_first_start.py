"""The first start of a website host."""

from __future__ import annotations

from pathlib import Path

import pytest

from webots_cloud.host.first_start import prepare
from webots_cloud.host.keys import read_key
from webots_cloud.host.versions import DataFolder


@pytest.fixture
def demo_projects(tmp_path: Path) -> Path:
    folder = tmp_path / "demo"
    (folder / "maze/worlds").mkdir(parents=True)
    (folder / "maze/worlds/maze.wbt").write_text("#VRML_SIM")
    (folder / "maze/worlds/.maze.jpg").write_text("picture")
    (folder / "maze/worlds/.maze.wbproj").write_text("settings")
    (folder / "maze/controllers/go/__pycache__").mkdir(parents=True)
    (folder / "maze/controllers/go/.go.jpg").write_text("hidden")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data")


def test_the_demo_projects_are_copied(data: DataFolder, demo_projects: Path) -> None:
    prepare(data, demo_projects)
    assert (data.projects / "maze/worlds/maze.wbt").read_text() == "#VRML_SIM"
    assert list((data.projects / "maze/controllers/go").iterdir()) == []
    assert sorted(path.name for path in (data.projects / "maze/worlds").iterdir()) == [".maze.jpg", "maze.wbt"]
    assert sorted(path.name for path in data.root.iterdir()) == ["incoming", "projects", "secret"]


def test_projects_that_are_there_stay_as_they_are(data: DataFolder, demo_projects: Path) -> None:
    data.projects.mkdir(parents=True)
    prepare(data, demo_projects)
    assert list(data.projects.iterdir()) == []


def test_a_copy_that_fails_leaves_nothing_so_that_the_next_start_copies(data: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="absent"):
        prepare(data, tmp_path / "absent")
    assert not data.projects.exists()
    assert sorted(path.name for path in data.root.iterdir()) == ["incoming", "secret"]


def test_the_secret_stays_over_a_restart_and_is_for_this_user_only(data: DataFolder, demo_projects: Path) -> None:
    prepare(data, demo_projects)
    secret = read_key(data.secret)
    prepare(data, demo_projects)
    assert read_key(data.secret).matches(secret)
    assert data.secret.stat().st_mode & 0o777 == 0o600
    assert data.root.stat().st_mode & 0o777 == 0o700


def test_what_was_not_complete_at_the_last_end_is_removed(data: DataFolder, demo_projects: Path) -> None:
    prepare(data, demo_projects)
    (data.incoming / "half").write_text("half")
    prepare(data, demo_projects)
    assert list(data.incoming.iterdir()) == []
