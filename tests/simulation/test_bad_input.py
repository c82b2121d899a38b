"""Bad input through the real thing: one sentence for the client, one line in the log, and nothing left."""

from __future__ import annotations

import os
import resource
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import psutil
from twisted.internet.defer import Deferred
from twisted.web.http import HTTPChannel
from twisted.web.server import NOT_DONE_YET, Request

from tests.simulation.stage import INSTANCES, KEY, NEVER_OPENS, NOTES_ITSELF, OPENS, WORLD, StageCase, packed, until
from webots_cloud.simulation.request import MAX_MESSAGE_BYTES
from webots_cloud.simulation.runner import MOST_RESETS

SHORT_SECONDS = 0.5


class TestRequests(StageCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    async def told(self, message: object | bytes, origin: str | None = None) -> str:
        return await self.refused(await self.asked(message, origin))

    async def test_what_is_not_json(self) -> None:
        assert "not JSON" in await self.told(b"x3d;broadcast")

    async def test_json_of_another_shape(self) -> None:
        assert "not an object with one member" in await self.told(["init"])

    async def test_another_order(self) -> None:
        assert "neither to start nor to reset" in await self.told({"stop": []})

    async def test_eight_fields(self) -> None:
        assert "9 fields" in await self.told({"init": [""] * 8})

    async def test_ten_fields(self) -> None:
        assert "9 fields" in await self.told({"init": [""] * 10})

    async def test_wrong_types(self) -> None:
        assert "not text" in await self.told({"init": [self.host.url, "simple", None, [], {}, 1.5, "", "", ""]})

    async def test_a_project_on_github(self) -> None:
        assert "GitHub" in await self.told({"start": {"url": "https://github.com/a/b/blob/main/worlds/c.wbt"}})

    async def test_a_reset_before_there_is_a_simulation(self) -> None:
        assert "before it starts" in await self.told({"reset controller": "go/go.py"})

    async def test_a_binary_message(self) -> None:
        client = await self.connect()
        client.ask(self.init(), isBinary=True)
        assert "not text" in await self.refused(client)

    async def test_text_that_is_not_utf_8(self) -> None:
        assert "not JSON" in await self.told(b'{"init": "\xff"}')

    async def test_a_message_over_64_kib_in_one_frame(self) -> None:
        assert "more than 64 KiB" in await self.told(b" " * (MAX_MESSAGE_BYTES + 1))

    async def test_a_message_over_64_kib_in_many_frames(self) -> None:
        client = await self.connect()
        client.ask(b" " * (5 * MAX_MESSAGE_BYTES), fragmentSize=1000)
        assert "more than 64 KiB" in await self.refused(client)

    async def test_a_message_that_is_announced_as_huge_is_refused_before_it_comes(self) -> None:
        client = await self.connect()
        client.beginMessage()
        client.beginMessageFrame(2**40)
        assert "more than 64 KiB" in await self.refused(client)

    async def test_nothing_after_a_refused_message_counts(self) -> None:
        client = await self.connect()
        for message in (b"garbage", b"more garbage", self.init()):
            client.ask(message)
        assert "not JSON" in await self.refused(client)
        assert self.pids == []

    async def test_a_second_init_on_one_socket(self) -> None:
        client = await self.started()
        client.ask(self.init())
        assert "a simulation already" in await self.refused(client)

    async def test_a_flood_of_resets(self) -> None:
        client = await self.started()
        for _ in range(MOST_RESETS + 1):
            client.ask({"reset controller": "go/go.py"})
        assert "too many controllers" in await self.refused(client)

    async def test_a_long_message_while_a_simulation_runs(self) -> None:
        client = await self.started()
        client.ask(b" " * (MAX_MESSAGE_BYTES + 1))
        assert "more than 64 KiB" in await self.refused(client)

    async def test_garbage_while_a_simulation_runs(self) -> None:
        client = await self.started()
        client.ask(b"garbage")
        assert "not JSON" in await self.refused(client)

    async def test_a_project_with_two_dots(self) -> None:
        assert "is not the name of a project" in await self.told(self.init(project=".."))

    async def test_a_project_with_a_slash(self) -> None:
        assert "is not the name of a project" in await self.told(self.init(project="simple/worlds"))

    async def test_a_project_with_nul(self) -> None:
        assert "not text" in await self.told(self.init(project="simple\0"))

    async def test_a_project_with_a_leading_dot(self) -> None:
        assert "is not the name of a project" in await self.told(self.init(project=".simple"))

    async def test_a_project_that_is_absent(self) -> None:
        told = await self.told(self.init(project="absent"))
        assert told == f"error: There is no project absent, neither on this server nor on {self.host.url}."

    async def test_a_world_with_two_dots(self) -> None:
        assert "is not the name of a world" in await self.told(self.init(world="../worlds/simple.wbt"))

    async def test_a_world_with_a_leading_dot(self) -> None:
        assert "is not the name of a world" in await self.told(self.init(world=".simple.wbt"))

    async def test_a_world_that_is_no_wbt_file(self) -> None:
        assert "is not the name of a world" in await self.told(self.init(world="go.py"))

    async def test_a_world_that_is_absent(self) -> None:
        assert await self.told(self.init(world="absent.wbt")) == "error: The project simple has no world absent.wbt."


class TestHosts(StageCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    async def told(self, host: str, origin: str | None = None) -> str:
        told = await self.refused(await self.asked(self.init(host=host, user="7"), origin))
        assert self.host.asked == [], "it was contacted"
        return told

    async def test_an_unknown_host(self) -> None:
        assert "not known to this server" in await self.told(f"http://example.org:{self.host.port}")

    async def test_a_host_with_a_user_and_a_password(self) -> None:
        told = await self.told(f"http://user:pass@localhost:{self.host.port}")
        assert "is not the name of a website" in told
        assert "pass" not in told + "".join(self.warnings)

    async def test_a_host_with_another_port(self) -> None:
        assert "not known to this server" in await self.told("http://localhost:1")

    async def test_a_host_that_is_an_address(self) -> None:
        (self.keys / "127.0.0.1").write_text(KEY)
        assert "is not the name of a website" in await self.told(f"http://127.0.0.1:{self.host.port}")

    async def test_a_host_that_is_a_file(self) -> None:
        assert "is not the name of a website" in await self.told("file:///etc/passwd")

    async def test_a_host_whose_key_is_empty(self) -> None:
        (self.keys / "localhost").write_text("\nsecond line\n")
        assert "not known to this server" in await self.told(self.host.url)

    async def test_a_page_of_another_site(self) -> None:
        told = await self.told(self.host.url, origin=f"http://evil.example:{self.host.port}")
        assert "cannot start simulations of" in told

    async def test_a_page_of_another_port_of_the_same_machine(self) -> None:
        assert "cannot start simulations of" in await self.told(self.host.url, origin="http://localhost:1")

    async def test_a_page_of_another_scheme(self) -> None:
        assert "cannot start simulations of" in await self.told(
            self.host.url, origin=f"https://localhost:{self.host.port}"
        )

    async def test_a_page_that_has_no_site(self) -> None:
        assert "cannot start simulations of" in await self.told(self.host.url, origin="null")


class TestDownloads(StageCase):
    own = packed({"worlds/simple.wbt": WORLD, "noise": os.urandom(50_000)})

    async def told(self, **config: Any) -> str:
        self.start(**config)
        return await self.refused(await self.asked(self.init(user="7")))

    async def test_that_stalls(self) -> None:
        self.host.begins(self.own[:10_000])
        assert "within 0.5 seconds" in await self.told(fetchTimeoutSeconds=SHORT_SECONDS)

    async def test_that_never_begins(self) -> None:
        self.host.answer = lambda request: NOT_DONE_YET
        assert "does not answer" in await self.told(fetchTimeoutSeconds=SHORT_SECONDS)

    def start_with_host_that_takes_no_connection(self, **config: Any) -> int:
        """Start the server; give the host's port, at which connections wait for ever."""
        full = self.enterContext(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = full.getsockname()[1]
        self.enterContext(socket.create_connection(("127.0.0.1", port)))
        self.start(hostPorts=frozenset({port}), **config)
        return port

    async def test_from_a_host_that_takes_no_connection(self) -> None:
        port = self.start_with_host_that_takes_no_connection(fetchTimeoutSeconds=SHORT_SECONDS)
        client = await self.asked(self.init(host=f"http://localhost:{port}", user="7"))
        assert "within 0.5 seconds" in await self.refused(client)

    async def test_that_a_client_does_not_wait_for_is_given_up_while_it_connects(self) -> None:
        port = self.start_with_host_that_takes_no_connection()

        def connects() -> bool:
            connections = psutil.Process().net_connections("tcp")
            return any(one.status == psutil.CONN_SYN_SENT and one.raddr[1] == port for one in connections)

        client = await self.asked(self.init(host=f"http://localhost:{port}", user="7"))
        await until(connects, "the host is not contacted")
        client.vanish()
        await client.closed
        await self.nothing_left()
        assert self.warnings == []

    async def test_that_breaks_off(self) -> None:
        self.host.begins(self.own[:10_000], lambda request: request.loseConnection())
        assert "broke off" in await self.told()

    async def test_that_breaks_off_before_it_begins(self) -> None:
        def hang_up(request: Request) -> int:
            request.loseConnection()
            return NOT_DONE_YET

        self.host.answer = hang_up
        assert "does not answer" in await self.told()

    async def test_that_is_no_http(self) -> None:
        def talk_nonsense(request: Request) -> int:
            channel = request.channel
            assert isinstance(channel, HTTPChannel)
            channel.write(b"220 smtp.example.org ESMTP\r\n\r\n")
            channel.loseConnection()
            return NOT_DONE_YET

        self.host.answer = talk_nonsense
        assert "does not answer" in await self.told()

    async def test_that_is_announced_as_too_large(self) -> None:
        self.host.begins(self.own, length=10**12)
        assert "larger than the 1 MB" in await self.told(maxArchiveMegabytes=1)

    async def test_that_becomes_too_large(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD, "noise": os.urandom(2_000_000)}))
        assert "larger than the 1 MB" in await self.told(maxArchiveMegabytes=1)

    async def test_of_a_text(self) -> None:
        self.host.gives(b"<html>Under construction</html>")
        assert "not a ZIP archive" in await self.told()

    async def test_of_a_text_without_end(self) -> None:
        self.host.begins(b"<html>" * 10_000)
        assert "not a ZIP archive" in await self.told()

    async def test_of_nothing(self) -> None:
        self.host.gives(b"")
        assert "cannot be unpacked" in await self.told()

    async def test_of_an_error(self) -> None:
        self.host.gives(b"Error: wrong\nkey \x1b[2J<b>")
        told = await self.told()
        assert told == f"error: The website {self.host.url} does not give the project: wrong key [2J<b>"

    async def test_of_half_an_archive(self) -> None:
        self.host.gives(self.own[:-100])
        assert "cannot be unpacked" in await self.told()

    async def test_of_an_archive_that_must_not_be_unpacked(self) -> None:
        self.host.gives(packed({"../../outside": "evil"}))
        assert "cannot be unpacked" in await self.told()
        assert list(self.place.rglob("outside")) == []

    async def test_of_an_archive_with_a_folder_where_the_server_writes(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD, "host.txt/file": ""}))
        assert "a folder named host.txt" in await self.told()

    async def test_of_a_bomb(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD, "bomb": bytes(20_000_000)}))
        assert "cannot be unpacked" in await self.told()

    async def test_of_more_than_a_project_may_have(self) -> None:
        self.host.gives(packed({str(number): os.urandom(500_000) for number in range(5)}))
        assert "too large" in await self.told(maxProjectMegabytes=1)

    async def test_of_too_many_files(self) -> None:
        self.host.gives(packed({str(number): "" for number in range(20)}))
        assert "too large" in await self.told(maxProjectFiles=10)

    async def test_that_is_compressed_once_more(self) -> None:
        self.host.gives(b"\x1f\x8b" + bytes(100), content_encoding="gzip")
        assert "compresses" in await self.told()

    async def test_that_is_a_redirect_is_not_followed(self) -> None:
        self.host.gives(b"", 302, location=f"{self.host.url}/elsewhere")
        told = await self.told()
        assert "status 302" in told
        assert [path for path, _ in self.host.asked] == ["/ajax/download-project.php"]

    async def test_that_is_a_redirect_to_the_same_form_does_not_give_the_key_away(self) -> None:
        self.host.gives(b"", 307, location="http://evil.example/")
        assert "status 307" in await self.told()
        assert KEY not in "".join(self.warnings)

    async def test_of_a_host_that_fails(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD}), 500)
        assert "status 500" in await self.told()

    async def test_of_a_host_that_has_neither_spelling(self) -> None:
        self.host.gives(b"not here", 404)
        assert "status 404" in await self.told()
        assert [path for path, _ in self.host.asked] == ["/ajax/download-project.php", "/ajax/download_project.php"]

    async def test_of_a_host_that_cannot_be_reached(self) -> None:
        await self.host.stop()
        assert "does not answer" in await self.told()

    async def test_that_is_larger_than_the_disk(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD, "noise": os.urandom(3_000_000)}))
        self.limit_file_size(2_000_000)
        assert "no disk space" in await self.told()

    async def test_of_what_is_larger_than_the_disk_when_unpacked(self) -> None:
        self.host.gives(packed({"worlds/simple.wbt": WORLD, "text": b"some text 123 " * 300_000}))
        self.limit_file_size(2_000_000)
        told = await self.told()
        assert "no disk space" in told or "cannot be unpacked" in told

    def limit_file_size(self, size: int) -> None:
        """Let the operating system refuse larger files to this process, as a full disk or a quota would."""
        _, hard = old = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, old)

    async def test_of_a_base_project_that_is_larger_than_the_disk(self) -> None:
        (self.projects / "simple" / "noise").write_bytes(os.urandom(3_000_000))
        self.limit_file_size(2_000_000)
        self.start()
        assert "no disk space" in await self.refused(await self.asked(self.init()))

    async def test_of_a_base_project_that_is_too_large(self) -> None:
        (self.projects / "simple" / "noise").write_bytes(os.urandom(1_500_000))
        self.start(maxProjectMegabytes=1)
        assert "too large" in await self.refused(await self.asked(self.init()))


