"""The life of an instance: what every input does in every phase, that each phase has an end, and that it frees once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webots_cloud.errors import ClientError, NoDiskSpace, NothingToReset, ServerStopping, WebotsEnded
from webots_cloud.simulation.instance import Instance, Life, Phase, new_instance
from webots_cloud.simulation.request import ResetController

GO = ResetController("go", "go.py")


class Recorder:
    """Carries out nothing, and remembers what was ordered."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.told: list[ClientError] = []

    def tell_place(self, ahead: int) -> None:
        self.orders.append(f"tell place {ahead}")

    def fetch(self) -> None:
        self.orders.append("fetch")

    def launch(self) -> None:
        self.orders.append("launch")

    def announce(self) -> None:
        self.orders.append("announce")

    def pass_sign_of_life(self) -> None:
        self.orders.append("pass sign of life")

    def note_pause(self) -> None:
        self.orders.append("note pause")

    def allow_broadcast(self, allowed: bool) -> None:
        self.orders.append(f"allow broadcast {allowed}")

    def extend(self) -> None:
        self.orders.append("extend")

    def end_within(self, seconds: float) -> None:
        self.orders.append(f"end within {seconds}")

    def reset_controller(self, request: ResetController) -> None:
        self.orders.append(f"reset {request}")

    def tell(self, error: ClientError) -> None:
        self.orders.append("tell")
        self.told.append(error)

    def free(self) -> None:
        self.orders.append("free")

    def end(self) -> None:
        self.orders.append("end")


class Living:
    """An instance in a phase."""

    def __init__(self, phase: Phase = Phase.WAITING) -> None:
        self.effects = Recorder()
        self.life = Life(self.effects)
        self.instance = new_instance(self.life)
        for name in TO[phase]:
            INPUTS[name](self.instance)
        assert self.life.phase is phase
        self.effects.orders.clear()
        self.effects.told.clear()


INPUTS: dict[str, Callable[[Instance], object]] = {
    "queued": lambda instance: instance.queued(3),
    "start": lambda instance: instance.start(),
    "fetched": lambda instance: instance.fetched(),
    "opened": lambda instance: instance.opened(),
    "sign of life": lambda instance: instance.sign_of_life(),
    "paused": lambda instance: instance.paused(),
    "resumed": lambda instance: instance.resumed(),
    "reset": lambda instance: instance.reset_controller(GO),
    "allow broadcast": lambda instance: instance.allow_broadcast(True),
    "extend": lambda instance: instance.extend(),
    "drain": lambda instance: instance.drain(300),
    "fail": lambda instance: instance.fail(NoDiskSpace()),
    "leave": lambda instance: instance.leave(),
    "exited": lambda instance: instance.exited("with exit code 1"),
    "freed": lambda instance: instance.freed(),
}

TO: dict[Phase, list[str]] = {
    Phase.WAITING: [],
    Phase.FETCHING: ["start"],
    Phase.STARTING: ["start", "fetched"],
    Phase.RUNNING: ["start", "fetched", "opened"],
    Phase.STOPPING: ["start", "fetched", "opened", "leave"],
    Phase.ENDED: ["start", "fetched", "opened", "leave", "freed"],
}

ALIVE = (Phase.WAITING, Phase.FETCHING, Phase.STARTING, Phase.RUNNING)

