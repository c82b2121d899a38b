"""Processes that a controller has started and left behind: they become children of the stand-in, which ends them."""

import contextlib
import ctypes
import os

import psutil
from twisted.internet.process import reapProcessHandlers, registerReapProcessHandler, unregisterReapProcessHandler

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """Become the parent of every process below this one whose own parent ends (Linux ``prctl``)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_orphans() -> None:
    """Kill the children of this process that Twisted has not started, with everything below them."""
    for child in psutil.Process().children():
        if child.pid not in reapProcessHandlers:
            _kill_tree(child)
            registerReapProcessHandler(child.pid, _Orphan(child.pid))


def end_all() -> None:
    """Kill everything below this process."""
    for child in psutil.Process().children():
        _kill_tree(child)


def _kill_tree(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        for each in (*process.children(recursive=True), process):
            each.kill()


class _Orphan:
    """Waits for a child that Twisted knows nothing of, so that it does not stay as a zombie."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def reapProcess(self) -> None:
        """Called by Twisted whenever some child has ended."""
        try:
            ended, _ = os.waitpid(self._pid, os.WNOHANG)
        except ChildProcessError:
            ended = self._pid
        if ended:
            unregisterReapProcessHandler(self._pid, self)

    def processEnded(self, status: int) -> None:
        """Called by Twisted where the child had ended at once."""
