"""The gate against other proxies, side by side: megabytes per second of processor time, and what latency each adds."""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import attrs
import psutil

from benchmarks.gate.loads import FEW, FLAT_OUT, IDLE, PACED, Load, allow_many_connections
from benchmarks.gate.proxies import Proxy, configurable_http_proxy, haproxy, nginx, own
from benchmarks.processes import machine, process


@attrs.frozen
class Round:
    """What was measured once.

    @ivar per_cpu: megabytes for each second of the proxy's processor time.
    @ivar rate: megabytes a second.
    @ivar p50: median latency in milliseconds.
    @ivar p99: of a hundred frames, all but one were faster.
    """

    per_cpu: float
    rate: float
    p50: float
    p99: float


@contextlib.contextmanager
def all_proxies(folder: Path) -> Iterator[list[Proxy]]:
    """Start the source, and all proxies before it; the first is none."""
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(process("-m", "benchmarks.gate.source", stdout=subprocess.PIPE))
        assert source.stdout
        port = int(source.stdout.readline())
        yield [
            Proxy("none", port, "", None),
            stack.enter_context(own(port)),
            stack.enter_context(nginx(port, folder)),
            stack.enter_context(haproxy(port, folder)),
            stack.enter_context(configurable_http_proxy(port, folder)),
        ]


@contextlib.contextmanager
def sink(proxy: Proxy, load: Load, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Start clients."""
    arguments = [str(proxy.port), proxy.path, load.path, str(seconds)]
    with process("-m", "benchmarks.gate.sink", *arguments, stdout=subprocess.PIPE) as running:
        yield running


def wait_for(running: subprocess.Popen[str], line: str) -> None:
    """Wait until clients say something."""
    assert running.stdout
    said = running.stdout.readline().strip()
    if said != line:
        raise SystemExit(f"clients said {said!r} instead of {line!r}")


def measure(proxy: Proxy, load: Load, seconds: float) -> Round:
    """Send a load through a proxy."""
    with sink(proxy, load, seconds) as running:
        wait_for(running, "begin")
        before = proxy.cpu_seconds()
        wait_for(running, "end")
        used = proxy.cpu_seconds() - before
        assert running.stdout
        figures = json.loads(running.stdout.readline())
    megabytes = figures["megabytes"]
    return Round(
        megabytes / used if used else float("nan"), megabytes / figures["seconds"], figures["p50"], figures["p99"]
    )


def idle_kilobytes(proxy: Proxy) -> float:
    """Tell how much memory a connection takes on which nothing happens."""
    assert proxy.main
    # What is only needed once is there when there were some before.
    with sink(proxy, FEW, 0) as running:
        wait_for(running, "begin")
    before = _uss(proxy.main)
    with sink(proxy, IDLE, 1) as running:
        wait_for(running, "begin")
        return (_uss(proxy.main) - before) / IDLE.connections / 1e3


def _uss(process: psutil.Process) -> int:
    return int(process.memory_full_info().uss)


def show(title: str, rounds: dict[str, list[Round]]) -> None:
    """Print a table of medians."""
    print(f"\n{title}")
    print(f"{'':24} {'MB per CPU s':>13} {'rounds':>22} {'MB/s':>7} {'added p50 ms':>13} {'added p99 ms':>13}")
    none = rounds["none"]
    base50, base99 = median(one.p50 for one in none), median(one.p99 for one in none)
    for name, measured in rounds.items():
        per_cpu = [one.per_cpu for one in measured]
        span = f"{min(per_cpu):.1f} to {max(per_cpu):.1f}"
        rate = median(one.rate for one in measured)
        p50, p99 = median(one.p50 for one in measured), median(one.p99 for one in measured)
        if name == "none":
            print(f"{'no proxy (latency itself)':24} {'':>12} {'':>22} {rate:7.1f} {p50:13.2f} {p99:13.2f}")
        else:
            print(f"{name:24} {median(per_cpu):13.1f} {span:>22} {rate:7.1f} {p50 - base50:13.2f} {p99 - base99:13.2f}")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5)
    arguments = parser.parse_args()
    allow_many_connections()
    print(machine())
    with tempfile.TemporaryDirectory() as folder, all_proxies(Path(folder)) as proxies:
        idle = idle_kilobytes(proxies[1])
        figures: dict[Load, dict[str, list[Round]]] = {
            load: {proxy.name: [] for proxy in proxies} for load in (FLAT_OUT, PACED)
        }
        for _ in range(arguments.rounds):
            for proxy in random.sample(proxies, len(proxies)):
                for load, rounds in figures.items():
                    rounds[proxy.name].append(measure(proxy, load, arguments.seconds))
    show("50 connections, frames of 8 KB, as fast as they are taken", figures[FLAT_OUT])
    show("400 connections, messages of 500 bytes 30 times a second", figures[PACED])
    print(f"\nmemory of webots-cloud for each of {IDLE.connections} idle connections: {idle:.1f} kB")


if __name__ == "__main__":
    main()
