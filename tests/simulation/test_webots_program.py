"""Webots as a program: which one is run, with what command line and environment, and what its words mean."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulation.heard import Heard
from webots_cloud.errors import WebotsNotFound
from webots_cloud.simulation.webots import MAX_LINE_BYTES, Simulator, WebotsOutput, find_simulator

WORLD = Path("/instances/1/project/worlds/simple.wbt")


class Told(Heard):
    """Whom the output tells."""

    def __init__(self) -> None:
        Heard.__init__(self)
        self.lines: list[bytes] = []
        self.output = WebotsOutput(self, self.lines.append)


def told(*pieces: bytes) -> Told:
    told = Told()
    for piece in pieces:
        told.output.received(piece)
    return told


class TestWords:
    @pytest.mark.parametrize(
        ("word", "event"),
        [
            (b"pause", "paused"),
            (b"real-time", "resumed"),
            (b"run", "resumed"),
            (b"fast", "resumed"),
            (b"step", "resumed"),
        ],
    )
    def test_tell_idle_from_busy(self, word: bytes, event: str) -> None:
        assert told(word + b"\n").events == [event]

    def test_generation_a_says_open_once_and_then_signs_of_life(self) -> None:
        assert told(b"open\npause\n.\n.\n").events == ["opened", "paused", "sign of life", "sign of life"]

    def test_generation_b_opens_with_its_first_sign_of_life(self) -> None:
        assert told(b"pause\n.\n.\n").events == ["paused", "opened", "sign of life", "sign of life"]

    def test_open_is_taken_once_however_often_it_is_said(self) -> None:
        assert told(b"open\nopen\n.\nopen\n").events == ["opened", "sign of life"]

    def test_a_reset_changes_nothing(self) -> None:
        both = told(b"reset\n")
        assert (both.events, both.lines) == ([], [])

    def test_lines_may_end_as_on_windows_and_have_blanks_around(self) -> None:
        assert told(b"open\r\n pause \r\n").events == ["opened", "paused"]

    def test_a_word_within_a_line_or_without_its_end_is_none(self) -> None:
        both = told(b"INFO: open\nopen the door\nOPEN\nopened\nopen")
        assert both.events == []
        assert both.lines == [b"INFO: open", b"open the door", b"OPEN", b"opened"]

    def test_the_last_line_needs_no_end_when_the_output_ends(self) -> None:
        both = told(b"cannot open display")
        assert both.lines == []
        both.output.ended()
        both.output.ended()
        assert both.lines == [b"cannot open display"]

    @given(cuts=st.lists(st.integers(0, 60), max_size=10))
    def test_it_does_not_matter_how_output_is_cut_into_pieces(self, cuts: list[int]) -> None:
        whole = b"warning: no sound\nopen\r\npause\n.\n\n\xff\xfe\0binary\nreal-time\nthe end\n"
        places = sorted({0, len(whole), *(min(cut, len(whole)) for cut in cuts)})
        cut = told(*(whole[begin:end] for begin, end in pairwise(places)))
        assert cut.events == ["opened", "paused", "sign of life", "resumed"]
        assert cut.lines == [b"warning: no sound", b"\xff\xfe\0binary", b"the end"]

    @given(pieces=st.lists(st.binary(max_size=100), max_size=20))
    def test_any_bytes_are_either_words_or_lines(self, pieces: list[bytes]) -> None:
        both = told(*pieces, b"\n")
        lines = [line.strip() for line in b"".join(pieces).split(b"\n") if line.strip()]
        words = [line for line in lines if line not in both.lines]
        assert set(words) <= {b"open", b".", b"pause", b"real-time", b"run", b"fast", b"step", b"reset"}

    def test_an_endless_line_takes_little_memory_and_is_cut(self) -> None:
        both = Told()
        for _ in range(1000):
            both.output.received(b"x" * 65536)
        assert len(both.output._line) <= MAX_LINE_BYTES + 1
        both.output.received(b"\nopen\n")
        assert both.lines == [b"x" * MAX_LINE_BYTES]
        assert both.events == ["opened"]

    def test_a_word_after_an_endless_beginning_is_none(self) -> None:
        both = told(b" " * (MAX_LINE_BYTES + 10), b"open\n")
        assert both.events == []


class TestCommandLine:
    a = Simulator(("/usr/local/webots/webots",), Path("/usr/local/webots"), "R2021b")
    b = Simulator(("/usr/local/webots/webots",), Path("/usr/local/webots"), "R2022a")

    def test_of_generation_a(self) -> None:
        assert self.a.arguments(2001, WORLD, True) == [
            "/usr/local/webots/webots",
            "--batch",
            "--mode=pause",
            "--minimize",
            "--stream=port=2001;monitorActivity;controllerEdit",
            str(WORLD),
        ]

    def test_of_generation_a_without_permission_to_edit(self) -> None:
        assert "--stream=port=2001;monitorActivity" in self.a.arguments(2001, WORLD, False)

    def test_of_generation_b(self) -> None:
        assert self.b.arguments(2001, WORLD, True) == [
            "/usr/local/webots/webots",
            "--batch",
            "--mode=pause",
            "--minimize",
            "--no-rendering",
            "--port=2001",
            "--heartbeat=5000",
            "--stream",
            str(WORLD),
        ]

    @pytest.mark.parametrize(("version", "b"), [("R2018a", 0), ("R2021b", 0), ("", 0), ("R2022b", 1), ("R2025a", 1)])
    def test_the_generation_follows_from_the_version(self, version: str, b: int) -> None:
        simulator = Simulator(("webots",), Path("/webots"), version)
        assert simulator.arguments(2001, WORLD, True).count("--port=2001") == b


class TestEnvironment:
    def test_has_what_webots_needs_and_no_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("PATH", "HOME", "STATE_DIRECTORY", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH", "LD_PRELOAD"):
            monkeypatch.setenv(name, "/of/the/server")
        webots = Simulator(("/webots/webots",), Path("/webots"), "R2021b")
        assert webots.environment(Path("/instances/1/home")) == {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "WEBOTS_HOME": "/webots",
            "HOME": "/instances/1/home",
            "TMPDIR": "/instances/1/home",
            "XDG_RUNTIME_DIR": "/instances/1/home",
        }

    def test_the_stand_in_has_no_webots_home(self) -> None:
        assert "WEBOTS_HOME" not in find_simulator(None).environment(Path("/home"))


class TestFinding:
    def webots(self, home: Path, version: str | bytes | None) -> Simulator:
        if version is not None:
            (home / "resources").mkdir()
            (home / "resources" / "version.txt").write_bytes(
                version if isinstance(version, bytes) else version.encode()
            )
        return find_simulator(home)

    @pytest.mark.parametrize(
        ("text", "version"),
        [
            ("R2021b\n", "R2021b"),
            ("Webots R2022a revision 1", "R2022a"),
            ("R2023", "R2023"),
            ("nightly", ""),
            (b"\xff\xfe", ""),
            ("", ""),
            (None, ""),
        ],
    )
    def test_the_version_is_read_from_its_file(self, tmp_path: Path, text: str | bytes | None, version: str) -> None:
        assert self.webots(tmp_path, text).version == version

    def test_a_webots_is_called_by_its_version(self, tmp_path: Path) -> None:
        webots = self.webots(tmp_path, "R2021b")
        assert webots.name == "Webots R2021b"
        assert webots.command == (str(tmp_path / "webots"),)

    def test_a_webots_of_unknown_version_is_still_one(self, tmp_path: Path) -> None:
        assert find_simulator(tmp_path).name == "Webots"

    def test_the_stand_in_is_never_called_webots(self) -> None:
        stand_in = find_simulator(None)
        assert stand_in.name.startswith("stand-in")
        assert stand_in.command[0] == sys.executable
        stand_in.check()


class TestCheck:
    def test_says_to_the_operator_what_is_wrong_and_to_the_client_only_that(self, tmp_path: Path) -> None:
        with pytest.raises(WebotsNotFound) as missing:
            find_simulator(tmp_path).check()
        assert "there is no file" in missing.value.detail
        (tmp_path / "webots").write_text("#!/bin/sh\n")
        (tmp_path / "webots").chmod(0o644)
        with pytest.raises(WebotsNotFound) as forbidden:
            find_simulator(tmp_path).check()
        assert "may not be executed" in forbidden.value.detail
        assert str(tmp_path) not in str(missing.value) + str(forbidden.value)
        (tmp_path / "webots").chmod(0o755)
        find_simulator(tmp_path).check()

    def test_a_folder_is_no_program(self, tmp_path: Path) -> None:
        (tmp_path / "webots").mkdir()
        with pytest.raises(WebotsNotFound):
            find_simulator(tmp_path).check()
