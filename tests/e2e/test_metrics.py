"""The metrics of all three servers as they are started, on a machine with two graphics cards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.e2e.cloud import Cloud, add_tutorial, running
from tests.e2e.page import simulation
from tests.e2e.program import PATIENCE, Program
from tests.metrics.samples import Samples
from tests.metrics.test_metrics_operator_files import RULES, expressions, promtool
from tests.ports import free_port
from tests.simulation.nvidia import Library

SERVERS = ("session", "simulation", "host")
OF_PROMETHEUS = {"up"}
"""What Prometheus adds itself."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    state = tmp_path_factory.mktemp("cloud")
    add_tutorial(state / "host" / "projects")
    environment = Library(tmp_path_factory.mktemp("nvidia")).environment
    variables = [f"{name}={value}" for name, value in environment.items()]
    with running(["env", *variables, sys.executable, "-m", "twisted", "webots-cloud"], state) as cloud:
        yield cloud


def metrics(cloud: Cloud) -> dict[str, str]:
    return {server: cloud.get(getattr(cloud, server), "/metrics") for server in SERVERS}


@pytest.mark.parametrize("server", SERVERS)
def test_prometheus_takes_them_and_has_nothing_to_say_about_their_names(cloud: Cloud, server: str) -> None:
    cloud.wait_until_available()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics(cloud)[server], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip(), done.stderr.strip()) == (0, "", "")


def test_all_that_rules_and_dashboard_name_is_there(cloud: Cloud) -> None:
    there = set[str]().union(*(Samples(text).names for text in metrics(cloud).values()))
    named = set[str]()
    for text in [*expressions(), *RULES.read_text().splitlines()]:
        named |= names_in(text)
    assert len(named) > 30
    assert named - OF_PROMETHEUS <= there


@contextmanager
def prometheus(cloud: Cloud, folder: Path) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Run a real Prometheus that asks all servers and looks at the rules; gives what asks it for an expression."""
    port = free_port()
    jobs = [
        f"  - job_name: webots-{server}\n    static_configs: [{{targets: [localhost:{getattr(cloud, server)}]}}]\n"
        for server in SERVERS
    ]
    (folder / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nrule_files: [{RULES}]\n"
        f"scrape_configs:\n{''.join(jobs)}"
    )
    program = Program(
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
    )

    def ask(path: str, **query: str) -> Any:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/{path}?{urlencode(query)}", timeout=PATIENCE) as answer:
            return json.load(answer)["data"]

    def evaluate(expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = ask("query", query=expression)["result"]
        return found

    def rules() -> list[dict[str, Any]]:
        return [rule for group in ask("rules")["groups"] for rule in group["rules"]]

    def has_asked_all_twice() -> bool:
        with suppress(OSError):
            return len(evaluate("count_over_time(up[5m]) >= 2 and up == 1")) == len(SERVERS)
        return False

    try:
        program.wait_for(has_asked_all_twice, "Prometheus to ask all servers")
        yield evaluate
        program.wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()), "all rules to be looked at")
        assert len(rules()) > 20
        assert {rule["name"]: rule.get("lastError") for rule in rules() if rule["health"] != "ok"} == {}
    finally:
        program.stop()


def test_a_real_prometheus_finds_sense_in_all_of_it(cloud: Cloud, tmp_path: Path) -> None:
    cloud.wait_until_available()
    with prometheus(cloud, tmp_path) as evaluate:
        answers = {
            expression: evaluate(
                expression.replace("$__rate_interval", "1m").replace("$__range", "5m").replace("$instance", ".*")
            )
            for expression in expressions()
        }
    empty = {expression for expression, answer in answers.items() if not answer}
    # These are there when something has happened, or somebody has a certificate.
    assert all(re.search("certificate|> 0$|< 2$", expression) for expression in empty)


def names_in(text: str) -> set[str]:
    """Give the metrics that are named in an expression."""
    return set(re.findall(r"\b(?:webots_cloud_\w+|process_\w+|up(?=[ {]))", text))


def test_a_simulation_shows_and_nothing_of_who_has_it(cloud: Cloud) -> None:
    user, cookie = cloud.guest()
    cloud.wait_until_available()
    with simulation(cloud, user):
        told = metrics(cloud)
        samples = Samples(told["simulation"])
        assert samples("webots_cloud_instances", phase="running") >= 1
        assert samples("webots_cloud_instance_connections") >= 1
        key = (cloud.state / "keys" / "localhost").read_text().strip()
        for secret in (*user.values(), cookie.partition("=")[2], key, "four_wheels", str(cloud.state)):
            if isinstance(secret, str) and len(secret) > 3:
                assert secret not in "".join(told.values())
    cloud.wait_for(
        lambda: not Samples(metrics(cloud)["simulation"])("webots_cloud_instances", phase="running"), "its end"
    )
    samples = Samples(metrics(cloud)["simulation"])
    assert samples("webots_cloud_instances_ended_total", reason="ClientLeft") >= 1
    assert (
        Samples(metrics(cloud)["host"])(
            "webots_cloud_host_requests_total", request="DownloadProject", result="answered"
        )
        >= 1
    )


def test_graphics_cards_show(cloud: Cloud) -> None:
    cloud.wait_for(lambda: "webots_cloud_gpu_up{" in metrics(cloud)["simulation"], "the graphics cards")
    samples = Samples(metrics(cloud)["simulation"])
    assert [samples("webots_cloud_gpu_up", gpu=gpu) for gpu in "01"] == [1, 1]
    assert samples.labels("webots_cloud_gpu_utilization_ratio") == [{"gpu": "0"}]
    assert samples("webots_cloud_gpu_memory_used_bytes", gpu="1") == 8 * 2**30
    assert samples("webots_cloud_gpu_info", gpu="0", name="Model A") == 1
    # The machine is looked at once a second, and may not have been since the cards answered.
    cloud.wait_for(
        lambda: Samples(metrics(cloud)["simulation"])("webots_cloud_machine_load_ratio") >= 0.42, "the cards to count"
    )


@pytest.mark.parametrize("server", SERVERS)
def test_servers_are_healthy_and_ready(cloud: Cloud, server: str) -> None:
    cloud.wait_until_available()
    assert [cloud.get(getattr(cloud, server), path) for path in ("/healthz", "/readyz")] == ["ok\n", "ok\n"]


def test_the_tool_that_says_so_is_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "wrong.yml").write_text("groups: [{name: wrong, rules: [{alert: A, expr: 'sum('}]}]\n")
    with pytest.raises(AssertionError, match="parse error"):
        promtool("check", "rules", tmp_path / "wrong.yml")
