"""The website host with a certificate: what it tells pages, and what it gives browsers to keep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import attrs
from treq import content
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.certificate import authority, certify
from webots_cloud.agent import TrustedAuthorities, plain_agent
from webots_cloud.config import read_config
from webots_cloud.encrypting import Encryptions
from webots_cloud.host.service import host_service
from webots_cloud.listening import Listener

SECONDS = 60


def prepared() -> TrustedAuthorities:
    """Put certificate and key where the host looks for them; give whom to trust."""
    root = authority("Root")
    made = certify(["localhost"], root)
    for name, data in (("ca", root.pem), ("cert", made.pem + root.pem), ("key", made.key_pem), ("secret", b"sesame")):
        Path(f"{name}.pem").write_bytes(data)
    Path("static").mkdir(exist_ok=True)
    Path("static", "not_found.html").write_text("nothing here")
    return TrustedAuthorities(Path("ca.pem"))


class EncryptedHost(TestCase):
    timeout = SECONDS

    async def first_visit(self, **changed: Any) -> tuple[Any, dict[str, Any]]:
        """Start, and visit the site; give the answer, and what the page is told."""
        trusted = prepared()
        config = attrs.evolve(
            read_config(None, ()).host,
            tlsListen=("tcp:0:interface=127.0.0.1",),
            sslCertificate=Path("cert.pem"),
            sslKey=Path("key.pem"),
            keyFile=Path("secret.pem"),
            **changed,
        )
        encryptions: Any = Encryptions(reactor)
        host: Any = host_service(reactor, config, Path("static"), encryption=encryptions.of(config))
        encryptions.startService()
        host.startService()
        try:
            (listener,) = (service for service in host if isinstance(service, Listener))
            port = cast(Any, listener.ports[0].getHost()).port
            client = HTTPClient(plain_agent(reactor, SECONDS, authorities=trusted))
            answer = await client.get(f"https://localhost:{port}/projects.json")
            return answer, json.loads(await content(answer))
        finally:
            await host.stopService()
            await encryptions.stopService()

    async def test_its_pages_look_for_a_session_server_that_encrypts_too(self) -> None:
        assert (await self.first_visit())[1]["sessionServer"] == "wss://localhost:1999"

    async def test_its_pages_are_told_of_another_session_server_where_there_is_one(self) -> None:
        told = (await self.first_visit(sessionServer="wss://session.example.org"))[1]
        assert told["sessionServer"] == "wss://session.example.org"

    async def test_a_guest_is_known_again_where_it_is_encrypted_only(self) -> None:
        answer, _ = await self.first_visit()
        (cookie,) = answer.headers.getRawHeaders("set-cookie")
        assert "secure" in cookie.lower().replace(" ", "").split(";")

    async def test_a_browser_may_be_told_to_encrypt_from_now_on(self) -> None:
        for seconds, told in ((0, None), (60, ["max-age=60"])):
            answer, _ = await self.first_visit(hsts=seconds)
            assert answer.headers.getRawHeaders("strict-transport-security") == told
