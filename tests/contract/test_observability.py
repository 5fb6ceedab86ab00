"""What Prometheus and Grafana ask for is what the services say, and every alert has a page in the guide."""

import json
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import httpx
import pytest
import yaml

from shared.telemetry import metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
SERVICES = ("intake", "routing", "resolution", "followup")
GUIDE = (ROOT / "docs/operations.md").read_text()
RULES = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((ROOT / "deploy/grafana/dashboards/plaint.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in PANELS}
EXPRESSIONS = [rule["expr"] for rule in RULES] + [query for queries in QUERIES.values() for query in queries]
OF_PROMETHEUS = {"up", "ALERTS"}
LABELS_OF_PROMETHEUS = {"le", "job", "instance", "alertname", "alertstate"}
NAME = re.compile(r"\b[a-zA-Z_:][\w:]*\b(?!\s*\()")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
WORDS = {"by", "without", "on", "ignoring", "or", "and", "unless", "bool", "offset"}


def names_in(expression):
    """Return the metrics an expression reads: what is left when labels, texts, times and functions are gone."""
    for part in (GROUPING, re.compile(r"\{[^}]*\}"), re.compile(r"\[[^\]]*\]"), re.compile(r'"[^"]*"')):
        expression = part.sub(" ", expression)
    return set(NAME.findall(expression)) - WORDS


def labels_in(expression):
    grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
    matched = {
        label for group in re.findall(r"\{([^}]*)\}", expression) for label in re.findall(r"(\w+)\s*[=!]", group)
    }
    return grouped | matched


def promtool(*arguments):
    program = shutil.which("promtool")
    assert program, "promtool is missing: apt-get install -y --no-install-recommends prometheus (Debian, Ubuntu)"
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, cwd=PROMETHEUS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
async def exported():
    """The names of all samples that the four services show at /metrics."""
    found = set()
    for name in SERVICES:
        app = import_module(f"services.{name}.app")
        settings = getattr(import_module(f"services.{name}.settings"), f"{name.title()}Settings")
        built = settings(database_url="postgresql://nobody@127.0.0.1:1/nothing")
        transport = httpx.ASGITransport(app.app_of(app.engine_of(built), built))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            shown = (await client.get("/metrics")).text
        for metric, kind in re.findall(r"^# TYPE (\S+) (\S+)$", shown, re.MULTILINE):
            ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            found |= {metric + end for end in ends}
    return found


async def test_every_query_reads_metrics_that_the_services_export(exported):
    assert {"plaint_relay_age_seconds", "process_resident_memory_bytes", "plaint_batch_seconds_bucket"} <= exported
    for expression in EXPRESSIONS:
        assert names_in(expression) - exported - OF_PROMETHEUS == set(), expression


def test_every_query_names_labels_that_the_metrics_have():
    known = {label for each in vars(metrics).values() for label in getattr(each, "_labelnames", ())}
    for expression in EXPRESSIONS:
        assert labels_in(expression) - known - LABELS_OF_PROMETHEUS == set(), expression


def test_what_a_query_reads_is_found_in_it():
    query = 'time() - max by (service, loop) (plaint_a{loop!="door",route=~"x|y"}) / on (le) rate(process_b[5m]) > 3'
    assert names_in(query) == {"plaint_a", "process_b"}
    assert labels_in(query) == {"service", "loop", "route", "le"}


def test_promtool_accepts_configuration_and_alerts():
    promtool("check", "config", "prometheus.yml")
    assert f"{len(RULES)} rules found" in promtool("check", "rules", "alerts.yml")


def test_each_alert_fires_on_its_cause_and_not_before():
    promtool("test", "rules", "alerts_test.yml")
    tested = re.findall(r"^  - name: (\w+)$", (PROMETHEUS / "alerts_test.yml").read_text(), re.MULTILINE)
    assert sorted(tested) == sorted(rule["alert"] for rule in RULES)


def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path):
    queries = [query.replace("$service", "intake|routing") for each in QUERIES.values() for query in each]
    rules = [{"record": f"panel:{number}", "expr": query} for number, query in enumerate(queries)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(queries)} rules found" in promtool("check", "rules", str(tmp_path / "panels.yml"))


def test_prometheus_asks_every_service_where_it_answers():
    (job,) = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    targets = [f"{name}:{COMPOSE[name]['environment']['PLAINT_PORT']}" for name in SERVICES]
    assert job["static_configs"] == [{"targets": targets}]
    assert job["job_name"] == "plaint"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_is_wrong_and_where_to_read_on(rule):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert page == "docs/operations.md"
    assert f'<a id="{anchor}"></a>' in GUIDE
    assert f"[{rule['alert']}](#{anchor})" in GUIDE
    assert re.search("[一-鿿]", rule["annotations"]["summary_zh"])
    assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_panel_speaks_both_languages():
    for panel in DASHBOARD["panels"]:
        texts = [panel["title"]] if panel["type"] == "row" else [panel["title"], panel["description"]]
        assert all(re.search("[一-鿿]", text) and re.search("[A-Za-z]{4}", text) for text in texts), panel["title"]


def test_grafana_finds_its_dashboard_and_its_source():
    provisioning = ROOT / "deploy/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/plaint.yml").read_text())["providers"]
    assert {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]} == {source["uid"]}
    assert source["url"] == "http://prometheus:9090"
    mounted = dict(volume.split(":")[:2] for volume in COMPOSE["grafana"]["volumes"])
    assert mounted["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert COMPOSE["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].startswith(
        provider["options"]["path"]
    )
