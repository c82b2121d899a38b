"""What the attacks have in common: programs that run in an instance, and for comparison outside, import this."""

import ctypes
import errno
import os
import platform
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)

# As in the kernel's tables: x86_64, aarch64.
_CALLS = {
    "add_key": (248, 217),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_settime": (227, 112),
    "clone": (56, 220),
    "clone3": (435, 435),
    "delete_module": (176, 106),
    "exit": (60, 93),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "init_module": (175, 105),
    "io_uring_setup": (425, 425),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setns": (308, 268),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vmsplice": (278, 75),
}


def attempt(call: Callable[..., object], *arguments: Any) -> str:
    """Do something; give the name of the error, or C{done}."""
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, repr(error))
    return "done"


def syscall(name: str, *arguments: object) -> int:
    """Make a system call.

    @raise OSError: if it fails.
    """
    number = _CALLS[name][platform.machine() == "aarch64"]
    as_long = (ctypes.c_long(value) if isinstance(value, int) else value for value in arguments)
    result: int = libc.syscall(ctypes.c_long(number), *as_long)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def connect(family: int, address: Any) -> None:
    """Connect to something and leave it."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(10)
        probe.connect(address)


def status(pid: object, field: str) -> str:
    """Give a field of C{/proc/PID/status}."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{field}:"))


def parents() -> list[int]:
    """Give the processes above this one, nearest first."""
    found = []
    pid = os.getppid()
    while pid:
        found.append(pid)
        pid = int(status(pid, "PPid"))
    return found


def launcher() -> int:
    """Find the launcher of this instance."""
    return next(pid for pid in parents() if b"inside/__main__.py" in Path(f"/proc/{pid}/cmdline").read_bytes())


def simulator() -> int:
    """Find the simulator of this instance: it is the launcher's child."""
    above = parents()
    return above[above.index(launcher()) - 1]


def fork_many(count: int, work: Callable[[], object]) -> None:
    """Let so many processes do something for ever."""
    for _ in range(count):
        if os.fork() == 0:
            while True:
                work()
