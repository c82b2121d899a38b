"""How servers come to their certificates: whoever has one encrypts, and what cannot be used is told at the start."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from twisted.internet import reactor as _reactor
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.certificate import certify
from webots_cloud.config import EX_CONFIG, HostConfig, SessionConfig, read_config
from webots_cloud.encrypting import Encryptions, certificate_of
from webots_cloud.tls.encryption import LOOK_SECONDS, CertificateStatus, Encryption

reactor = cast(Any, _reactor)
CHECKOUT = Path(__file__).parents[2]
SECONDS = 60


def save(*names: str) -> None:
    """Put a certificate and its key where the sections below look for them."""
    made = certify(names)
    Path("cert.pem").write_bytes(made.pem)
    Path("key.pem").write_bytes(made.key_pem)


def section(kind: type[Any], **changed: Any) -> Any:
    """Give a section with a certificate."""
    config = read_config(None, ())
    files = {"sslCertificate": Path("cert.pem"), "sslKey": Path("key.pem")}
    return attrs.evolve(getattr(config, kind.section), **files, **changed)


class SeveralServers(TestCase):
    timeout = 60

    def setUp(self) -> None:
        save("robots.example.org", "localhost", "::1")
        self.encryptions: Any = Encryptions(reactor)

    async def test_who_has_no_certificate_does_not_encrypt_and_sighup_stays_as_it_is(self) -> None:
        before = signal.getsignal(signal.SIGHUP)
        assert self.encryptions.of(read_config(None, ()).session) is None
        self.encryptions.startService()
        assert signal.getsignal(signal.SIGHUP) is before
        await self.encryptions.stopService()

    async def test_each_certificate_is_read_before_there_is_a_client(self) -> None:
        before = signal.getsignal(signal.SIGHUP)
        both = [self.encryptions.of(section(kind)) for kind in (SessionConfig, HostConfig)]
        assert self.encryptions.all == both
        self.encryptions.startService()
        assert [encryption.status.names for encryption in both] == [("robots.example.org", "localhost", "::1")] * 2
        assert signal.getsignal(signal.SIGHUP) is not before
        await self.encryptions.stopService()
        assert signal.getsignal(signal.SIGHUP) is before

    async def test_a_server_may_be_an_address(self) -> None:
        encryption = self.encryptions.of(section(SessionConfig, server="[::1]"))
        self.encryptions.startService()
        assert encryption is not None
        await self.encryptions.stopService()

    async def test_sighup_has_all_files_read_again_at_once(self) -> None:
        both = [self.encryptions.of(section(kind)) for kind in (SessionConfig, HostConfig)]
        self.encryptions.startService()
        save("localhost", "new.example.org")
        began = reactor.seconds()
        os.kill(os.getpid(), signal.SIGHUP)
        while any("new.example.org" not in encryption.status.names for encryption in both):
            await deferLater(reactor, 0.01)
        # Without the signal it would have taken this long.
        assert reactor.seconds() - began < LOOK_SECONDS / 2
        await self.encryptions.stopService()

    def test_a_certificate_for_another_server_is_refused(self) -> None:
        self.encryptions.of(section(SessionConfig, server="elsewhere.example.org"))
        with pytest.raises(SystemExit) as raised:
            self.encryptions.startService()
        assert raised.value.code == EX_CONFIG


def test_a_server_whose_certificate_cannot_be_used_does_not_start_and_says_why(tmp_path: Path) -> None:
    save("localhost")
    (tmp_path / "key.pem").write_bytes(certify().key_pem)
    (tmp_path / "test.ini").write_text(
        f"[session]\nport = 1\nsslCertificate = {tmp_path}/cert.pem\nsslKey = {tmp_path}/key.pem\n"
    )
    told = subprocess.run(
        [sys.executable, "-m", "twisted", "--log-format=text", "webots-session", "--config", "test.ini"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert told.returncode == EX_CONFIG, told
    (line,) = [line for line in (told.stdout + told.stderr).splitlines() if "[session]" in line]
    assert f"{tmp_path}/key.pem" in line
    assert "Traceback" not in told.stdout + told.stderr


@attrs.define
class Shown:
    status: CertificateStatus


def told(notice: str) -> dict[str, Any] | None:
    ends = datetime.datetime(2031, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
    return certificate_of(cast(Encryption, Shown(CertificateStatus(("a.org", "b.org"), ends, notice))))


def test_the_page_for_people_tells_until_when_the_certificate_is_valid() -> None:
    assert told("") == {"names": ["a.org", "b.org"], "ends": 1927857906}
    assert told("it ends soon") == {"names": ["a.org", "b.org"], "ends": 1927857906, "notice": "it ends soon"}


def test_of_a_server_that_has_no_certificate_or_none_yet_it_tells_nothing() -> None:
    assert certificate_of(None) is None
    assert certificate_of(Encryptions(reactor).of(section(SessionConfig))) is None