class TestSimulators(StageCase):
    async def told(self, script: str | None, mode: int = 0o755, **config: Any) -> str:
        self.start(**config)
        if script is None:
            (self.webots_home / "webots").unlink()
        else:
            self.simulator_is(script, mode)
        return await self.refused(await self.asked(self.init()))

    async def test_that_is_missing(self) -> None:
        assert "cannot be started" in await self.told(None)
        assert "there is no file" in self.warnings[0]

    async def test_that_is_not_executable(self) -> None:
        assert "cannot be started" in await self.told(OPENS, mode=0o644)
        assert "may not be executed" in self.warnings[0]

    async def test_that_cannot_be_given_a_folder(self) -> None:
        self.start()
        self.instances_dir.rmdir()
        client = await self.asked(self.init())
        await client.closed
        assert client.errors == [
            "error: Something went wrong on this server; its administrator can see what in the log."
        ]
        assert [failure.type for failure in cast(Any, self).flushLoggedErrors()] == [FileNotFoundError]
        self.instances_dir.mkdir()
        await self.nothing_left()

    async def test_whose_interpreter_is_missing(self) -> None:
        assert "ended with exit code" in await self.told("#!/absent/interpreter\n")

    async def test_that_exits_at_once(self) -> None:
        assert "ended with exit code 3" in await self.told(NOTES_ITSELF + "exit 3\n")

    async def test_that_ends_at_once_as_if_all_were_well(self) -> None:
        assert "ended by itself" in await self.told(NOTES_ITSELF)

    async def test_that_crashes(self) -> None:
        assert "ended by signal SIGSEGV" in await self.told(NOTES_ITSELF + "kill -SEGV $$\n")

    async def test_that_exits_while_it_runs(self) -> None:
        told = await self.told(NOTES_ITSELF + "echo open\nread line < $WEBOTS_HOME/webots\nexit 4\n")
        assert "ended with exit code 4" in told

    async def test_that_never_says_open(self) -> None:
        assert "within 0.5 seconds" in await self.told(NEVER_OPENS, startTimeoutSeconds=SHORT_SECONDS)

    async def test_that_says_nothing_but_binary(self) -> None:
        # Among so many there may be a line with nothing but a dot, which is a word of the protocol.
        script = NOTES_ITSELF + "head -c 300000 /dev/urandom | tr -d .\nexec sleep 1000\n"
        assert "within 0.5 seconds" in await self.told(script, startTimeoutSeconds=SHORT_SECONDS)

    async def test_that_says_one_endless_line(self) -> None:
        script = NOTES_ITSELF + "exec cat /dev/zero\n"
        assert "within 0.5 seconds" in await self.told(script, startTimeoutSeconds=SHORT_SECONDS)

    async def test_that_says_endlessly_many_lines(self) -> None:
        script = NOTES_ITSELF + "exec yes\n"
        assert "within 0.5 seconds" in await self.told(script, startTimeoutSeconds=SHORT_SECONDS)

    async def test_when_all_ports_are_taken(self) -> None:
        with ExitStack() as held:
            self.start()
            for step in range(1, INSTANCES + 1):
                listening = held.enter_context(socket.socket())
                listening.bind(("127.0.0.1", self.config.port + step))
                listening.listen()
            client = await self.asked(self.init())
            await client.closed
        assert "no free port" in await self.refused(client)

    async def test_when_all_places_are_taken(self) -> None:
        self.start(maxConnections=1)
        first = await self.started()
        second = await self.asked(self.init())
        await second.closed
        first.sendClose()
        await first.closed
        await self.nothing_runs()
        assert "as many simulations as it can" in await self.refused(second)
        assert first.errors == []


