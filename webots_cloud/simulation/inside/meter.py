"""Measures what an instance uses: memory, processes, and what its project takes on the disk."""

from __future__ import annotations

import os
import time

from webots_cloud.simulation.inside.disk import folder_size
from webots_cloud.simulation.inside.holdings import CannotBeSeen, Holdings
from webots_cloud.simulation.inside.memory import ipc_objects, memory_file_systems, private_memory
from webots_cloud.simulation.inside.processes import kill, processor_ticks
from webots_cloud.simulation.inside.settings import MEGABYTE, Settings

_REPORT_SECONDS = 5.0
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 10.0
_STANDSTILL_SECONDS = 5.0
"""How long is looked at nothing but memory while nothing seems to happen."""
_LARGEST_SHARE_OF_TIME = 0.03
_FEW_TICKS = 5
_LITTLE_SPACE = 16 * MEGABYTE
_FEW_FILES = 500
_MOST_LOOKS_AT_HIDERS = 3


class Meter:
    """Measures, the less often the more processor time it takes.

    Memory is measured each time. The project, and what processes hold that no folder shows, takes longer, and is looked
    at when something may have changed: when processes have used the processor, or the disk has less room.

    @ivar due: when it is to be measured again, by the monotonic clock.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.due = time.monotonic() + _LEAST_SECONDS
        self._reported: tuple[str, ...] = ()
        self._reported_at = 0.0
        self._look_earliest = self._look_latest = 0.0
        self._seen_at = (0, 0, 0)
        self._held = Holdings(settings.project)
        self._folder = 0, 0
        self._hidden = 0

    def measure(self) -> tuple[str, ...]:
        """Measure; give the words of a report, none if nothing is new.

        It has memory and disk in bytes, files, processes, and their processor time so far in milliseconds.
        """
        begin = time.process_time()
        processes = processor_ticks()
        memory = sum(map(private_memory, processes))
        if self._settings.sandboxed:
            memory += memory_file_systems() + ipc_objects()
        self.due = time.monotonic() + _pause(begin)
        situation = self._situation(processes)
        if self._must_look(situation):
            begin = time.process_time()
            self._look(processes)
            self._seen_at = situation
            self._look_earliest = time.monotonic() + _pause(begin)
            self._look_latest = max(time.monotonic() + _STANDSTILL_SECONDS, self._look_earliest)
        disk, files = self._folder
        milliseconds = situation[0] * 1000 // os.sysconf("SC_CLK_TCK")
        return self._report(milliseconds, memory + self._held.memory, disk + self._held.disk, files, len(processes))

    def _situation(self, processes: dict[int, int]) -> tuple[int, int, int]:
        """Give numbers that change where something happens: ticks of the processor, and free room on the disk."""
        ended = os.times()
        ticks = sum(processes.values()) + round(
            (ended.children_user + ended.children_system) * os.sysconf("SC_CLK_TCK")
        )
        try:
            disk = os.statvfs(self._settings.project)
        except OSError:
            # The project has been removed.
            return ticks, 0, 0
        return ticks, disk.f_bfree * disk.f_frsize, disk.f_ffree

    def _must_look(self, situation: tuple[int, int, int]) -> bool:
        now = time.monotonic()
        small = (_FEW_TICKS, _LITTLE_SPACE, _FEW_FILES)
        changed = any(abs(new - old) >= step for new, old, step in zip(situation, self._seen_at, small, strict=True))
        return now >= self._look_latest or (changed and now >= self._look_earliest)

    def _look(self, processes: dict[int, int]) -> None:
        settings = self._settings
        self._held = held = Holdings(settings.project)
        for pid in processes:
            try:
                held.add(pid)
            except CannotBeSeen:
                # It may hold any number of files without a name.
                self._kill(pid)
        self._hidden = self._hidden + 1 if held.hiders else 0
        if self._hidden >= _MOST_LOOKS_AT_HIDERS:
            # Whoever means to receive descriptors does so at once; those that stay under way are hidden in there.
            for pid in held.hiders:
                self._kill(pid)
        self._folder = folder_size(settings.project, settings.megabytes * MEGABYTE, settings.files)

    def _kill(self, pid: int) -> None:
        if self._settings.sandboxed:
            kill(pid)

    def _report(self, milliseconds: int, *numbers: int) -> tuple[str, ...]:
        """Give a report, if it is due, or the numbers are others; processor time is always another."""
        report = ("uses", *map(str, numbers))
        now = time.monotonic()
        if report == self._reported and now < self._reported_at + _REPORT_SECONDS:
            return ()
        self._reported, self._reported_at = report, now
        return (*report, str(milliseconds))


def _pause(begin: float) -> float:
    """Give how many seconds are to pass after work that began at a processor time of this process."""
    seconds = (time.process_time() - begin) / _LARGEST_SHARE_OF_TIME
    return min(max(_LEAST_SECONDS, seconds), _MOST_SECONDS)
