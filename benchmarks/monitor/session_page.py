"""What the monitor page of a session server costs: how long it takes to open, and what each viewer takes of a core."""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from playwright.sync_api import Browser, ViewportSize
from websockets.sync.client import connect

from benchmarks.processes import cpu_seconds, free_port, lines, machine, process
from tests.chromium import chromium

SETTLE_SECONDS = 12
SCREEN: ViewportSize = {"width": 1920, "height": 1080}


@contextlib.contextmanager
def session_server(servers: int, failing: int) -> Iterator[tuple[int, psutil.Process]]:
    """Run a session server that asks simulation servers; give its port and its process once it has asked them all."""
    with contextlib.ExitStack() as stack:
        numbers = ("--servers", str(servers), "--failing", str(failing))
        simulated = stack.enter_context(
            process("-m", "benchmarks.monitor.simulation_servers", *numbers, stdout=subprocess.PIPE)
        )
        addresses = ", ".join(f"127.0.0.1:{port}" for port in lines(simulated.stdout, "ready"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        (folder / "session.ini").write_text(
            f"[session]\nlisten = tcp:{port}:interface=127.0.0.1\nsimulationServers = {addresses}\n"
        )
        log = stack.enter_context((folder / "session.log").open("w"))
        command = ("-m", "twisted", "webots-session", "--config", str(folder / "session.ini"))
        running = stack.enter_context(process(*command, cwd=folder, stdout=log, stderr=log))
        time.sleep(SETTLE_SECONDS)
        yield port, psutil.Process(running.pid)


def share(measured: psutil.Process, seconds: float) -> float:
    """Give the share of a core that a process takes, in percent."""
    before, began = cpu_seconds(measured), time.monotonic()
    time.sleep(seconds)
    return 100 * (cpu_seconds(measured) - before) / (time.monotonic() - began)


@contextlib.contextmanager
def viewers(port: int, count: int) -> Iterator[None]:
    """Have viewers look who read all that they are told."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            socket = stack.enter_context(connect(f"ws://127.0.0.1:{port}/monitor/live", max_size=None, proxy=None))
            threading.Thread(target=lambda socket=socket: [None for _ in socket], daemon=True).start()
        time.sleep(2)
        yield


def opening_seconds(browser: Browser, port: int, servers: int) -> float:
    """Give how long it takes from the first request until the servers are seen."""
    page = browser.new_page(viewport=SCREEN)
    began = time.monotonic()
    page.goto(f"http://127.0.0.1:{port}/monitor", wait_until="commit")
    page.wait_for_function("number => document.querySelectorAll('.server a').length >= number", arg=min(servers, 12))
    seconds = time.monotonic() - began
    page.close()
    return seconds


def renderer_share(browser: Browser, port: int, seconds: float) -> float:
    """Give the share of a core that the page itself takes in the browser, without what draws it, in percent."""
    page = browser.new_page(viewport=SCREEN)
    page.goto(f"http://127.0.0.1:{port}/monitor")
    page.wait_for_selector("[data-connection=live]")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def task_seconds() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    page.wait_for_timeout(3000)
    before = task_seconds()
    page.wait_for_timeout(1000 * seconds)
    taken = task_seconds() - before
    page.close()
    return 100 * taken / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1000, help="how many simulation servers")
    parser.add_argument("--failing", type=int, default=10, help="how many of them fail")
    parser.add_argument("--viewers", type=int, default=50, help="how many look at the page at once")
    parser.add_argument("--seconds", type=float, default=10, help="how long each share is measured")
    parser.add_argument("--rounds", type=int, default=5, help="how often; in turn, as other programs come and go")
    arguments = parser.parse_args()
    print(machine())
    with session_server(arguments.servers, arguments.failing) as (port, server):
        counts = (0, 1, arguments.viewers)
        shares: dict[int, list[float]] = {count: [] for count in counts}
        for _ in range(arguments.rounds):
            for count in counts:
                with viewers(port, count):
                    shares[count].append(share(server, arguments.seconds))
        medians = {count: statistics.median(measured) for count, measured in shares.items()}
        print(f"session server, nobody looks: {medians[0]:.1f} % of a core")
        for count in counts[1:]:
            more = medians[count] - medians[0]
            print(f"session server, {count} look: {more:.2f} % more, {more / count:.3f} % for each viewer")
        with chromium() as browser:
            opening_seconds(browser, port, arguments.servers)
            times = sorted(opening_seconds(browser, port, arguments.servers) for _ in range(10))
            print(f"the page opens in {statistics.median(times):.2f} s (10 times, {times[0]:.2f} to {times[-1]:.2f} s)")
            taken = renderer_share(browser, port, 3 * arguments.seconds)
            print(f"the page itself, in the browser: {taken:.1f} % of a core")


if __name__ == "__main__":
    main()
