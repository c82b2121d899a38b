"""The simulation server at its work: projects from wherever they are, instances from start to end, and its pages."""

from __future__ import annotations

import csv
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, cast

import treq
from twisted.logger import LogEvent, LogLevel, capturedLogs, eventAsJSON, formatEvent
from twisted.web.client import HTTPConnectionPool
from twisted.web.server import NOT_DONE_YET, Request

from tests.simulation.stage import KEY, NOTES_ITSELF, OPENS, WORLD, Client, StageCase, packed, reactor, until
from webots_cloud import __version__
from webots_cloud.config import DEMO_PROJECTS
from webots_cloud.log.logs import Logs
from webots_cloud.monitor.summary import Summary, parse_summary
from webots_cloud.secret import Secret
from webots_cloud.simulation.gate import port_is_free
from webots_cloud.simulation.session_log import SUMMARY

SPEAKS = NOTES_ITSELF + 'echo open\nexec cat "$WEBOTS_HOME/says"\n'
"""Says C{open}, and then what a test writes."""
TELLS = (
    NOTES_ITSELF
    + 'env > "$WEBOTS_HOME/environment"\npwd > "$WEBOTS_HOME/place"\necho "$@" > "$WEBOTS_HOME/arguments"\n'
)


class Server(StageCase):
    """Tests of a server that does what it should: it warns of nothing."""

    def project_of(self, client: Client) -> Path:
        """Give the folder of the only instance's project."""
        (folder,) = self.instances_dir.iterdir()
        return folder / "project"

    async def end(self, *clients: Client) -> None:
        """Let clients leave; nothing may be left of them."""
        for client in clients:
            assert not client.closed.called, client.messages
            client.sendClose()
            await client.closed
        await self.nothing_left()

    async def get(self, path: str) -> tuple[int, str, Any]:
        """Ask the server over HTTP; gives status, body and headers."""
        port = cast(Any, self.service.listener.ports[0]).getHost().port
        pool = HTTPConnectionPool(reactor, persistent=False)
        response = await treq.get(f"http://127.0.0.1:{port}{path}", pool=pool, reactor=reactor, timeout=60)
        return response.code, await response.text(), response.headers

    async def data(self) -> Any:
        """Ask for what the monitor page shows."""
        return json.loads((await self.get("/monitor.json"))[1])

    def speak(self) -> None:
        """Install a simulator that says what it is told to."""
        os.mkfifo(self.webots_home / "says")
        self._pipe = os.open(self.webots_home / "says", os.O_RDWR)
        self.addCleanup(os.close, self._pipe)
        self.simulator_is(SPEAKS)

    def let_it_say(self, *words: str) -> None:
        """Let it."""
        os.write(self._pipe, "".join(f"{word}\n" for word in words).encode())


