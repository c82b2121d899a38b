"""The 3D scene in a real browser: a message of 500 poses, a world of 500 moving solids, and the heap while it runs."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import attrs
from playwright.sync_api import Page

from benchmarks.processes import machine
from tests.chromium import chromium
from tests.web.scene_page import scene_page
from webots_cloud.web import static_folder

_SOLIDS = 500
_RATE = 30
_WORLD = """<X3D><Scene><WorldInfo id="n1" coordinateSystem="ENU"/>
<Viewpoint id="n2" position="-20 0 20" orientation="0 0.3826834 0 0.7853982"/><Background skyColor="0.7 0.8 0.9"/>
<DirectionalLight id="n3" direction="0.5 -0.4 -1" intensity="2"/>{solids}</Scene></X3D>"""
_SHAPE = """<Shape id="n5"><PBRAppearance id="n6" baseColor="0.8 0.2 0.1" roughness="0.5" metalness="0"/>
<Box id="n7" size="0.4 0.4 0.4"/></Shape>"""

_REPEATED = '<Shape id="n{number}" USE="n5"/>'

_START = """async ({solids}) => {
  const {Scene, readStreamMessage} = await import("/scene.mjs");
  const scene = new Scene(document.getElementById("area"));
  // A hundred steps of all solids, as they come from Webots.
  const messages = Array.from({length: 100}, (_, step) => {
    const poses = Array.from({length: solids}, (_, index) => {
      const across = Math.sin(step * 0.0628 + index) * 0.3 + index % 25 - 12;
      const away = Math.floor(index / 25) - 10;
      const turn = (step * 0.0628 + index) % 6.28;
      return {id: 100 + index, translation: `${across.toFixed(6)} ${away.toFixed(6)} 0.2`,
        rotation: `0 0 1 ${turn.toFixed(6)}`};
    });
    return "application/json:" + JSON.stringify({time: step * 32, poses});
  });
  let next = 0;
  const take = () => scene.update(readStreamMessage(messages[next++ % messages.length]));
  const engine = () => document.querySelector("x3d-canvas").browser;
  window.bench = {scene, take, engine, drawn: 0, timer: null};
  await scene.show("<X3D><Scene/></X3D>", null);
  engine().endEvents().addFieldCallback("bench", () => bench.drawn++);
}"""

# From the text of a message to X_ITE's nodes: reading it, taking it over, the frame's callback, and X_ITE's own events;
# drawing comes afterwards.
_MEASURE_APPLY = """async (rounds) => {
  const plan = window.requestAnimationFrame;
  const next = () => new Promise((resolve) => plan(() => setTimeout(resolve)));
  const events = Symbol.for("X_ITE.X3DRoutingContext.processEvents");
  const times = [];
  for (let round = 0; round < rounds; round++) {
    let frame;
    window.requestAnimationFrame = (callback) => (frame = callback, 0);
    const began = performance.now();
    bench.take();
    window.requestAnimationFrame = plan;
    frame();
    bench.engine()[events]();
    times.push(performance.now() - began);
    await next();
  }
  return times;
}"""

_RUN = "(rate) => { bench.timer = setInterval(bench.take, 1000 / rate); }"
_STOP = "() => clearInterval(bench.timer)"
_DRAW_ALWAYS = """() => {
  const draw = () => { bench.engine().addBrowserEvent(); bench.drawing = requestAnimationFrame(draw); };
  draw();
}"""
_DRAW_NO_MORE = "() => cancelAnimationFrame(bench.drawing)"
_LEVEL = "() => ['Multisampling', 'ContentScale'].map((name) => bench.engine().getBrowserOption(name))"


def world(solids: int) -> str:
    """A world of so many solids that share a shape."""
    inner = (
        f'<Transform id="n{100 + number}" solid="true" name="s{number}" '
        f'translation="{number % 25 - 12} {number // 25 - 10} 0.2">'
        f"{_REPEATED.format(number=10000 + number) if number else _SHAPE}</Transform>"
        for number in range(solids)
    )
    return _WORLD.format(solids="".join(inner))


@attrs.frozen
class Bench:
    """The page with the scene.

    @ivar page: of the browser.
    """

    page: Page

    def show(self, solids: int) -> None:
        """Show a world of so many solids."""
        self.page.evaluate("(x3d) => bench.scene.show(x3d, null).then(() => null)", world(solids))

    def apply_times(self, rounds: int) -> list[float]:
        """Give the milliseconds that each of so many messages took."""
        times: list[float] = self.page.evaluate(_MEASURE_APPLY, rounds)
        return times

    def frame_rate(self, seconds: float) -> float:
        """Count the frames that are drawn."""
        before, began = self.page.evaluate("bench.drawn"), time.monotonic()
        time.sleep(seconds)
        drawn = float(self.page.evaluate("bench.drawn") - before)
        return drawn / (time.monotonic() - began)

    @contextlib.contextmanager
    def moving(self) -> Iterator[None]:
        """Send messages, 30 a second."""
        self.page.evaluate(_RUN, _RATE)
        yield
        self.page.evaluate(_STOP)

    def empty_rate(self, seconds: float) -> float:
        """Give the most frames a second that an empty world is drawn with."""
        self.show(0)
        self.page.evaluate(_DRAW_ALWAYS)
        time.sleep(3)
        rate = self.frame_rate(seconds)
        self.page.evaluate(_DRAW_NO_MORE)
        return rate

    def moving_rate(self, seconds: float) -> tuple[float, list[float]]:
        """Give the frames a second of 500 moving solids, once the scene has settled, and how finely it is drawn."""
        self.show(_SOLIDS)
        with self.moving():
            time.sleep(8)
            rate = self.frame_rate(seconds)
            level: list[float] = self.page.evaluate(_LEVEL)
        return rate, level

    def heap(self) -> float:
        """Give the megabytes of the heap that are in use, after what is not in use was collected."""
        session = self.page.context.new_cdp_session(self.page)
        try:
            session.send("HeapProfiler.collectGarbage")
            used: dict[str, Any] = session.send("Runtime.getHeapUsage")
            return float(used["usedSize"]) / 1e6
        finally:
            session.detach()

    def heaps(self, minutes: float) -> list[tuple[float, float]]:
        """Run for some minutes; give the heap at times, each as minutes and megabytes."""
        self.show(_SOLIDS)
        found = []
        with self.moving():
            time.sleep(20)
            began = time.monotonic()
            while (passed := (time.monotonic() - began) / 60) <= minutes:
                found.append((passed, self.heap()))
                time.sleep(min(30, minutes * 6))
        return found


def slope(points: list[tuple[float, float]]) -> float:
    """Give the rise of the line that is nearest to some points."""
    across = sum(x for x, _ in points) / len(points)
    mean = sum(y for _, y in points) / len(points)
    spread = sum((x - across) ** 2 for x, _ in points)
    return sum((x - across) * (y - mean) for x, y in points) / spread if spread else 0.0


def measure(bench: Bench, minutes: float, rounds: int, seconds: float) -> None:
    """Measure, and print the figures."""
    bench.show(_SOLIDS)
    bench.apply_times(50)
    times = bench.apply_times(rounds)
    late = sorted(times)[int(len(times) * 0.95)]
    print(f"one message of {_SOLIDS} poses: median {median(times):.2f} ms, 95 % within {late:.2f} ms")
    for _ in range(3):
        empty = bench.empty_rate(seconds)
        rate, (samples, scale) = bench.moving_rate(seconds)
        print(
            f"{_SOLIDS} solids, {_RATE} messages a second: {rate:.1f} frames a second, with {samples:.0f} samples "
            f"a pixel at {scale:.2f} of the size; an empty world, as it is: {empty:.1f}"
        )
    if minutes:
        heaps = bench.heaps(minutes)
        print(
            f"heap over {heaps[-1][0]:.1f} minutes: {heaps[0][1]:.2f} MB at first, {heaps[-1][1]:.2f} MB at last, "
            f"most {max(used for _, used in heaps):.2f} MB, {slope(heaps) * 1000:.1f} kB a minute"
        )


def main() -> None:
    """Start a browser and measure in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="of running while the heap is looked at; 0: none")
    parser.add_argument("--rounds", type=int, default=300, help="messages that are timed")
    parser.add_argument("--seconds", type=float, default=10, help="that frames are counted")
    parser.add_argument("--size", default="1280x800", help="of the scene in pixels")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    print(f"{machine()}; {width} by {height} pixels")
    with (
        tempfile.TemporaryDirectory() as folder,
        scene_page(static_folder(), Path(folder)) as url,
        chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        page.evaluate(_START, {"solids": _SOLIDS})
        measure(Bench(page), arguments.minutes, arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
