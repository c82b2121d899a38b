"""An instance's folder: copying a project into it, putting controllers back, and removing whatever became of it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from twisted.internet.defer import CancelledError

from webots_cloud.errors import NoDiskSpace, NoSuchController, ProjectTooLarge
from webots_cloud.simulation.folder import InstanceFolder, copy_tree, disk_space_is_finite
from webots_cloud.simulation.request import ResetController

GO = ResetController("go", "go.py")
DELIVERED = b"print('as delivered')\n"


def go_on() -> None:
    """Nobody leaves."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[InstanceFolder]:
    """Give a folder with one controller, changed since it was delivered; no file may be left open."""
    folder = InstanceFolder(tmp_path / "1-abc")
    folder.create()
    controller = folder.project / "controllers" / "go"
    controller.mkdir(parents=True)
    (controller / "go.py").write_bytes(DELIVERED)
    folder.keep_original(go_on)
    (controller / "go.py").write_bytes(b"print('changed')\n")
    descriptors = psutil.Process().num_fds()
    yield folder
    assert psutil.Process().num_fds() == descriptors


@pytest.fixture
def controller(folder: InstanceFolder) -> Path:
    return folder.project / "controllers" / "go" / "go.py"


class TestCreating:
    def test_nobody_else_may_enter(self, folder: InstanceFolder) -> None:
        for path in (folder.root, folder.project, folder.home):
            assert stat.S_IMODE(path.stat().st_mode) == 0o700

    def test_a_folder_that_is_there_already_is_not_used(self, folder: InstanceFolder) -> None:
        with pytest.raises(FileExistsError):
            folder.create()


class TestWorlds:
    def test_a_file_in_worlds_is_one(self, folder: InstanceFolder) -> None:
        (folder.project / "worlds").mkdir()
        folder.world("simple.wbt").write_text("#VRML_SIM R2021b utf8")
        assert folder.has_world("simple.wbt")

    def test_none_where_there_is_no_worlds_folder(self, folder: InstanceFolder) -> None:
        assert not folder.has_world("simple.wbt")

    def test_a_folder_or_a_link_is_none(self, folder: InstanceFolder) -> None:
        folder.world("folder.wbt").mkdir(parents=True)
        folder.world("link.wbt").symlink_to("/etc/hostname")
        assert not folder.has_world("folder.wbt")
        assert not folder.has_world("link.wbt")
        assert not folder.has_world("absent.wbt")


class TestCopying:
    def test_the_copy_is_the_servers_own(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        (source / "worlds").mkdir(parents=True)
        (source / "worlds" / "simple.wbt").write_text("world")
        (source / "go").write_text("program")
        (source / "worlds" / "simple.wbt").chmod(0o444)
        (source / "go").chmod(0o4555)
        (source / "worlds").chmod(0o555)
        copy_tree(go_on, source, tmp_path / "target")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "target").rglob("*")}
        assert modes == {"worlds": 0o700, "simple.wbt": 0o600, "go": 0o700}
        assert (tmp_path / "target" / "worlds" / "simple.wbt").read_text() == "world"

    def test_links_of_the_operator_become_files_and_broken_ones_are_left_out(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "texture.png").write_text("pixels")
        (source / "textures").symlink_to(tmp_path / "shared")
        (source / "texture.png").symlink_to(tmp_path / "shared" / "texture.png")
        (source / "broken").symlink_to("nowhere")
        copy_tree(go_on, source, tmp_path / "target")
        found = {str(path.relative_to(tmp_path / "target")): path for path in (tmp_path / "target").rglob("*")}
        assert sorted(found) == ["texture.png", "textures", "textures/texture.png"]
        assert not any(path.is_symlink() for path in found.values())

    def test_a_link_in_a_circle_ends_at_the_limit(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "again").symlink_to(source)
        with pytest.raises(ProjectTooLarge):
            copy_tree(go_on, source, tmp_path / "target", max_files=10)

    def test_a_pipe_is_left_out(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        os.mkfifo(source / "pipe")
        copy_tree(go_on, source, tmp_path / "target")
        assert list((tmp_path / "target").iterdir()) == []

    @pytest.mark.parametrize("limits", [{"max_files": 3}, {"max_bytes": 200}])
    def test_stops_at_a_limit(self, tmp_path: Path, limits: dict[str, int]) -> None:
        source = tmp_path / "source"
        source.mkdir()
        for number in range(4):
            (source / str(number)).write_bytes(bytes(60))
        with pytest.raises(ProjectTooLarge):
            copy_tree(go_on, source, tmp_path / "target", **limits)
        assert not (tmp_path / "target").exists()

    def test_stops_when_the_client_leaves(self, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "file").write_text("text")

        def left() -> None:
            raise CancelledError

        with pytest.raises(CancelledError):
            copy_tree(left, source, tmp_path / "target")
        assert not (tmp_path / "target" / "file").exists()

    def test_a_full_disk_is_told_as_one(self, tmp_path: Path) -> None:
        (tmp_path / "source").mkdir()
        (tmp_path / "source" / "large").write_bytes(bytes(1_000_000))
        script = (
            "import resource, sys; from pathlib import Path; from webots_cloud.errors import NoDiskSpace;"
            "from webots_cloud.simulation.folder import copy_tree;"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)); here = Path(sys.argv[1])\n"
            "try: copy_tree(lambda: None, here / 'source', here / 'target')\n"
            "except NoDiskSpace as full: print(full)"
        )
        command = [sys.executable, "-c", script, str(tmp_path)]
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert told.stdout.strip() == str(NoDiskSpace())