class TestStarting(Server):
    async def test_a_client_is_told_the_way_to_a_simulator_of_its_own(self) -> None:
        self.simulator_is(TELLS + OPENS.removeprefix(NOTES_ITSELF))
        self.start(server="simulation.example.org")
        client = await self.started()
        (port,) = re.findall(r"^webots:ws://simulation\.example\.org:(\d+)$", await client.says("webots:"))
        assert self.config.port < int(port) <= self.config.port + self.config.maxConnections
        project = self.project_of(client)
        assert (self.webots_home / "place").read_text().strip() == str(project)
        assert (self.webots_home / "arguments").read_text().split() == [
            "--batch",
            "--mode=pause",
            "--minimize",
            f"--stream=port={port};monitorActivity;controllerEdit",
            f"{project}/worlds/simple.wbt",
        ]
        await self.end(client)

    async def test_a_simulator_knows_nothing_of_the_server(self) -> None:
        self.simulator_is(TELLS + OPENS.removeprefix(NOTES_ITSELF))
        self.start()
        client = await self.started()
        environment = dict(
            line.partition("=")[::2] for line in (self.webots_home / "environment").read_text().split("\n")
        )
        assert environment["WEBOTS_HOME"] == str(self.webots_home)
        assert Path(environment["HOME"]).parent == self.project_of(client).parent
        assert "STATE_DIRECTORY" not in environment
        await self.end(client)

    async def test_generation_b_has_opened_with_its_first_sign_of_life(self) -> None:
        (self.webots_home / "resources").mkdir()
        (self.webots_home / "resources" / "version.txt").write_text("R2023b\n")
        self.simulator_is(TELLS + "echo pause\necho .\nexec sleep 1000\n")
        self.start()
        client = await self.started()
        await client.says(".")
        assert "--heartbeat=5000" in (self.webots_home / "arguments").read_text()
        await self.end(client)

    async def test_clients_have_different_ports_and_folders(self) -> None:
        self.start()
        clients = [await self.started() for _ in range(3)]
        assert len({await client.says("webots:") for client in clients}) == 3
        assert len(list(self.instances_dir.iterdir())) == 3
        assert len(set(self.pids)) == 3
        await self.end(*clients)

    async def test_nobody_else_may_look_into_an_instances_folder(self) -> None:
        self.start()
        client = await self.started()
        assert stat.S_IMODE(self.project_of(client).parent.stat().st_mode) == 0o700
        await self.end(client)

    async def test_a_page_of_the_host_may_start_it_with_and_without_www(self) -> None:
        self.start()
        for origin, host in (
            (self.host.url, self.host.url),
            (self.host.url.replace("//", "//www."), self.host.url),
            (self.host.url, self.host.url.replace("//", "//www.") + "/"),
        ):
            client = await self.asked(self.init(host=host), origin)
            await client.says("webots:")
            await self.end(client)

    async def test_the_stand_in_starts_and_ends_like_a_webots(self) -> None:
        self.start(webotsHome=None, projectsDir=DEMO_PROJECTS)
        client = await self.started(self.init("obstacle_course", "obstacle_course.wbt"))
        port = int((await client.says("webots:")).rpartition(":")[2])
        assert not port_is_free(port)
        await self.end(client)
        assert port_is_free(port)
        assert self.warnings == []


