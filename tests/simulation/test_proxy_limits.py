"""What ends a connection through the proxy: limits, time, the route's end, and either side's."""

from __future__ import annotations

import socket

from twisted.internet.defer import Deferred, fail

from tests.simulation.proxied import UPGRADE, ProxyCase, frame
from webots_cloud.simulation.entrance import Limits


class SocketLimitTest(ProxyCase):
    limits = Limits(3, 1000)

    async def test_websockets_and_requests_are_counted_together(self) -> None:
        driver, _ = await self.drives()
        await self.watches()
        waiting = await self.asks()
        await self.webots()
        for headers in (UPGRADE, {}):
            client = await self.asks(headers=headers)
            status, _, body = await client.answer()
            assert status == 503
            assert b"Too many" in body
        waiting.drop()
        await self.until_true(lambda: len(self.entrance) == 2)
        await self.watches()
        driver.leave()
        await self.until_true(lambda: len(self.entrance) == 2)
        await self.watches()
        assert await self.status() == 503

    async def test_refused_ones_are_counted_until_they_have_gone(self) -> None:
        await self.drives()
        refused = []
        for _ in range(2):
            client, _ = await self.opened(frame(b"x3d"))
            client.read_no_more()
            refused.append(client)
        assert await self.status() == 503
        for client in refused:
            client.read_on()
            await self.refused(client)
        await self.until_true(lambda: len(self.entrance) == 1)

    async def test_one_instance_does_not_take_anothers(self) -> None:
        for _ in range(3):
            await self.asks()
            await self.webots()
        assert await self.status() == 503
        self.open()
        await self.drives()


class RequestLimitTest(ProxyCase):
    limits = Limits(1000, 2)

    async def test_so_many_requests_a_second_are_passed_on(self) -> None:
        for _ in range(10):
            assert await self.status("/..") == 400
        client = await self.asks(headers=UPGRADE)
        status, headers, body = await client.answer()
        assert (status, headers["retry-after"]) == (429, "1")
        assert b"too many requests" in body
        self.clock.advance(0.5)
        await self.opened()
        assert await self.status() == 429


