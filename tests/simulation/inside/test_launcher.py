"""The launcher as a whole: what it does for the server, and what it does not let programs do to it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.simulation.inside.launched import PATIENCE_SECONDS, Launched, has_ended

WAITS = "import signal; print('open', flush=True); signal.pause()"
IS_DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('open', flush=True)\nwhile 1: signal.pause()"
)
DAEMONISES = (
    "import os, signal\n"
    "reading, writing = os.pipe()\n"
    "if os.fork() == 0:\n"
    "    os.setsid()\n"
    "    if os.fork() == 0:\n"
    "        for number in (15, 1, 2): signal.signal(number, signal.SIG_IGN)\n"
    "        print('open', os.getpid(), '.', flush=True)\n"
    "        os.write(writing, b'x')\n"
    "        while True: signal.pause()\n"
    "    os._exit(0)\n"
    "os.read(reading, 1)\n"
)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_SECONDS)
        yield listening


def port_of(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


class TestDialling:
    def test_gives_a_connection(self, tmp_path: Path, listening: socket.socket) -> None:
        with Launched(tmp_path, [WAITS], port=port_of(listening)) as launched:
            launched.order(b"dial\n")
            assert launched.tells("connected") == "connected"
            connection, _ = listening.accept()
            (given,) = launched.connections
            with connection:
                connection.sendall(b"hello")
                given.settimeout(PATIENCE_SECONDS)
                assert given.recv(100) == b"hello"
                given.close()
                # No other has it, the launcher neither.
                assert connection.recv(100) == b""

    def test_is_refused_where_nothing_listens(self, tmp_path: Path, listening: socket.socket) -> None:
        port = port_of(listening)
        listening.close()
        with Launched(tmp_path, [WAITS], port=port) as launched:
            launched.order(b"dial\n")
            assert launched.tells("refused") == "refused Connection refused"
            assert launched.connections == []

    def test_each_of_many_is_answered(self, tmp_path: Path, listening: socket.socket) -> None:
        listening.listen(1000)
        with Launched(tmp_path, [WAITS], port=port_of(listening), narrow=True) as launched:
            # More than there is room for in the channel.
            launched.order(b"dial\n" * 600)
            for _ in range(600):
                listening.accept()[0].close()
            answers = [launched.tells("connected", "refused") for _ in range(600)]
            assert len(launched.connections) == answers.count("connected") == 600
            assert len({connection.getsockname() for connection in launched.connections}) == 600

    def test_one_whose_answer_finds_no_room_when_the_server_goes_ends(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [WAITS]) as launched:
            launched.order(b"dial\n" * 10_000)
            launched.channel.close()
            assert launched.exit_code == 0

    def test_orders_may_come_in_pieces(self, tmp_path: Path, listening: socket.socket) -> None:
        with Launched(tmp_path, [WAITS], port=port_of(listening)) as launched:
            for piece in (b"d", b"ial\nd", b"ial", b"\n"):
                launched.order(piece)
            assert [launched.tells("connected", "refused") for _ in range(2)] == ["connected"] * 2

    def test_what_is_no_order_is_nothing(self, tmp_path: Path, listening: socket.socket) -> None:
        with Launched(tmp_path, [WAITS], port=port_of(listening)) as launched:
            launched.order(b"\n\x00\xff\ndial 1\nDIAL\n" + b"x" * 10000 + b"\nend!\ndial\n")
            assert launched.tells("connected", "refused") == "connected"
            assert len(launched.connections) == 1


class TestEnds:
    @pytest.mark.parametrize(
        ("script", "how"),
        [
            ("pass", "by itself"),
            ("raise SystemExit(3)", "with exit code 3"),
            ("import os; os.abort()", "by signal SIGABRT"),
            ("import os; os.kill(os.getpid(), 40)", "by signal 40"),
            ("import resource, os; os.kill(os.getpid(), 9)", "by signal SIGKILL"),
        ],
    )
    def test_are_told_in_words(self, tmp_path: Path, script: str, how: str) -> None:
        with Launched(tmp_path, [script]) as launched:
            assert launched.tells("ended", "failed") == f"ended {how}"
            assert launched.line() == ""
            assert launched.exit_code == 0

    def test_a_program_that_is_none_says_so(self, tmp_path: Path) -> None:
        with Launched(tmp_path, ["/absent", "argument"]) as launched:
            assert launched.tells("ended") == "ended with exit code 127"
            assert launched.last_words() == (b"", b"/absent cannot be started: No such file or directory\n")

    def test_what_is_said_last_is_passed_on(self, tmp_path: Path) -> None:
        script = "import os; os.write(1, b'bye'); os.write(2, b'oh'); os._exit(1)"
        with Launched(tmp_path, [script]) as launched:
            assert launched.tells("ended") == "ended with exit code 1"
            assert launched.last_words() == (b"bye", b"oh")

    @pytest.mark.parametrize("way", ["end", "server gone", "by itself"])
    def test_nothing_is_left(self, tmp_path: Path, way: str) -> None:
        (tmp_path / "project").mkdir()
        os.mkfifo(tmp_path / "project" / "go")
        with Launched(tmp_path, [f"{DAEMONISES}open('go').read()"]) as launched:
            daemon = int(launched.says(b".").split()[1])
            left = {daemon, *(process.pid for process in launched.process.children())}
            if way == "end":
                launched.order(b"end\n")
                assert launched.tells("ended") == "ended by signal SIGTERM"
            elif way == "server gone":
                launched.channel.close()
            else:
                (tmp_path / "project" / "go").write_text("go")
                assert launched.tells("ended") == "ended by itself"
            assert launched.exit_code == 0
            assert all(map(has_ended, left))

    def test_a_launcher_that_is_killed_takes_its_program_along(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [WAITS]) as launched:
            launched.says(b"open")
            (webots,) = launched.process.children()
            launched.process.kill()
            assert launched.line() == ""
            assert has_ended(webots.pid)

    def test_one_that_does_not_listen_is_killed_after_its_patience(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [IS_DEAF], patience=0.2) as launched:
            launched.says(b"open")
            launched.order(b"end\nend\n")
            assert launched.tells("ended") == "ended by signal SIGKILL"

    def test_one_that_has_been_stopped_is_killed_after_its_patience(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [WAITS], patience=0.2) as launched:
            launched.says(b"open")
            (webots,) = launched.process.children()
            webots.suspend()
            launched.order(b"end\n")
            # What it is killed with lets it hear first what it was asked with.
            assert launched.tells("ended") in ("ended by signal SIGKILL", "ended by signal SIGTERM")

    def test_an_end_before_the_beginning(self, tmp_path: Path) -> None:
        with Launched(tmp_path, ["open('began', 'w')"], orders=b"end\n") as launched:
            assert launched.tells("ended") == "ended before it began"
            assert launched.exit_code == 0
            assert not (tmp_path / "project" / "began").exists()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE])
    def test_a_program_cannot_end_it_by_a_kind_signal(self, tmp_path: Path, number: int) -> None:
        script = f"import os, signal; os.kill(os.getppid(), {int(number)}); raise SystemExit(5)"
        with Launched(tmp_path, [script]) as launched:
            assert launched.tells("ended") == "ended with exit code 5"


class TestOutput:
    def test_a_flood_holds_up_nobody(self, tmp_path: Path) -> None:
        script = "import os\nfor _ in range(500): os.write(1, bytes(16384)); os.write(2, bytes(16384))\nos._exit(3)"
        with Launched(tmp_path, [script]) as launched:
            assert launched.tells("ended") == "ended with exit code 3"

    @pytest.mark.parametrize("closes", ["os.close(1)", "os.close(1); os.close(2)"])
    def test_a_program_may_close_its_outputs(self, tmp_path: Path, listening: socket.socket, closes: str) -> None:
        script = f"import os, signal; print('open', flush=True); {closes}; signal.pause()"
        with Launched(tmp_path, [script], port=port_of(listening)) as launched:
            launched.says(b"open")
            for _ in range(3):
                launched.order(b"dial\n")
                assert launched.tells("connected", "refused") == "connected"
            before = launched.process.cpu_times()
            launched.tells("uses")
            after = launched.process.cpu_times()
            assert after.user + after.system - before.user - before.system < 0.5
            launched.order(b"end\n")
            assert launched.tells("ended") == "ended by signal SIGTERM"

    def test_it_cannot_be_spoken_for(self, tmp_path: Path) -> None:
        """Neither the channel nor the launcher's outputs can be opened by a program beside it."""
        script = (
            "import os\n"
            "said = []\n"
            "for path in (f'/proc/{os.getppid()}/fd', '/proc/self/fd/1', f'/proc/{os.getppid()}/mem'):\n"
            "    try: os.close(os.open(path, os.O_RDWR if 'self' in path else 0)); said.append('opened')\n"
            "    except OSError as error: said.append(type(error).__name__)\n"
            "print(said, sorted(os.listdir('/proc/self/fd'))[:3], end='.', flush=True)\n"
        )
        with Launched(tmp_path, [script]) as launched:
            launched.tells("ended")
            said, _ = launched.last_words()
            assert said.startswith(b"['PermissionError', 'OSError', 'PermissionError'] ['0', '1', '2']")