class TestProjects(Server):
    async def test_without_a_user_the_base_project_is_run_and_the_host_is_not_asked(self) -> None:
        self.start()
        client = await self.started()
        assert self.host.asked == []
        project = self.project_of(client)
        assert (project / "worlds" / "simple.wbt").read_text() == WORLD
        assert (project / "host.txt").read_text() == self.host.url
        await self.end(client)
        assert sorted(path.name for path in (self.projects / "simple").iterdir()) == ["controllers", "worlds"]

    async def test_the_host_is_shown_its_key_and_what_the_client_said(self) -> None:
        self.start()
        message = [self.host.url, "simple", "simple.wbt", 7, "Ada & Co", "p\u00e4ss", 8, "Grace", "custom=1"]
        client = await self.asked({"init": message})
        await client.says("webots:")
        assert self.host.asked == [
            (
                "/ajax/download-project.php",
                {
                    "project": "simple",
                    "key": KEY,
                    "user1Id": "7",
                    "user1Name": "Ada & Co",
                    "user1Authentication": "p\u00e4ss",
                    "user2Id": "8",
                    "user2Name": "Grace",
                    "customData": "custom=1",
                },
            )
        ]
        await self.end(client)

    async def test_a_users_version_is_laid_over_the_base_project(self) -> None:
        self.host.gives(packed({"controllers/go/go.py": "print('own')\n", "controllers/new/new.py": "new"}))
        self.start()
        client = await self.started(self.init(user="7"))
        project = self.project_of(client)
        assert (project / "controllers" / "go" / "go.py").read_text() == "print('own')\n"
        assert (project / "controllers" / "new" / "new.py").read_text() == "new"
        assert (project / "worlds" / "simple.wbt").read_text() == WORLD
        assert not (project.parent / "archive.zip").exists()
        await self.end(client)

    async def test_a_user_without_a_version_gets_the_base_project(self) -> None:
        self.start()
        client = await self.started(self.init(user="7"))
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "print('base')\n"
        assert len(self.host.asked) == 1
        await self.end(client)

    async def test_a_project_that_only_the_host_has_is_asked_for_without_a_user(self) -> None:
        self.host.gives(packed({"worlds/far.wbt": WORLD}))
        self.start()
        client = await self.started(self.init("far", "far.wbt"))
        assert self.host.asked[0][1]["user1Id"] == ""
        assert self.host.asked[0][1]["key"] == KEY
        await self.end(client)

    async def test_a_users_version_of_a_project_that_only_the_host_has_is_laid_over_the_hosts(self) -> None:
        def answer(request: Request) -> bytes:
            user = (request.args or {}).get(b"user1Id", [b""])[0]
            return packed(
                {"controllers/go/go.py": "own"} if user else {"worlds/far.wbt": WORLD, "controllers/go/go.py": ""}
            )

        self.host.answer = answer
        self.start()
        client = await self.started(self.init("far", "far.wbt", user="7"))
        assert [form["user1Id"] for _, form in self.host.asked] == ["", "7"]
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "own"
        await self.end(client)

    async def test_the_other_spelling_is_tried_where_there_is_no_page_of_the_first(self) -> None:
        def answer(request: Request) -> bytes:
            if request.path == b"/ajax/download_project.php":
                return packed({"controllers/go/go.py": "own"})
            request.setResponseCode(404)
            return b"<html>not here</html>"

        self.host.answer = answer
        self.start()
        client = await self.started(self.init(user="7"))
        assert [path for path, _ in self.host.asked] == ["/ajax/download-project.php", "/ajax/download_project.php"]
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "own"
        await self.end(client)

    async def test_an_answer_that_ends_with_its_connection_is_whole(self) -> None:
        def answer(request: Request) -> int:
            channel = cast(Any, request.channel)
            channel.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + packed({"controllers/go/go.py": "own"}))
            channel.loseConnection()
            return NOT_DONE_YET

        self.host.answer = answer
        self.start()
        client = await self.started(self.init(user="7"))
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "own"
        await self.end(client)

    async def test_a_base_project_that_may_only_be_read_is_no_hindrance(self) -> None:
        self.host.gives(packed({"controllers/go/go.py": "own"}))
        for path in sorted((self.projects / "simple").rglob("*"), reverse=True):
            path.chmod(0o555 if path.is_dir() else 0o444)
            self.addCleanup(path.chmod, 0o755)
        self.start()
        client = await self.started(self.init(user="7"))
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "own"
        await self.end(client)


class TestRunning(Server):
    async def test_signs_of_life_are_passed_on(self) -> None:
        self.speak()
        self.start()
        client = await self.started()
        assert "." not in client.messages
        self.let_it_say(".")
        await client.says(".")
        await self.end(client)

    async def test_a_flood_of_them_is_not(self) -> None:
        self.speak()
        self.start()
        client = await self.started()
        self.let_it_say(*["."] * 1000, "pause")
        await client.says(".")
        await self.end(client)
        assert client.messages.count(".") < 100

    async def test_idle_and_busy_are_kept_apart(self) -> None:
        self.speak()
        self.start()
        client = await self.started()
        (runner,) = self.service.instances
        assert (await self.data())["instances"]["1"]["idle"]
        self.let_it_say("real-time")
        await until(lambda: not runner.life.idle, "it is not busy")
        assert not (await self.data())["instances"]["1"]["idle"]
        self.let_it_say("pause")
        await until(lambda: runner.life.idle, "it is not idle")
        await self.end(client)

    async def test_what_it_prints_is_logged_with_its_name(self) -> None:
        self.speak()
        self.start()
        client = await self.started()
        self.let_it_say("WARNING: the robot has fallen over")
        line = ", instance 1: WARNING: the robot has fallen over"
        await until(lambda: any(formatEvent(event).endswith(line) for event in self.logged), "it is not logged")
        await self.end(client)


