"""Encrypted connections as other programs see them: Python's ssl module, and openssl's own client."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from contextlib import ExitStack
from functools import partial
from ssl import TLSVersion

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.certificate import Made, authority, certify
from tests.tls.served import Client, ServedCase, client_context, usable
from webots_cloud.tls.certificate import BadCertificate
from webots_cloud.tls.contexts import ACME_TLS, SESSION_SECONDS, TICKET_KEY_SECONDS

VERSIONS = (TLSVersion.TLSv1_2, TLSVersion.TLSv1_3)
WEAK = "@SECLEVEL=0"
STRONG = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")


def all_suites() -> list[str]:
    """Give all that the client can offer up to TLS 1.2, however weak."""
    command = ["openssl", "ciphers", "-s", "-tls1_2", f"ALL:COMPLEMENTOFALL:{WEAK}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().split(":")


class ParametersTest(ServedCase):
    def setUp(self) -> None:
        super().setUp()
        self.contexts.use([usable(certify(), "localhost")])

    def accepted_suites(self) -> list[str]:
        def accepted(suite: str) -> bool:
            context = client_context(version=TLSVersion.TLSv1_2)
            context.set_ciphers(suite + ":" + WEAK)
            try:
                with Client(self.port, context=context) as client:
                    return client.echoes()
            except ssl.SSLError as error:
                if error.reason not in ("SSLV3_ALERT_HANDSHAKE_FAILURE", "TLSV1_ALERT_INSUFFICIENT_SECURITY"):
                    raise
                return False

        offered = [suite for suite in all_suites() if not suite.startswith("TLS_")]
        assert len(offered) > 50
        return [suite for suite in offered if accepted(suite)]

    async def test_tls_1_2_takes_strong_suites_with_forward_secrecy_only(self) -> None:
        accepted = await self.in_thread(self.accepted_suites)
        assert sorted(accepted) == [f"ECDHE-ECDSA-{cipher}" for cipher in STRONG]

    async def test_with_an_rsa_key_too(self) -> None:
        key = rsa.generate_private_key(65537, 2048)
        self.contexts.use([usable(certify(key=key), "localhost")])
        accepted = await self.in_thread(self.accepted_suites)
        assert sorted(accepted) == [f"ECDHE-RSA-{cipher}" for cipher in STRONG]

    async def test_older_protocols_are_refused(self) -> None:
        for version in ("-tls1", "-tls1_1"):
            said = await self.openssl(version, "-cipher", f"ALL:{WEAK}")
            assert "alert protocol version" in said, said

    async def test_newer_ones_are_spoken(self) -> None:
        for version, name in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            said = await self.openssl(version, "-brief")
            assert f"Protocol version: {name}" in said, said
            assert "Server Temp Key: X25519" in said, said

    async def test_nothing_is_compressed(self) -> None:
        said = await self.openssl("-tls1_2", "-comp")
        assert "Compression: NONE" in said, said

    async def test_a_client_cannot_negotiate_anew(self) -> None:
        said = await self.openssl("-tls1_2", say="R\n")
        assert "RENEGOTIATING" in said, said
        assert "no renegotiation" in said, said

    async def test_http_is_chosen_among_what_is_offered(self) -> None:
        def chosen(*offered: str) -> str | None:
            with Client(self.port, context=client_context(offered)) as client:
                assert client.echoes()
                return client.socket.selected_alpn_protocol()

        assert await self.in_thread(lambda: chosen("h2", "http/1.1")) == "http/1.1"
        assert await self.in_thread(lambda: chosen("h2")) is None
        assert await self.in_thread(chosen) is None

    async def test_the_chain_is_sent_along(self) -> None:
        root = authority("root")
        middle = authority("middle", root)
        made = certify(issuer=middle)
        self.contexts.use([usable(made, "localhost")])
        context = ssl.create_default_context(cadata=root.pem.decode())

        def ask() -> bool:
            with Client(self.port, context=context) as client:
                return client.echoes()

        assert await self.in_thread(ask)

    async def test_noise_ends_the_connection_and_nothing_else(self) -> None:
        def noise() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port)) as connected:
                connected.sendall(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(1000))
                try:
                    return connected.recv(1)
                except ConnectionResetError:
                    return b""

        await self.in_thread(noise)
        assert await self.names() == ["localhost"]


class NamesTest(ServedCase):
    def setUp(self) -> None:
        super().setUp()
        names = [["a.example.org", "b.example.org"], ["*.example.net"], ["exact.example.net"]]
        self.contexts.use([usable(certify(some), *some) for some in names])

    async def test_a_client_gets_the_certificate_for_the_host_that_it_wants(self) -> None:
        assert await self.names("a.example.org") == ["a.example.org", "b.example.org"]
        assert await self.names("B.example.org") == ["a.example.org", "b.example.org"]
        assert await self.names("exact.example.net") == ["exact.example.net"]
        assert await self.names("any.example.net") == ["*.example.net"]

    async def test_others_get_the_first(self) -> None:
        assert await self.names("elsewhere.example.com") == ["a.example.org", "b.example.org"]
        assert await self.names("two.labels.example.net") == ["a.example.org", "b.example.org"]
        assert await self.names(None) == ["a.example.org", "b.example.org"]

    async def test_in_all_versions(self) -> None:
        for version in VERSIONS:
            assert await self.names("exact.example.net", client_context(version=version)) == ["exact.example.net"]

    async def test_with_a_second_hello_too(self) -> None:
        # The client guesses a group that the server does not have, and is asked to say hello again.
        said = await self.openssl("-tls1_3", "-servername", "any.example.net", "-groups", "ffdhe8192:P-256")
        assert "CN = *.example.net" in said, said
        assert "Server Temp Key: ECDH, prime256v1" in said, said


class NoCertificateTest(ServedCase):
    async def test_without_a_certificate_clients_are_refused(self) -> None:
        with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
            await self.names()


class ReplacementTest(ServedCase):
    async def test_open_connections_stay_and_new_ones_get_the_new_certificate(self) -> None:
        self.contexts.use([usable(certify(["old.example.org"]), "old.example.org")])
        with ExitStack() as ending:

            def open_some() -> list[Client]:
                contexts = [client_context(version=version) for version in VERSIONS]
                return [ending.enter_context(Client(self.port, context=contexts[number % 2])) for number in range(50)]

            clients = await self.in_thread(open_some)
            assert await self.in_thread(lambda: all(client.echoes() for client in clients))

            self.contexts.use([usable(certify(["new.example.org"]), "new.example.org")])

            assert await self.names() == ["new.example.org"]
            assert await self.in_thread(lambda: all(client.echoes(os.urandom(100_000)) for client in clients))
            assert {tuple(client.names) for client in clients} == {("old.example.org",)}

    async def test_one_that_openssl_does_not_take_changes_nothing(self) -> None:
        self.contexts.use([usable(certify(), "localhost")])
        other = certify(["other.example.org"])
        mismatch = usable(Made(other.certificate, certify().key), "other.example.org")
        for certificates in ([mismatch], [usable(other, "other.example.org"), mismatch]):
            with pytest.raises(BadCertificate, match=r"for other\.example\.org \(.+\); get another one"):
                self.contexts.use(certificates)
        assert await self.names("other.example.org") == ["localhost"]

    async def test_a_connection_that_has_just_begun_gets_the_new_one(self) -> None:
        self.contexts.use([usable(certify(["old.example.org"]), "old.example.org")])
        with socket.create_connection(("127.0.0.1", self.port)) as begun:
            # Connections are taken in their order.
            assert await self.names() == ["old.example.org"]
            self.contexts.use([usable(certify(["new.example.org"]), "new.example.org")])

            def ask() -> list[str]:
                client = Client.__new__(Client)
                client.socket = client_context().wrap_socket(begun, server_hostname="localhost")
                with client:
                    return client.names

            assert await self.in_thread(ask) == ["new.example.org"]


class ResumptionTest(ServedCase):
    def setUp(self) -> None:
        super().setUp()
        self.contexts.use([usable(certify(), "localhost")])
        self.clients = [client_context(version=version) for version in VERSIONS]

    async def session(self, context: ssl.SSLContext) -> ssl.SSLSession:
        def begin() -> ssl.SSLSession:
            with Client(self.port, context=context) as client:
                # In TLS 1.3, tickets come with what comes first.
                assert client.echoes()
                assert client.socket.session
                return client.socket.session

        return await self.in_thread(begin)

    async def resumed(self, context: ssl.SSLContext, session: ssl.SSLSession, name: str = "localhost") -> bool:
        def resume() -> bool:
            with Client(self.port, name, context, session) as client:
                assert client.echoes()
                return bool(client.socket.session_reused)

        return await self.in_thread(resume)

    async def test_a_session_is_resumed_with_a_ticket(self) -> None:
        for context in self.clients:
            session = await self.session(context)
            assert session.has_ticket
            assert session.ticket_lifetime_hint == SESSION_SECONDS
            assert await self.resumed(context, session)

    async def test_after_the_certificate_was_replaced_too(self) -> None:
        for context in self.clients:
            session = await self.session(context)
            self.contexts.use([usable(certify(["localhost", "new"]), "localhost", "new")])
            assert await self.resumed(context, session)

    async def test_keys_of_tickets_do_not_get_old(self) -> None:
        for context in self.clients:
            session = await self.session(context)
            self.now += TICKET_KEY_SECONDS - 1
            assert await self.resumed(context, session)
            self.now += 1
            assert not await self.resumed(context, session)
            assert await self.resumed(context, await self.session(context))

    async def test_a_connection_outlives_the_keys_with_which_it_began(self) -> None:
        with await self.in_thread(lambda: Client(self.port)) as client:
            self.now += TICKET_KEY_SECONDS
            assert await self.names() == ["localhost"]
            assert await self.in_thread(client.echoes)

    async def test_another_server_takes_no_such_ticket(self) -> None:
        context = self.clients[1]
        session = await self.session(context)
        ServedCase.setUp(self)
        self.contexts.use([usable(certify(), "localhost")])
        assert not await self.resumed(context, session)

    async def test_openssl_resumes_as_well(self) -> None:
        said = await self.openssl("-tls1_2", "-reconnect")
        assert (said.count("\nNew, TLSv1.2"), said.count("\nReused, TLSv1.2")) == (1, 5), said


class ChallengeTest(ServedCase):
    """RFC 8737."""

    def setUp(self) -> None:
        super().setUp()
        self.contexts.use([usable(certify(["sim.example.org"]), "sim.example.org")])
        self.answer = certify(["sim.example.org", "the.answer"])
        self.contexts.answer_alpn("Sim.example.org", usable(self.answer, "sim.example.org"))

    def asks(self, name: str, *offered: str, version: TLSVersion = TLSVersion.TLSv1_3) -> tuple[list[str], str | None]:
        with Client(self.port, name, client_context(offered, version)) as client:
            if client.socket.selected_alpn_protocol() == "acme-tls/1":
                # All that comes is the end.
                assert client.socket.recv(1) == b""
            else:
                assert client.echoes()
            return client.names, client.socket.selected_alpn_protocol()

    async def test_who_asks_for_the_answer_gets_it_and_nothing_else(self) -> None:
        for version in VERSIONS:
            got = await self.in_thread(partial(self.asks, "SIM.example.org", "acme-tls/1", version=version))
            assert got == (["sim.example.org", "the.answer"], "acme-tls/1")

    async def test_nothing_passes_on_such_a_connection(self) -> None:
        def say() -> bytes:
            with Client(self.port, "sim.example.org", client_context(["acme-tls/1"])) as client:
                client.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return client.socket.recv(1)

        assert await self.in_thread(say) == b""
        assert self.echoes.heard == b""

    async def test_openssl_reads_it_too(self) -> None:
        said = await self.openssl("-servername", "sim.example.org", "-alpn", "acme-tls/1")
        assert "ALPN protocol: acme-tls/1" in said, said
        assert self.answer.pem.decode().strip() in said, said

    async def test_clients_go_on_meanwhile(self) -> None:
        for offered, chosen in (((), None), (("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "http/1.1")):
            got = await self.in_thread(partial(self.asks, "sim.example.org", *offered))
            assert got == (["sim.example.org"], chosen)

    async def test_other_names_have_no_answer(self) -> None:
        for name in ("other.example.org", "example.org"):
            assert await self.in_thread(partial(self.asks, name, "acme-tls/1")) == (["sim.example.org"], None)

    async def test_an_answer_is_forgotten(self) -> None:
        self.contexts.forget_alpn("sim.example.org")
        self.contexts.forget_alpn("sim.example.org")
        assert await self.in_thread(lambda: self.asks("sim.example.org", "acme-tls/1")) == (["sim.example.org"], None)

    async def test_a_hello_in_many_pieces_is_read(self) -> None:
        def crumbs() -> str | None:
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = client_context(["acme-tls/1"]).wrap_bio(incoming, outgoing, server_hostname="sim.example.org")
            with socket.create_connection(("127.0.0.1", self.port)) as connected:
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while True:
                    try:
                        client.do_handshake()
                    except ssl.SSLWantReadError:
                        for byte in outgoing.read():
                            connected.sendall(bytes([byte]))
                        incoming.write(connected.recv(65536))
                    else:
                        return client.selected_alpn_protocol()

        assert await self.in_thread(crumbs) == ACME_TLS.decode()
