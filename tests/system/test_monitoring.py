"""The alert rules and the dashboard name metrics that exist, and each alert fires when it should."""
import itertools
import json
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging/prometheus"
DASHBOARD = ROOT / "packaging/grafana/orderwatch.json"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def promtool(*arguments, cwd=RULES):
    return subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def exported():
    """The names in the code, with what a histogram adds to them."""
    names = set(re.findall(r'"((?:orderwatch|process)_[a-z_]+)', (ROOT / "src/core/metrics.c").read_text()))
    return names | {f"{name}_bucket" for name in names}


def named(text):
    return set(re.findall(r"\b(?:orderwatch|process)_[a-z_]+", text))


def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def dashboard_expressions():
    board = json.loads(DASHBOARD.read_text())
    texts = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return texts + [annotation["expr"] for annotation in board["annotations"]["list"]]


@needs_promtool
def test_rules_are_well_formed():
    result = promtool("check", "rules", "orderwatch.rules.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


@needs_promtool
def test_each_alert_fires_when_it_should():
    result = promtool("test", "rules", "orderwatch.test.yaml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_alert_is_tried():
    rules = yaml.safe_load((RULES / "orderwatch.rules.yaml").read_text())["groups"][0]["rules"]
    tried = (RULES / "orderwatch.test.yaml").read_text()
    assert not [rule["alert"] for rule in rules if not re.search(rf"{rule['alert']}\b", tried)]


def test_rules_and_dashboard_name_metrics_that_exist():
    wanted = named("\n".join(dashboard_expressions()))
    wanted |= named("\n".join(rule["expr"] for rule in yaml.safe_load(
        (RULES / "orderwatch.rules.yaml").read_text())["groups"][0]["rules"]))
    assert len(wanted) > 15
    assert not wanted - exported()


@needs_promtool
def test_dashboard_expressions_are_well_formed(tmp_path):
    rules = [{"record": f"panel:{index}", "expr": expression.replace("$__rate_interval", "5m")}
             for index, expression in enumerate(dashboard_expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    result = promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


def test_panels_do_not_overlap():
    cells = {}
    for panel in panels():
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for cell in itertools.product(range(place["x"], place["x"] + place["w"]),
                                      range(place["y"], place["y"] + place["h"])):
            assert cell not in cells, (panel["title"], cells[cell])
            cells[cell] = panel["title"]
    assert len({panel["id"] for panel in panels()}) == len(panels())
