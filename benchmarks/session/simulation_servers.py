"""Stands in for the simulation servers: many ports of this machine that answer with a load, or hang.

Prints the ports, one a line, and then C{ready}. On SIGUSR1 all loads change between 10 and 100, and the time of the
first answer with the new load is printed, in seconds of C{time.monotonic()}.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import Any

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site


class Load(Resource):
    """Answers every request with the load."""

    isLeaf = True

    def __init__(self) -> None:
        """Begin with a low load."""
        Resource.__init__(self)
        self.load = b"10"
        self.untold = False

    def toggle(self) -> None:
        """Change the load."""
        self.load = b"100" if self.load == b"10" else b"10"
        self.untold = True

    def render_GET(self, _request: Request) -> bytes:
        """Answer."""
        if self.untold:
            self.untold = False
            print(time.monotonic(), flush=True)
        return self.load


class Hanging(Resource):
    """Never answers."""

    isLeaf = True

    def __init__(self) -> None:
        """Begin."""
        Resource.__init__(self)

    def render_GET(self, _request: Request) -> int:
        """Leave the client waiting."""
        return NOT_DONE_YET


class QuietSite(Site):
    """A site that logs no requests."""

    def __init__(self, resource: Resource) -> None:
        """Begin."""
        Site.__init__(self, resource)

    def log(self, request: object) -> None:
        """Do nothing."""


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=100, help="how many ports")
    parser.add_argument("--hanging", type=int, default=0, help="how many of them hang")
    arguments = parser.parse_args()
    net: Any = reactor
    load = Load()
    answering, hanging = QuietSite(load), QuietSite(Hanging())
    for number in range(arguments.servers):
        site = hanging if number < arguments.hanging else answering
        print(net.listenTCP(0, site, interface="127.0.0.1").getHost().port)
    signal.signal(signal.SIGUSR1, lambda *_: net.callFromThread(load.toggle))
    print("ready")
    sys.stdout.flush()
    net.run()


if __name__ == "__main__":
    main()
