"""C{twist webots-host} as a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast
from urllib.request import urlopen

import pytest

from tests.open_files import open_files

WAIT_SECONDS = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "twisted", "--log-format=text", "webots-host", *arguments]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("sesame\n")
    world = tmp_path / "data/projects/simple/worlds/simple.wbt"
    world.parent.mkdir(parents=True)
    world.write_text("#VRML_SIM V8.5 utf8\n")
    path = tmp_path / "host.ini"
    path.write_text(
        f"[host]\nlisten = unix:{tmp_path}/socket, tcp:0:interface=127.0.0.1\n"
        f"dataDir = {tmp_path}/data\nkeyFile = {tmp_path}/key\n"
    )
    return path


@contextmanager
def running(config: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        command("--config", str(config)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(output: IO[str] | None, pattern: str) -> str:
    lines = []
    for line in cast(IO[str], output):
        lines.append(line)
        if re.search(pattern, line):
            return line
    raise AssertionError("".join(lines))


def port_of(process: subprocess.Popen[str]) -> int:
    """Ask the kernel at which port a process listens."""
    inodes = {
        match.group(1) for name, _ in open_files(process.pid) if (match := re.fullmatch(r"socket:\[(\d+)\]", name))
    }
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A" and fields[9] in inodes:
            return int(fields[1].partition(":")[2], 16)
    raise AssertionError("it does not listen")


def test_a_host_serves_until_it_is_ended(config: Path) -> None:
    with running(config) as process:
        read_until(process.stdout, r"\[host\] listens on tcp:")
        port = port_of(process)
        with urlopen(f"http://127.0.0.1:{port}/projects.json", timeout=WAIT_SECONDS) as answer:
            assert b'"name": "simple"' in answer.read()
        form = b"project=simple&key=sesame"
        with urlopen(f"http://127.0.0.1:{port}/ajax/download-project.php", form, timeout=WAIT_SECONDS) as answer:
            assert answer.read(4) == b"PK\x03\x04"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=WAIT_SECONDS)
        assert "Traceback" not in output
        assert "sesame" not in output
    assert not (config.parent / "socket").exists()


def test_help_tells_of_the_configuration() -> None:
    done = subprocess.run(command("--help"), capture_output=True, text=True, timeout=WAIT_SECONDS, check=True)
    assert "--config" in done.stdout
    assert "[host]" in done.stdout


def test_a_data_base_that_cannot_be_used_is_told_in_one_line(config: Path) -> None:
    (config.parent / "data/visitors.sqlite").write_text("this is no data base" * 100)
    done = subprocess.run(
        command("--config", str(config)), capture_output=True, text=True, timeout=WAIT_SECONDS, check=False
    )
    assert done.returncode != 0
    assert "[host] dataDir" in done.stderr
    assert "Traceback" not in done.stderr