class TestDiskSpace:
    def test_the_operating_systems_own_error_is_translated(self) -> None:
        with pytest.raises(NoDiskSpace), disk_space_is_finite(), open("/dev/full", "wb", buffering=0) as full:
            full.write(b"text")

    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
    def test_a_quota_counts_as_well(self, number: int) -> None:
        with pytest.raises(NoDiskSpace), disk_space_is_finite():
            raise OSError(number, os.strerror(number))

    def test_other_errors_stay_what_they_are(self) -> None:
        with pytest.raises(PermissionError), disk_space_is_finite():
            raise PermissionError(errno.EPERM, "not permitted")


class TestReset:
    def test_puts_the_file_back_as_it_was_delivered(self, folder: InstanceFolder, controller: Path) -> None:
        folder.reset_controller(GO)
        assert controller.read_bytes() == DELIVERED

    def test_puts_back_what_was_removed(self, folder: InstanceFolder, controller: Path) -> None:
        controller.unlink()
        controller.parent.rmdir()
        folder.reset_controller(GO)
        assert controller.read_bytes() == DELIVERED

    def test_a_program_stays_one(self, tmp_path: Path) -> None:
        folder = InstanceFolder(tmp_path / "instance")
        folder.create()
        program = folder.project / "controllers" / "go" / "go"
        program.parent.mkdir(parents=True)
        program.write_bytes(os.urandom(11 * 1024 * 1024))
        program.chmod(0o755)
        delivered = program.read_bytes()
        folder.keep_original(go_on)
        program.write_bytes(b"")
        program.chmod(0o600)
        folder.reset_controller(ResetController("go", "go"))
        assert program.read_bytes() == delivered
        assert stat.S_IMODE(program.stat().st_mode) == 0o700

    @pytest.mark.parametrize("request_", [ResetController("go", "other.py"), ResetController("stay", "go.py")])
    def test_what_was_not_delivered_cannot_be_put_back(self, folder: InstanceFolder, request_: ResetController) -> None:
        with pytest.raises(NoSuchController):
            folder.reset_controller(request_)

    def test_the_first_delivery_is_the_one_that_counts(self, folder: InstanceFolder, controller: Path) -> None:
        folder.keep_original(go_on)
        folder.reset_controller(GO)
        assert controller.read_bytes() == DELIVERED

    def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(
        self, folder: InstanceFolder, controller: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "precious").write_text("precious")
        controller.unlink()
        controller.symlink_to(tmp_path / "precious")
        folder.reset_controller(GO)
        assert (tmp_path / "precious").read_text() == "precious"
        assert controller.read_bytes() == DELIVERED
        assert not controller.is_symlink()

    def test_many_at_once_do_not_disturb_each_other(self, folder: InstanceFolder, controller: Path) -> None:
        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(folder.reset_controller, GO) for _ in range(200)]:
                done.result()
        assert controller.read_bytes() == DELIVERED
        assert [path.name for path in controller.parent.iterdir()] == ["go.py"]

    @pytest.mark.parametrize("depth", [1, 2, 3], ids=["controller", "controllers", "project"])
    def test_a_link_in_the_place_of_a_folder_is_not_followed(
        self, folder: InstanceFolder, controller: Path, tmp_path: Path, depth: int
    ) -> None:
        elsewhere = tmp_path / "elsewhere"
        place = controller.parents[depth - 1]
        place.rename(elsewhere)
        place.symlink_to(elsewhere)
        before = {path: path.read_bytes() for path in elsewhere.rglob("*.py")}
        with pytest.raises(NoSuchController):
            folder.reset_controller(GO)
        assert {path: path.read_bytes() for path in elsewhere.rglob("*.py")} == before

    @pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, Path.touch], ids=["pipe", "folder", "file"])
    @pytest.mark.parametrize("name", ["controllers", "controllers/go"])
    def test_whatever_is_in_its_way_hangs_nothing_and_leaves_nothing(
        self, folder: InstanceFolder, name: str, make: Callable[[Path], None]
    ) -> None:
        place = folder.project / name
        if place.exists():
            place.rename(folder.root / "away")
        make(place)
        kind = place.lstat().st_mode
        try:
            folder.reset_controller(GO)
        except NoSuchController:
            assert place.lstat().st_mode == kind
        else:
            assert (folder.project / "controllers" / "go" / "go.py").read_bytes() == DELIVERED

    def test_a_folder_in_the_place_of_the_file_stays_and_no_half_is_left(
        self, folder: InstanceFolder, controller: Path
    ) -> None:
        controller.unlink()
        controller.mkdir()
        (controller / "inner").touch()
        with pytest.raises(NoSuchController):
            folder.reset_controller(GO)
        assert [path.name for path in controller.parent.iterdir()] == ["go.py"]

    def test_a_pipe_in_the_place_of_the_file_is_replaced(self, folder: InstanceFolder, controller: Path) -> None:
        controller.unlink()
        os.mkfifo(controller)
        folder.reset_controller(GO)
        assert controller.read_bytes() == DELIVERED


