"""What an operator gives to Prometheus and Grafana: the rules fire when they should, and all that is named exists."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from webots_cloud.simulation.tally import FAILURES

CHECKOUT = Path(__file__).parents[2]
RULES = CHECKOUT / "etc" / "prometheus" / "webots-cloud.rules.yml"
DASHBOARD = CHECKOUT / "etc" / "grafana" / "webots-cloud.json"
RULE_TESTS = Path(__file__).with_name("rules.yml")


def promtool(*arguments: str | Path, given: str = "") -> None:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def expressions() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", ())]


def test_the_configuration_and_the_rules_are_what_prometheus_takes() -> None:
    promtool("check", "config", RULES.with_name("prometheus.yml"))
    promtool("check", "rules", "--lint-fatal", RULES)


def test_the_rules_fire_when_they_should() -> None:
    promtool("test", "rules", RULE_TESTS)


@pytest.mark.parametrize("alert", re.findall(r"- alert: (\w+)", RULES.read_text()))
def test_every_rule_fires_and_keeps_quiet_in_its_test(alert: str) -> None:
    tests = re.findall(rf"alertname: {alert}\n\s+exp_alerts:(.*)", RULE_TESTS.read_text())
    assert "" in tests
    assert " []" in tests


def test_reasons_in_rules_are_reasons_that_there_are() -> None:
    named = [
        reason
        for labels in re.findall(r'webots_cloud_instances_\w+_total\{reason=~?"([^"]+)"', RULES.read_text())
        for reason in labels.split("|")
    ]
    assert len(named) > 5
    assert set(named) <= set(FAILURES)


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"dashboard:{number}", "expr": re.sub(r"\$__(rate_interval|range)", "5m", expression)}
        for number, expression in enumerate(expressions())
    ]
    assert len(rules) > 40
    file = tmp_path / "dashboard.yml"
    # What is JSON is YAML as well.
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", file)


def test_panels_have_places_and_numbers_of_their_own() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    places = [panel["gridPos"] for panel in panels()]
    for place in places:
        assert place["x"] + place["w"] <= 24
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


def test_the_dashboard_asks_whichever_prometheus_is_chosen() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "instance"]
    assert set(re.findall(r'"uid": "([^"]*)"', DASHBOARD.read_text())) == {"webots-cloud", "${datasource}"}
