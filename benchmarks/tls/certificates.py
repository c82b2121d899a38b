"""How many of many certificates are made, and in what time, by an authority that rejects some of the good nonces.

Pebble runs as it comes, in its strict mode, but without its waits before it looks at a challenge: these are chance, and
would be all of the figure. Each certificate is for another name, is ordered once only, and is proved over http-01.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, cast

import attrs
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.web.resource import Resource
from twisted.web.server import Site

from benchmarks.processes import machine
from tests.tls.pebble import Pebble, pebble
from webots_cloud.config import read_config
from webots_cloud.tls.challenges import ChallengeResource, HttpResponder
from webots_cloud.tls.issuer import Issuer
from webots_cloud.tls.problem import AcmeError
from webots_cloud.tls.store import CertificateStore

reactor = cast(Any, _reactor)


@attrs.define
class Round:
    """Orders of many certificates, a few at a time.

    @ivar seconds: how long each took that was made.
    @ivar failures: why others were not made.
    """

    issuer: Issuer
    names: list[str]
    seconds: list[float] = attrs.field(factory=list)
    failures: list[str] = attrs.field(factory=list)

    async def run(self, at_a_time: int) -> None:
        """Order all."""
        await gatherResults([Deferred.fromCoroutine(self._order()) for _ in range(at_a_time)])

    async def _order(self) -> None:
        while self.names:
            name, began = self.names.pop(), time.monotonic()
            try:
                await self.issuer.issue(name)
            except AcmeError as error:
                self.failures.append(str(error))
            else:
                self.seconds.append(time.monotonic() - began)


async def measure(authority: Pebble, folder: Path, count: int, at_a_time: int) -> None:
    """Order certificates, and print what became of it."""
    challenges, root, known = ChallengeResource(), Resource(), Resource()
    root.putChild(b".well-known", known)
    known.putChild(b"acme-challenge", challenges)
    port = reactor.listenTCP(authority.http_port, Site(root), interface="127.0.0.1")
    store = CertificateStore(reactor, folder / "store")
    config = attrs.evolve(
        read_config(None, ()).acme,
        directory=authority.directory,
        accountKey=folder / "account.key",
        store=folder / "store",
        agreeToTerms=True,
        caFile=authority.ca_file,
    )
    issuer = Issuer(reactor, config, store, HttpResponder(challenges))
    orders = Round(issuer, [f"{number}.example.org" for number in range(count)])
    began = time.monotonic()
    await orders.run(at_a_time)
    took = time.monotonic() - began
    await issuer.close()
    await port.stopListening()
    for failure in orders.failures:
        print(failure)
    written = len(list((folder / "store").glob("*.pem")))
    print(
        f"{authority.said('POST /')} requests; "
        f"{written} of {count} certificates in {took:.1f} s; "
        f"median {statistics.median(orders.seconds):.2f} s, longest {max(orders.seconds):.2f} s"
    )


def main() -> None:
    """Measure with each share of rejected nonces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--at-a-time", type=int, default=4)
    parser.add_argument("--rejected", type=int, nargs="+", default=[5, 25], help="percent of good nonces")
    options = parser.parse_args()
    print(machine())
    with contextlib.ExitStack() as stack:
        rounds = []
        for percent in options.rejected:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            variables = {"PEBBLE_WFE_NONCEREJECT": str(percent), "PEBBLE_AUTHZREUSE": "0"}
            rounds.append((percent, folder, stack.enter_context(pebble(folder, variables))))

        async def all_rounds() -> None:
            for percent, folder, authority in rounds:
                print(f"{percent} % of good nonces rejected, {options.at_a_time} orders at a time:")
                await measure(authority, folder, options.count, options.at_a_time)

        def begin() -> None:
            done = Deferred.fromCoroutine(all_rounds())
            done.addErrback(lambda failure: failure.printTraceback()).addBoth(lambda _: reactor.stop())

        reactor.callWhenRunning(begin)
        reactor.run()


if __name__ == "__main__":
    main()
