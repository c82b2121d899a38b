"""What an earlier run has left: removed with real hostile trees and real processes; what is not ours stays."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import pytest
from twisted.logger import LogLevel, capturedLogs, formatEvent

from tests.simulation.sleepers import Sleeper
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.guardian import start_time
from webots_cloud.simulation.leftovers import InstancesFolder, remember_process

WAIT_SECONDS = 60
NAME = "7-0123456789abcdef"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
FAMILY = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
os.write(1, b"%d\\n" % os.getpid())
while True: signal.pause()
"""


@pytest.fixture
def instances(tmp_path: Path) -> Iterator[InstancesFolder]:
    path = tmp_path / "instances"
    path.mkdir()
    instances = InstancesFolder(path)
    instances.lock()
    descriptors = os.listdir("/proc/self/fd")
    yield instances
    assert os.listdir("/proc/self/fd") == descriptors
    instances.unlock()


@pytest.fixture
def folder(instances: InstancesFolder) -> InstanceFolder:
    """Give the folder of an instance that has not been ended."""
    folder = InstanceFolder(instances.path / NAME)
    folder.create()
    (folder.project / "world.wbt").write_text("world")
    return folder


def left(instances: InstancesFolder) -> list[str]:
    return sorted(path.name for path in instances.path.iterdir())


def cleaned(instances: InstancesFolder) -> tuple[int, list[str]]:
    """Clean, and give also what the log says."""
    with capturedLogs() as logs:
        removed = instances.clean()
    return removed, [str(formatEvent(event)) for event in logs]


