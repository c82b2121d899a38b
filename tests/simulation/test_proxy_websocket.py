"""WebSockets through the proxy: what goes to Webots and back, and who may say what."""

from __future__ import annotations

from tests.simulation.proxied import (
    ACCEPTED,
    BINARY,
    CLOSE,
    HELLO,
    PAGE,
    PING,
    PONG,
    SERVER,
    TEXT,
    UPGRADE,
    ProxyCase,
    frame,
    request,
)


class HandshakeTest(ProxyCase):
    async def test_webots_gets_a_handshake_of_ours_and_the_client_one_of_ours(self) -> None:
        headers = {"Sec-WebSocket-Extensions": "permessage-deflate", "Cookie": "a=b", "Sec-WebSocket-Protocol": "a, b"}
        client = await self.asks("/?url=world", UPGRADE | headers)
        webots = await self.webots()
        assert await webots.until(b"\r\n\r\n") == (
            b"GET /?url=world HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: a, b\r\n\r\n"
        )
        webots.say(ACCEPTED[:-2], b"Set-Cookie: c=d\r\nSec-WebSocket-Protocol: b\r\n\r\n")
        assert await client.until(b"\r\n\r\n") == ACCEPTED[:-2] + b"Sec-WebSocket-Protocol: b\r\n\r\n"

    async def test_what_comes_together_with_the_heads_is_not_lost(self) -> None:
        client = await self.client()
        client.say(request(self.path(), UPGRADE), frame(b"x3d"), frame(b"pause"))
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(ACCEPTED, b"\x81\x05hello")
        assert await webots.take(18) == (frame(b"x3d") + frame(b"pause"))[:18]
        assert await client.until(b"hello") == ACCEPTED + b"\x81\x05hello"
        webots.say(b"\x81\x05again")
        assert await client.until(b"again") == b"\x81\x05again"

    async def test_what_waits_from_an_earlier_answer_comes_first(self) -> None:
        client = await self.client()
        client.say(request("/webots/wrong/") * 3, request(self.path(), UPGRADE), frame(b"x3d"))
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(ACCEPTED, b"\x81\x05hello")
        for _ in range(3):
            status, _, _ = await client.answer()
            assert status == 404
        assert await client.until(b"hello") == ACCEPTED + b"\x81\x05hello"

    async def test_pages_of_other_sites_are_refused(self) -> None:
        for origin in ("https://evil.example", PAGE + ".evil.example", "http://robotbenchmark.net", ""):
            assert await self.status("/", UPGRADE | {"Origin": origin}) == 403, origin
        assert await self.status("/", UPGRADE | {"Origin": f"{PAGE}\r\nOrigin: {PAGE}"}) == 403

    async def test_the_owners_page_the_servers_own_and_robot_windows_may_connect(self) -> None:
        for origin in (PAGE, PAGE.upper(), SERVER, SERVER.replace("http", "https"), "null"):
            await self.opened(headers={"Origin": origin})

    async def test_without_a_known_page_only_the_servers_own_may_connect(self) -> None:
        self.open(origin=None)
        assert await self.status("/", UPGRADE | {"Origin": PAGE}) == 403
        await self.opened(headers={"Origin": SERVER})
        await self.opened()

    async def test_nothing_else_can_be_upgraded_to(self) -> None:
        for headers in (
            {"Upgrade": "h2c"},
            {"Upgrade": "websocket, h2c"},
            {"Upgrade": ""},
            {"Connection": "keep-alive"},
            {"Sec-WebSocket-Key": "short"},
            {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="},
            {"Sec-WebSocket-Protocol": "a b"},
            {"Sec-WebSocket-Protocol": ",".join(f"p{number}" for number in range(9))},
            {"Content-Length": "3\r\n\r\nabc\r\nX: "},
        ):
            assert await self.status("/", UPGRADE | headers) == 400, headers
        assert await self.status("/", UPGRADE, method="HEAD") == 400
        assert await self.status("/", UPGRADE, method="POST") == 405
        assert await self.status("/", UPGRADE, version="1.0") == 400
        assert self.dialled == []

    async def test_another_version_is_told_ours(self) -> None:
        client = await self.asks("/", UPGRADE | {"Sec-WebSocket-Version": "8"})
        status, headers, _ = await client.answer()
        assert (status, headers["sec-websocket-version"], headers["upgrade"]) == (426, "13", "websocket")

    async def test_an_answer_that_does_not_agree_is_not_passed_on(self) -> None:
        for answer in (
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\n\r\n",
            ACCEPTED.replace(b"s3pPLMBi", b"xxxxxxxx"),
            ACCEPTED.replace(b"Upgrade: websocket", b"Upgrade: h2c"),
            ACCEPTED.replace(b"Connection: Upgrade", b"Connection: close"),
            ACCEPTED[:-2] + b"Sec-WebSocket-Protocol: other\r\n\r\n",
            ACCEPTED[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
            ACCEPTED[:-2] + b" folded\r\n\r\n",
            b"\x81\x05hello\r\n\r\n",
            b"x" * 20000,
        ):
            client = await self.asks(headers=UPGRADE)
            webots = await self.webots()
            webots.say(answer)
            status, _, _ = await client.answer()
            assert status == 502, answer
            await webots.gone

    async def test_a_request_that_follows_an_upgrade_is_none(self) -> None:
        client, webots = await self.opened(request(self.path("/secret.txt")))
        code, _ = await self.refused(client)
        assert code == 1002
        assert await webots.all() == b""
        assert self.dialled == []


class DriverTest(ProxyCase):
    async def test_bytes_go_both_ways_as_they_are(self) -> None:
        client, webots = await self.drives()
        client.say(b"any bytes \x00\xff")
        assert await webots.take(12) == b"any bytes \x00\xff"
        webots.say(b"other bytes \xff\x00")
        assert await client.take(14) == b"other bytes \xff\x00"

    async def test_webots_is_heard_only_when_the_client_has_said_what_it_wants(self) -> None:
        client, webots = await self.opened()
        webots.say(b"\x81\x05hello")
        client.say(frame(b"hi", PING))
        assert await webots.take(8) == frame(b"hi", PING)
        assert client.heard == b""
        client.say(frame(b"x3d"))
        assert await client.take(7) == b"\x81\x05hello"

    async def test_a_first_message_in_parts_is_understood(self) -> None:
        parts = frame(b"x3", fin=False) + frame(b"", 0, fin=False) + frame(b"", PING) + frame(b"d", 0)
        client, webots = await self.opened(parts[:3])
        for at in range(3, len(parts)):
            client.say(parts[at : at + 1])
        data = parts.replace(frame(b"", PING), b"")
        assert await webots.take(len(parts)) == frame(b"", PING) + data

    async def test_there_is_one_driver(self) -> None:
        await self.drives()
        for first in (frame(b"x3d"), frame(b"mjpeg: 800x600"), frame(b"x3d;broadcast", BINARY), frame(b"")):
            client, webots = await self.opened(first, frame(b"pause"))
            code, reason = await self.refused(client)
            assert code == 1008
            assert "drives" in reason
            assert await webots.all() == b""

    async def test_the_place_of_a_driver_that_has_left_is_free(self) -> None:
        client, webots = await self.drives()
        client.leave()
        await webots.gone
        client, webots = await self.drives()
        webots.leave()
        await client.gone
        await self.drives()

    async def test_once_others_may_watch_the_place_stays_the_first_drivers(self) -> None:
        client, webots = await self.drives()
        self.route.allow_broadcast = True
        self.route.allow_broadcast = False
        client.leave()
        await webots.gone
        client, _ = await self.opened(frame(b"x3d"))
        assert (await self.refused(client))[0] == 1008

    async def test_who_comes_first_drives_even_where_others_may_watch(self) -> None:
        self.route.allow_broadcast = True
        await self.watches()
        await self.drives()

    async def test_the_drivers_input_is_noted_and_a_watchers_is_not(self) -> None:
        client, webots = await self.drives()
        begin = self.route.last_input
        watcher, watched = await self.watches()
        self.clock.advance(7)
        watcher.say(frame(b"", PING))
        await watched.take(6)
        webots.say(b"something")
        await client.take(9)
        assert self.route.last_input == begin
        client.say(frame(b"pause"))
        await webots.take(11)
        assert self.route.last_input == begin + 7

    async def test_what_is_no_websocket_message_is_refused(self) -> None:
        for first in (
            b"\x81\x03x3d",
            bytes([0xC1]) + frame(b"x3d")[1:],
            bytes([0x83]) + frame(b"x3d")[1:],
            frame(b"x3d", 0),
            frame(b"x", fin=False) + frame(b"3d"),
            frame(b"", PING, fin=False),
            frame(b"x" * 126, PING),
            frame(b"x" * 5000),
            frame(b"x" * 70000),
            b"\x81\xff" + b"\xff" * 8 + b"mask",
            frame(b"x", fin=False) * 700,
            frame(b"", PONG) * 1100,
        ):
            client, webots = await self.opened(first)
            assert (await self.refused(client))[0] == 1002, first[:20]
            assert (await webots.all()).replace(frame(b"", PONG), b"") == b""


class WatcherTest(ProxyCase):
    async def test_nobody_may_watch_unless_the_owner_says_so(self) -> None:
        for first in (b"x3d;broadcast", b"mjpeg: 800x600;broadcast", b";broadcast", b"x3d;fast;broadcast"):
            client, webots = await self.opened(frame(first))
            code, reason = await self.refused(client)
            assert code == 1008
            assert "owner" in reason
            assert await webots.all() == b""

    async def test_a_watcher_sees_and_is_not_heard(self) -> None:
        client, webots = await self.watches()
        webots.say(b"scene")
        assert await client.take(5) == b"scene"
        client.say(frame(b"pause"), frame(b"a", PING), frame(b"x" * 100000, BINARY), frame(b"b", PONG))
        client.say(frame(b"re", fin=False), frame(b"c", PING), frame(b"vert", 0), frame(b"\x03\xe8", CLOSE))
        controls = frame(b"a", PING) + frame(b"b", PONG) + frame(b"c", PING) + frame(b"\x03\xe8", CLOSE)
        assert await webots.take(len(controls)) == controls
        client.leave()
        assert await webots.all() == b""

    async def test_what_follows_the_first_message_at_once_is_dropped_too(self) -> None:
        self.route.allow_broadcast = True
        client, webots = await self.opened(frame(b"x3d;broadcast"), frame(b"revert"), frame(b"!", PING))
        first = frame(b"x3d;broadcast") + frame(b"!", PING)
        assert await webots.take(len(first)) == first
        client.leave()
        assert await webots.all() == b""

    async def test_a_watchers_first_message_can_be_nothing_else(self) -> None:
        self.route.allow_broadcast = True
        for first in (
            b"pause;broadcast",
            b'robot:{"message":";broadcast',
            b"real-time:1;broadcast",
            b"x3d;Broadcast;broadcast",
        ):
            client, webots = await self.opened(frame(first))
            assert (await self.refused(client))[0] == 1008, first
            assert await webots.all() == b""

    async def test_all_ways_to_watch_are_known(self) -> None:
        for first in (b"x3d;broadcast", b"w3d;broadcast", b"mjpeg: 800x600;broadcast", b"mjpeg:1x1;broadcast"):
            await self.watches(first)

    async def test_a_watcher_that_sends_no_frames_is_dropped(self) -> None:
        for bad in (b"GET / HTTP/1.1\r\n\r\n", b"\x89\x00", frame(b"", PING, fin=False), frame(b"", TEXT) * 1100):
            client, webots = await self.watches()
            client.say(bad)
            await client.gone
            assert (await webots.all()).replace(frame(b"", PING), b"") == b""

    async def test_watching_does_not_end_when_it_is_not_allowed_any_more(self) -> None:
        client, webots = await self.watches()
        self.route.allow_broadcast = False
        webots.say(b"scene")
        assert await client.take(5) == b"scene"


class WindowTest(ProxyCase):
    async def test_a_window_is_heard_by_robots_and_hears_webots(self) -> None:
        await self.drives()
        client, webots = await self.speaks()
        webots.say(b"\x81\x05hello")
        assert await client.take(7) == b"\x81\x05hello"
        messages = frame(b"robot:explorer:left 0.2"), frame(b'robot:{"name":"a","message":"b"}')
        client.say(*messages)
        assert await webots.take(len(b"".join(messages))) == b"".join(messages)

    async def test_what_a_window_says_to_others_than_robots_is_dropped(self) -> None:
        wanted = frame(b"robot:a:b"), frame(b"!", PING), frame(b"ro", fin=False) + frame(b"bot:a:in parts", 0)
        client, webots = await self.speaks(frame(b"reset"), wanted[0], frame(b"robot:a:b", BINARY), frame(b"pause"))
        client.say(frame(b"revert", fin=False), wanted[1], frame(b"robot:a:b", 0), frame(b"robo", fin=False))
        client.say(frame(b":a", 0), frame(b"Robot:a:b"), frame(b""), frame(frame(b"robot:a:b")))
        for byte in wanted[2]:
            client.say(bytes([byte]))
        passed = b"".join(wanted)
        assert await webots.take(len(passed)) == passed
        client.say(frame(b"x3d"), frame(b"", CLOSE))
        assert await webots.take(6) == frame(b"", CLOSE)
        client.leave()
        assert await webots.all() == b""

    async def test_by_the_windows_way_nobody_drives_or_watches(self) -> None:
        self.route.allow_broadcast = True
        for first in (frame(b"x3d"), frame(b"x3d;broadcast"), frame(HELLO, BINARY), frame(b""), frame(b"Robot:a:b")):
            client, webots = await self.opened(first, frame(b"robot:a:b"), token=self.windows_tokens[-1])
            code, reason = await self.refused(client)
            assert (code, "robots only" in reason) == (1008, True)
            assert await webots.all() == b""
        await self.drives()

    async def test_a_window_takes_nobodys_place_and_is_no_input(self) -> None:
        begin = self.route.last_input
        self.clock.advance(7)
        await self.speaks()
        for _ in range(self.limits.sockets - 1):
            await self.speaks()
        client = await self.client()
        client.say(request(f"/webots/{self.windows_tokens[-1]}/", UPGRADE))
        status, _, _ = await client.answer()
        assert status == 503
        assert self.route.last_input == begin
        client, webots = await self.drives()
        client.say(frame(b"pause"))
        await webots.take(11)

    async def test_files_are_had_by_the_windows_way_too(self) -> None:
        client = await self.client()
        client.say(request(f"/webots/{self.windows_tokens[-1]}/robot_windows/a/a.html?name=b"))
        webots = await self.webots()
        assert (await webots.until(b"\r\n\r\n")).startswith(b"GET /robot_windows/a/a.html?name=b HTTP/1.1\r\n")
        webots.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nyes")
        status, headers, body = await client.answer()
        assert (status, body) == (200, b"yes")
        assert headers["content-security-policy"].startswith("sandbox allow-scripts")

    async def test_by_the_pages_way_a_window_comes_in_as_long_as_nobody_else_was_invited(self) -> None:
        await self.drives()
        client, webots = await self.opened(frame(HELLO), frame(b"reset"), frame(b"robot:a:b"))
        passed = frame(HELLO) + frame(b"robot:a:b")
        assert await webots.take(len(passed)) == passed
        self.route.allow_broadcast = True
        self.route.allow_broadcast = False
        client, webots = await self.opened(frame(HELLO))
        assert (await self.refused(client))[0] == 1008
        assert await webots.all() == b""

    async def test_a_window_that_sends_no_frames_or_too_long_ones_is_dropped(self) -> None:
        for bad in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x89\x00",
            frame(b"", PING, fin=False),
            frame(b"", TEXT) * 1100,
            frame(b"robot:a:b", 0),
            frame(b"robot:", fin=False) + frame(b"robot:"),
            frame(b"robot:" + b"x" * 65536),
            b"\x81\xff" + b"\x7f" + b"\xff" * 7 + b"mask",
            frame(b"robot:", fin=False) + frame(b"x" * 100, 0, fin=False) * 700,
        ):
            client, webots = await self.speaks()
            client.say(bad)
            await client.gone
            assert (await webots.all()).replace(frame(b"", PING), b"") == b"", bad[:20]

    async def test_windows_end_with_the_route(self) -> None:
        client, webots = await self.speaks()
        self.gate.close(self.route)
        await client.gone
        await webots.gone
        peer = await self.client()
        peer.say(request(f"/webots/{self.windows_tokens[-1]}/"))
        status, _, _ = await peer.answer()
        assert status == 404
