"""Stands in for simulation servers: many ports of this machine, each with a load that wanders, and a few that fail.

Prints the ports, one a line, and then C{ready}.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Request

from benchmarks.session.simulation_servers import QuietSite
from webots_cloud.monitor.summary import HEADER, Summary

CAPACITY = 100


class Load(Resource):
    """Answers every request with a load that has wandered a bit, and with what goes with it."""

    isLeaf = True

    def __init__(self, chance: random.Random, fails: bool) -> None:
        """Begin anywhere."""
        Resource.__init__(self)
        self._chance = chance
        self._fails = fails
        self._load = chance.uniform(5, 95)

    def render_GET(self, request: Request) -> bytes:
        """Answer."""
        if self._fails:
            request.setResponseCode(503)
            return b""
        self._load = min(100.0, max(1.0, self._load + self._chance.gauss(0, 4)))
        instances = int(self._load * CAPACITY / 100)
        summary = Summary(
            instances=instances,
            idle=instances // 5,
            capacity=CAPACITY,
            waiting=int(self._load - 94) if self._load > 94 else 0,
            version="1.0.0",
            simulator="Webots R2023b",
        )
        request.setHeader(HEADER, summary.header())
        return f"{self._load:.1f}".encode()


def main() -> None:
    """Serve until a signal ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1000, help="how many ports")
    parser.add_argument("--failing", type=int, default=10, help="how many of them fail")
    parser.add_argument("--seed", type=int, default=1, help="of the loads")
    arguments = parser.parse_args()
    net: Any = reactor
    chance = random.Random(arguments.seed)
    failing = set(chance.sample(range(arguments.servers), arguments.failing))
    for number in range(arguments.servers):
        site = QuietSite(Load(chance, number in failing))
        print(net.listenTCP(0, site, interface="127.0.0.1", backlog=10).getHost().port)
    print("ready")
    sys.stdout.flush()
    net.run()


if __name__ == "__main__":
    main()