class TestStubbornSimulators(StageCase):
    """What does not want to end is ended all the same."""

    async def end(self, script: str) -> None:
        self.simulator_is(script)
        self.start(endTimeoutSeconds=SHORT_SECONDS)
        client = await self.started()
        await until(lambda: len(self.pids) == script.count("pids"), "not all have noted themselves")
        client.sendClose()
        await client.closed
        await self.nothing_left()
        assert client.errors == []
        assert self.warnings == []

    async def test_one_that_ignores_sigterm(self) -> None:
        await self.end(NOTES_ITSELF + "trap '' TERM HUP INT\necho open\nexec sleep 1000\n")

    async def test_one_whose_child_ignores_all_signals(self) -> None:
        child = 'sh -c \'trap "" TERM HUP INT; echo $$ >> "$WEBOTS_HOME/pids"; exec sleep 1000\' &\n'
        await self.end(NOTES_ITSELF + child + "echo open\nexec sleep 1000\n")

    async def test_one_that_exits_and_leaves_a_child(self) -> None:
        child = 'sh -c \'trap "" TERM HUP INT; echo $$ >> "$WEBOTS_HOME/pids"; exec sleep 1000\' &\n'
        wait = 'until [ $(wc -l < "$WEBOTS_HOME/pids") = 2 ]; do :; done\n'
        self.simulator_is(NOTES_ITSELF + child + wait + "exit 5\n")
        self.start()
        assert "exit code 5" in await self.refused(await self.asked(self.init()))

    async def test_one_that_makes_its_folder_hard_to_remove(self) -> None:
        script = "mkdir -p a/b/c; touch a/b/c/file; chmod 000 a/b/c a/b a .\n"
        await self.end(NOTES_ITSELF + script + "echo open\nexec sleep 1000\n")


