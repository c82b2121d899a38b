"""Processes that a controller has started and left behind: they become children of the stand-in, which ends them."""

import contextlib
import ctypes
import os
from collections.abc import Collection

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of every process below this one whose own parent ends (Linux ``prctl``)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end(known: Collection[int]) -> None:
    """Kill all children of this process with everything below them; call it only after ``adopt``.

    :param known: process ids of children that may stay.
    """
    for child in psutil.Process().children():
        if child.pid in known:
            continue
        with contextlib.suppress(psutil.Error):
            for process in (child, *child.children(recursive=True)):
                process.kill()
        # Nobody else waits for it; one that is not gone yet is waited for the next time.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child.pid, os.WNOHANG)
