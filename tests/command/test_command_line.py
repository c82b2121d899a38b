"""What is typed: help, wrong uses, and what shells complete."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command.commanding import CHECKOUT, webots_cloud
from webots_cloud import __version__
from webots_cloud.command.main import SUBCOMMANDS
from webots_cloud.command.outcome import STATUSES

WORDS = ("check", "status", "drain", "undrain", "kill", "import", "load-test", "accounts", "completion")


def test_the_help_names_every_command_and_every_exit_status() -> None:
    shown = webots_cloud("--help").stdout
    assert len(SUBCOMMANDS) == len(WORDS)
    for word in WORDS:
        assert f"\n    {word}" in shown
    for status, meaning in STATUSES.items():
        assert f"\n  {status:<4}{meaning}\n" in shown


@pytest.mark.parametrize("word", WORDS)
def test_every_command_has_help_and_a_line_of_usage(word: str) -> None:
    helped = webots_cloud(word, "--help")
    assert helped.returncode == 0
    assert helped.stdout.startswith(f"usage: webots-cloud {word} ")
    wrong = webots_cloud(word, "--colour")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("usage: webots-cloud ")


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("fly",),
        ("status", "nothing"),
        ("check", "session", "everything"),
        ("kill",),
        ("kill", "first"),
        ("kill", "-1"),
        ("kill", "1" * 20),
        ("drain", "--wait", "long"),
        ("drain", "--wait", "nan"),
        ("load-test", "-n", "1001"),
        ("load-test", "-n", "1.5"),
        ("load-test", "--rate", "0"),
        ("load-test", "--rate", "nan"),
        ("load-test", "example.org"),
        ("accounts",),
        ("accounts", "delete"),
        ("completion", "fish"),
    ],
)
def test_a_wrong_use_is_one_of_its_own(wrong: tuple[str, ...]) -> None:
    ended = webots_cloud(*wrong)
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""


def test_the_version_is_told() -> None:
    assert webots_cloud("--version").stdout == f"webots-cloud {__version__}\n"


@pytest.mark.parametrize(
    "command", [("status",), ("drain",), ("kill", "1"), ("check", "session"), ("accounts", "list")]
)
def test_mistakes_in_the_configuration_are_told_as_servers_tell_them(command: tuple[str, ...]) -> None:
    Path("wrong.ini").write_text("[session]\nport = 0\n[host]\ncolour = red\n")
    ended = webots_cloud(*command, "--config", "wrong.ini")
    assert ended.returncode == 78
    said = ended.stdout + ended.stderr
    assert "wrong.ini:2: [session] port: '0' is not a port" in said
    assert "wrong.ini:4: [host] colour: there is no such option" in said


def completed(line: str, folder: Path) -> list[str]:
    """Press TAB in bash at the end of a line."""
    script = folder / "completion"
    script.write_text(webots_cloud("completion", "bash").stdout)
    words = " ".join(f"'{word}'" for word in line.split(" "))
    program = (
        f"set -eu; source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); "
        "set +eu; _shtab_webots_cloud; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("webots-cloud un", ["undrain"]),
        ("webots-cloud status s", ["session", "simulation"]),
        ("webots-cloud check --j", ["--json"]),
        ("webots-cloud accounts d", ["delete"]),
        ("webots-cloud completion ", ["bash", "zsh"]),
        ("webots-cloud check --config my-f", ["my-file.ini"]),
    ],
)
def test_bash_completes(line: str, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "my-file.ini").touch()
    assert completed(line, tmp_path) == words


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    zsh = shutil.which("zsh")
    assert zsh, "install zsh"
    script = tmp_path / "_webots-cloud"
    script.write_text(webots_cloud("completion", "zsh").stdout)
    program = (
        f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; "
        "print -r -- ${_comps[webots-cloud]}; zsh -n $1 && print fine"
    )
    done = subprocess.run([zsh, "-f", "-c", program, "zsh", str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["_webots-cloud", "fine"], done.stderr


def test_who_reads_no_further_is_no_reason_to_complain() -> None:
    done = subprocess.run(
        [
            "bash",
            "-c",
            'set -o pipefail; "$@" | head -n 1',
            "bash",
            sys.executable,
            "-m",
            "webots_cloud.command",
            "completion",
            "zsh",
        ],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
