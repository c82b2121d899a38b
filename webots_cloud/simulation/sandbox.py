"""The sandbox around a Webots: the Firejail command line, or none. What is allowed is said in docs/security.md.

Nothing of the distribution's profiles is used. Every folder of the machine is hidden but the system's own, which can
only be read, and the few that are named; of these only the instance's project can be written.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import filterfalse
from pathlib import Path
from typing import Protocol

import attrs

from webots_cloud.config import SimulationConfig
from webots_cloud.config.values import XVFB
from webots_cloud.errors import quoted

INSIDE = Path(__file__).resolve().parent / "inside"
"""The launcher, which runs in the sandbox beside Webots."""
_TRIAL_SECONDS = 30
_TRIAL = 'test ! -e "$0" || /bin/touch "$1"; /bin/touch "$2"'
"""Tells by two files whether another instance's folder can be seen, and that it was run."""
_CGROUPS = "/sys/fs"
_SYSTEM = frozenset({"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin", "sys", "usr"})
"""Folders that Firejail itself makes safe: read-only, or with little of their content."""
_NOTHING = ".nothing-of-this-folder"
"""Where only a path that is not there is let through, a folder is empty."""
ETC = (
    "OpenCL",
    "X11",
    "alternatives",
    "drirc",
    "fonts",
    "glvnd",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "machine-id",
    "mime.types",
    "nsswitch.conf",
    "nvidia",
    "passwd",
    "timezone",
    "vulkan",
)
"""What is seen of C{/etc}."""
ETC_OF_A_NETWORK = ("ca-certificates", "gai.conf", "resolv.conf", "ssl/certs")
_CALLS = "io_uring_enter,io_uring_register,io_uring_setup,kcmp,quotactl,vmsplice"
"""System calls that are refused beside those that Firejail refuses by itself: ways to hold files that nobody sees."""
_OPTIONS = (
    "--quiet",
    "--noprofile",
    "--deterministic-exit-code",
    "--deterministic-shutdown",
    "--caps.drop=all",
    "--nonewprivs",
    "--noroot",
    "--nogroups",
    "--restrict-namespaces",
    f"--seccomp={_CALLS}",
    "--seccomp.block-secondary",
    "--ipc-namespace",
    "--private-dev",
    "--nodvd",
    "--noinput",
    "--noprinters",
    "--nosound",
    "--notv",
    "--nou2f",
    "--novideo",
    "--dbus-system=none",
    "--dbus-user=none",
    "--hostname=webots",
    "--machine-id",
    # Else the programs of projects in /var could not be executed, nor their files written; everything in it but them is
    # hidden.
    "--writable-var",
)


class UnfitSandbox(Exception):
    """Instances cannot be put into the sandbox; its text names the option and says what to do."""


class Sandbox(Protocol):
    """Something that a Webots runs in."""

    @property
    def isolated(self) -> bool:
        """Whether it has a network of its own."""

    @property
    def is_one(self) -> bool:
        """Whether it keeps anything from anybody."""

    @property
    def warning(self) -> str:
        """What the operator must know of it; empty if there is nothing."""

    def home(self, own: Path) -> Path:
        """Give the folder that a Webots in it has for its user's home.

        @param own: a folder of the instance's own, outside of the project.
        """

    def command(self, project: Path, channel: int, inner: Sequence[str]) -> list[str]:
        """Put a command into the sandbox.

        @param project: the only folder that can be written.
        @param channel: a descriptor that it keeps.
        """


@attrs.frozen
class NoSandbox:
    """Everything is allowed that the server's user may do."""

    isolated: bool = False
    is_one: bool = False
    warning: str = "NO SANDBOX: the programs of projects can do all that this server's user can (sandbox = none)"

    def home(self, own: Path) -> Path:
        """Give the instance's own folder."""
        return own

    def command(self, project: Path, channel: int, inner: Sequence[str]) -> list[str]:
        """Leave the command as it is."""
        return list(inner)


@attrs.frozen
class Firejail:
    """A sandbox of namespaces, without rights and with few system calls (firejail(1)).

    @ivar program: path of Firejail.
    @ivar isolated: whether there is no network but the instance's own loopback.
    @ivar visible: folders and files that can be read.
    @ivar hidden: what is never seen, even inside of what is visible.
    @ivar user_home: what Webots takes for its home; it is empty inside.
    """

    program: str
    isolated: bool
    visible: tuple[Path, ...]
    hidden: tuple[Path, ...]
    user_home: Path
    is_one: bool = True
    warning: str = ""

    def home(self, own: Path) -> Path:
        """Give the user's home, which is empty and vanishes with the instance."""
        return self.user_home

    def command(self, project: Path, channel: int, inner: Sequence[str]) -> list[str]:
        """Put a command into the sandbox."""
        network = (
            ["--net=none", "--protocol=unix,inet,inet6"] if self.isolated else ["--protocol=unix,inet,inet6,netlink"]
        )
        etc = list(_etc(self.isolated))
        return [
            self.program,
            *_OPTIONS,
            *network,
            *([] if _has_graphics_card() else ["--no3d"]),
            *(f"--whitelist={folder / _NOTHING}" for folder in [*_other_folders(), self.user_home]),
            *(f"--whitelist={path}" for path in (project, *self.visible, *etc)),
            *(f"--read-only={path}" for path in (*self.visible, *filterfalse(_is_of_the_system, etc))),
            *(f"--blacklist={path}" for path in (_CGROUPS, *self.hidden)),
            f"--private-cwd={project}",
            f"--keep-fd={channel}",
            # Without "--", after which Firejail has the login shell of the user start it, and a service's has none.
            *inner,
        ]


