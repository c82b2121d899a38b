"""Log files: one for each server, with what concerns it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from twisted.logger import Logger

from webots_cloud import logfile
from webots_cloud.config import ServerConfig, read_config
from webots_cloud.logfile import log_to

SECTIONS = ("session", "simulation", "host")


def config(section: str, folder: Path | None) -> ServerConfig:
    return cast(ServerConfig, attrs.evolve(cast(Any, getattr(read_config(None, ()), section)), logDir=folder))


@contextmanager
def logging(*sections: str, folder: Path) -> Iterator[None]:
    services = [log_to(config(section, folder)) for section in sections]
    for service in services:
        service.startService()
    yield
    for service in services:
        service.stopService()


def log(*namespaces: str) -> None:
    for namespace in namespaces:
        Logger(namespace).info("this is from {name}", name=namespace)


def logged(path: Path) -> list[str]:
    return re.findall(r"this is from (\S+)", path.read_text())


def test_each_server_has_a_file_with_its_own_and_what_all_share(tmp_path: Path) -> None:
    shared = [
        "webots_cloud.service",
        "webots_cloud.listening.Listener",
        "twisted.internet.defer",
        "webots_cloud.sessions",
    ]
    own = {section: f"webots_cloud.{section}.parts.Part" for section in SECTIONS}
    with logging(*SECTIONS, folder=tmp_path):
        log(*shared, *own.values())
    for section in SECTIONS:
        assert logged(tmp_path / f"{section}.log") == [*shared, own[section]]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_line_has_a_time_and_a_level(tmp_path: Path) -> None:
    with logging("session", folder=tmp_path):
        log("webots_cloud.session.poller")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[webots_cloud\.session\.poller#info\] this is from \S+\n",
        (tmp_path / "session.log").read_text(),
    )


def test_what_is_logged_is_in_the_file_at_once(tmp_path: Path) -> None:
    with logging("host", folder=tmp_path):
        log("webots_cloud.host.saving")
        assert logged(tmp_path / "host.log") == ["webots_cloud.host.saving"]


def test_nothing_is_written_before_it_starts_and_after_it_stops(tmp_path: Path) -> None:
    service = log_to(config("session", tmp_path))
    log("before")
    assert list(tmp_path.iterdir()) == []
    service.startService()
    log("during")
    service.stopService()
    log("after")
    assert logged(tmp_path / "session.log") == ["during"]


def test_a_restart_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for name in ("first", "second"):
        with logging("session", folder=tmp_path):
            log(name)
    assert logged(tmp_path / "session.log") == ["first", "second"]


def test_without_a_folder_there_is_no_file(tmp_path: Path) -> None:
    service = log_to(config("session", None))
    service.startService()
    log("webots_cloud.session.poller")
    service.stopService()
    assert list(tmp_path.iterdir()) == []


def test_files_are_rotated_and_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (logfile._BYTES, logfile._OLD_FILES) == (10 * 2**20, 10)
    monkeypatch.setattr(logfile, "_BYTES", 300)
    monkeypatch.setattr(logfile, "_OLD_FILES", 2)
    names = [f"number{number}" for number in range(50)]
    with logging("session", folder=tmp_path):
        log(*names)
    files = [tmp_path / name for name in ("session.log.2", "session.log.1", "session.log")]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    kept = [name for file in files for name in logged(file)]
    assert kept == names[-len(kept) :]
    assert all(file.stat().st_size < 500 for file in files)
