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
            self.assertEqual(status, 503)
            self.assertIn(b"Too many", body)
        waiting.drop()
        await self.until_true(lambda: len(self.entrance) == 2)
        await self.watches()
        driver.leave()
        await self.until_true(lambda: len(self.entrance) == 2)
        await self.watches()
        self.assertEqual(await self.status(), 503)

    async def test_refused_ones_are_counted_until_they_have_gone(self) -> None:
        await self.drives()
        refused = [(await self.opened(frame(b"x3d")))[0] for _ in range(2)]
        self.assertEqual(await self.status(), 503)
        for client in refused:
            await self.refused(client)
        await self.until_true(lambda: len(self.entrance) == 1)

    async def test_one_instance_does_not_take_anothers(self) -> None:
        for _ in range(3):
            await self.asks()
            await self.webots()
        self.assertEqual(await self.status(), 503)
        self.open()
        await self.drives()


class RequestLimitTest(ProxyCase):
    limits = Limits(1000, 2)

    async def test_so_many_requests_a_second_are_passed_on(self) -> None:
        for _ in range(10):
            self.assertEqual(await self.status("/.."), 400)
        client = await self.asks(headers=UPGRADE)
        status, headers, body = await client.answer()
        self.assertEqual((status, headers["retry-after"]), (429, "1"))
        self.assertIn(b"too many requests", body)
        self.clock.advance(0.5)
        await self.opened()
        self.assertEqual(await self.status(), 429)


class TimeTest(ProxyCase):
    async def test_connecting_takes_ten_seconds_at_most(self) -> None:
        for headers in ({}, UPGRADE):
            cancelled: list[object] = []
            never: Deferred[socket.socket] = Deferred(cancelled.append)
            self.open(lambda never=never: never)
            client = await self.asks(headers=headers)
            await self.until_true(lambda: len(self.entrance))
            self.clock.advance(9.9)
            self.assertEqual(cancelled, [])
            self.clock.advance(0.1)
            self.assertEqual(cancelled, [never])
            status, _, body = await client.answer()
            self.assertEqual(status, 502)
            self.assertIn(b"cannot be reached", body)

    async def test_a_webots_that_cannot_be_connected_to_is_told_of(self) -> None:
        def refuses() -> Deferred[socket.socket]:
            return fail(ConnectionRefusedError(111, "refused"))

        def breaks() -> Deferred[socket.socket]:
            raise FileNotFoundError(2, "no such socket")

        for connect in (refuses, breaks):
            self.open(connect)
            self.assertEqual(await self.status(), 502)
            self.assertEqual(await self.status(headers=UPGRADE), 502)

    async def test_a_handshake_takes_ten_seconds_at_most(self) -> None:
        client = await self.asks(headers=UPGRADE)
        webots = await self.webots()
        await webots.until(b"\r\n\r\n")
        webots.say(b"HTTP/1.1 101 Sw")
        self.clock.advance(9.9)
        self.assertEqual(len(self.entrance), 1)
        self.clock.advance(0.1)
        self.assertEqual((await client.answer())[0], 502)
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
        self.assertEqual(status, 502)
        self.assertIn(b"within 30 seconds", body)
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
        self.assertFalse(webots.lost)
        self.clock.advance(1)
        await webots.gone
        await client.gone
        self.assertFalse(client.clean)

    async def test_a_page_says_within_ten_seconds_what_it_wants(self) -> None:
        client, webots = await self.opened(frame(b"x3d")[:4])
        self.clock.advance(9.9)
        client.say(frame(b"x3d")[4:5])
        self.clock.advance(0.1)
        code, reason = await self.refused(client)
        self.assertEqual(code, 1008)
        self.assertIn("within 10 seconds", reason)
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
        self.assertEqual(await client.take(5), b"scene")


class EndTest(ProxyCase):
    async def test_closing_a_route_ends_everything_that_came_by_it(self) -> None:
        connecting: Deferred[socket.socket] = Deferred()
        others = self.route
        other, _ = await self.drives()
        self.open(lambda: connecting)
        no_connection, no_handshake = await self.asks(), await self.asks(headers=UPGRADE)
        await self.until_true(lambda: len(self.entrance) == 2)
        route = self.route
        self.gate.close(route)
        self.assertEqual((await no_connection.answer())[0], 502)
        self.assertEqual((await no_handshake.answer())[0], 502)
        self.assertTrue(connecting.called)

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
        self.assertEqual((await no_answer.answer())[0], 502)
        self.assertEqual((await handshake.answer())[0], 502)
        self.assertEqual(await self.status(), 404)
        self.assertFalse(other.lost)
        self.gate.close(others)
        await other.gone

    async def test_a_connection_that_comes_after_the_end_is_closed(self) -> None:
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.open(lambda: Deferred(lambda deferred: deferred.callback(ours)))
        client = await self.asks(headers=UPGRADE)
        await self.until_true(lambda: len(self.entrance) == 1)
        self.gate.close(self.route)
        self.assertEqual((await client.answer())[0], 502)
        self.assertEqual(ours.fileno(), -1)

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
        self.assertEqual(len(self.entrance), 0)

    async def test_a_webots_that_ends_ends_its_clients(self) -> None:
        client, webots = await self.drives()
        webots.say(b"last words")
        webots.leave()
        self.assertEqual(await client.all(), b"last words")
        self.assertTrue(client.clean)

    async def test_a_webots_that_ends_before_it_is_heard_lets_the_client_know(self) -> None:
        client, webots = await self.opened()
        webots.leave()
        await webots.gone
        client.say(frame(b"x3d"))
        await client.gone

    async def test_what_is_not_delivered_to_the_site_any_more_is_the_routes(self) -> None:
        client, _ = await self.drives()
        self.assertEqual(len(self.site.channels), 0)
        await self.site.channels.close()
        self.assertFalse(client.lost)
        self.gate.close(self.route)
        await client.gone
