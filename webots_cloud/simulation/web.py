"""The simulation server's HTTP resources: /load, /monitor and the way to /client."""

from __future__ import annotations

from contextlib import suppress
from html import escape
from typing import Any, cast

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.interfaces import IReactorTime
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.http import Request
from twisted.web.iweb import IRequest
from twisted.web.resource import Resource

from webots_cloud.encrypting import AnyEncryption, certificate_shown
from webots_cloud.simulation.addresses import Addresses
from webots_cloud.simulation.client import ClientFactory, ClientProtocol
from webots_cloud.simulation.gate import Gate, ProxyGate
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.machine import Machine
from webots_cloud.simulation.proxy.resource import WebotsResource
from webots_cloud.simulation.runner import Runner
from webots_cloud.simulation.site import CountedChannel, CountedSite

FULL = 100.0
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class LoadPage(Resource):
    """C{/load}: the load of the machine in percent; 100 where all places are taken."""

    isLeaf = True

    def __init__(self, machine: Machine, instances: Instances) -> None:
        Resource.__init__(self)
        self._machine = machine
        self._instances = instances

    def render_GET(self, request: IRequest) -> bytes:
        """Answer with a decimal number."""
        request.setHeader("content-type", "text/plain; charset=utf-8")
        request.setHeader("cache-control", "no-store")
        request.setHeader("access-control-allow-origin", "*")
        return f"{FULL if self._instances.full else self._machine.load:.1f}".encode()


class MonitorPage(Resource):
    """C{/monitor}: the instances and the load, for people."""

    isLeaf = True

    def __init__(
        self, machine: Machine, instances: Instances, launch: Launch, encryption: AnyEncryption | None
    ) -> None:
        Resource.__init__(self)
        self._machine = machine
        self._instances = instances
        self._launch = launch
        self._encryption = encryption

    def render_GET(self, request: IRequest) -> bytes:
        """Answer with a page that needs no script."""
        request.setHeader("content-type", "text/html; charset=utf-8")
        for name, value in _PAGE_HEADERS.items():
            request.setHeader(name, value)
        return self._page().encode()

    def _page(self) -> str:
        return (
            '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">'
            '<meta name="viewport" content="width=device-width"><title>Simulation server</title><style>'
            ":root{color-scheme:light dark}body{font-family:system-ui,sans-serif;margin:2rem auto;max-width:60rem;"
            "padding:0 1rem}table{border-collapse:collapse}td,th{padding:.3rem .8rem;text-align:left}"
            "</style></head><body><h1>Simulation server</h1>"
            f"<p>Simulator: {escape(self._launch.simulator.name)}</p>"
            f"<p><strong>{escape(self._launch.sandbox.warning)}</strong></p>"
            f"<p>Load: {self._machine.load:.1f} %; instances: {len(self._instances)} of {self._instances.capacity}, "
            f"waiting: {self._instances.waiting}</p>"
            f"{certificate_shown(self._encryption)}{self._measures()}{self._table()}</body></html>"
        )

    def _measures(self) -> str:
        if not self._machine.history:
            return ""
        now = self._machine.history[-1]
        shown = {
            "CPU": now.cpu,
            "memory": now.memory,
            "GPU compute": now.gpu_compute,
            "GPU memory": now.gpu_memory,
            "network": now.network,
        }
        return "<p>" + ", ".join(f"{name} {value:.1f} %" for name, value in shown.items()) + "</p>"

    def _table(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(runner.name)}</td><td>{escape(runner.request.project)}</td>"
            f"<td>{escape(runner.request.world)}</td><td>{runner.life.phase.value}</td>"
            f"<td>{'idle' if runner.life.idle else 'busy'}</td><td>{runner.age:.0f} s</td>{_usage(runner)}</tr>"
            for runner in self._instances
        )
        titles = (
            "Instance",
            "Project",
            "World",
            "Phase",
            "Activity",
            "Age",
            "Memory",
            "Processor",
            "Processes",
            "Disk",
        )
        return f"<table><tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>{rows}</table>"


def _usage(runner: Runner) -> str:
    """Give the cells that tell what an instance uses: by its cgroup, or as its launcher has measured."""
    memory = processor = processes = disk = ""
    if runner.use is not None:
        memory, processes = _megabytes(runner.use.memory), str(runner.use.processes)
        disk = _megabytes(runner.use.disk)
    if runner.cgroup is not None:
        # Between two looks at it, it may have been removed.
        with suppress(OSError):
            use = runner.cgroup.use()
            memory, processor, processes = _megabytes(use.memory), f"{use.cpu_seconds:.1f} s", str(use.processes)
    return "".join(f"<td>{cell}</td>" for cell in (memory, processor, processes, disk))


def _megabytes(size: int) -> str:
    return f"{size / 10**6:.1f} MB"


class ClientSocket(Resource):
    """C{/client}: a WebSocket; anything else is told so."""

    isLeaf = True

    def __init__(self, factory: ClientFactory) -> None:
        Resource.__init__(self)
        self._sockets = WebSocketResource(factory)

    def render(self, request: Request) -> bytes | int:
        """Hand the connection over where it is to become a WebSocket."""
        upgrade = request.getHeader(b"upgrade") or b""
        if upgrade.lower() == b"websocket" and request.method == b"GET":
            channel = cast(CountedChannel, request.channel)
            channel.hand_over()
            transport = cast(Any, channel.transport)
            answer: bytes | int = self._sockets.render(request)
            # Where it is encrypted, the transport's own protocol is what encrypts.
            protocol = transport.wrappedProtocol if isinstance(transport, ProtocolWrapper) else transport.protocol
            cast(ClientProtocol, protocol).visit = channel.visit
            return answer
        request.setResponseCode(426)
        request.setHeader("upgrade", "websocket")
        request.setHeader("content-type", "text/plain; charset=utf-8")
        return b"This is a WebSocket; it is opened by a page that shows a simulation.\n"


def simulation_site(
    clock: IReactorTime,
    machine: Machine,
    instances: Instances,
    launch: Launch,
    clients: ClientFactory,
    addresses: Addresses,
    gate: Gate,
    encryption: AnyEncryption | None = None,
) -> CountedSite:
    """Put the resources together."""
    root = Resource()
    root.putChild(b"load", LoadPage(machine, instances))
    root.putChild(b"monitor", MonitorPage(machine, instances, launch, encryption))
    root.putChild(b"client", ClientSocket(clients))
    if isinstance(gate, ProxyGate):
        root.putChild(b"webots", WebotsResource(clock, gate))
    return CountedSite(clock, root, addresses, clients.request_timeout)
