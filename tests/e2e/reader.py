"""Does what the manual says, on a machine of its own: a folder that has `etc`, `opt` and `var/lib`.

Each language of a block has a rule; a block that no rule covers is a failure.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.as_root import put_into
from tests.e2e.cloud import CHECKOUT, Cloud, running
from tests.e2e.fronted import examples
from tests.e2e.manual import COMMANDS, Block, blocks, build_block, commands_between_words
from tests.e2e.page import open_socket, simulation
from tests.e2e.program import PATIENCE
from webots_cloud.config import SECTIONS, HostConfig, SessionConfig, SimulationConfig, read_config
from webots_cloud.host.catalogue import Catalogue
from webots_cloud.host.names import account_name

UNITS = {"session": SessionConfig, "simulation": SimulationConfig, "host": HostConfig}
SECRET = "correct horse battery\n"
"""What is typed where a command asks for something, and is in files that the reader is said to have."""
FOLDERS = (
    "etc/bash_completion.d",
    "etc/prometheus",
    "etc/sysctl.d",
    "etc/systemd/system",
    "opt",
    "usr/lib/sysusers.d",
    "usr/lib/tmpfiles.d",
    "usr/local/bin",
    "var/lib",
    "var/log/webots-simulation",
)
"""Those that every system has, or that packages and units make."""
PROJECT = ("obstacle_course", "obstacle_course.wbt")
OLD_CONFIGURATIONS = {
    "session.json": {"port": 1999, "simulationServers": ["robots.example.org:2000"]},
    "simulation.json": {"port": 2000, "fullyQualifiedDomainName": "robots.example.org", "maxConnections": 20},
}
"""What the reader has from before."""
_SYSTEM = r"etc|opt|usr/lib/(?:sysusers|tmpfiles)\.d|usr/local|var/lib|var/log"
"""Folders of a system that is the reader's own."""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend pages
    bind 127.0.0.1:8000
    default_backend session
"""
"""What is around the part that the manual has."""
SPHINX = {"{literalinclude}", "{toctree}"}
"""Blocks that are none of the reader's: the command that makes the manual looks at them."""


