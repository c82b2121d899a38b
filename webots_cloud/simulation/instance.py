"""The life of one Webots as a state machine: what happens in which phase, and what follows from it; no I/O."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

import attrs
from automat import TypeMachineBuilder

from webots_cloud.errors import ClientError, NothingToReset, ServerStopping, WebotsEnded
from webots_cloud.simulation.request import ResetController


class Phase(Enum):
    """Where an instance is in its life; the values are for people."""

    WAITING = "waiting"
    FETCHING = "fetching"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"


class Effects(Protocol):
    """What an instance orders; whoever carries it out reports back through the instance's inputs."""

    def tell_place(self, ahead: int) -> None:
        """Tell the client how many are ahead of it in the queue."""

    def fetch(self) -> None:
        """Fetch the project; then C{fetched} or C{fail}."""

    def launch(self) -> None:
        """Open a way in and start Webots; then C{opened}, C{exited} or C{fail}."""

    def announce(self) -> None:
        """Tell the client the way in."""

    def pass_sign_of_life(self) -> None:
        """Tell the client that Webots is alive."""

    def note_pause(self) -> None:
        """Remember that it is idle from now on."""

    def reset_controller(self, request: ResetController) -> None:
        """Put a controller's file back and tell the client."""

    def allow_broadcast(self, allowed: bool) -> None:
        """Let others watch, or not, as soon as there is a way in."""

    def extend(self) -> None:
        """Give it more time if it may have more, and tell the client how much there is."""

    def end_within(self, seconds: float) -> None:
        """Set a deadline and tell the client; then C{fail}, unless the client has left by then."""

    def tell(self, error: ClientError) -> None:
        """Tell the client what failed."""

    def free(self) -> None:
        """Free the process, the way in and the folder, in that order; then C{freed}."""

    def end(self) -> None:
        """All is over: let the client go."""


@attrs.define
class Life:
    """What is known of an instance.

    @ivar effects: carries out what the instance orders.
    @ivar phase: where it is in its life.
    @ivar idle: whether the simulation is paused.
    @ivar ending: why it ended, a few words for the log; empty while it lives.
    @ivar failure: what ended it; C{None} while it lives, and where its client left.
    """

    effects: Effects
    phase: Phase = Phase.WAITING
    idle: bool = True
    ending: str = ""
    failure: ClientError | None = None


class Instance(Protocol):
    """What may happen to an instance; what makes no sense in its phase (any more) changes nothing."""

    def queued(self, ahead: int) -> None:
        """It waits for its turn, and so many are ahead."""

    def start(self) -> None:
        """Its turn has come."""

    def fetched(self) -> None:
        """The project is there."""

    def opened(self) -> None:
        """Webots has loaded the world and accepts connections."""

    def sign_of_life(self) -> None:
        """Webots says that it is alive."""

    def paused(self) -> None:
        """The simulation is paused."""

    def resumed(self) -> None:
        """The simulation runs."""

    def reset_controller(self, request: ResetController) -> None:
        """The client wants a controller's file back."""

    def allow_broadcast(self, allowed: bool) -> None:
        """The client says whether others may watch."""

    def extend(self) -> None:
        """The client wants more time than the instance has."""

    def drain(self, seconds: float) -> None:
        """The server ends in so many seconds, and those whose turn has not come do not start any more."""

    def fail(self, error: ClientError) -> None:
        """Something went wrong that the client must know of."""

    def leave(self) -> None:
        """The client is gone."""

    def exited(self, how: str) -> None:
        """Webots has ended; C{how} is for instance C{with exit code 1}."""

    def freed(self) -> None:
        """Nothing is left of it."""


_builder = TypeMachineBuilder(Instance, Life)

_waiting = _builder.state("waiting")
_fetching = _builder.state("fetching")
_starting = _builder.state("starting")
_running = _builder.state("running")
_stopping = _builder.state("stopping")
_ended = _builder.state("ended")

_alive = (_waiting, _fetching, _starting, _running)
_over = (_stopping, _ended)


@_waiting.upon(Instance.queued).loop()
def _tell_place(_: Instance, life: Life, ahead: int) -> None:
    life.effects.tell_place(ahead)


@_waiting.upon(Instance.start).to(_fetching)
def _fetch(_: Instance, life: Life) -> None:
    life.phase = Phase.FETCHING
    life.effects.fetch()


