"""How long a visitor waits from the click on a simulation until the picture moves, with all servers on this machine.

The page runs the simulation as soon as that can be done; the picture moves when a frame has been drawn after the first
state whose time is not zero. Each round is a new browser context: nothing is cached.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from playwright.sync_api import Browser

from benchmarks.processes import free_port, machine, process
from tests.chromium import chromium

PROJECT = "obstacle_course"
STAGES = {
    "page": "the page's scripts run",
    "socket": "connecting to the simulation server",
    "stream": "connecting to the simulator",
    "model": "the scene has come",
    "ready": "the scene is drawn, and can be run",
    "motion": "the picture moves",
}
"""What is measured, in order: when it happens."""
PATIENCE_SECONDS = 60.0

_WATCH = """
const marks = (globalThis.marks = {page: Date.now()});
const mark = (name) => (marks[name] ??= Date.now());
const moved = () => requestAnimationFrame(() => requestAnimationFrame(() => mark("motion")));
const heard = ({data}) => {
  if (typeof data === "string" && data.startsWith("model:")) mark("model");
  const time = typeof data === "string" && /^application\\/json:\\{"time":([0-9.]+)/.exec(data);
  if (time && Number(time[1]) > 0 && !marks.moved) {
    mark("moved");
    moved();
  }
};
globalThis.WebSocket = class extends WebSocket {
  constructor(url) {
    super(url);
    mark(url.endsWith("/client") ? "socket" : "stream");
    this.addEventListener("message", heard);
  }
};
const run = () => document.querySelector(".webots-view")?.shadowRoot.querySelector('[aria-label="Run in real time"]');
const press = () => {
  if (marks.model && run() && !run().disabled && run().ariaDisabled !== "true") {
    mark("ready");
    run().click();
  } else {
    requestAnimationFrame(press);
  }
};
press();
"""
_WAIT = """() => new Promise((resolve, reject) => {
  const end = Date.now() + 60000;
  const look = () => marks.motion ? resolve(marks)
    : Date.now() > end ? reject(new Error(`${JSON.stringify(marks)} ${shown()}`)) : setTimeout(look, 20);
  const shown = () => document.querySelector(".webots-view")?.shadowRoot.querySelector(".webots-progress")?.textContent;
  look();
})"""


@contextlib.contextmanager
def cloud() -> Iterator[tuple[str, str]]:
    """Run all three servers; give the addresses of the website and of the session server."""
    with tempfile.TemporaryDirectory() as folder:
        session, simulation, host = free_port(), free_port(), free_port()
        (Path(folder) / "benchmark.ini").write_text(
            f"[session]\nport = {session}\nlisten = tcp:{session}:interface=127.0.0.1\n"
            f"simulationServers = localhost:{simulation}\n"
            f"[simulation]\nport = {simulation}\nlisten = tcp:{simulation}:interface=127.0.0.1\nhostPorts = {host}\n"
            "maxStartsPerMinute = 100000\ndrainTimeoutSeconds = 1\n"
            f"[host]\nport = {host}\nlisten = tcp:{host}:interface=127.0.0.1\n"
            f"sessionServer = ws://localhost:{session}\n"
        )
        command = ("-m", "twisted", "webots-cloud", "--config", str(Path(folder) / "benchmark.ini"))
        with (
            (Path(folder) / "log").open("w") as log,
            process(*command, stdout=log, stderr=subprocess.STDOUT, environment={"STATE_DIRECTORY": folder}),
        ):
            yield f"http://localhost:{host}/", f"http://localhost:{session}/"


def wait_until_available(session: str) -> None:
    """Wait for a place."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), urlopen(session) as answer:
            if answer.read() == b"1":
                return
        time.sleep(0.05)
    raise SystemExit("the servers do not start, or this machine is too busy for a simulation")


def seconds_to_motion(browser: Browser, website: str, session: str) -> dict[str, float]:
    """Open a simulation and run it; give the seconds until each stage."""
    wait_until_available(session)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script(_WATCH)
    begin = time.time()
    page.goto(f"{website}simulation.html?project={PROJECT}&world={PROJECT}.wbt", wait_until="commit")
    marks = page.evaluate(_WAIT)
    context.close()
    return {stage: marks[stage] / 1000 - begin for stage in STAGES}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="how often (%(default)s)")
    rounds = parser.parse_args().rounds
    print(machine())
    with chromium() as browser, cloud() as (website, session):
        # The first one starts what the browser starts once, a process for graphics among others.
        seconds_to_motion(browser, website, session)
        measured = [seconds_to_motion(browser, website, session) for _ in range(rounds)]
    for stage, meaning in STAGES.items():
        figures = sorted(figure[stage] for figure in measured)
        print(f"{median(figures):6.2f} s ({figures[0]:.2f} to {figures[-1]:.2f}): {meaning}")


if __name__ == "__main__":
    main()
