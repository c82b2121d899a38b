"""The command line of an instance, from the outside in: its cgroup, its session, the sandbox, the launcher, Webots."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs

from webots_cloud.config import SimulationConfig
from webots_cloud.config.values import XVFB
from webots_cloud.simulation.folder import InstanceFolder
from webots_cloud.simulation.sandbox import INSIDE, Sandbox
from webots_cloud.simulation.webots import Simulator

_JOIN = 'echo $$ > "$0" && exec "$@"'


@attrs.frozen
class Launch:
    """How instances are started.

    @ivar simulator: the program that runs in them.
    """

    config: SimulationConfig
    sandbox: Sandbox
    simulator: Simulator

    def environment(self, folder: InstanceFolder) -> dict[str, str]:
        """Give the environment, made from nothing."""
        environment = self.simulator.environment(self.sandbox.home(folder.home))
        if self.simulator.needs_display and self.config.display != XVFB:
            environment["DISPLAY"] = self.config.display
            if self.config.displayAuthority:
                environment["XAUTHORITY"] = str(self.config.displayAuthority.resolve())
        return environment

    def command(self, folder: InstanceFolder, webots: Sequence[str], port: int, channel: int) -> list[str]:
        """Give the command line.

        @param webots: that of Webots itself.
        @param port: where Webots listens.
        @param channel: the descriptor of the launcher's end of its channel.
        """
        # The Python of the system rather than that of a virtual environment, which may not be visible in the sandbox.
        python = Path(sys.executable).resolve()
        launcher = [str(python), "-I", "-S", str(INSIDE / "__main__.py"), *self._settings(folder, port, channel)]
        setsid = shutil.which("setsid") or "/usr/bin/setsid"
        return [setsid, *self.sandbox.command(folder.project, channel, [*launcher, "--", *webots])]

    def _settings(self, folder: InstanceFolder, port: int, channel: int) -> list[str]:
        config = self.config
        settings = {
            "channel": channel,
            "port": port,
            "project": folder.project,
            "home": self.sandbox.home(folder.home),
            "sandboxed": "yes" if self.sandbox.is_one else "no",
            "display": "yes" if self.simulator.needs_display and config.display == XVFB else "no",
            "patience": config.endTimeoutSeconds,
            "megabytes": config.maxProjectMegabytes,
            "files": config.maxProjectFiles,
            "openFiles": config.maxOpenFiles,
            "fileMegabytes": config.maxFileMegabytes,
            "addressSpaceMegabytes": config.maxAddressSpaceMegabytes,
            "cpuSeconds": config.maxCpuSeconds,
            "processes": config.maxProcesses,
        }
        return [f"{name}={value}" for name, value in settings.items()]


def in_cgroup(procs: Path, command: Sequence[str]) -> list[str]:
    """Let a command join a cgroup before it begins (L{Cgroup.procs<webots_cloud.simulation.cgroup.Cgroup.procs>})."""
    return ["/bin/sh", "-c", _JOIN, str(procs), *command]
