from pathlib import Path

from twisted.internet.testing import StringTransport

from tests.standin.test_standin_simulator import WORLD, TimeOnly
from webots_cloud.standin.simulator import Simulator, read_world
from webots_cloud.standin.web import ViewerProtocol


def test_a_viewer_that_is_leaving_is_told_nothing_more(tmp_path: Path) -> None:
    path = tmp_path / "worlds" / "w.wbt"
    path.parent.mkdir()
    path.write_text(WORLD)
    simulator = Simulator(TimeOnly(), path, read_world(path, print), print, print)
    viewer = ViewerProtocol(simulator)
    viewer.transport = StringTransport()
    viewer.state = viewer.STATE_CLOSING
    simulator.join(viewer)

    simulator.printed("stdout", "a late word")

    assert StringTransport.value(viewer.transport) == b""