def _etc(isolated: bool) -> Iterator[Path]:
    """Give what is seen of C{/etc}, and where links in it lead to that is hidden by itself.

    Firejail's own C{--private-etc} copies all of it, which takes longer than all the rest that Firejail does.
    """
    for name in ETC if isolated else (*ETC, *ETC_OF_A_NETWORK):
        path = Path("/etc") / name
        if path.exists():
            yield path
            target = path.resolve()
            if not _is_of_the_system(target):
                yield target


def _is_of_the_system(path: Path) -> bool:
    return path.parts[1] in _SYSTEM


def _other_folders() -> list[Path]:
    """Give the folders of the file system's root that are not the system's own."""
    with os.scandir("/") as entries:
        return [
            Path(entry.path) for entry in entries if entry.name not in _SYSTEM and entry.is_dir(follow_symlinks=False)
        ]


def _has_graphics_card() -> bool:
    return any(Path(device).exists() for device in ("/dev/dri", "/dev/nvidiactl"))


def make_sandbox(config: SimulationConfig, needed: Iterable[Path]) -> Sandbox:
    """Choose the sandbox of the configuration.

    @param needed: folders that the simulator has to read.
    @raise UnfitSandbox: if something secret would be visible in it.
    """
    if config.sandbox == "none":
        return NoSandbox()
    visible = _outermost([INSIDE, Path(sys.base_prefix), *needed, *_display_files(config)])
    secret = {
        "keyDir": config.keyDir,
        "instancesDir": config.instancesDir,
        **({"logDir": config.logDir} if config.logDir else {}),
        # They have the user who may connect to it.
        **({"controlSocket": config.controlSocket} if config.controlSocket else {}),
    }
    for option, path in secret.items():
        inside = next((place for place in visible if path.resolve().is_relative_to(place)), None)
        if inside:
            raise UnfitSandbox(f"{option}: {path} is inside of {inside}, which instances can read; name another folder")
    return Firejail(
        program=shutil.which("firejail") or "/usr/bin/firejail",
        isolated=config.network == "isolated",
        visible=tuple(visible),
        hidden=tuple(path.resolve() for path in secret.values() if path.resolve().parts[1] in _SYSTEM),
        user_home=_user_home(),
    )


def _user_home() -> Path:
    """Give the home of the server's user, or where it has none of its own, a folder that is empty as well."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    return home if home.is_dir() and len(home.parts) > 1 and home.parts[1] not in _SYSTEM else Path("/tmp")  # noqa: S108


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Give real paths without those inside of others, which Firejail would let hide them, or inside of the system."""
    resolved = sorted({path.resolve() for path in paths})
    found: list[Path] = []
    for path in resolved:
        if path.parts[1] not in _SYSTEM and not any(path.is_relative_to(outer) for outer in found):
            found.append(path)
    return found


def _display_files(config: SimulationConfig) -> list[Path]:
    """Give what a Webots needs to reach a display that is there already."""
    if config.display == XVFB:
        return []
    number = config.display[1:].partition(".")[0]
    socket = Path(f"/tmp/.X11-unix/X{number}")  # noqa: S108 -- where X servers listen
    return [path for path in (socket, config.displayAuthority) if path and path.exists()]


def try_out(sandbox: Sandbox, instances: Path) -> None:
    """Run a command in the sandbox, to see whether that is possible at all on this machine, and whether it is one.

    Firejail that takes this machine for a sandbox already, as it does in containers, runs commands without any.

    @param instances: where projects lie.
    @raise UnfitSandbox: if it is not; with Firejail's own words.
    """
    # As instances of number 0, so that what a crash leaves of them is removed as any other.
    trial, other = (instances / f"0-{secrets.token_hex(8)}" for _ in range(2))
    for folder in (trial, other):
        folder.mkdir(mode=0o700)
    seen, written = (trial.resolve() / name for name in ("seen", "written"))
    try:
        tried = subprocess.run(  # noqa: S603 -- our own command
            sandbox.command(
                trial.resolve(), 0, ["/bin/sh", "-c", _TRIAL, str(other.resolve()), str(seen), str(written)]
            ),
            env={"PATH": os.defpath, "HOME": str(sandbox.home(trial))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TRIAL_SECONDS,
            check=False,
        )
        works, said = written.exists(), (tried.stderr + tried.stdout).decode("utf-8", "replace")
        keeps = not seen.exists()
    except (OSError, subprocess.TimeoutExpired) as error:
        works, keeps, said = False, True, str(error)
    finally:
        for folder in (trial, other):
            shutil.rmtree(folder, ignore_errors=True)
    if sandbox.is_one and not keeps:
        raise UnfitSandbox(
            "sandbox: Firejail keeps nothing from instances here, as it takes this machine for a container; run this "
            "server outside of one, or write sandbox = none, where everybody who may start simulations is trusted"
        )
    if not works:
        raise UnfitSandbox(
            f"sandbox: Firejail does not work for this user on this machine ({quoted(said, 300)}); see "
            "docs/sandbox.md, or write sandbox = none, where everybody who may start simulations is trusted"
        )