class TestResettingControllers(Server):
    async def reset(self, client: Client, path: str) -> None:
        client.ask({"reset controller": path})

    async def test_puts_the_file_back_and_says_so(self) -> None:
        self.start()
        client = await self.started()
        controller = self.project_of(client) / "controllers" / "go" / "go.py"
        controller.write_text("print('changed')\n")
        await self.reset(client, "go/go.py")
        await client.says("reset controller: go/go.py")
        assert controller.read_text() == "print('base')\n"
        await self.end(client)

    async def test_goes_back_to_the_base_and_not_to_the_users_version(self) -> None:
        self.host.gives(packed({"controllers/go/go.py": "print('own')\n"}))
        self.start()
        client = await self.started(self.init(user="7"))
        await self.reset(client, "go/go.py")
        await client.says("reset controller: go/go.py")
        assert (self.project_of(client) / "controllers" / "go" / "go.py").read_text() == "print('base')\n"
        await self.end(client)

    async def test_where_there_is_nothing_to_go_back_to_the_simulation_goes_on(self) -> None:
        self.start()
        client = await self.started()
        await self.reset(client, "go/absent.py")
        told = await client.says("error:")
        assert told == "error: The project has no controller file go/absent.py to go back to."
        await self.reset(client, "go/go.py")
        await client.says("reset controller: go/go.py")
        await self.end(client)

    async def test_where_a_link_is_in_its_way_the_simulation_goes_on(self) -> None:
        self.start()
        client = await self.started()
        controllers = self.project_of(client) / "controllers"
        controllers.rename(self.place / "elsewhere")
        controllers.symlink_to(self.place / "elsewhere")
        await self.reset(client, "go/go.py")
        await client.says("error:")
        await self.end(client)

    async def test_before_anything_runs_is_too_early_and_the_simulation_starts_all_the_same(self) -> None:
        self.simulator_is(NOTES_ITSELF + 'until [ -e "$WEBOTS_HOME/go" ]; do sleep 0.01; done\n' + OPENS)
        self.start()
        client = await self.asked(self.init())
        await self.reset(client, "go/go.py")
        assert await client.says("error:") == "error: A controller can be reset once the simulation has started."
        (self.webots_home / "go").touch()
        await client.says("webots:")
        await self.end(client)