class TestLeaving(StageCase):
    """A client may leave at any moment, politely or not."""

    async def left(self, client: Any, politely: bool) -> None:
        client.sendClose() if politely else client.vanish()
        await client.closed
        await self.nothing_left()
        assert client.errors == []
        assert self.warnings == []

    async def test_before_it_asked_for_anything(self) -> None:
        self.start()
        await self.left(await self.connect(), politely=True)
        await self.left(await self.connect(), politely=False)

    async def test_while_the_host_is_asked(self) -> None:
        self.host.answer = lambda request: NOT_DONE_YET
        self.start()
        for politely in (True, False):
            client = await self.asked(self.init(user="7"))
            await self.host.requests.get()
            await self.left(client, politely)

    async def test_while_its_project_is_downloading(self) -> None:
        self.host.begins(TestDownloads.own[:10_000])
        self.start()
        for politely in (True, False):
            client = await self.asked(self.init(user="7"))
            await until(lambda: any(path.stat().st_size for path in self.archives()), "nothing is saved")
            await self.left(client, politely)

    def archives(self) -> list[Path]:
        return list(self.instances_dir.glob("*/archive.zip"))

    async def test_while_its_project_is_unpacked(self) -> None:
        files = {f"{number}.txt": "" for number in range(20_000)}
        self.host.gives(packed({**files, "worlds/simple.wbt": WORLD}))
        self.start(maxProjectFiles=30_000)
        for politely in (True, False):
            client = await self.asked(self.init(user="7"))
            await until(lambda: bool(list(self.instances_dir.glob("*/project/1.txt"))), "nothing is unpacked")
            await self.left(client, politely)

    async def test_while_its_base_project_is_copied(self) -> None:
        self.project("simple", {f"many/{number}.txt": "" for number in range(3000)})
        self.start()
        for politely in (True, False):
            client = await self.asked(self.init())
            await until(lambda: bool(list(self.instances_dir.glob("*/project/many"))), "nothing is copied")
            await self.left(client, politely)

    async def test_while_its_simulator_starts(self) -> None:
        self.simulator_is(NEVER_OPENS)
        self.start()
        for number, politely in enumerate((True, False), 1):
            client = await self.asked(self.init())
            await until(lambda number=number: len(self.pids) == number, "it does not start")  # type: ignore[misc]
            await self.left(client, politely)

    async def test_while_its_simulation_runs(self) -> None:
        self.start()
        for politely in (True, False):
            await self.left(await self.started(), politely)

    async def test_at_once_after_it_asked(self) -> None:
        self.start()
        for politely in (True, False):
            await self.left(await self.asked(self.init()), politely)

    async def test_without_having_said_anything(self) -> None:
        self.start(requestTimeoutSeconds=SHORT_SECONDS)
        assert "did not say which simulation" in await self.refused(await self.connect())