class TimeTest(ProxyCase):
    async def test_connecting_takes_ten_seconds_at_most(self) -> None:
        for headers in ({}, UPGRADE):
            cancelled: list[object] = []
            never: Deferred[socket.socket] = Deferred(cancelled.append)
            self.open(lambda never=never: never)
            client = await self.asks(headers=headers)
            await self.until_true(lambda: len(self.entrance))
            self.clock.advance(9.9)
            assert cancelled == []
            self.clock.advance(0.1)
            assert cancelled == [never]
            status, _, body = await client.answer()
            assert status == 502
            assert b"cannot be reached" in body

    async def test_a_webots_that_cannot_be_connected_to_is_told_of(self) -> None:
        def refuses() -> Deferred[socket.socket]:
            return fail(ConnectionRefusedError(111, "refused"))

        def breaks() -> Deferred[socket.socket]:
            raise FileNotFoundError(2, "no such socket")

        for connect in (refuses, breaks):
            self.open(connect)
            assert await self.status() == 502
            assert await self.status(headers=UPGRADE) == 502

    async def test_a_handshake_takes_ten_seconds_at_most(self) -> None:
        client = await self.asks(headers=UPGRADE)
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(b"HTTP/1.1 101 Sw")
        self.clock.advance(9.9)
        assert len(self.entrance) == 1
        self.clock.advance(0.1)
        assert (await client.answer())[0] == 502
        await webots.gone

    async def test_an_answer_begins_within_thirty_seconds(self) -> None:
        client = await self.asks()
        webots = await self.webots()
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9:
            webots.say(bytes([byte]))
            self.clock.advance(1)
        await webots.until(b"\r\n\r\n")
        self.clock.advance(1)
        status, _, body = await client.answer()
        assert status == 502
        assert b"within 30 seconds" in body
        await webots.gone

    async def test_a_body_that_does_not_go_on_is_broken_off(self) -> None:
        client = await self.asks()
        webots = await self.webots()
        webots.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nh")
        await client.until(b"\r\n\r\nh")
        self.clock.advance(59)
        webots.say(b"e")
        await client.until(b"e")
        self.clock.advance(59)
        assert not webots.lost
        self.clock.advance(1)
        await webots.gone
        await client.gone
        assert not client.clean

    async def test_a_stream_of_pictures_may_rest_for_ever(self) -> None:
        client = await self.asks()
        webots = await self.webots()
        webots.say(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n--next")
        status, headers = await client.head()
        assert (status, headers["content-type"]) == (200, "multipart/x-mixed-replace; boundary=next")
        await client.until(b"--next")
        for _ in range(10):
            self.clock.advance(60)
        webots.say(b"a picture")
        await client.until(b"a picture")

    async def test_a_page_says_within_ten_seconds_what_it_wants(self) -> None:
        client, webots = await self.opened(frame(b"x3d")[:4])
        self.clock.advance(9.9)
        client.say(frame(b"x3d")[4:5])
        self.clock.advance(0.1)
        code, reason = await self.refused(client)
        assert code == 1008
        assert "within 10 seconds" in reason
        await webots.gone

    async def test_a_refused_client_that_stays_is_dropped(self) -> None:
        client, _ = await self.opened(b"\x81\x03x3d")
        await client.take(2)
        client._transport.stopReading()
        self.clock.advance(2)
        await self.until_true(lambda: len(self.entrance) == 0)

    async def test_an_open_websocket_may_be_silent_for_ever(self) -> None:
        client, webots = await self.drives()
        self.clock.advance(100000)
        webots.say(b"scene")
        assert await client.take(5) == b"scene"


class EndTest(ProxyCase):
    async def test_closing_a_route_ends_everything_that_came_by_it(self) -> None:
        connecting: list[Deferred[socket.socket]] = []
        others = self.route
        other, _ = await self.drives()

        def connect() -> Deferred[socket.socket]:
            connecting.append(Deferred())
            return connecting[-1]

        self.open(connect)
        no_connection, no_handshake = await self.asks(), await self.asks(headers=UPGRADE)
        await self.until_true(lambda: len(self.entrance) == 2)
        route = self.route
        self.gate.close(route)
        assert (await no_connection.answer())[0] == 502
        assert (await no_handshake.answer())[0] == 502
        assert [one.called for one in connecting] == [True, True]

        self.open()
        no_answer, handshake = await self.asks(), await self.asks(headers=UPGRADE)
        asked, shaking = await self.webots(), await self.webots()
        body = await self.asks()
        answering = await self.webots()
        answering.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        await body.until(b"hello")
        undecided, silent = await self.opened()
        driver, driven = await self.drives()
        watcher, watched = await self.watches()
        refused, _ = await self.opened(frame(b"x3d"))
        await refused.take(2)
        self.gate.close(self.route)
        self.gate.close(self.route)
        for webots in (asked, shaking, answering, silent, driven, watched):
            await webots.gone
        for client in (body, undecided, driver, watcher, refused):
            await client.gone
        assert (await no_answer.answer())[0] == 502
        assert (await handshake.answer())[0] == 502
        assert await self.status() == 404
        assert not other.lost
        self.gate.close(others)
        await other.gone

    async def test_a_connection_that_comes_after_the_end_is_closed(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.open(lambda: Deferred(lambda deferred: deferred.callback(ours)))
        client = await self.asks(headers=UPGRADE)
        await self.until_true(lambda: len(self.entrance) == 1)
        self.gate.close(self.route)
        assert (await client.answer())[0] == 502
        assert ours.fileno() == -1

    async def test_a_client_that_leaves_ends_its_connection_to_webots(self) -> None:
        for leave in ("leave", "drop"):
            asks = await self.asks()
            asked = await self.webots()
            shakes = await self.asks(headers=UPGRADE)
            shaken = await self.webots()
            body = await self.asks()
            answering = await self.webots()
            answering.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            await body.until(b"hello")
            undecided, silent = await self.opened()
            driver, driven = await self.drives()
            for client, webots in (
                (asks, asked),
                (shakes, shaken),
                (body, answering),
                (undecided, silent),
                (driver, driven),
            ):
                getattr(client, leave)()
                await webots.gone
            await self.until_true(lambda: len(self.entrance) == 0)

    async def test_a_client_that_leaves_while_webots_is_connected_to_ends_that(self) -> None:
        connecting: Deferred[socket.socket] = Deferred()
        self.open(lambda: connecting)
        client = await self.asks()
        await self.until_true(lambda: len(self.entrance) == 1)
        client.leave()
        await self.until_true(lambda: connecting.called)
        assert len(self.entrance) == 0

    async def test_a_webots_that_ends_ends_its_clients(self) -> None:
        client, webots = await self.drives()
        webots.say(b"last words")
        webots.leave()
        assert await client.all() == b"last words"
        assert client.clean

    async def test_a_webots_that_ends_before_it_is_heard_lets_the_client_know(self) -> None:
        client, webots = await self.opened()
        webots.leave()
        await webots.gone
        client.say(frame(b"x3d"))
        await client.gone

    async def test_what_is_not_delivered_to_the_site_any_more_is_the_routes(self) -> None:
        client, _ = await self.drives()
        assert len(self.site.channels) == 0
        await self.site.channels.close()
        assert not client.lost
        self.gate.close(self.route)
        await client.gone
