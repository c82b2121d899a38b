"""What the launcher is told on its command line."""

from __future__ import annotations

import resource

import pytest

from webots_cloud.simulation.inside.settings import Settings

WORDS = {
    "channel": "5",
    "port": "1234",
    "project": "/instances/1-abc/project with=sign",
    "home": "/home/webots",
    "sandboxed": "yes",
    "display": "no",
    "patience": "2.5",
    "megabytes": "500",
    "files": "10000",
    "openFiles": "1024",
    "fileMegabytes": "300",
    "addressSpaceMegabytes": "32768",
    "cpuSeconds": "36000",
    "processes": "400",
}


def settings(**changed: str) -> Settings:
    return Settings([f"{name}={value}" for name, value in {**WORDS, **changed}.items()])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("channel", 5),
        ("port", 1234),
        ("project", "/instances/1-abc/project with=sign"),
        ("home", "/home/webots"),
        ("sandboxed", True),
        ("display", False),
        ("patience", 2.5),
        ("megabytes", 500),
        ("files", 10000),
    ],
)
def test_each_is_read(name: str, value: object) -> None:
    assert getattr(settings(), name) == value


def test_limits_are_in_the_units_of_the_kernel() -> None:
    assert settings().limits == {
        resource.RLIMIT_NOFILE: 1024,
        resource.RLIMIT_FSIZE: 300_000_000,
        resource.RLIMIT_AS: 32_768_000_000,
        resource.RLIMIT_CPU: 36000,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 400,
    }


def test_processes_of_others_of_the_user_are_not_counted_against_it() -> None:
    assert resource.RLIMIT_NPROC not in settings(sandboxed="no").limits


@pytest.mark.parametrize("name", WORDS)
def test_none_may_be_left_out(name: str) -> None:
    words = [f"{other}={value}" for other, value in WORDS.items() if other != name]
    with pytest.raises(KeyError, match=name):
        Settings(words)