class TestRemoving:
    def test_leaves_nothing(self, folder: InstanceFolder, tmp_path: Path) -> None:
        folder.archive.write_bytes(b"PK")
        folder.remove()
        assert list(tmp_path.iterdir()) == []

    def test_of_what_is_not_there_is_fine(self, tmp_path: Path) -> None:
        InstanceFolder(tmp_path / "never made").remove()
        assert list(tmp_path.iterdir()) == []

    def test_modes_that_were_taken_away_do_not_stop_it(self, folder: InstanceFolder, tmp_path: Path) -> None:
        inner = folder.project / "a" / "b" / "c"
        inner.mkdir(parents=True)
        (inner / "file").touch(mode=0o000)
        for path in (inner, inner.parent, inner.parent.parent, folder.project, folder.home, folder.root):
            path.chmod(0o000)
        folder.remove()
        assert list(tmp_path.iterdir()) == []

    def test_links_are_removed_and_not_what_they_lead_to(self, folder: InstanceFolder, tmp_path: Path) -> None:
        precious = tmp_path / "precious"
        precious.mkdir(mode=0o500)
        (precious / "file").touch() if os.geteuid() == 0 else None
        for place in (folder.root, folder.project, folder.project / "controllers"):
            (place / "folder link").symlink_to(precious)
            (place / "broken link").symlink_to("nowhere")
        folder.remove()
        assert [path.name for path in tmp_path.iterdir()] == ["precious"]
        assert stat.S_IMODE(precious.stat().st_mode) == 0o500

    def test_pipes_and_names_that_are_no_text_do_not_stop_it(self, folder: InstanceFolder, tmp_path: Path) -> None:
        os.mkfifo(folder.project / "pipe")
        os.mkdir(bytes(folder.project) + b"/\xff\xfe")
        folder.remove()
        assert list(tmp_path.iterdir()) == []

    def test_a_tree_deeper_than_any_path_is_removed(self, folder: InstanceFolder, tmp_path: Path) -> None:
        script = (
            "import os\n"
            "for level in range(3000):\n"
            "    os.mkdir('deep')\n"
            "    os.chdir('deep')\n"
            "    open('file', 'w').close()\n"
        )
        subprocess.run([sys.executable, "-c", script], cwd=folder.project, timeout=60, check=True)
        folder.remove()
        assert list(tmp_path.iterdir()) == []
