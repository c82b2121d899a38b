"""SIGHUP, sent to this process itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from tests.tls.served import reactor
from webots_cloud.tls.hangup import ReloadOnHangup


def fires(fired: Deferred[None]) -> Callable[[], None]:
    return lambda: fired.callback(None)


class HangupTest(TestCase):
    timeout = 60

    def setUp(self) -> None:
        before = signal.getsignal(signal.SIGHUP)
        self.addCleanup(self.given_back, before)
        self.service = ReloadOnHangup(reactor)

    def given_back(self, before: object) -> None:
        assert signal.getsignal(signal.SIGHUP) is before

    def start(self) -> None:
        self.service.startService()
        self.addCleanup(self.service.stopService)

    async def test_all_that_registered_are_called_each_time(self) -> None:
        for _ in range(2):
            calls: list[Deferred[None]] = [Deferred(), Deferred()]
            service = ReloadOnHangup(reactor)
            for call in calls:
                service.register(fires(call))
            service.startService()
            os.kill(os.getpid(), signal.SIGHUP)
            for call in calls:
                await call
            service.stopService()

    async def test_they_are_called_again(self) -> None:
        called: list[Deferred[None]] = [Deferred(), Deferred()]
        waiting = iter(called)
        self.service.register(lambda: next(waiting).callback(None))
        self.start()
        for call in called:
            os.kill(os.getpid(), signal.SIGHUP)
            await call

    async def test_one_that_fails_does_not_keep_the_others(self) -> None:
        def fail() -> None:
            raise OSError("the disk is gone")

        called: Deferred[None] = Deferred()
        self.service.register(fail)
        self.service.register(fires(called))
        self.start()
        with capturedLogs() as events:
            os.kill(os.getpid(), signal.SIGHUP)
            await called
        assert [type(event["log_failure"].value) for event in events if "log_failure" in event] == [OSError]
        assert len(TestCase.flushLoggedErrors(self, OSError)) == 1

    async def test_with_nothing_to_reload_the_process_goes_on(self) -> None:
        self.start()
        with capturedLogs() as events:
            os.kill(os.getpid(), signal.SIGHUP)
            turn: Deferred[None] = Deferred()
            reactor.callFromThread(turn.callback, None)
            await turn
        assert [event["log_format"] for event in events] == ["SIGHUP: certificate files are read again"]
