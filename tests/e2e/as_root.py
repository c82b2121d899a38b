"""What only root may do, in programs that stand in for the real ones: they look at what they are asked for.

Each is a link of its own name to this module's `main`, in a folder at the beginning of PATH. What belongs to the system
lies below the folder ROOT of the environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path

from webots_cloud.config import DEMO_PROJECTS
from webots_cloud.host.first_start import prepare
from webots_cloud.host.versions import DataFolder

CHECKOUT = Path(__file__).resolve().parents[2]
PACKAGES = {"firejail", "nginx-light", "prometheus", "prometheus-alertmanager", "python3-venv", "xvfb"}
"""Debian packages that the manual installs; all are in Debian 12 and in Ubuntu 24.04."""
NON_FREE_PACKAGES = {"nvidia-driver"}
"""Those of Debian's non-free."""
OTHER_UNITS = {"nginx", "prometheus"}
"""Units that are not ours, and come with these packages."""
VERBS = {"disable", "edit", "enable", "kill", "reload", "reset-failed", "restart", "start", "status", "stop"}


class Refused(Exception):
    """The real program would fail, or do something that the manual does not mean."""


def root() -> Path:
    """Give the folder of the system."""
    return Path(os.environ["ROOT"])


def names(kind: str) -> set[str]:
    """List the users or groups that were made."""
    file = root() / kind
    return set(file.read_text().split()) if file.exists() else set()


def add(kind: str, name: str) -> None:
    """Make a user or group.

    @raise Refused: if there is one.
    """
    if name in names(kind):
        raise Refused(f"{name} is there already")
    with (root() / kind).open("a") as file:
        file.write(f"{name}\n")


def must_be(name: str, kind: str) -> None:
    """See that there is a user or group.

    @raise Refused: if there is none.
    """
    if name not in names(kind):
        raise Refused(f"{name} is none of the {kind} {names(kind)}")


def apt_get(arguments: Sequence[str]) -> None:
    """Look at the packages to install."""
    parser = ArgumentParser()
    parser.add_argument("verb", choices=["install"])
    parser.add_argument("-y", action="store_true", required=True)
    parser.add_argument("packages", nargs="+", choices=sorted(PACKAGES | NON_FREE_PACKAGES))
    parser.parse_args(arguments)


