"""How loaded the machine is: processor, memory, graphics cards, network and disk, once a second."""

from __future__ import annotations

import csv
import io
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import psutil
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.logfile import LogFile
from twisted.python.threadpool import ThreadPool

from webots_cloud.simulation.gpu import Cards, Gpus

SAMPLE_SECONDS = 1.0
AVERAGED_SAMPLES = 5
HISTORY_SAMPLES = 600
_USUAL_LINK_MEGABITS = 1000
_LOG_BYTES = 10 * 1024 * 1024
_OLD_LOGS = 5


@attrs.frozen
class Snapshot:
    """The machine at one moment; in percent from 0 to 100 unless something else is said.

    @ivar time: seconds since the epoch.
    @ivar gpu_compute: the busiest graphics card; 0 where there is none.
    @ivar gpu_memory: the fullest graphics card; 0 where there is none.
    @ivar network: the busiest link in its busier direction, as a share of its speed.
    @ivar swap: 0 where there is none.
    @ivar received: bytes a second, over all links but the machine's own loopback.
    @ivar sent: the same, in the other direction.
    @ivar disk: how full the disk is on which instances are.
    @ivar disk_read: bytes a second, from all disks.
    @ivar disk_written: bytes a second, to all disks.
    """

    time: float
    cpu: float
    memory: float
    gpu_compute: float
    gpu_memory: float
    network: float
    swap: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    disk: float = 0.0
    disk_read: float = 0.0
    disk_written: float = 0.0


_MEASURES = ("cpu", "memory", "gpu_compute", "gpu_memory", "network")
"""What is a load, and goes to the log."""


@attrs.frozen
class _Counted:
    """What is counted from the machine's start on.

    @ivar time: when, by a clock that is not set.
    @ivar links: bytes received and sent, by the name of the link.
    @ivar disks: bytes read and written.
    """

    time: float
    links: dict[str, tuple[int, int]]
    disks: tuple[int, int]

    @classmethod
    def now(cls) -> _Counted:
        """Read the counters."""
        links = psutil.net_io_counters(pernic=True).items()
        disks = psutil.disk_io_counters()
        return cls(
            time.monotonic(),
            {name: (link.bytes_recv, link.bytes_sent) for name, link in links if name != "lo"},
            # There are none to be seen in some containers.
            (disks.read_bytes, disks.write_bytes) if disks is not None else (0, 0),
        )


class Sensors:
    """Reads psutil; its calls block, and belong in a thread."""

    def __init__(self, gpus: Gpus | None = None, folder: Path = Path("/")) -> None:
        """Begin to measure.

        @param gpus: the graphics cards, which are asked by themselves; C{None}: they are of no interest.
        @param folder: is on the disk that is looked at.
        """
        self._gpus = gpus
        self._folder = folder
        self._counted = _Counted.now()
        psutil.cpu_percent()

    def read(self) -> Snapshot:
        """Measure since the last time."""
        cards = self._gpus.cards if self._gpus else Cards()
        before, self._counted = self._counted, _Counted.now()
        received, sent = _traffic(before, self._counted)
        read, written = _rates(before, self._counted, before.disks, self._counted.disks)
        return Snapshot(
            time=time.time(),
            cpu=psutil.cpu_percent(),
            memory=psutil.virtual_memory().percent,
            gpu_compute=cards.compute,
            gpu_memory=cards.memory,
            network=_busiest_link(before, self._counted),
            swap=psutil.swap_memory().percent,
            received=received,
            sent=sent,
            disk=self._read_disk(),
            disk_read=read,
            disk_written=written,
        )

    def _read_disk(self) -> float:
        try:
            return float(psutil.disk_usage(str(self._folder)).percent)
        except FileNotFoundError:
            # The folder is made when the first instance is.
            return float(psutil.disk_usage(str(self._folder.anchor)).percent)