DOES: dict[tuple[Phase, str], tuple[Phase, list[str]]] = {
    (Phase.WAITING, "queued"): (Phase.WAITING, ["tell place 3"]),
    (Phase.WAITING, "start"): (Phase.FETCHING, ["fetch"]),
    (Phase.FETCHING, "fetched"): (Phase.STARTING, ["launch"]),
    (Phase.STARTING, "opened"): (Phase.RUNNING, ["announce"]),
    (Phase.RUNNING, "sign of life"): (Phase.RUNNING, ["pass sign of life"]),
    (Phase.RUNNING, "extend"): (Phase.RUNNING, ["extend"]),
    (Phase.RUNNING, "reset"): (Phase.RUNNING, ["reset go/go.py"]),
    (Phase.WAITING, "reset"): (Phase.WAITING, ["tell"]),
    (Phase.FETCHING, "reset"): (Phase.FETCHING, ["tell"]),
    (Phase.STARTING, "reset"): (Phase.STARTING, ["tell"]),
    (Phase.WAITING, "drain"): (Phase.STOPPING, ["tell", "free"]),
    **{(phase, "drain"): (phase, ["end within 300"]) for phase in ALIVE if phase is not Phase.WAITING},
    **{(phase, "allow broadcast"): (phase, ["allow broadcast True"]) for phase in ALIVE},
    (Phase.STOPPING, "freed"): (Phase.ENDED, ["end"]),
    **{(phase, "leave"): (Phase.STOPPING, ["free"]) for phase in ALIVE},
    **{(phase, "fail"): (Phase.STOPPING, ["tell", "free"]) for phase in ALIVE},
    **{(phase, "exited"): (Phase.STOPPING, ["tell", "free"]) for phase in ALIVE},
}
"""Everything that does something; any other input in any other phase changes nothing."""


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("name", INPUTS)
def test_every_input_in_every_phase_does_what_is_said_and_nothing_else(phase: Phase, name: str) -> None:
    living = Living(phase)
    INPUTS[name](living.instance)
    assert (living.life.phase, living.effects.orders) == DOES.get((phase, name), (phase, []))


@pytest.mark.parametrize("phase", ALIVE)
@pytest.mark.parametrize("end", ["leave", "fail", "exited"])
def test_every_phase_has_an_end_and_frees_before_it(phase: Phase, end: str) -> None:
    living = Living(phase)
    INPUTS[end](living.instance)
    INPUTS["freed"](living.instance)
    assert living.life.phase is Phase.ENDED
    assert living.effects.orders[-2:] == ["free", "end"]


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("leave", "the client left"),
        ("fail", str(NoDiskSpace())),
        ("exited", "Webots ended with exit code 1; start the simulation again."),
    ],
)
def test_the_reason_of_its_end_is_the_first_one(end: str, why: str) -> None:
    living = Living(Phase.RUNNING)
    assert living.life.ending == ""
    assert living.life.failure is None
    for name in (end, "leave", "fail", "exited"):
        INPUTS[name](living.instance)
    assert living.life.ending == why
    assert str(living.life.failure or "the client left") == why


def test_the_client_is_told_how_webots_ended() -> None:
    living = Living(Phase.RUNNING)
    INPUTS["exited"](living.instance)
    assert [type(error) for error in living.effects.told] == [WebotsEnded]


def test_the_client_is_told_that_it_resets_too_early() -> None:
    living = Living(Phase.STARTING)
    INPUTS["reset"](living.instance)
    assert [type(error) for error in living.effects.told] == [NothingToReset]


def test_a_client_that_waits_while_the_server_ends_is_told_so() -> None:
    living = Living(Phase.WAITING)
    INPUTS["drain"](living.instance)
    assert [type(error) for error in living.effects.told] == [ServerStopping]
    assert living.life.ending == str(ServerStopping())


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.RUNNING])
def test_it_is_idle_until_it_runs_and_again_when_it_pauses(phase: Phase) -> None:
    living = Living(phase)
    assert living.life.idle
    living.instance.resumed()
    assert not living.life.idle
    assert living.effects.orders == []
    for _ in range(2):
        living.instance.paused()
        assert living.life.idle
    assert living.effects.orders == ["note pause"]


@given(names=st.lists(st.sampled_from(sorted(INPUTS)), max_size=40))
def test_in_whatever_order_things_happen_it_frees_and_ends_at_most_once(names: list[str]) -> None:
    living = Living()
    for name in names:
        INPUTS[name](living.instance)
    orders = living.effects.orders
    assert orders.count("free") <= 1
    assert orders.count("end") <= 1
    if "end" in orders:
        assert orders.index("free") < orders.index("end") == len(orders) - 1
    if "free" in orders:
        assert set(orders[orders.index("free") + 1 :]) <= {"end"}
    assert len(living.effects.told) <= 1 + names.count("reset")


@given(names=st.lists(st.sampled_from(sorted(INPUTS)), max_size=40))
def test_whatever_happened_it_can_be_ended(names: list[str]) -> None:
    living = Living()
    for name in [*names, "leave", "freed"]:
        INPUTS[name](living.instance)
    assert living.life.phase is Phase.ENDED
    assert living.effects.orders.count("free") == 1
    assert living.effects.orders.count("end") == 1