class Reader:
    """Reads chapters, and does what they say.

    @ivar root: what stands for the folder / of the machine.
    """

    def __init__(self, root: Path, cloud: Cloud) -> None:
        """Prepare the machine.

        @param cloud: the servers that run on it.
        """
        self.root = root
        self.cloud = cloud
        self._read: set[str] = set()
        self._rules: dict[str, Callable[[Block], None]] = {
            "sh": self._type,
            "ini": self._configure,
            "nginx": self._compare_with_tested,
            "html": self._open_page,
            "js": self._run_in_page,
            "text": self._look_at,
            "yaml": self._ask_prometheus,
        }
        put_into(root / "bin")
        for folder in (*FOLDERS, "state/keys", "usr/local/webots"):
            (root / folder).mkdir(parents=True)
        webots = root / "usr" / "local" / "webots" / "webots"
        webots.write_text("#!/bin/sh\n")
        webots.chmod(0o755)
        self._write_secret(root / "state" / "keys" / "localhost")
        (root / "var" / "log" / "webots-simulation" / "simulation.log").symlink_to(
            cloud.state / "logs" / "simulation.log"
        )
        for name, values in OLD_CONFIGURATIONS.items():
            (root / name).write_text(json.dumps(values))
        self.browser: Browser | None = None

    def read(self, chapter: str) -> None:
        """Do what a chapter says, once."""
        if chapter in self._read:
            return
        for block in blocks(chapter):
            if block.language.split(" ")[0] not in SPHINX:
                assert block.language in self._rules, f"no rule covers {block.language!r}, of {block.place}"
                self._rules[block.language](block)
        for command in commands_between_words(chapter):
            twist = command.startswith("twist ")
            self._run(f"{self.root}/opt/webots-cloud/bin/{command} --help" if twist else command, f"{chapter}.md")
        self._read.add(chapter)

    def _here(self, text: str) -> str:
        """Put the machine's folders into what the manual says."""
        text = text.replace("/var/lib/webots-simulation/simulation.sock", f"{self.cloud.state}/simulation.sock")
        text = re.sub(rf"(?<![\w./~-])/({_SYSTEM})\b", rf"{self.root}/\1", text)
        text = re.sub(r"\bbuild/(manual|dist)\b", rf"{self.root}/build/\1", text)
        text = text.replace(".venv-test/bin/", f"{Path(sys.executable).parent}/")
        ports = {"1999": self.cloud.session, "2000": self.cloud.simulation, "8080": self.cloud.host}
        text = re.sub(r"(?<=http://localhost:)\d{4}\b", lambda port: str(ports[port[0]]), text)
        return re.sub(r"^script/test\b", "script-test", text, flags=re.MULTILINE)

    def _run(self, script: str, place: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        environment |= {"ROOT": str(self.root), "CLOUD": str(self.cloud.state)}
        environment["PATH"] = f"{self.root / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._here(script)],
            cwd=self.root if "webots-cloud import" in script else CHECKOUT,
            env=environment,
            input=SECRET,
            capture_output=True,
            text=True,
            check=False,
            timeout=5 * PATIENCE,
        )
        assert done.returncode == 0, f"{place}:\n{script}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _type(self, block: Block) -> None:
        server = re.fullmatch(r"((?:\w+=\S+ )*)script/server\n", block.text)
        if server:
            self._start_server(server[1].split())
        elif block.text.startswith("#!"):
            self._save_script(block)
        elif "-m build " in block.text:
            assert block.text == build_block().text, f"{block.place}: tests/package runs the first such block only"
        else:
            with self._prepared(block.text) as text:
                said = self._run(text, block.place)
            # With an error, curl ends well all the same.
            assert '{"error"' not in said, f"{block.place}: {said}"
            if "webots-cloud drain" in block.text:
                self._run("webots-cloud undrain", block.place)

    @contextmanager
    def _prepared(self, text: str) -> Iterator[str]:
        """See to it that there is what commands are about; give them with its id in place of the example's."""
        with ExitStack() as stack:
            if "$accounts " in text:
                self._make_account("Ada Lovelace")
            if "'user 7 at'" in text:
                self._come_as_user("7")
            if re.search(r"kill[ /]7\b", text):
                user, _ = self.cloud.guest()
                stack.enter_context(simulation(self.cloud, user, *PROJECT))
                instances = json.loads(self.cloud.get(self.cloud.simulation, "/monitor.json"))["instances"]
                text = re.sub(r"(?<=kill[ /])7\b", str(max(map(int, instances))), text)
            yield text

    def _come_as_user(self, user: str) -> None:
        """Ask for a simulation as a user whom the website does not know, and be refused."""
        with open_socket(f"ws://localhost:{self.cloud.simulation}/client") as page:
            page.send(json.dumps({"init": [self.cloud.page.rstrip("/"), *PROJECT, user, "Ada", "none", "", "", ""]}))
            while not str(page.recv(PATIENCE)).startswith("error:"):
                pass

    def _start_server(self, environment: list[str]) -> None:
        """Do what the reader does at a terminal; at other ports, as these may be taken."""
        state = self.root / f"server-{len(environment)}"
        state.mkdir()
        command = ["env", *map(self._here, environment), str(CHECKOUT / "script" / "server")]
        with running(command, state) as cloud:
            assert "<title>" in cloud.get(cloud.host, "/")

    def _save_script(self, block: Block) -> None:
        """Save a script that another program runs, and see that a shell understands it."""
        script = self.root / "script"
        script.write_text(self._here(block.text))
        self._run(f"sh -n {script}", block.place)
        self._run_hook(script, block.place)

    def _run_hook(self, script: Path, place: str) -> None:
        """Run what certbot runs: the new certificate's folder is in RENEWED_LINEAGE."""
        lineage = self.root / "lineage"
        lineage.mkdir()
        for name in ("fullchain.pem", "privkey.pem"):
            self._write_secret(lineage / name)
        self._run(f"RENEWED_LINEAGE={lineage} sh {script}", place)
        assert (self.root / "etc" / "webots-cloud" / "privkey.pem").stat().st_mode & 0o777 == 0o640

    def _make_account(self, name: str) -> None:
        state = self.root / "var" / "lib" / "webots-host"
        self._run(f"STATE_DIRECTORY={state} {self.root}/opt/webots-cloud/bin/webots-accounts list", "an account")
        row = ("ada", account_name(name).key, name, "none yet", "first")
        with closing(sqlite3.connect(state / "host" / "visitors.sqlite")) as database, database:
            database.execute("INSERT INTO visitors (id) VALUES (?)", row[:1])
            database.execute("INSERT INTO accounts (visitor, key, name, password, issue) VALUES (?, ?, ?, ?, ?)", row)

    def _configure(self, block: Block) -> None:
        sections = re.findall(r"^\[(\w+)\]$", block.text, re.MULTILINE)
        if sections == ["project"]:
            self._offer(block)
        elif sections in (["Service"], ["Socket"]):
            self._verify_unit(block)
        else:
            assert sections, f"{block.place} does not say to which section its options belong"
            self._read_configuration(block.text, sections)

    def _read_configuration(self, text: str, sections: list[str]) -> None:
        text = self._here(text)
        for path in map(Path, re.findall(rf"= ({self.root}/etc/\S+)$", text, re.MULTILINE)):
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                self._write_secret(path)
        file = self.root / "example.ini"
        file.write_text(text)
        with self.state(self.root / "state"):
            read_config(file, [section for section in SECTIONS if section.section in sections])

    @contextmanager
    def state(self, folder: Path) -> Iterator[None]:
        """Be what systemd tells of its state directory."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("STATE_DIRECTORY", str(folder))
            yield

    def _write_secret(self, path: Path) -> None:
        path.write_text(SECRET)
        path.chmod(0o600)

    def _offer(self, block: Block) -> None:
        """See that the website offers a project with such a C{project.ini} as it says."""
        told = dict(re.findall(r"^(\w+) = (.*)$", block.text, re.MULTILINE))
        folder = self.root / "offered"
        (folder / "project" / "worlds").mkdir(parents=True)
        for world in ("another.wbt", told["world"]):
            (folder / "project" / "worlds" / world).touch()
        (folder / "project" / "project.ini").write_text(block.text)
        (project,) = Catalogue(folder).projects()
        assert (project.title, project.description, project.world) == tuple(told.values())

    def _verify_unit(self, block: Block) -> None:
        """Have systemd read a unit with what is added by the C{systemctl edit} that the text before names last."""
        edited = re.findall(r"`systemctl edit (webots-[a-z]+)(\.socket)?`", block.before)[-1]
        unit = f"{edited[0]}{edited[1] or '.service'}"
        folder = self.root / f"edited-{unit}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / f"{unit}.d").mkdir(parents=True)
        for name in {unit, f"{edited[0]}.service"}:
            text = (CHECKOUT / "systemd" / name).read_text()
            (folder / name).write_text(text.replace("/opt/", f"{self.root}/opt/"))
        (folder / f"{unit}.d" / "override.conf").write_text(block.text)
        command = ["systemd-analyze", "verify", "--man=no", "--generators=no", str(folder / unit)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        ours = [line for line in said.splitlines() if str(folder) in line or line.startswith(unit)]
        assert ours == [], f"{block.place}: {ours}"

    def _compare_with_tested(self, block: Block) -> None:
        assert block.text in examples(), f"{block.place} is not what the tests of nginx run"

    def _open_page(self, block: Block) -> None:
        self.cloud.wait_until_available()
        text = block.text.replace("ws://session.example.org:1999/", f"ws://localhost:{self.cloud.session}/")
        with self._page(text) as page:
            if text == block.text:
                # There is no Webots at the address of the example.
                expect(page.get_by_text("cannot be reached")).to_be_visible(timeout=PATIENCE * 1000)
            else:
                run = page.get_by_role("button", name="Run in real time")
                expect(run).to_be_enabled(timeout=PATIENCE * 1000)

    def _run_in_page(self, block: Block) -> None:
        view = 'import webots from "./webots.mjs";\nconst view = new webots.View(document.body);\n'
        head = view if "view." in block.text else ""
        with self._page(f"<script type=module>{head}{block.text}\nglobalThis.isDone = true;</script>") as page:
            page.wait_for_function("globalThis.isDone", timeout=PATIENCE * 1000)

    @contextmanager
    def _page(self, text: str) -> Iterator[Page]:
        """Open a page of the website; its scripts may not throw."""
        assert self.browser
        # A page that a test answers for comes from nowhere, and must be allowed to ask the servers of this machine.
        context = self.browser.new_context(viewport={"width": 900, "height": 600}, permissions=["local-network-access"])
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        html = f"<!doctype html><meta charset=utf-8><body>{text}"
        page.route("**/manual.html", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"{self.cloud.page}manual.html")
        yield page
        context.close()
        assert errors == []

    def _ask_prometheus(self, block: Block) -> None:
        """Have Prometheus look at its configuration with the block in it: in each job, if it is indented."""
        self._write_secret(self.root / "etc" / "prometheus" / "webots-cloud.password")
        for file in (CHECKOUT / "etc" / "prometheus").iterdir():
            shutil.copy(file, self.root / "etc" / "prometheus")
        example = self.root / "etc" / "prometheus" / "example.yml"
        text = (CHECKOUT / "etc" / "prometheus" / "prometheus.yml").read_text()
        if block.text.startswith(" "):
            text = re.sub(r"(  - job_name: .*\n)", rf"\1{block.text}", text)
        else:
            text += block.text
        example.write_text(self._here(text))
        self._run(f"promtool check config {example}", block.place)

    def _look_at(self, block: Block) -> None:
        if block.text.startswith("backend "):
            self._balance(block)
        commands = [line for line in block.text.splitlines() if line.lstrip("$# ").startswith(COMMANDS)]
        assert commands == [], f"{block.place} has commands: say that its language is sh"

    def _balance(self, block: Block) -> None:
        """Have HAProxy look at a part of its configuration."""
        file = self.root / "haproxy.cfg"
        servers = re.sub(r"session\d\.example\.org", "localhost", block.text)
        file.write_text(f"{HAPROXY}{servers}")
        self._run(f"PATH=$PATH:/usr/sbin haproxy -c -f {file}", block.place)
