"""Textures and robot windows through the proxy: what Webots is asked, and what of its answer reaches the client."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import fail

from tests.simulation.proxied import UPGRADE, Peer, ProxyCase, request
from webots_cloud.simulation.proxy.answer import LONGEST_HEAD

SAFE = {
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "cross-origin",
    "content-security-policy": "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads",
}


class RequestTest(ProxyCase):
    async def asked(self, rest: str = "/", headers: dict[str, str] | None = None, method: str = "GET") -> bytes:
        """Send a request, and give what Webots gets."""
        client = await self.asks(rest, headers, method)
        webots = await self.webots()
        head = await webots.until(b"\r\n\r\n")
        client.drop()
        assert await webots.all() == b""
        return head

    async def test_webots_is_asked_for_what_is_below_the_token(self) -> None:
        for rest, target in (
            ("", "/"),
            ("/", "/"),
            ("/textures/grass.jpg", "/textures/grass.jpg"),
            ("/robot_windows/a%20b/?name=c", "/robot_windows/a%20b/?name=c"),
        ):
            assert (
                await self.asked(rest)
                == f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            )

    async def test_only_a_few_headers_reach_webots(self) -> None:
        passed = {
            "Accept": "image/png",
            "Range": "bytes=0-9",
            "If-None-Match": '"tag"',
            "If-Modified-Since": "Mon, 23 Nov 2026 00:00:00 GMT",
        }
        others = {
            "Cookie": "a=b",
            "Authorization": "Basic abc",
            "Origin": "https://evil.example",
            "X-Forwarded-For": "1.2.3.4",
            "Connection": "close, range",
            "Accept-Encoding": "gzip",
            "Expect": "nothing",
            "Content-Length": "0",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in passed.items())
        assert (
            await self.asked("/", passed | others)
            == f"GET / HTTP/1.1\r\nHost: localhost\r\n{lines}Connection: close\r\n\r\n".encode()
        )

    async def test_odd_values_of_those_do_not_reach_webots(self) -> None:
        for value in ("a\r\nAccept: b", "caf\xe9", "x" * 1001, ""):
            head = await self.asked("/", {"Accept": value})
            assert head == b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", value

    async def test_webots_is_asked_head_as_get(self) -> None:
        assert (await self.asked("/", method="HEAD")).startswith(b"GET / HTTP/1.1\r\n")

    async def test_tricks_with_paths_do_not_reach_webots(self) -> None:
        for rest in (
            "/../../load",
            "/%2e%2e/x",
            "//etc/passwd",
            "/a%2fb",
            "/a%00",
            "/a%0d%0aX:y",
            "/a\\b",
            "/a%",
            "?a%00",
        ):
            assert await self.status(rest) == 400, rest
        assert self.dialled == []

    async def test_requests_with_a_body_do_not_reach_webots(self) -> None:
        for headers in (
            {"Content-Length": "4\r\n\r\nbodyGET / HTTP/1.1\r\nX: "},
            {"Transfer-Encoding": "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\nX: "},
            {"Transfer-Encoding": "chunked\r\n\r\n0\r\n\r\nX: "},
            {"Transfer-Encoding": "identity"},
            {"Content-Length": "4\r\nTransfer-Encoding: chunked"},
            {"Transfer-Encoding": "chunked\r\nContent-Length: 4"},
            {"Content-Length": "0\r\nContent-Length: 4"},
            {"Content-Length": "4\r\nContent-Length: 4"},
            {"Content-Length": "+4"},
            {"Content-Length": "4,4"},
            {"Content-Length": "0x4"},
            {"Transfer-Encoding": "xchunked"},
            {"Transfer-Encoding": "chunked, identity"},
            {"Transfer-Encoding": "\tchunked\r\n\r\n0\r\n\r\nX: "},
            {"X": "y\r\n Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\nX: "},
            {"Transfer-Encoding ": "chunked"},
            {"Content-Length ": "4"},
        ):
            assert await self.status("/", headers) == 400, headers
        assert self.dialled == []

    async def test_only_get_and_head_reach_webots(self) -> None:
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "GETX"):
            client = await self.asks(method=method)
            status, headers, _ = await client.answer()
            assert (status, headers["allow"]) == (405, "GET, HEAD"), method
        assert self.dialled == []

    async def test_all_wrong_tokens_get_the_same_answer(self) -> None:
        old = self.token
        self.gate.close(self.route)
        self.open()
        answers = set()
        for wrong in (
            "",
            "/",
            f"/{old}/",
            f"/{self.token[:-1]}/",
            f"/{self.token}x/",
            f"/x{self.token}",
            "/%00/",
            "//",
        ):
            for headers in ({}, UPGRADE, {"Content-Length": "1\r\n\r\nx"}):
                for method in ("GET", "POST"):
                    client = await self.client()
                    client.say(request(f"/webots{wrong}", headers, method))
                    status, told, body = await client.answer()
                    assert status == 404, wrong
                    del told["date"]
                    answers.add((tuple(sorted(told.items())), body))
                    client.drop()
                    await client.gone
        assert len(answers) == 1
        assert self.dialled == []

    async def test_pipelined_requests_are_passed_on_one_by_one(self) -> None:
        client = await self.client()
        client.say(request(self.path("/a")), request(self.path("/b")))
        for name in (b"a", b"b"):
            webots = await self.webots()
            assert (await webots.until(b"\r\n\r\n")).startswith(b"GET /%s " % name)
            assert self.dialled == []
            webots.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + name)
            _, _, body = await client.answer()
            assert body == name


class AnswerTest(ProxyCase):
    async def answered(self, *data: bytes, headers: dict[str, str] | None = None, **how: str) -> tuple[Peer, Peer]:
        """Have Webots answer a request; give client and Webots."""
        client = await self.asks(headers=headers, **how)
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(*data)
        return client, webots

    async def test_an_answer_gets_safe_headers_and_loses_all_it_does_not_need(self) -> None:
        passed = {
            "content-type": "image/png",
            "content-length": "5",
            "etag": '"tag"',
            "last-modified": "Mon, 23 Nov 2026 00:00:00 GMT",
            "cache-control": "public, max-age=3600",
        }
        dropped = {
            "Set-Cookie": "a=b",
            "Access-Control-Allow-Origin": "https://evil.example",
            "Access-Control-Allow-Credentials": "true",
            "Content-Security-Policy": "default-src *",
            "Content-Encoding": "gzip",
            "Location": "https://evil.example",
            "Refresh": "0; url=https://evil.example",
            "Strict-Transport-Security": "max-age=1",
            "Alt-Svc": "h3",
            "Server": "evil",
            "Connection": "keep-alive",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in (passed | dropped).items())
        client, webots = await self.answered(f"HTTP/1.1 200 OK\r\n{lines}\r\nhello".encode())
        status, headers, body = await client.answer()
        del headers["date"], headers["server"]
        assert (status, headers, body) == (200, passed | SAFE, b"hello")
        await webots.gone
        assert len(self.entrance) == 0

    async def test_parts_are_passed_on(self) -> None:
        client, _ = await self.answered(
            b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-2/5\r\nContent-Length: 3\r\n\r\nhel"
        )
        status, headers, body = await client.answer()
        assert (status, headers["content-range"], body) == (206, "bytes 0-2/5", b"hel")

    async def test_not_modified_and_not_found_are_passed_on(self) -> None:
        client, _ = await self.answered(b'HTTP/1.1 304 Not Modified\r\nETag: "tag"\r\n\r\n')
        status, headers = await client.head()
        assert (status, headers["etag"], client.heard) == (304, '"tag"', b"")
        client, _ = await self.answered(b"HTTP/1.0 404 Nothing\r\nContent-Length: 2\r\n\r\nno")
        assert (await client.answer())[0] == 404

    async def test_the_client_stays_connected_after_an_answer(self) -> None:
        client, _ = await self.answered(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")
        await client.answer()
        client.say(request(self.path()))
        webots = await self.webots()
        webots.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb")
        assert (await client.answer())[2] == b"b"

    async def test_a_head_has_no_body(self) -> None:
        client, webots = await self.answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", method="HEAD")
        status, headers = await client.head()
        assert (status, headers["content-length"]) == (200, "5")
        await webots.gone
        assert client.heard == b""

    async def test_a_body_that_ends_with_the_connection_is_passed_on(self) -> None:
        client, webots = await self.answered(b"HTTP/1.0 200 OK\r\n\r\nhel")
        status, headers = await client.head()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert "content-type" not in headers
        webots.say(b"lo")
        webots.leave()
        assert (await client.until(b"0\r\n\r\n")).endswith(b"lo\r\n0\r\n\r\n")

    async def test_a_body_in_chunks_is_passed_on(self) -> None:
        client, webots = await self.answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2")
        await client.head()
        webots.say(b"\r\nlo\r\n0\r\n\r\n")
        assert await client.until(b"0\r\n\r\n") == b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        await webots.gone

    async def test_what_comes_after_the_end_of_a_body_is_dropped(self) -> None:
        client, webots = await self.answered(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        )
        assert (await client.answer())[2] == b"ab"
        await webots.gone
        client.say(request("/webots/wrong"))
        assert (await client.answer())[0] == 404

    async def test_an_answer_that_breaks_off_breaks_off_for_the_client_too(self) -> None:
        for head in (b"Content-Length: 10", b"Transfer-Encoding: chunked"):
            client, webots = await self.answered(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n5\r\nhello\r\n"[:8])
            await client.head()
            webots.leave()
            await client.gone
            assert not client.clean
            assert b"\r\n0\r\n" not in client.heard

    async def test_a_chunk_that_is_none_breaks_the_answer_off(self) -> None:
        client, webots = await self.answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naX\r\n")
        await client.gone
        assert not client.clean
        await webots.gone

    async def test_answers_that_are_not_passed_on(self) -> None:
        for answer in (
            b"HTTP/1.1 302 Found\r\nLocation: https://evil.example\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            b"HTTP/1.1 500 Oh\r\n\r\n",
            b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: a\r\nContent-Type: b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Type: caf\xe9\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
            b"HTTP/1.1 200 OK\nContent-Length: 0\n\nX\r\n\r\n",
            b"<html>\r\n\r\n",
            b"x" * (LONGEST_HEAD + 1),
            b"HTTP/1.1 200 OK\r\nX: " + b"x" * LONGEST_HEAD + b"\r\n\r\n",
        ):
            client, webots = await self.answered(answer)
            status, headers, body = await client.answer()
            assert status == 502, answer[:50]
            assert headers | SAFE == headers
            assert b"Webots" in body
            await webots.gone
            client.drop()
            await client.gone

    async def test_a_webots_that_says_nothing_is_told_of(self) -> None:
        client = await self.asks()
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.leave()
        assert (await client.answer())[0] == 502

    async def test_what_nobody_expected_is_told_and_logged(self) -> None:
        self.open(lambda: fail(ValueError("nobody expected this")))
        status, headers, body = await (await self.asks()).answer()
        assert status == 502
        assert headers | SAFE == headers
        assert b"Something went wrong on this server" in body
        failures = [event for event in self.logged if "log_failure" in event]
        assert [event["log_failure"].type for event in failures] == [ValueError]
        # No other test may leave one.
        self.logged[:] = [event for event in self.logged if event not in failures]
        cast(Any, self).flushLoggedErrors(ValueError)
