"""Encryption with certificates that Pebble makes: from the first start to the renewal, and with all that goes wrong."""

from __future__ import annotations

import datetime
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.protocols.tls import TLSMemoryBIOFactory

from tests.tls.applying import Applying, names_of, reactor, until
from tests.tls.served import Client, Echoes
from webots_cloud.config import AcmeConfig
from webots_cloud.tls.issuing import AcmeEncryption
from webots_cloud.tls.pace import FIRST_WAIT
from webots_cloud.tls.private_file import write_private

DAY = 86400.0


def least(low: float, high: float) -> float:
    return low


def busy(encryption: AcmeEncryption) -> bool:
    """Tell whether the service does anything now."""
    return encryption._working is not None


async def idle(encryption: AcmeEncryption) -> None:
    """Wait until the service has nothing more to do now."""
    await until(lambda: not busy(encryption))


class Running(Applying):
    """Tests with a service whose time a test gives.

    @ivar clock: the time, which begins now.
    """

    environment: ClassVar[Mapping[str, str]] = {"PEBBLE_AUTHZREUSE": "0"}
    # 40 days.
    settings: ClassVar[Mapping[str, Any]] = {"certificateValidityPeriod": 40 * 86400}

    def setUp(self) -> None:
        Applying.setUp(self)
        self.clock = Clock()
        self.clock.advance(reactor.seconds())
        self.config = attrs.evolve(self.config, renewBefore=10)

    def start(self, *names: str, config: AcmeConfig | None = None, challenges: bool = True) -> AcmeEncryption:
        """Start the service, and a port that is encrypted by it.

        @param challenges: whether the authority finds answers to its challenges.
        """
        encryption = AcmeEncryption(reactor, config or self.config, names or ("a.example.org",), self.clock, least)
        if challenges and encryption.challenges is not None:
            self.answer(encryption.challenges)
        encryption.startService()
        self.addCleanup(lambda: encryption.stopService() if encryption.running else None)
        echoes = TLSMemoryBIOFactory(encryption.contexts, False, Echoes())
        echoes.noisy = False
        at = self.pebble.tls_port if self.config.challenge == "tls-alpn-01" else 0
        port = reactor.listenTCP(at, echoes, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        return encryption

    async def begin(self, *names: str, **how: Any) -> AcmeEncryption:
        """Start the service, and wait for its first certificates."""
        encryption = self.start(*names, **how)
        self.clock.advance(0)
        await idle(encryption)
        assert not encryption.status.notice
        return encryption

    async def shown(self, name: str = "a.example.org") -> x509.Certificate:
        """Give the certificate that a client gets."""

        def ask() -> x509.Certificate:
            with Client(self.port, name) as client:
                assert client.echoes()
                return x509.load_der_x509_certificate(client.socket.getpeercert(binary_form=True) or b"")

        found: x509.Certificate = await deferToThread(ask)
        return found

    async def connected(self) -> Client:
        """Give a client whose connection is open."""
        client: Client = await deferToThread(lambda: Client(self.port, "a.example.org"))
        self.addCleanup(client.close)
        return client

    async def trusted(self, name: str) -> bool:
        """Tell whether a client that trusts the authority trusts this server."""
        context = ssl.create_default_context(cadata=self.pebble.root().public_bytes(Encoding.PEM).decode())

        def ask() -> bool:
            with Client(self.port, name, context) as client:
                return client.echoes()

        found: bool = await deferToThread(ask)
        return found


class TestAcmeEncryption(Running):
    async def test_the_first_start_has_a_certificate_of_its_own_until_there_is_a_real_one(self) -> None:
        encryption = self.start()
        own = await self.shown()
        assert own.issuer == own.subject
        assert own.not_valid_after_utc - own.not_valid_before_utc < datetime.timedelta(days=8)
        assert "a.example.org has a certificate that browsers do not trust, until" in encryption.status.notice

        open_before = await self.connected()

        self.clock.advance(0)
        await until(lambda: not encryption.status.notice)

        assert await self.trusted("a.example.org")
        assert await deferToThread(open_before.echoes)
        real = await self.shown()
        assert encryption.status.names == ("a.example.org",)
        assert encryption.status.ends == real.not_valid_after_utc

    async def test_each_of_several_names_has_its_certificate(self) -> None:
        await self.begin("a.example.org", "b.example.org", "c.example.org")

        for name in ("a.example.org", "b.example.org", "c.example.org"):
            assert names_of(await self.shown(name)) == [name]
            assert await self.trusted(name)
        assert names_of(await self.shown("other.example.org")) == ["a.example.org"]

    async def test_a_stored_certificate_is_used_at_the_next_start_without_asking(self) -> None:
        first = await self.begin()
        before = await self.shown()
        await first.stopService()
        orders = self.pebble.said("order-plz")

        again = self.start(challenges=False)
        self.clock.advance(0)

        assert await self.shown() == before
        assert not again.status.notice
        assert not busy(again)
        assert self.pebble.said("order-plz") == orders

    async def test_a_certificate_is_renewed_before_its_end_in_place(self) -> None:
        encryption = await self.begin()
        before = await self.shown()

        self.advance_days(29.5)
        assert not busy(encryption)
        assert await self.shown() == before

        open_before = await self.connected()
        self.advance_days(1)
        await idle(encryption)

        after = await self.shown()
        assert after.serial_number != before.serial_number
        assert await self.trusted("a.example.org")
        assert await deferToThread(open_before.echoes)

    def advance_days(self, days: float) -> None:
        self.clock.pump([1800.0] * round(days * 48))

    async def test_an_authority_that_is_down_keeps_nothing_from_being_served(self) -> None:
        down = attrs.evolve(self.config, directory="https://localhost:1/dir")
        with capturedLogs() as events:
            encryption = self.start("a.example.org", "b.example.org", config=down, challenges=False)
            self.clock.advance(0)
            await until(lambda: "next try at" in encryption.status.notice)

        said = "no new certificate for a.example.org: reading the directory: localhost:1 cannot be reached ("
        assert said in encryption.status.notice
        assert len([event for event in events if said in str(event.get("problem"))]) == 1
        assert not [event for event in events if event["log_level"].name == "critical"]
        assert names_of(await self.shown("b.example.org")) == ["b.example.org"]
        # What is the authority's fault for one name is not tried for the others.
        assert "no new certificate for b.example.org" not in encryption.status.notice

    async def test_a_certificate_stays_in_use_until_long_after_a_renewal_that_fails(self) -> None:
        encryption = await self.begin()
        before = await self.shown()
        await encryption.stopService()
        down = attrs.evolve(self.config, caFile=self.folder / "missing.pem")

        encryption = self.start(config=down, challenges=False)
        with capturedLogs() as events:
            self.advance_days(31)
            await until(lambda: "next try at" in encryption.status.notice)
            self.advance_days(1)

        assert await self.shown() == before
        assert f"the certificate for a.example.org ends on {before.not_valid_after_utc:%Y-%m-%d}" in (
            encryption.status.notice
        )
        assert len([event for event in events if "ends on" in str(event.get("notice"))]) == 1

    async def test_failures_are_followed_by_longer_and_longer_waits(self) -> None:
        encryption = self.start(challenges=False)
        self.clock.advance(0)
        await until(lambda: "next try at" in encryption.status.notice)
        assert "no new certificate for a.example.org: proving that the name leads here" in encryption.status.notice

        orders = self.pebble.said("order-plz")
        self.clock.advance(FIRST_WAIT - 1)
        assert not busy(encryption)
        self.clock.advance(1)
        assert busy(encryption)
        await idle(encryption)
        assert self.pebble.said("order-plz") > orders
        self.clock.advance(2 * FIRST_WAIT - 1)
        assert not busy(encryption)
        self.clock.advance(1)
        assert busy(encryption)
        await idle(encryption)

    async def test_a_hangup_tries_at_once_but_not_more_than_a_few_times_an_hour(self) -> None:
        looked = self.pebble.said("Starting 3 validations")
        encryption = self.start(challenges=False)
        self.clock.advance(0)
        for _ in range(8):
            await idle(encryption)
            encryption.reload()
        await idle(encryption)

        assert self.pebble.said("Starting 3 validations") - looked == 4

    async def test_tries_are_counted_from_before_a_restart(self) -> None:
        looked = self.pebble.said("Starting 3 validations")
        for _ in range(6):
            encryption = self.start(challenges=False)
            self.clock.advance(0)
            await idle(encryption)
            await encryption.stopService()

        assert self.pebble.said("Starting 3 validations") - looked == 4

    async def test_one_name_that_does_not_lead_here_does_not_keep_the_others_from_theirs(self) -> None:
        encryption = self.start("bad_name.example.org", "a.example.org")
        self.clock.advance(0)
        await idle(encryption)

        assert await self.trusted("a.example.org")
        assert "no new certificate for bad_name.example.org: ordering the certificate" in encryption.status.notice
        assert "a.example.org:" not in encryption.status.notice.replace("bad_name.example.org", "")

    async def test_a_certificate_that_cannot_be_written_is_used_and_written_later(self) -> None:
        folder = self.config.store
        folder.mkdir(parents=True)
        folder.chmod(0o500)
        encryption = self.start()
        self.clock.advance(0)
        await until(lambda: "written again within an hour" in encryption.status.notice)
        assert await self.trusted("a.example.org")
        assert "a.example.org.pem cannot be written (Permission denied)" in encryption.status.notice

        folder.chmod(0o700)
        orders = self.pebble.said("order-plz")
        self.clock.advance(3600)
        await until(lambda: not encryption.status.notice)

        assert len(list(folder.rglob("a.example.org.pem"))) == 1
        assert self.pebble.said("order-plz") == orders

    async def test_a_stored_certificate_that_is_broken_is_told_and_replaced(self) -> None:
        first = await self.begin()
        await first.stopService()
        write_private(self.stored(), b"broken")

        encryption = self.start(challenges=False)
        assert "the certificate in the store cannot be used: the certificate holds no" in encryption.status.notice
        assert encryption.challenges is not None
        self.answer(encryption.challenges)
        self.clock.advance(0)
        await idle(encryption)

        assert not encryption.status.notice
        assert await self.trusted("a.example.org")

    async def test_a_stored_certificate_that_others_may_read_is_taken_away_from_them(self) -> None:
        first = await self.begin()
        await first.stopService()
        self.stored().chmod(0o644)

        with capturedLogs() as events:
            self.start(challenges=False)

        assert stat.S_IMODE(self.stored().stat().st_mode) == 0o600
        assert [event["path"] for event in events if event.get("mode") == 0o644] == [str(self.stored())]

    def stored(self) -> Path:
        [found] = self.config.store.rglob("a.example.org.pem")
        return found

    async def test_an_account_key_that_is_none_is_told_and_nothing_is_asked(self) -> None:
        write_private(self.config.accountKey, b"no key")
        requests = self.pebble.said("POST")
        encryption = self.start()
        self.clock.advance(0)
        await until(lambda: "next try at" in encryption.status.notice)

        assert "has no private key in PEM without a password; remove" in encryption.status.notice
        assert self.pebble.said("POST") == requests

    async def test_a_certificate_of_this_servers_own_is_made_again_before_it_ends(self) -> None:
        down = attrs.evolve(self.config, directory="https://localhost:1/dir")
        encryption = self.start(config=down, challenges=False)
        before = await self.shown()

        self.clock.advance(5 * DAY)
        for _ in range(2 * 4):
            self.clock.advance(6 * 3600)
            await idle(encryption)

        after = await self.shown()
        assert after != before
        assert after.not_valid_after_utc.timestamp() > self.clock.seconds()

    async def test_a_stop_gives_up_what_is_under_way(self) -> None:
        with capturedLogs() as events:
            encryption = self.start()
            self.clock.advance(0)
            assert busy(encryption)
            await encryption.stopService()

        assert not busy(encryption)
        assert not self.clock.getDelayedCalls()
        assert not [event for event in events if event["log_level"].name in ("warn", "error", "critical")]


class TestAlpn(Running):
    def setUp(self) -> None:
        Running.setUp(self)
        self.config = attrs.evolve(self.config, challenge="tls-alpn-01")

    async def test_a_name_is_proved_on_the_encrypted_port_itself(self) -> None:
        await self.begin("a.example.org", "b.example.org", challenges=False)

        assert await self.trusted("a.example.org")
        assert await self.trusted("b.example.org")
        assert self.pebble.said("Starting 3 validations") >= 2
        assert not self.pebble.said("Attempting to validate w/ HTTP")