class TestMeasuring:
    def test_use_is_told(self, tmp_path: Path) -> None:
        script = "import os, signal; open('file', 'wb').write(bytes(3_000_000)); os.fork(); signal.pause()"
        with Launched(tmp_path, [script]) as launched:
            while (words := launched.tells("uses").split())[4] != "2":
                pass
            memory, disk, files = map(int, words[1:4])
            assert memory > 1_000_000
            assert 3_000_000 <= disk < 4_000_000
            assert files == 1

    @pytest.mark.parametrize(
        "hides",
        [
            "libc.prctl(4, 0)",
            "one, other = socket.socketpair(); socket.send_fds(one, [b'x'], [file]); os.close(file)",
            "libc.mmap(None, 4096, 3, 1, file, 0); os.close(file)",
        ],
        ids=["closed", "under way", "mapped"],
    )
    def test_who_hides_a_file_is_ended(self, tmp_path: Path, hides: str) -> None:
        script = (
            "import ctypes, os, socket\nlibc = ctypes.CDLL(None)\n"
            "file = os.open('hidden', os.O_RDWR | os.O_CREAT); os.write(file, bytes(5_000_000)); os.unlink('hidden')\n"
            f"{hides}\nwhile True: pass\n"
        )
        with Launched(tmp_path, [script], sandboxed="yes") as launched:
            assert launched.tells("ended") == "ended by signal SIGKILL"

    def test_who_hides_nothing_is_not(self, tmp_path: Path) -> None:
        script = (
            "import mmap, os, socket\n"
            "file = os.open('held', os.O_RDWR | os.O_CREAT); os.write(file, bytes(5_000_000)); os.unlink('held')\n"
            "held = mmap.mmap(file, 4096); one, other = socket.socketpair()\n"
            "grows = []\n"
            "while True: grows.append(bytes(100 + sum(range(1000)) % 2))\n"
        )
        with Launched(tmp_path, [script], sandboxed="yes") as launched:
            for _ in range(4):
                launched.tells("uses")
            launched.order(b"end\n")
            assert launched.tells("ended") == "ended by signal SIGTERM"


