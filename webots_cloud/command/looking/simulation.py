"""Looks at what only a simulation server needs: Webots, its display, the sandbox, graphics cards, and hosts' keys."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from webots_cloud.command.looking.finding import Finding, fine, note, wrong
from webots_cloud.config import SimulationConfig
from webots_cloud.config.values import XVFB
from webots_cloud.errors import WebotsNotFound
from webots_cloud.simulation.gpu import Nvml
from webots_cloud.simulation.sandbox import UnfitSandbox, make_sandbox, try_out
from webots_cloud.simulation.webots import Simulator, find_simulator

_DISPLAY_SECONDS = 5


def machine(config: SimulationConfig) -> Iterator[Finding]:
    """Look at all of it."""
    simulator = find_simulator(config.webotsHome)
    yield _simulator(simulator)
    yield _display(config, simulator)
    yield _sandbox(config, simulator)
    yield from _cards()
    yield _keys(config)


def _simulator(simulator: Simulator) -> Finding:
    try:
        simulator.check()
    except WebotsNotFound as error:
        return wrong("Webots", error.detail)
    if simulator.home is None:
        return note("Webots", "no webotsHome is given, so instances run the stand-in, which is not Webots")
    if not simulator.version:
        where = simulator.home / "resources" / "version.txt"
        return note("Webots", f"its version is not known, as {where} does not tell; it is started as R2021 was")
    return fine("Webots", f"{simulator.name} in {simulator.home}")


def _display(config: SimulationConfig, simulator: Simulator) -> Finding:
    if not simulator.needs_display:
        return fine("display", "the stand-in needs none")
    if config.display == XVFB:
        return fine("display", "each instance has an Xvfb of its own")
    path = f"/tmp/.X11-unix/X{config.display[1:].partition('.')[0]}"  # noqa: S108 -- where X servers listen
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.settimeout(_DISPLAY_SECONDS)
            if server.connect_ex(address) == 0:
                return fine("display", f"an X server listens for {config.display}")
    return wrong(
        "display",
        f"this user reaches no X server at {config.display}; start one, or write display = {XVFB} for one for each "
        "instance",
    )


def _sandbox(config: SimulationConfig, simulator: Simulator) -> Finding:
    try:
        sandbox = make_sandbox(config, simulator.folders)
        if not sandbox.is_one:
            return note("Firejail", sandbox.warning)
        try_out(sandbox, config.instancesDir.resolve())
    except UnfitSandbox as error:
        return wrong("Firejail", str(error))
    except OSError as error:
        return wrong("Firejail", f"it cannot be tried out in {config.instancesDir} ({error.strerror})")
    return fine("Firejail", "a program was run in the sandbox")


def _cards() -> Iterator[Finding]:
    nvml = Nvml(time.monotonic)
    cards = nvml.read()
    nvml.close()
    if not cards.gpus:
        yield fine("GPU", f"no card of NVIDIA's is measured ({cards.trouble or 'there is none'})")
    for gpu in cards.gpus:
        if gpu.trouble:
            yield wrong("GPU", f"{gpu}: {gpu.trouble}; look at the output of nvidia-smi")
        else:
            memory = "" if gpu.memory_total is None else f", {gpu.memory_total / 10**9:.1f} GB"
            yield fine("GPU", f"{gpu}{memory}")


def _keys(config: SimulationConfig) -> Finding:
    try:
        hosts = sorted(
            path.name for path in config.keyDir.iterdir() if path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        return wrong("keys", f"{config.keyDir} cannot be read ({error.strerror})")
    if not hosts:
        return note(
            "keys", f"{config.keyDir} has none, so no website may start simulations; put one there, named as its host"
        )
    return fine("keys", f"of {', '.join(hosts)}")
