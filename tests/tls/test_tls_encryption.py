"""Certificate files that are replaced while a server runs: with the real files, and time that a test lets pass."""

from __future__ import annotations

import datetime
import io
import tempfile
import threading
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, cast

import pytest
from twisted.internet.task import Clock, deferLater
from twisted.logger import LogEvent, capturedLogs, eventAsText
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.threadpool import ThreadPool

from tests.certificate import DAY, Made, certify
from tests.tls.served import PATIENCE_SECONDS, Client, ServedCase, reactor
from webots_cloud.config import EX_CONFIG
from webots_cloud.tls.encryption import LOOK_SECONDS, Encryption

HERE = "localhost"


class ClockedReactor(Clock):
    """The real reactor, whose time passes when a test says so."""

    def __init__(self) -> None:
        Clock.__init__(self)
        self.rightNow = datetime.datetime.now(datetime.UTC).timestamp()

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)


class EncryptionCase(ServedCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.certificate, self.key = Path(folder.name) / "fullchain.pem", Path(folder.name) / "privkey.pem"
        self.clock = ClockedReactor()
        self.write(certify([HERE, "old"], ends=90 * DAY))

    def write(self, made: Made) -> None:
        """Replace both files, as those do who know how to."""
        self.replace(self.certificate, made.pem)
        self.replace(self.key, made.key_pem)

    def replace(self, path: Path, data: bytes) -> None:
        new = path.with_suffix(".new")
        new.write_bytes(data)
        new.replace(path)

    def encryption(self) -> Encryption:
        return Encryption(self.clock, "session", self.certificate, self.key, [HERE])

    def start(self) -> None:
        self.service = self.encryption()
        self.service.startService()
        self.addCleanup(self.service.stopService)
        factory = TLSMemoryBIOFactory(self.service.contexts, False, self.echoes)
        listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(listening.stopListening)
        self.port = listening.getHost().port

    async def later(self, seconds: float = LOOK_SECONDS) -> list[str]:
        """Let time pass, and give what was logged until the files have been looked at."""
        with capturedLogs() as events:
            self.clock.advance(seconds)
            await self.looked()
        return told(events)

    async def reloaded(self) -> list[str]:
        with capturedLogs() as events:
            await self.service.reload()
        return told(events)

    async def looked(self) -> None:
        while not self.clock.getDelayedCalls():
            # When the next look is due is known when this one is over.
            await deferLater(reactor, 0)


def told(events: Sequence[LogEvent]) -> list[str]:
    lines = [eventAsText(event, includeTimestamp=False, includeSystem=False) for event in events]
    return [line for line in lines if line.startswith("[session] ")]


class StartTest(EncryptionCase):
    async def test_the_certificate_is_used_and_told_of(self) -> None:
        with capturedLogs() as events:
            self.start()
        assert await self.names() == [HERE, "old"]
        status = self.service.status
        assert (status.names, status.notice) == ((HERE, "old"), "")
        assert [f"{status.ends:%Y-%m-%d %H:%M}"] == [
            line.split("ends on ")[1].removesuffix(" UTC") for line in told(events)
        ]

    def test_files_that_cannot_be_used_end_the_process_with_a_sentence(self) -> None:
        self.key.unlink()
        said, code = self.refused()
        assert code == EX_CONFIG
        assert said == (
            f"[session] the private key {self.key} cannot be read (No such file or directory); put the file there, or "
            "give another path\n"
        )

    def test_a_certificate_for_another_host_does_too(self) -> None:
        self.write(certify(["elsewhere.example.org"]))
        assert "is for elsewhere.example.org and not for localhost" in self.refused()[0]

    def refused(self) -> tuple[str, object]:
        with redirect_stderr(io.StringIO()) as written, pytest.raises(SystemExit) as caught:
            self.encryption().startService()
        assert not self.clock.getDelayedCalls()
        return written.getvalue(), caught.value.code


class ReplacedTest(EncryptionCase):
    async def test_new_files_are_taken_up_within_a_minute_and_open_connections_stay(self) -> None:
        self.start()
        with await self.in_thread(lambda: Client(self.port)) as client:
            self.write(certify([HERE, "new"], ends=90 * DAY))
            lines = await self.later()
            assert len(lines) == 1
            assert lines[0].startswith("[session] uses the certificate for localhost, new that ends on ")
            assert await self.names() == [HERE, "new"]
            assert self.service.status.names == (HERE, "new")
            assert await self.in_thread(client.echoes)
            assert client.names == [HERE, "old"]

    async def test_or_at_once(self) -> None:
        self.start()
        self.write(certify([HERE, "new"], ends=90 * DAY))
        assert len(await self.reloaded()) == 1
        assert await self.names() == [HERE, "new"]

    async def test_files_that_stay_the_same_are_not_read_again(self) -> None:
        self.start()
        for _ in range(3):
            assert await self.later() == []

    async def test_files_written_in_place_are_noticed(self) -> None:
        self.start()
        made = certify([HERE, "new"], ends=90 * DAY)
        self.certificate.write_bytes(made.pem)
        self.key.write_bytes(made.key_pem)
        await self.later()
        assert await self.names() == [HERE, "new"]

    async def test_links_that_point_elsewhere_are_noticed(self) -> None:
        live = {}
        for path in (self.certificate, self.key):
            live[path] = path.with_name(f"{path.stem}1.pem")
            path.rename(live[path])
            path.symlink_to(live[path].name)
        self.start()
        made = certify([HERE, "new"], ends=90 * DAY)
        for path, data in ((self.certificate, made.pem), (self.key, made.key_pem)):
            second = path.with_name(f"{path.stem}2.pem")
            second.write_bytes(data)
            path.unlink()
            path.symlink_to(second.name)
        await self.later()
        assert await self.names() == [HERE, "new"]

    async def test_nothing_is_looked_at_after_the_end(self) -> None:
        service = self.encryption()
        service.startService()
        await service.stopService()
        assert not self.clock.getDelayedCalls()

    async def test_the_reactor_does_not_wait_for_slow_files(self) -> None:
        self.start()
        pool, may_go_on = ThreadPool(1, 1), threading.Event()
        pool.start()
        self.addCleanup(pool.stop)
        pool.callInThread(may_go_on.wait, PATIENCE_SECONDS)
        cast(Any, self.clock).getThreadPool = lambda: pool
        self.write(certify([HERE, "new"], ends=90 * DAY))
        looking = self.service.reload()
        assert await self.names() == [HERE, "old"]
        may_go_on.set()
        await looking
        assert await self.names() == [HERE, "new"]


class RefusedTest(EncryptionCase):
    async def test_broken_files_are_refused_and_the_old_ones_stay_in_use(self) -> None:
        self.start()
        self.replace(self.certificate, b"-----BEGIN CERTIFICATE-----\n")
        refusal = (
            f"the certificate {self.certificate} holds no certificate in PEM; give one, with its chain after it; the "
            "certificate that was there before stays in use"
        )
        assert await self.later() == [f"[session] {refusal}"]
        assert self.service.status.notice == refusal
        assert self.service.status.names == (HERE, "old")
        assert await self.names() == [HERE, "old"]

    async def test_a_refusal_is_logged_once_and_again_when_asked(self) -> None:
        self.start()
        self.key.unlink()
        assert len(await self.later()) == 1
        assert await self.later() == []
        assert len(await self.reloaded()) == 1
        assert "cannot be read" in self.service.status.notice

    async def test_files_that_do_not_belong_together_are_taken_when_they_do(self) -> None:
        self.start()
        made = certify([HERE, "new"], ends=90 * DAY)
        self.replace(self.certificate, made.pem)
        assert "does not belong to" in (await self.later())[0]
        assert await self.names() == [HERE, "old"]
        self.replace(self.key, made.key_pem)
        assert "uses the certificate for localhost, new" in (await self.later())[0]
        assert self.service.status.notice == ""
        assert await self.names() == [HERE, "new"]

    async def test_one_for_another_host_is_refused(self) -> None:
        self.start()
        self.write(certify(["elsewhere.example.org"]))
        assert "and not for localhost" in (await self.later())[0]
        assert await self.names() == [HERE, "old"]

    async def test_the_old_ones_again_end_the_notice(self) -> None:
        self.start()
        before = self.certificate.read_bytes()
        self.certificate.unlink()
        await self.later()
        self.certificate.write_bytes(before)
        await self.later()
        assert self.service.status.notice == ""


class EndTest(EncryptionCase):
    async def test_a_certificate_that_ends_within_two_weeks_is_told_of_every_day(self) -> None:
        self.start()
        assert await self.later(75.9 * 86400) == []
        assert self.service.status.notice == ""
        told = await self.later(0.2 * 86400)
        ends = f"{self.service.status.ends:%Y-%m-%d %H:%M} UTC"
        notice = f"the certificate for localhost, old ends in 13 days, on {ends}; renew it"
        assert told == [f"[session] {notice}"]
        assert self.service.status.notice == notice
        assert await self.later() == []
        assert [line.partition(" days")[0][-2:] for line in await self.later(86400)] == ["12"]

    async def test_and_when_it_has_ended(self) -> None:
        self.start()
        assert [line.partition(" on ")[0] for line in await self.later(91 * 86400)] == [
            "[session] the certificate for localhost, old ended"
        ]
        assert "browsers refuse it; renew it" in self.service.status.notice
        assert await self.names() == [HERE, "old"]

    async def test_at_the_start_too(self) -> None:
        self.write(certify([HERE], ends=3.5 * DAY))
        with capturedLogs() as events:
            self.start()
        assert "ends in 3 days" in self.service.status.notice
        assert len(told(events)) == 2

    async def test_a_new_one_ends_that(self) -> None:
        self.write(certify([HERE], ends=3.5 * DAY))
        self.start()
        self.write(certify([HERE], ends=90 * DAY))
        assert len(await self.later()) == 1
        assert self.service.status.notice == ""

    async def test_both_are_told_where_new_files_are_refused(self) -> None:
        self.write(certify([HERE], ends=3.5 * DAY))
        self.start()
        self.key.unlink()
        assert len(await self.later()) == 1
        assert "cannot be read" in self.service.status.notice
        assert self.service.status.notice.endswith("renew it")
        assert "stays in use; the certificate for localhost ends in 3 days" in self.service.status.notice