class TestDisplay:
    SHOWS = "import os, signal; print(os.environ['DISPLAY'], os.environ['XAUTHORITY'], '.', flush=True); signal.pause()"

    def test_a_program_has_it(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [self.SHOWS], display="yes") as launched:
            name, authority, *_ = launched.says(b".").split()
            assert name[:1] == b":"
            assert name[1:].isdigit()
            assert Path(authority.decode()).parent == tmp_path / "home"

    def test_its_end_is_that_of_all(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [self.SHOWS], display="yes") as launched:
            launched.says(b".")
            children = launched.process.children()
            (server,) = [process for process in children if process.name() == "Xvfb"]
            server.kill()
            assert launched.tells("failed", "ended") == "failed the X server Xvfb has ended"
            assert launched.exit_code == 0
            assert all(has_ended(process.pid) for process in children)

    @pytest.mark.parametrize("script", ["exit 1", "echo nonsense >&$2; sleep 1000"])
    def test_one_that_does_not_start_is_told(self, tmp_path: Path, script: str) -> None:
        with Launched(tmp_path, [self.SHOWS], self.fake(tmp_path, script), display="yes") as launched:
            assert launched.tells("failed", "ended") == "failed the X server Xvfb does not start"

    def test_one_that_is_not_installed_is_told(self, tmp_path: Path) -> None:
        with Launched(tmp_path, [self.SHOWS], str(tmp_path), display="yes") as launched:
            assert launched.tells("failed", "ended") == "failed the X server Xvfb does not start"
            assert launched.last_words()[1] == b"Xvfb cannot be started: No such file or directory\n"

    @pytest.mark.parametrize("order", [b"end\n", b""])
    def test_one_that_is_not_needed_any_more_is_not_waited_for(self, tmp_path: Path, order: bytes) -> None:
        path = self.fake(tmp_path, "echo waits; exec sleep 1000")
        with Launched(tmp_path, [self.SHOWS], path, display="yes") as launched:
            (server,) = self.children(launched)
            if order:
                launched.order(order)
                assert launched.tells("failed", "ended") == "ended before it began"
            else:
                launched.channel.close()
            assert launched.exit_code == 0
            assert has_ended(server.pid)

    def fake(self, folder: Path, script: str) -> str:
        (folder / "Xvfb").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "Xvfb").chmod(0o755)
        return f"{folder}:{os.defpath}"

    def children(self, launched: Launched) -> list[psutil.Process]:
        while not (children := launched.process.children()):
            assert launched.process.is_running()
        return children
