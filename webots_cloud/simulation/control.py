"""What the operator of a simulation server is told on its control socket, and what it does at a word."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from webots_cloud.config import SimulationConfig
from webots_cloud.control import ControlSocket, Refused, Told
from webots_cloud.encrypting import AnyEncryption
from webots_cloud.errors import EndedByOperator, quoted
from webots_cloud.simulation.instance import Phase
from webots_cloud.simulation.instances import Instances
from webots_cloud.simulation.launch import Launch
from webots_cloud.simulation.machine import Machine
from webots_cloud.simulation.runner import Runner


class Supervision:
    """Answers the operator, and carries out what it orders."""

    _log = Logger()

    def __init__(self, instances: Instances, machine: Machine, launch: Launch) -> None:
        self._instances = instances
        self._machine = machine
        self._launch = launch

    async def status(self) -> Told:
        """Tell what the server does."""
        instances = self._instances
        return {
            "simulator": self._launch.simulator.name,
            "warning": self._launch.sandbox.warning,
            "load": round(self._machine.load, 1),
            "draining": instances.draining,
            "ending": instances.closing,
            "capacity": instances.capacity,
            "running": len(instances),
            "waiting": instances.waiting,
            "instances": [_told(runner) for runner in (*instances, *instances.queue)],
        }

    async def drain(self, what: str) -> Told:
        """Admit nobody any more, until told otherwise."""
        self._log.info("the operator drains this server: no new clients; simulations that there are go on")
        await self._instances.close_doors()
        return {"draining": True, "running": len(self._instances)}

    async def undrain(self, what: str) -> Told:
        """Admit clients again.

        @raise Refused: if the server ends.
        """
        if self._instances.closing:
            raise Refused("the server is ending, which cannot be taken back; start it again when it has")
        self._log.info("the operator lets clients in again")
        self._instances.open_doors()
        return {"draining": False, "running": len(self._instances)}

    async def kill(self, what: str) -> Told:
        """End an instance; returns when nothing is left of it.

        @param what: its number.
        @raise Refused: if there is none of that number.
        """
        runner = self._instances.find(int(what)) if what.isdecimal() and len(what) < 20 else None
        if runner is None or runner.life.phase is Phase.ENDED:
            raise Refused(f"there is no instance {quoted(what)}")
        self._log.info("{name}: the operator ends it", name=runner.name)
        runner.instance.fail(EndedByOperator())
        await runner.ended
        return {"ended": runner.number}


def _told(runner: Runner) -> Told:
    use = runner.use
    return {
        "id": runner.number,
        "host": str(runner.request.host),
        "project": runner.request.project,
        "world": runner.request.world,
        "phase": runner.life.phase.value,
        "idle": runner.life.idle,
        "seconds": round(runner.age),
        "memoryBytes": None if use is None else use.memory,
        "processes": None if use is None else use.processes,
        "diskBytes": None if use is None else use.disk,
    }


def simulation_control(
    reactor: Any,
    config: SimulationConfig,
    encryption: AnyEncryption | None,
    instances: Instances,
    machine: Machine,
    launch: Launch,
) -> ControlSocket:
    """Make the control socket of a simulation server."""
    told = Supervision(instances, machine, launch)
    orders = {"drain": told.drain, "undrain": told.undrain, "kill": told.kill}
    return ControlSocket(reactor, config, encryption, told.status, orders)
