"""What the machine is: processor, memory, disk and system; it does not change while the server runs."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from pathlib import Path

import psutil

from webots_cloud.monitor.merging import Document


def facts_of_machine(folder: Path) -> Document:
    """Give what an operator would ask about this machine, as JSON.

    @param folder: where instances are; it is on the disk that is told of.
    """
    while not folder.exists():
        folder = folder.parent
    return {
        "system": f"{_distribution()} ({platform.system()} {platform.release()}, {platform.machine()})",
        "processor": _processor(),
        "processors": os.cpu_count() or 1,
        "memory": psutil.virtual_memory().total,
        "swap": psutil.swap_memory().total,
        "disk": psutil.disk_usage(str(folder)).total,
        "booted": round(psutil.boot_time()),
        "python": platform.python_version(),
    }


def _distribution() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return platform.system()


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