class TestStopping(StageCase):
    """A server that is stopped ends everything in whatever phase it is."""

    async def stopped(self, client: Any) -> None:
        began = time.monotonic()
        await self.service.stopService()
        await client.closed
        assert client.errors == ["error: This server is being stopped; start the simulation again to get another one."]
        assert os.listdir(self.instances_dir) == []
        assert self.new_processes() == set()
        assert not any(psutil.pid_exists(pid) for pid in self.pids)
        assert time.monotonic() - began < 30

    async def test_while_the_host_is_asked(self) -> None:
        self.host.answer = lambda request: NOT_DONE_YET
        self.start()
        client = await self.asked(self.init(user="7"))
        await self.host.requests.get()
        await self.stopped(client)

    async def test_while_a_project_is_downloading(self) -> None:
        self.host.begins(TestDownloads.own[:10_000])
        self.start()
        client = await self.asked(self.init(user="7"))
        await until(lambda: bool(list(self.instances_dir.glob("*/archive.zip"))), "nothing is saved")
        await self.stopped(client)

    async def test_while_a_simulator_starts(self) -> None:
        self.simulator_is(NEVER_OPENS)
        self.start()
        client = await self.asked(self.init())
        await until(lambda: bool(self.pids), "it does not start")
        await self.stopped(client)

    async def test_while_a_simulation_runs(self) -> None:
        self.start()
        await self.stopped(await self.started())

    async def test_while_nobody_has_asked_for_anything(self) -> None:
        self.start()
        client = await self.connect()
        await self.service.stopService()
        await client.closed
        await self.nothing_left()

    async def test_while_an_instance_is_ending_already(self) -> None:
        self.simulator_is(NOTES_ITSELF + "trap '' TERM\necho open\nexec sleep 1000\n")
        self.start(endTimeoutSeconds=SHORT_SECONDS)
        client = await self.started()
        (runner,) = self.service.instances
        client.sendClose()
        await until(lambda: runner.life.phase.value == "stopping", "it does not end")
        ended: Deferred[None] = Deferred()
        runner.ended.addCallback(ended.callback)
        await self.service.stopService()
        assert ended.called
        await client.closed
        assert os.listdir(self.instances_dir) == []
        assert self.new_processes() == set()