@_fetching.upon(Instance.fetched).to(_starting)
def _launch(_: Instance, life: Life) -> None:
    life.phase = Phase.STARTING
    life.effects.launch()


@_starting.upon(Instance.opened).to(_running)
def _announce(_: Instance, life: Life) -> None:
    life.phase = Phase.RUNNING
    life.effects.announce()


@_running.upon(Instance.sign_of_life).loop()
def _pass_sign_of_life(_: Instance, life: Life) -> None:
    life.effects.pass_sign_of_life()


def _pause(_: Instance, life: Life) -> None:
    if not life.idle:
        life.idle = True
        life.effects.note_pause()


def _resume(_: Instance, life: Life) -> None:
    life.idle = False


@_running.upon(Instance.reset_controller).loop()
def _reset_controller(_: Instance, life: Life, request: ResetController) -> None:
    life.effects.reset_controller(request)


def _reset_too_early(_: Instance, life: Life, request: ResetController) -> None:
    life.effects.tell(NothingToReset(str(request)))


def _allow_broadcast(_: Instance, life: Life, allowed: bool) -> None:
    life.effects.allow_broadcast(allowed)


@_running.upon(Instance.extend).loop()
def _extend(_: Instance, life: Life) -> None:
    life.effects.extend()


def _end_within(_: Instance, life: Life, seconds: float) -> None:
    life.effects.end_within(seconds)


@_waiting.upon(Instance.drain).to(_stopping)
def _dismiss(instance: Instance, life: Life, seconds: float) -> None:
    _fail(instance, life, ServerStopping())


def _fail(_: Instance, life: Life, error: ClientError) -> None:
    _stop(life, str(error), error)
    life.effects.tell(error)
    life.effects.free()


def _leave(_: Instance, life: Life) -> None:
    _stop(life, "the client left")
    life.effects.free()


def _exit(_: Instance, life: Life, how: str) -> None:
    error = WebotsEnded(how=how)
    _stop(life, str(error), error)
    life.effects.tell(error)
    life.effects.free()


@_stopping.upon(Instance.freed).to(_ended)
def _end(_: Instance, life: Life) -> None:
    life.phase = Phase.ENDED
    life.effects.end()


def _stop(life: Life, ending: str, failure: ClientError | None = None) -> None:
    life.phase = Phase.STOPPING
    life.ending, life.failure = ending, failure


for _state in _alive:
    _state.upon(Instance.allow_broadcast).loop()(_allow_broadcast)
    _state.upon(Instance.fail).to(_stopping)(_fail)
    _state.upon(Instance.leave).to(_stopping)(_leave)
    _state.upon(Instance.exited).to(_stopping)(_exit)
    _state.upon(Instance.freed).loop().returns(None)
for _state in (_fetching, _starting, _running):
    _state.upon(Instance.drain).loop()(_end_within)
for _state in (_starting, _running):
    _state.upon(Instance.paused).loop()(_pause)
    _state.upon(Instance.resumed).loop()(_resume)
for _state in (_waiting, _fetching, *_over):
    _state.upon(Instance.paused).loop().returns(None)
    _state.upon(Instance.resumed).loop().returns(None)
for _state in (_waiting, _fetching, _starting):
    _state.upon(Instance.reset_controller).loop()(_reset_too_early)
    _state.upon(Instance.sign_of_life).loop().returns(None)
for _state in (_waiting, _fetching, _starting, *_over):
    _state.upon(Instance.extend).loop().returns(None)
for _state in (_fetching, _starting, _running, *_over):
    _state.upon(Instance.queued).loop().returns(None)
    _state.upon(Instance.start).loop().returns(None)
for _state in (_waiting, _starting, _running, *_over):
    _state.upon(Instance.fetched).loop().returns(None)
for _state in (_waiting, _fetching, _running, *_over):
    _state.upon(Instance.opened).loop().returns(None)
for _state in _over:
    _state.upon(Instance.sign_of_life).loop().returns(None)
    _state.upon(Instance.reset_controller).loop().returns(None)
    _state.upon(Instance.allow_broadcast).loop().returns(None)
    _state.upon(Instance.drain).loop().returns(None)
    _state.upon(Instance.fail).loop().returns(None)
    _state.upon(Instance.leave).loop().returns(None)
    _state.upon(Instance.exited).loop().returns(None)
_ended.upon(Instance.freed).loop().returns(None)

new_instance = _builder.build()
"""Make an instance from its L{Life}; it waits for C{start}."""