class TestPages(Server):
    async def test_the_load_is_a_number_for_anybody(self) -> None:
        self.start()
        status, body, headers = await self.get("/load")
        assert status == 200
        assert re.fullmatch(r"\d{1,3}\.\d", body)
        assert headers.getRawHeaders("access-control-allow-origin") == ["*"]

    async def test_a_server_whose_places_are_all_taken_is_full(self) -> None:
        self.start(maxConnections=1)
        client = await self.started()
        assert (await self.get("/load"))[1] == "100.0"
        assert (await self.data())["server"]["state"] == "full"
        await self.end(client)
        await self.end(await self.started())

    async def test_the_load_comes_with_what_else_a_session_server_wants_to_know(self) -> None:
        self.start()
        client = await self.started()
        (header,) = (await self.get("/load"))[2].getRawHeaders("webots-cloud")
        assert parse_summary(header) == Summary(1, 1, 4, 0, __version__, "Webots", queue=0, attention=0)
        await self.end(client)

    async def test_the_monitor_page_may_have_nothing_but_what_is_its_servers(self) -> None:
        self.start()
        status, body, headers = await self.get("/monitor")
        assert status == 200
        assert body.startswith("<!doctype html>")
        (policy,) = headers.getRawHeaders("content-security-policy")
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy

    async def test_its_data_list_instances_and_say_what_is_run(self) -> None:
        self.start()
        client = await self.started()
        data = await self.data()
        assert data["server"]["simulator"] == "Webots"
        assert (data["totals"]["instances"], data["totals"]["capacity"]) == (1, 4)
        (instance,) = data["instances"].values()
        assert {name: instance[name] for name in ("project", "world", "host", "phase", "idle")} == {
            "project": "simple",
            "world": "simple.wbt",
            "host": self.host.url,
            "phase": "running",
            "idle": True,
        }
        assert (data["totals"]["asked"], data["totals"]["started"]) == (1, 1)
        await self.end(client)

    async def test_nothing_that_lets_anybody_in_is_in_them(self) -> None:
        self.start(sandbox="firejail", network="isolated", gate="proxy", monitorPassword=Secret(""))
        client = await self.started()
        way_in = (await client.says("webots:")).rpartition("/")[2]
        assert len(way_in) > 20
        text = (await self.get("/monitor.json"))[1]
        for secret in (way_in, KEY, str(self.instances_dir)):
            assert secret not in text
        await self.end(client)

    async def test_they_are_for_those_only_who_may_see_them(self) -> None:
        self.start(monitorPassword=Secret("sesame"))
        for path in ("/monitor", "/monitor.json", "/monitor/live", "/monitor/simulation.js"):
            assert (await self.get(path))[0] == 401
        assert (await self.get("/load"))[0] == 200

    async def test_a_missing_sandbox_is_warned_of_at_the_start_and_on_the_monitor_page(self) -> None:
        with capturedLogs() as logs:
            self.start()
        (warning,) = (formatEvent(event) for event in logs if event["log_level"] is LogLevel.warn)
        assert "NO SANDBOX" in warning
        assert "NO SANDBOX" in (await self.data())["sandbox"]["warning"]

    async def test_a_sandbox_is_nothing_to_warn_of(self) -> None:
        with capturedLogs() as logs:
            self.start(sandbox="firejail", network="isolated", gate="proxy")
        assert [event for event in logs if event["log_level"] is LogLevel.warn] == []
        assert (await self.data())["sandbox"] == {"kind": "firejail", "network": "isolated", "gate": "proxy"}

    async def test_the_monitor_page_tells_what_an_instance_uses(self) -> None:
        self.start()
        client = await self.started()
        (runner,) = self.service.instances
        await until(lambda: runner.use is not None, "nothing is told")
        instance = (await self.data())["instances"]["1"]
        assert instance["memory"] > 0
        assert (instance["processes"], instance["disk"]) == (1, 0)
        await self.end(client)

    async def test_the_monitor_page_never_calls_the_stand_in_webots(self) -> None:
        self.start(webotsHome=None)
        assert (await self.data())["server"]["simulator"].startswith("stand-in")

    async def test_a_page_that_is_no_websocket_is_told_so(self) -> None:
        self.start()
        status, body, _ = await self.get("/client")
        assert status == 426
        assert "WebSocket" in body

    async def test_there_is_nothing_else(self) -> None:
        self.start()
        for path in ("/", "/absent", "/../etc/passwd"):
            assert (await self.get(path))[0] == 404