class TestTwoServers:
    def test_cannot_have_one_folder(self, instances: InstancesFolder) -> None:
        with pytest.raises(ValueError, match=r"uses /.*/instances; give each server an instancesDir of its own"):
            InstancesFolder(instances.path).lock()

    def test_can_have_it_one_after_the_other(self, instances: InstancesFolder) -> None:
        instances.unlock()
        other = InstancesFolder(instances.path)
        other.lock()
        other.unlock()
        other.unlock()
        instances.lock()

    def test_one_that_is_killed_leaves_it_also_where_its_processes_live(self, instances: InstancesFolder) -> None:
        instances.unlock()
        script = (
            "import subprocess, sys\nfrom pathlib import Path\n"
            "from webots_cloud.simulation.leftovers import InstancesFolder\n"
            "folder = InstancesFolder(Path(sys.argv[1]))\nfolder.lock()\n"
            "print(subprocess.Popen(['sleep', '1000'], stdout=subprocess.DEVNULL).pid, flush=True)\nsys.stdin.read()"
        )
        command = [sys.executable, "-c", script, str(instances.path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            child = int(cast(IO[bytes], server.stdout).readline())
            with pytest.raises(ValueError, match="another simulation server"):
                instances.lock()
            server.kill()
            server.wait(WAIT_SECONDS)
            instances.lock()
            os.kill(child, signal.SIGKILL)


class TestFolders:
    def test_of_instances_are_removed(self, instances: InstancesFolder, folder: InstanceFolder) -> None:
        InstanceFolder(instances.path / "12-fedcba9876543210").create()
        removed, logged = cleaned(instances)
        assert removed == 2
        assert left(instances) == []
        assert logged == [
            f"Removed what an earlier run has left in {instances.path}: 2 folders, 0 processes",
        ]

    def test_nothing_to_do_is_not_worth_a_word(self, instances: InstancesFolder) -> None:
        assert cleaned(instances) == (0, [])
        assert left(instances) == []

    def test_without_permissions_are_removed(self, instances: InstancesFolder, folder: InstanceFolder) -> None:
        for path in (folder.project, folder.root):
            path.chmod(0)
        assert instances.clean() == 1
        assert left(instances) == []

    def test_deeper_than_a_path_may_be_long_are_removed(
        self, instances: InstancesFolder, folder: InstanceFolder
    ) -> None:
        script = "import os, sys\nos.chdir(sys.argv[1])\nfor _ in range(3000): os.mkdir('deep'); os.chdir('deep')"
        subprocess.run([sys.executable, "-c", script, str(folder.project)], check=True, timeout=WAIT_SECONDS)
        assert instances.clean() == 1
        assert left(instances) == []

    def test_links_out_of_them_are_not_followed(
        self, instances: InstancesFolder, folder: InstanceFolder, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "file").write_text("precious")
        (outside / "file").chmod(0o400)
        (folder.project / "link").symlink_to(outside)
        (folder.root / "process").symlink_to(outside / "file")
        (folder.root / "original").symlink_to(outside)
        assert instances.clean() == 1
        assert (outside / "file").read_text() == "precious"
        assert stat.S_IMODE((outside / "file").stat().st_mode) == 0o400

    def test_a_pipe_in_place_of_the_process_holds_nothing_up(
        self, instances: InstancesFolder, folder: InstanceFolder
    ) -> None:
        os.mkfifo(folder.root / "process")
        assert instances.clean() == 1

    def test_that_are_not_ours_stay_each_with_a_word(self, instances: InstancesFolder, tmp_path: Path) -> None:
        outside = InstanceFolder(tmp_path / NAME)
        outside.create()
        (instances.path / NAME).symlink_to(outside.root)
        (instances.path / "8-0123456789abcdef").write_text("a file")
        for name in (
            "notes",
            "7-0123",
            "7-0123456789ABCDEF",
            "7-0123456789abcdef.old",
            "x7-0123456789abcdef",
            "7-abc\n",
        ):
            (instances.path / name).mkdir()
        before = left(instances)
        removed, logged = cleaned(instances)
        assert removed == 0
        assert left(instances) == before
        assert outside.project.is_dir()
        assert logged == [f"{instances.path / name} is no instance's folder; it is left alone" for name in before]

    def test_one_that_cannot_be_removed_is_told_of_and_the_others_are(
        self, instances: InstancesFolder, folder: InstanceFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        InstanceFolder(instances.path / "9-0123456789abcdef").create()
        rmdir = os.rmdir

        def refuse(path: Path) -> None:
            if Path(path) == folder.root:
                raise PermissionError(1, "Operation not permitted", str(path))
            rmdir(path)

        monkeypatch.setattr(os, "rmdir", refuse)
        removed, logged = cleaned(instances)
        assert removed == 1
        assert left(instances) == [NAME]
        assert re.match(r"The folder .* cannot be removed \(.*not permitted.*\); remove it by hand", logged[0])


class TestProcesses:
    def test_that_were_left_are_ended_with_their_group(
        self, instances: InstancesFolder, folder: InstanceFolder
    ) -> None:
        command = [sys.executable, "-S", "-c", FAMILY]
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            output = cast(IO[bytes], process.stdout)
            family = {int(output.readline()) for _ in range(2)}
            assert process.pid in family
            remember_process(folder, process.pid)
            removed, logged = cleaned(instances)
            assert process.wait(WAIT_SECONDS) == -signal.SIGKILL
            # The end of all who hold the pipe.
            assert output.read() == b""
        assert removed == 1
        assert logged == [f"Removed what an earlier run has left in {instances.path}: 1 folders, 1 processes"]

    def test_are_remembered_by_nobody_else(self, folder: InstanceFolder, sleeper: Sleeper) -> None:
        process = sleeper()
        remember_process(folder, process.pid)
        written = folder.root / "process"
        assert written.read_text() == f"{process.pid} {start_time(process.pid)} {BOOT_ID}\n"
        assert stat.S_IMODE(written.stat().st_mode) == 0o600

    def test_one_that_is_gone_is_not_remembered(self, folder: InstanceFolder, sleeper: Sleeper) -> None:
        process = sleeper()
        process.kill()
        process.wait()
        remember_process(folder, process.pid)
        assert not (folder.root / "process").exists()

    def test_one_that_has_ended_since_is_no_fault(
        self, instances: InstancesFolder, folder: InstanceFolder, sleeper: Sleeper
    ) -> None:
        process = sleeper()
        remember_process(folder, process.pid)
        process.kill()
        process.wait()
        removed, logged = cleaned(instances)
        assert removed == 1
        assert logged[0].endswith("1 folders, 0 processes")

    @pytest.mark.parametrize(
        "remembered",
        [
            "{pid} {earlier} {boot}",
            "{pid} {started} 00000000-0000-0000-0000-000000000000",
            "{pid} {started}",
            "{pid}",
            "",
            "0 {started} {boot}",
            "-{pid} {started} {boot}",
            "0{pid} {started} {boot}",
            "{pid} {started} {boot} and more",
            "{pid} {started} {boot}\n1 1 {boot}",
            "{pid} {started} {boot}" + 1000 * "\n",
            "99999999999 {started} {boot}",
            "4194304000 {started} {boot}",
        ],
    )
    def test_none_is_killed_that_does_not_fit(
        self, instances: InstancesFolder, folder: InstanceFolder, sleeper: Sleeper, remembered: str
    ) -> None:
        process = sleeper()
        started = start_time(process.pid) or 0
        text = remembered.format(pid=process.pid, started=started, earlier=started - 1, boot=BOOT_ID)
        (folder.root / "process").write_text(text)
        assert instances.clean() == 1
        assert process.poll() is None

    @pytest.mark.parametrize("pid", [1, os.getppid(), os.getpid()], ids=["the first", "our parent", "our own"])
    def test_neither_is_one_that_no_instance_can_be(
        self, instances: InstancesFolder, folder: InstanceFolder, pid: int
    ) -> None:
        (folder.root / "process").write_text(f"{pid} {start_time(pid)} {BOOT_ID}\n")
        removed, logged = cleaned(instances)
        assert removed == 1
        assert logged[-1].endswith("1 folders, 0 processes")

    def test_in_a_folder_without_permissions_are_ended(
        self, instances: InstancesFolder, folder: InstanceFolder, sleeper: Sleeper
    ) -> None:
        process = sleeper()
        remember_process(folder, process.pid)
        folder.root.chmod(0)
        assert instances.clean() == 1
        assert process.wait(WAIT_SECONDS) == -signal.SIGKILL

    def test_one_that_may_not_be_killed_is_told_of(
        self, instances: InstancesFolder, folder: InstanceFolder, sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(pidfd: int, number: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        process = sleeper()
        remember_process(folder, process.pid)
        monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
        with capturedLogs() as logs:
            assert instances.clean() == 1
        assert logs[0]["log_level"] is LogLevel.error
        assert re.match(
            r"Process \d+, .*, cannot be ended \(.*not permitted\); end it by hand", str(formatEvent(logs[0]))
        )