def chown(arguments: Sequence[str]) -> None:
    """Look at who is given what."""
    parser = ArgumentParser()
    parser.add_argument("-R", action="store_true")
    parser.add_argument("owner")
    parser.add_argument("paths", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    user, _, group = options.owner.partition(":")
    must_be(user, "users")
    if group:
        must_be(group, "groups")
    missing = [path for path in options.paths if not path.exists()]
    if missing:
        raise Refused(f"there is no {missing}")


def install(arguments: Sequence[str]) -> None:
    """Do what is asked for, with this user as the owner."""
    parser = ArgumentParser(allow_abbrev=False)
    parser.add_argument("-o", dest="user")
    parser.add_argument("-g", dest="group")
    options, others = parser.parse_known_args(arguments)
    if options.user is not None:
        must_be(options.user, "users")
    if options.group is not None:
        must_be(options.group, "groups")
    subprocess.run(["/usr/bin/install", *others], check=True)


def setpriv(arguments: Sequence[str]) -> None:
    """Do what is asked for as this user, whatever user that is to be."""
    parser = ArgumentParser()
    parser.add_argument("--reuid", required=True)
    parser.add_argument("--regid", required=True)
    parser.add_argument("--init-groups", action="store_true", required=True)
    parser.add_argument("command", nargs="...")
    options = parser.parse_args(arguments)
    must_be(options.reuid, "users")
    must_be(options.regid, "groups")
    os.execvp(options.command[0], options.command)  # noqa: S606 -- what the manual says


def runuser(arguments: Sequence[str]) -> None:
    """Do what is asked for as this user, whatever user that is to be."""
    parser = ArgumentParser()
    parser.add_argument("-u", dest="user", required=True)
    parser.add_argument("command", nargs="...")
    options = parser.parse_args(arguments)
    must_be(options.user, "users")
    command = [word for word in options.command if word != "--"]
    os.execvp(command[0], command)  # noqa: S606 -- what the manual says


def webots_cloud(arguments: Sequence[str]) -> None:
    """Do what is asked for with the installed program, and the servers that run in the place of this machine's.

    The folder CLOUD of the environment is theirs.
    """
    program = root() / "usr" / "local" / "bin" / "webots-cloud"
    if not os.access(program, os.X_OK):
        raise Refused(f"{program} cannot be executed")
    state = Path(os.environ["CLOUD"])
    theirs = str(state / "test.ini")
    given = [theirs if argument == f"{root()}/etc/webots-cloud.ini" else argument for argument in arguments]
    if given[0] not in {"completion", "import"} and not {"--config", "--help"} & set(given):
        given += ["--config", theirs]
    command = [str(program), *given]
    environment = os.environ | {"STATE_DIRECTORY": str(state)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    # Who tests is busy as well: it may be that not all simulated clients find a place.
    if done.returncode and not (given[0] == "load-test" and "no simulation server available" in done.stdout):
        raise Refused(f"exit status {done.returncode}")


def systemctl(arguments: Sequence[str]) -> None:
    """Look at the units, and whether what they need to start is there."""
    if list(arguments) in (["daemon-reload"], ["--version"]):
        return
    parser = ArgumentParser()
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("--now", action="store_true")
    parser.add_argument("--kill-whom", choices=["main"])
    parser.add_argument("--signal", choices=["HUP"])
    parser.add_argument("units", nargs="+")
    options = parser.parse_args(arguments)
    if options.now and options.verb not in {"enable", "disable"}:
        raise Refused(f"--now does not go with {options.verb}")
    if (options.kill_whom or options.signal) and options.verb != "kill":
        raise Refused(f"--kill-whom and --signal do not go with {options.verb}")
    for unit in set(options.units) - OTHER_UNITS:
        file = unit_file(unit, root() / "etc" / "systemd" / "system")
        if options.verb in {"start", "restart"} or options.now:
            start(file)


def unit_file(unit: str, folder: Path) -> Path:
    """Give the file of a unit, or of one of those that a pattern stands for.

    @raise Refused: if there is none.
    """
    files = sorted(folder.glob(unit if "." in unit else f"{unit}.service"))
    if not files:
        raise Refused(f"there is no unit {unit} in {folder}")
    return files[0]


def start(file: Path) -> None:
    """Do of a unit's start what the manual speaks of.

    @raise Refused: if it could not be started.
    """
    unit = dict(re.findall(r"^(User|StateDirectory|ExecStart)=(.*)$", file.read_text(), re.MULTILINE))
    if "ExecStart" not in unit:
        return
    must_be(unit["User"], "users")
    program = root() / unit["ExecStart"].split()[0].lstrip("/")
    if not os.access(program, os.X_OK):
        raise Refused(f"{file.name} cannot execute {program}")
    state = root() / "var" / "lib" / unit["StateDirectory"]
    state.mkdir(parents=True, exist_ok=True)
    if unit["User"] == "webots-host":
        prepare(DataFolder(state / "host"), DEMO_PROJECTS)


def journalctl(arguments: Sequence[str]) -> None:
    """Look at whose lines are asked for."""
    parser = ArgumentParser()
    parser.add_argument("--unit", "--identifier", "-u", "-t", dest="units", action="append", default=[])
    parser.add_argument("--since")
    parser.add_argument("--priority", choices=["err", "warning", "info"])
    parser.add_argument("--follow", action="store_true")
    parser.add_argument("fields", nargs="*")
    options = parser.parse_args(arguments)
    for unit in options.units:
        unit_file(unit, root() / "etc" / "systemd" / "system")
    wrong = [field for field in options.fields if not re.fullmatch(r"[A-Z][A-Z0-9_]*=.+", field)]
    if wrong:
        raise Refused(f"{wrong} are no fields")


def sysusers(arguments: Sequence[str]) -> None:
    """Make the users and groups that files name, unless they are there.

    @raise Refused: if no file names any.
    """
    lines = [line.split() for file in configured("sysusers.d", arguments) for line in file.read_text().splitlines()]
    made = [line[:2] for line in lines if line and line[0] in {"u", "u!", "g"}]
    if not made:
        raise Refused("no user is to be made")
    for kind, name in made:
        for names_of in ("groups",) if kind == "g" else ("users", "groups"):
            if name not in names(names_of):
                add(names_of, name)


def tmpfiles(arguments: Sequence[str]) -> None:
    """Make the folders that files name, and see that there are those whose they are to be."""
    parser = ArgumentParser()
    parser.add_argument("--create", action="store_true", required=True)
    parser.add_argument("files", nargs="+")
    for file in configured("tmpfiles.d", parser.parse_args(arguments).files):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                kind, path, _, user, group = line.split()[:5]
                if kind == "d" and path.startswith(("/etc/", "/var/lib/")):
                    (root() / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
                if user not in {"-", "root"}:
                    must_be(user, "users")
                if group not in {"-", "root"}:
                    must_be(group, "groups")


def configured(kind: str, chosen: Sequence[str]) -> list[Path]:
    """Give the files of a kind that were installed.

    @param chosen: their names; empty: all.
    @raise Refused: if one is not there.
    """
    folder = root() / "usr" / "lib" / kind
    files = [folder / name for name in chosen] if chosen else sorted(folder.glob("*.conf"))
    missing = [file for file in files if not file.exists()]
    if missing or not files:
        raise Refused(f"there is no {missing or folder}")
    return files


def sysctl(arguments: Sequence[str]) -> None:
    """See that there is such a setting."""
    for argument in arguments:
        setting = re.fullmatch(r"([a-z0-9_.]+)=[0-9]+", argument)
        if not setting or not Path("/proc/sys", *setting[1].split(".")).exists():
            raise Refused(f"{argument} is no setting of this kernel")


def nginx(arguments: Sequence[str]) -> None:
    """See that nginx is asked to look at its configuration; the tests of the example itself have it do so."""
    if list(arguments) != ["-t"]:
        raise Refused("the manual speaks of nginx -t only")


def script_test(arguments: Sequence[str]) -> None:
    """Look whether there are such tests: they run already."""
    if not os.access(CHECKOUT / "script" / "test", os.X_OK):
        raise Refused("script/test may not be executed")
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", *arguments]
    subprocess.run(command, cwd=CHECKOUT, check=True)


PROGRAMS: dict[str, Callable[[Sequence[str]], None]] = {
    "apt-get": apt_get,
    "chown": chown,
    "install": install,
    "journalctl": journalctl,
    "nginx": nginx,
    "runuser": runuser,
    "script-test": script_test,
    "setpriv": setpriv,
    "sysctl": sysctl,
    "systemctl": systemctl,
    "systemd-sysusers": sysusers,
    "systemd-tmpfiles": tmpfiles,
    "webots-cloud": webots_cloud,
}


def put_into(folder: Path) -> None:
    """Make the programs."""
    folder.mkdir()
    text = f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(CHECKOUT)!r})\n"
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f"{text}from tests.e2e.as_root import main\nmain({name!r})\n")
        program.chmod(0o755)


def main(name: str) -> None:
    """Be one of the programs."""
    try:
        PROGRAMS[name](sys.argv[1:])
    except (Refused, subprocess.CalledProcessError) as error:
        raise SystemExit(f"{name}: {error}") from error