class TestLogs(Server):
    async def test_nowhere_is_a_key_or_a_password(self) -> None:
        self.host.answer = lambda request: b"Error: wrong key"
        (self.place / "logs").mkdir()
        self.start(logDir=self.place / "logs")
        logs = Logs(reactor, [self.config])
        logs.startService()
        client = await self.asked(self.init(user="7"))
        await client.closed
        await self.nothing_left()
        await self.service.stopService()
        logs.stopService()
        shown = "".join(formatEvent(event) + eventAsJSON(event) for event in self.logged)
        written = (self.place / "logs" / "simulation.log").read_text()
        for text in (shown, written):
            assert "does not give the project: wrong key" in text
            assert KEY not in text
            assert "the password of Ada" not in text

    async def test_the_load_is_written_where_that_is_wanted(self) -> None:
        (self.place / "logs").mkdir()
        self.start(logDir=self.place / "logs", monitorLogEnabled=True)
        monitor = self.place / "logs" / "monitor.csv"
        await until(lambda: monitor.exists() and monitor.read_text().count("\n") >= 3, "it is not written")
        await self.service.stopService()
        with monitor.open() as file:
            lines = list(csv.DictReader(file))
        assert all(0 <= float(line["cpu"]) <= 100 for line in lines)

    async def test_an_instance_has_a_line_for_each_thing_an_operator_asks_about(self) -> None:
        self.start()
        client = await self.started()
        await self.end(client)
        assert self.lines() == [
            "instance N is for a guest at 127.0.0.1: simple/simple.wbt of HOST",
            "instance N: fetches simple/simple.wbt for HOST",
            "instance N: runs on port N",
            "instance N: ended: a guest at 127.0.0.1; simple/simple.wbt of HOST; waited N s, fetched in N s, "
            "started in N s, ran N s; the client left",
        ]

    async def test_all_lines_of_a_session_have_its_id_and_number_as_fields(self) -> None:
        self.speak()
        self.start()
        first = await self.started(self.init(user="7"))
        self.let_it_say("a line of the first")
        await until(lambda: bool(self.saying("a line of the first")), "it is not logged")
        second = await self.started()
        await self.end(first, second)
        sessions = [{event["session"] for event in self.logged if event.get("instance") == number} for number in (1, 2)]
        assert [len(each) for each in sessions] == [1, 1]
        assert sessions[0] != sessions[1]
        for event in self.logged:
            if re.search(r"instance \d", text := formatEvent(event)):
                assert text.startswith(f"session {event['session']}, ")
        assert {event["session"] for event in self.saying("a line of the first")} == sessions[0]

    async def test_the_summary_says_who_what_how_long_and_why_it_ended(self) -> None:
        self.start(endTimeoutSeconds=1.0, totalTimeoutSeconds=0.5)
        client = await self.asked(self.init(user="7"))
        await client.closed
        await self.nothing_left()
        (summary,) = self.summaries()
        assert {name: summary[name] for name in ("user", "address", "project", "world", "host", "ending")} == {
            "user": "user 7",
            "address": "127.0.0.1",
            "project": "simple",
            "world": "simple.wbt",
            "host": self.host.url,
            "ending": "The simulation has run for 0.5 seconds, which is as long as any may; start it again.",
        }
        assert 0.5 <= float(summary["ran"]) < 60
        assert all(0 <= float(summary[name]) < 60 for name in ("waited", "fetched", "started"))

    async def test_a_client_that_starts_nothing_has_a_summary_as_well(self) -> None:
        self.start()
        refused = await self.asked(b"nonsense")
        await refused.closed
        left = await self.connect()
        left.vanish()
        await left.closed
        await until(lambda: len(self.summaries()) == 2, "one has no summary")
        assert [formatEvent(each).partition(", ")[2] for each in self.summaries()] == [
            f"ended: a client at 127.0.0.1 that has started nothing: {refused.errors[0].removeprefix('error: ')}",
            "ended: a client at 127.0.0.1 that has started nothing: the client left",
        ]

    async def test_a_users_name_and_what_it_is_logged_in_with_are_in_no_line_and_no_id_makes_two(self) -> None:
        self.start()
        forged = self.init(user="7\n2026-01-01 [webots#info] all is well\x1b[31m" + "9" * 10_000)
        client = await self.started(forged)
        await self.end(client)
        for event in self.logged:
            text = formatEvent(event)
            assert text.isprintable()
            assert len(text) < 1000
            assert not re.search("Ada|password", text)

    def lines(self) -> list[str]:
        """Give what an operator sees of sessions, without what differs from run to run."""
        events = [event for event in self.logged if "session" in event and event["log_level"] >= LogLevel.info]
        texts = [formatEvent(event).removeprefix(f"session {event['session']}, ") for event in events]
        return [re.sub(r"(?<![\d.])\d+(\.\d)?(?![\d.])", "N", text.replace(self.host.url, "HOST")) for text in texts]

    def summaries(self) -> list[LogEvent]:
        return [event for event in self.logged if event.get("message_id") == SUMMARY]

    def saying(self, words: str) -> list[LogEvent]:
        return [event for event in self.logged if words in formatEvent(event)]
