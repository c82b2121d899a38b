"""What the server says on the launcher's command line."""

from __future__ import annotations

import resource

MEGABYTE = 10**6


class Settings:
    """The settings, each given as C{NAME=VALUE}.

    @ivar channel: descriptor of the socket to the server.
    @ivar port: where Webots listens on the loopback interface.
    @ivar project: the folder that it may write in.
    @ivar home: a folder for what the display needs.
    @ivar sandboxed: whether all processes that can be seen are of this instance.
    @ivar display: whether a display is to be started.
    @ivar patience: seconds that Webots may take to end after SIGTERM.
    @ivar megabytes: size of the project folder beyond which it is not measured any further.
    @ivar files: number of files beyond which they are not counted any further.
    @ivar limits: what each process may use, by the constants of the module C{resource}.
    """

    def __init__(self, words: list[str]) -> None:
        given = dict(word.split("=", 1) for word in words)
        self.channel = int(given["channel"])
        self.port = int(given["port"])
        self.project = given["project"]
        self.home = given["home"]
        self.sandboxed = given["sandboxed"] == "yes"
        self.display = given["display"] == "yes"
        self.patience = float(given["patience"])
        self.megabytes = int(given["megabytes"])
        self.files = int(given["files"])
        self.limits = {
            resource.RLIMIT_NOFILE: int(given["openFiles"]),
            resource.RLIMIT_FSIZE: int(given["fileMegabytes"]) * MEGABYTE,
            resource.RLIMIT_AS: int(given["addressSpaceMegabytes"]) * MEGABYTE,
            resource.RLIMIT_CPU: int(given["cpuSeconds"]),
            resource.RLIMIT_CORE: 0,
        }
        if self.sandboxed:
            # The kernel counts the processes of a user, and in the sandbox, which has a user namespace of its own, only
            # those of this instance.
            self.limits[resource.RLIMIT_NPROC] = int(given["processes"])
