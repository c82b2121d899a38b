"""How loaded the machine is: processor, memory, graphics cards and network, once a second, and their history."""

from __future__ import annotations

import csv
import io
import time
from collections import deque
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
    """The machine at one moment; all in percent from 0 to 100.

    @ivar time: seconds since the epoch.
    @ivar gpu_compute: the busiest graphics card; 0 where there is none.
    @ivar gpu_memory: the fullest graphics card; 0 where there is none.
    @ivar network: the busiest link in its busier direction, as a share of its speed.
    """

    time: float
    cpu: float
    memory: float
    gpu_compute: float
    gpu_memory: float
    network: float


_MEASURES = ("cpu", "memory", "gpu_compute", "gpu_memory", "network")


class Sensors:
    """Reads psutil; its calls block, and belong in a thread."""

    def __init__(self, gpus: Gpus | None = None) -> None:
        """Begin to measure.

        @param gpus: the graphics cards, which are asked by themselves; C{None}: they are of no interest.
        """
        self._gpus = gpus
        self._counted = self._count()
        psutil.cpu_percent()

    def read(self) -> Snapshot:
        """Measure since the last time."""
        cards = self._gpus.cards if self._gpus else Cards()
        return Snapshot(
            time=time.time(),
            cpu=psutil.cpu_percent(),
            memory=psutil.virtual_memory().percent,
            gpu_compute=cards.compute,
            gpu_memory=cards.memory,
            network=self._read_network(),
        )

    def _count(self) -> tuple[float, dict[str, tuple[int, int]]]:
        counters = psutil.net_io_counters(pernic=True)
        return time.monotonic(), {name: (io_.bytes_recv, io_.bytes_sent) for name, io_ in counters.items()}

    def _read_network(self) -> float:
        (before, old), (now, new) = self._counted, self._count()
        self._counted = now, new
        links = psutil.net_if_stats()
        shares = [0.0]
        for name in old.keys() & new.keys() & links.keys() - {"lo"}:
            megabits = links[name].speed or _USUAL_LINK_MEGABITS
            busier = max(new[name][0] - old[name][0], new[name][1] - old[name][1])
            shares.append(100.0 * busier * 8 / (megabits * 1e6 * max(now - before, 0.001)))
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
        values = attrs.asdict(snapshot)
        text = io.StringIO()
        writer = csv.DictWriter(text, values)
        if file.size == 0:
            writer.writeheader()
        writer.writerow({name: f"{value:.1f}" for name, value in values.items()})
        file.write(text.getvalue())