def _rates(before: _Counted, now: _Counted, old: Sequence[int], new: Sequence[int]) -> tuple[float, float]:
    """Give how much two counters grew in a second; one that began anew has not grown."""
    seconds = max(now.time - before.time, 0.001)
    first, second = (max(0, count - counted) / seconds for counted, count in zip(old, new, strict=True))
    return first, second


def _traffic(before: _Counted, now: _Counted) -> tuple[float, float]:
    """Give the bytes a second that were received and sent on links that were there before."""
    rates = [_rates(before, now, before.links[name], now.links[name]) for name in before.links.keys() & now.links]
    return sum(received for received, _ in rates), sum(sent for _, sent in rates)


def _busiest_link(before: _Counted, now: _Counted) -> float:
    """Give the share in percent of its speed that the busiest link has been used for."""
    links = psutil.net_if_stats()
    shares = [0.0]
    for name in before.links.keys() & now.links.keys() & links.keys():
        megabits = links[name].speed or _USUAL_LINK_MEGABITS
        busier = max(_rates(before, now, before.links[name], now.links[name]))
        shares.append(100.0 * busier * 8 / (megabits * 1e6))
    return min(max(shares), 100.0)


class Machine(Service):
    """Measures while it runs.

    @ivar history: the snapshots of the last ten minutes, the newest last.
    """

    _log = Logger()

    def __init__(self, reactor: Any, pool: ThreadPool, log_folder: Path | None, sensors: Sensors) -> None:
        """Prepare to measure.

        @param pool: the threads in which sensors are read.
        @param log_folder: where C{monitor.csv} is written; C{None}: nowhere.
        """
        self.history: deque[Snapshot] = deque(maxlen=HISTORY_SAMPLES)
        self._reactor = reactor
        self._pool = pool
        self._sensors = sensors
        self._file = (
            LogFile("monitor.csv", str(log_folder), _LOG_BYTES, maxRotatedFiles=_OLD_LOGS) if log_folder else None
        )
        self._failing = False
        self._watch: list[Callable[[Snapshot], None]] = []
        self._sampling = LoopingCall(self._sample)
        self._sampling.clock = reactor

    @property
    def load(self) -> float:
        """The highest of all measures, each averaged over the last five seconds, in percent."""
        recent = list(self.history)[-AVERAGED_SAMPLES:]
        if not recent:
            return 0.0
        means = (sum(float(getattr(snapshot, name)) for snapshot in recent) / len(recent) for name in _MEASURES)
        return max(means)

    def watch(self, measured: Callable[[Snapshot], None]) -> None:
        """Have C{measured} called with each snapshot."""
        self._watch.append(measured)

    def startService(self) -> None:
        """Begin to measure."""
        Service.startService(self)
        self._sampling.start(SAMPLE_SECONDS).addErrback(
            lambda failure: self._log.failure("the load is no longer measured", failure)
        )

    def stopService(self) -> None:
        """Measure no more."""
        Service.stopService(self)
        if self._sampling.running:
            self._sampling.stop()
        if self._file is not None:
            self._file.close()

    def _sample(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._sample_once())

    async def _sample_once(self) -> None:
        try:
            snapshot = await deferToThreadPool(self._reactor, self._pool, self._sensors.read)
            self.history.append(snapshot)
            for measured in self._watch:
                measured(snapshot)
            if self._file is not None and self.running:
                self._record(self._file, snapshot)
        except (OSError, psutil.Error) as error:
            if not self._failing:
                self._log.error(
                    "the load cannot be measured or recorded ({error}); this is tried again every second", error=error
                )
            self._failing = True
        else:
            self._failing = False

    def _record(self, file: LogFile, snapshot: Snapshot) -> None:
        values = {name: getattr(snapshot, name) for name in ("time", *_MEASURES)}
        text = io.StringIO()
        writer = csv.DictWriter(text, values)
        if file.size == 0:
            writer.writeheader()
        writer.writerow({name: f"{value:.1f}" for name, value in values.items()})
        file.write(text.getvalue())
