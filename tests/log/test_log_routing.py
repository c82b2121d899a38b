"""Which line goes to which server's log."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, LogLevel, capturedLogs, globalLogPublisher
from twisted.python import log as twisted_log

from webots_cloud.config import ServerConfig, read_config
from webots_cloud.log.logs import Logs

SECTIONS = ("session", "simulation", "host")


def config(section: str, **options: Any) -> ServerConfig:
    options = {"journal": "no", **options}
    return cast(ServerConfig, attrs.evolve(cast(Any, getattr(read_config(None, ()), section)), **options))


def logs(*configs: ServerConfig, journal: Path = Path("journal")) -> Logs:
    return Logs(cast(Any, MemoryReactorClock)(), configs, journal)


@contextmanager
def running(service: Logs) -> Iterator[None]:
    service.startService()
    yield
    service.stopService()


def log(*namespaces: str, **fields: object) -> None:
    for namespace in namespaces:
        Logger(namespace).info("this is from {name}", name=namespace, **fields)


def logged(path: Path) -> list[str]:
    return re.findall(r"this is from (\S+)", path.read_text())


def test_each_server_has_a_file_with_its_own_and_what_all_share(tmp_path: Path) -> None:
    shared = [
        "webots_cloud.service",
        "webots_cloud.listening.Listener",
        "webots_cloud.tls.hangup.ReloadOnHangup",
        "twisted.internet.defer",
        "webots_cloud.sessions",
        "webots_cloud",
        "somebody.session",
    ]
    own = {section: f"webots_cloud.{section}.parts.Part" for section in SECTIONS}
    with running(logs(*(config(section, logDir=tmp_path) for section in SECTIONS))):
        log(*shared, *own.values())
    for section in SECTIONS:
        assert logged(tmp_path / f"{section}.log") == [*shared, own[section]]
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_about_one_server_is_in_its_file_only(tmp_path: Path) -> None:
    with running(logs(*(config(section, logDir=tmp_path) for section in SECTIONS))):
        log("webots_cloud.listening.Listener", "webots_cloud.tls.encryption.Encryption", section="host")
        log("webots_cloud.tls.issuing.AcmeEncryption", section="acme")
    for section in SECTIONS:
        lines = logged(tmp_path / f"{section}.log")
        assert lines[-1] == "webots_cloud.tls.issuing.AcmeEncryption"
        assert len(lines) == (3 if section == "host" else 1)


def test_what_twisted_says_of_ports_is_left_to_the_servers(tmp_path: Path) -> None:
    with running(logs(config("session", logDir=tmp_path))):
        for text in ("PublicSite starting on 1999", "PublicSite (TLS) starting on 443", "(TCP Port 1999 Closed)"):
            twisted_log.msg(text)
        twisted_log.msg("a line that is starting on something else")
    (line,) = (tmp_path / "session.log").read_text().splitlines()
    assert line.endswith("] a line that is starting on something else")


def test_what_happens_before_the_files_are_opened_is_in_them(tmp_path: Path) -> None:
    service = logs(config("session", logDir=tmp_path))
    log("early")
    assert list(tmp_path.iterdir()) == []
    with running(service):
        log("during")
        assert logged(tmp_path / "session.log") == ["early", "during"]
    log("after")
    assert logged(tmp_path / "session.log") == ["early", "during"]


def test_what_twisted_repeats_when_twist_begins_to_log_is_there_once(tmp_path: Path) -> None:
    reactor: Any = cast(Any, MemoryReactorClock)()
    service = Logs(reactor, [config("session", logDir=tmp_path)])
    with capturedLogs() as events:
        log("early")
        service.startService()
        log("later")
    for event in list(events):
        globalLogPublisher(event)
    assert logged(tmp_path / "session.log") == ["early", "later"]
    reactor.run()
    globalLogPublisher(events[0])
    service.stopService()
    assert logged(tmp_path / "session.log") == ["early", "later", "early"]


def test_without_a_folder_there_is_no_file(tmp_path: Path) -> None:
    with running(logs(config("session", logDir=None))):
        log("webots_cloud.session.poller")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("level", "there"),
    [("debug", "debug info warn error critical"), ("info", "info warn error critical"), ("error", "error critical")],
)
def test_only_what_is_grave_enough_is_logged(level: str, there: str, tmp_path: Path) -> None:
    with running(logs(config("session", logDir=tmp_path, logLevel=level))):
        for each in LogLevel.iterconstants():
            Logger("webots_cloud.session.x").emit(each, "{what}", what=each.name)
    assert [line.split()[-1] for line in (tmp_path / "session.log").read_text().splitlines()] == there.split()


def test_the_level_of_one_server_is_not_the_others(tmp_path: Path) -> None:
    levels = {"session": "debug", "host": "error"}
    with running(logs(*(config(name, logDir=tmp_path, logLevel=level) for name, level in levels.items()))):
        for name in levels:
            Logger(f"webots_cloud.{name}.x").debug("this is from {name}", name=name)
    assert logged(tmp_path / "session.log") == ["session"]
    assert logged(tmp_path / "host.log") == []


def test_a_file_that_cannot_be_opened_ends_the_start_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "session.log").mkdir()
    with pytest.raises(SystemExit, match=r"\[session\] logDir: .*session\.log cannot be written"):
        logs(config("session", logDir=tmp_path)).startService()


def test_how_many_files_are_kept_is_said_by_an_option(tmp_path: Path) -> None:
    for number in range(1, 6):
        (tmp_path / f"session.log.{number}").write_text("old")
    with running(logs(config("session", logDir=tmp_path, logFiles=2))):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["session.log", "session.log.1", "session.log.2"]


class TestJournal:
    @pytest.fixture
    def journal(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind("journal")
            listening.setblocking(False)
            yield listening

    def entries(self, journal: socket.socket) -> list[dict[str, str]]:
        found = []
        while True:
            try:
                found.append(read_entry(journal.recv(2**20)))
            except BlockingIOError:
                return found

    def test_an_entry_has_a_message_a_priority_and_fields(self, journal: socket.socket) -> None:
        with running(logs(config("simulation", journal="yes"))):
            Logger("webots_cloud.simulation.runner.Runner").warn(
                "instance {instance}: {error}", instance=7, session="k3f9x2q7", error="no memory"
            )
        assert self.entries(journal) == [
            {
                "MESSAGE": "instance 7: no memory",
                "PRIORITY": "4",
                "SYSLOG_IDENTIFIER": "webots-simulation",
                "SERVER": "simulation",
                "LOGGER": "webots_cloud.simulation.runner.Runner",
                "SESSION": "k3f9x2q7",
                "INSTANCE": "7",
            }
        ]

    def test_in_a_process_of_all_servers_each_line_comes_once(self, journal: socket.socket) -> None:
        with running(logs(*(config(section, journal="yes") for section in SECTIONS))):
            log("twisted.internet", "webots_cloud.host.saving", "webots_cloud.session.poller")
        entries = self.entries(journal)
        assert [entry.get("SERVER") for entry in entries] == [None, "host", "session"]
        assert {entry["SYSLOG_IDENTIFIER"] for entry in entries} == {"webots-cloud"}

    def test_a_server_that_does_not_want_it_is_not_in_it(self, journal: socket.socket) -> None:
        with running(logs(config("session", journal="no"), config("host", journal="yes"))):
            log("webots_cloud.host.saving", "webots_cloud.session.poller")
        assert [entry["SERVER"] for entry in self.entries(journal)] == ["host"]

    @pytest.mark.parametrize("journal_stream", ["", "1:2", "nonsense"])
    def test_by_itself_it_is_used_only_where_systemd_says_so(
        self, journal: socket.socket, journal_stream: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JOURNAL_STREAM", journal_stream)
        with running(logs(config("session", journal="auto"))):
            log("webots_cloud.session.poller")
        assert self.entries(journal) == []


def read_entry(data: bytes) -> dict[str, str]:
    """Read a datagram as journald does."""
    fields: dict[str, str] = {}
    while data:
        name, _, data = data.partition(b"\n")
        if b"=" in name:
            key, _, value = name.partition(b"=")
        else:
            key, size = name, int.from_bytes(data[:8], "little")
            value, data = data[8 : 8 + size], data[8 + size :]
            assert data[:1] == b"\n"
            data = data[1:]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]*", key), key
        assert key.decode() not in fields, json.dumps(fields)
        fields[key.decode()] = value.decode()
    return fields
