"""The HTTP interface and the commands, against the real daemon: what an operator sees, asks and changes."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.parse

import jsonschema
import pytest

from harness import DEADLINE_S, configuration, free_port, listens, run_command, to_yaml, wait_until, webhook_sink

ORDERS = {"generate": {"first_id": 1000, "count": 40, "seed": 5},
          "list": [{"id": "00/12 3", "customerReference": "PO-<1>", "status": "InProgress", "step": "Survey",
                    "site": {"name": "Lyon Part-Dieu"}, "committedDate": "2027-01-12",
                    "contact": {"name": "Site reception", "phone": "+33 1 99 00 00 01"},
                    "appointments": [{"id": "A-1", "status": "Confirmed", "start": "2027-01-12T09:00:00+01:00",
                                      "end": "2027-01-12T11:00:00+01:00"}]}]}
MOVED = {"order": "00/12 3", "id": "A-1", "start": "2027-01-17T09:00:00+01:00", "end": "2027-01-17T11:00:00+01:00"}
PROBLEM = "application/problem+json"


class Served:
    """A daemon with its interface, as a client that is not ours sees it."""

    def __init__(self, world, settings):
        self.settings = settings
        self.daemon = world.daemon(settings)
        self.port = int(settings["http"]["listen"].rsplit(":", 1)[1])
        self.start()

    def start(self):
        self.daemon.start()
        wait_until(lambda: listens(self.port) or not self.daemon.process.is_running(), self.daemon.log)
        assert self.daemon.process.is_running(), self.daemon.log()

    def ask(self, path, method="GET", headers=None, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def json(self, path, code=200, **more):
        answer, content = self.ask(path, **more)
        assert answer.status == code, (path, answer.status, content)
        expected = "application/json" if code < 400 or path in ("/-/ready", "/-/healthy") else PROBLEM
        assert answer.headers["Content-Type"] == expected
        document = json.loads(content)
        if expected == PROBLEM:
            assert document["status"] == code and document["title"] and document["detail"]
        return document

    def post(self, path, code=200, **headers):
        return self.json(path, code, method="POST", body="{}",
                         headers={"Content-Type": "application/json", "X-Orderwatch": "1", **headers})

    def pages(self, path, limit):
        """All items of a list, page by page."""
        items, cursor = [], None
        while True:
            query = {"limit": limit, **({"after": cursor} if cursor else {})}
            joint = "&" if "?" in path else "?"
            page = self.json(f"{path}{joint}{urllib.parse.urlencode(query)}")
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items

    def command(self, *arguments):
        return run_command(arguments[0], "-c", self.daemon.path, *arguments[1:])

    def swept(self):
        wait_until(lambda: self.ask("/-/ready")[0].status == 200, self.daemon.log)


@pytest.fixture
def parts(world):
    world.receiver = world.webhook()
    world.source = world.simulator(orders=ORDERS)
    world.settings = configuration(world.folder, world.source, sinks=[webhook_sink(world.receiver)])
    return world


@pytest.fixture
def served(parts):
    one = Served(parts, parts.settings)
    one.world = parts
    one.swept()
    return one


def move(served, count=1):
    served.world.source.step(appointment=MOVED)
    wait_until(lambda: len(served.world.receiver.deliveries) >= count, served.daemon.log)
    return served.world.receiver.deliveries[-1]


# --- health ---------------------------------------------------------------------------------------

def test_health_readiness_and_status_say_what_is_wrong(served):
    assert served.json("/-/healthy") == {"healthy": True, "reasons": []}
    assert served.json("/-/ready") == {"ready": True, "reasons": []}
    code, out, _ = served.command("status")
    assert code == 0 and "healthy" in out and "orange" in out and "tickets" in out
    served.world.source.stop()
    wait_until(lambda: served.ask("/-/ready")[0].status == 503, served.daemon.log)
    reasons = served.json("/-/ready", 503)["reasons"]
    assert [reason["source"] for reason in reasons] == ["orange"] and "no complete sweep" in reasons[0]["reason"]
    assert served.json("/-/healthy")["healthy"] is True
    code, out, _ = served.command("status")
    assert code == 1 and "not healthy" in out and "no complete sweep" in out
    code, out, _ = served.command("status", "--json")
    assert code == 1 and json.loads(out)["ready"] is False


def test_an_order_needs_its_source_only_where_there_are_several(parts):
    served = Served(parts, parts.settings)
    served.world = parts
    served.swept()
    event = move(served)
    wait_until(lambda: served.json("/api/v1/deliveries?order=00/12%203")["items"], served.daemon.log)
    assert [one["id"] for one in served.json("/api/v1/events?order=00/12%203")["items"]] == [event["id"]]
    assert served.json("/api/v1/events?order=1000")["items"] == []
    code, out, _ = served.command("events", "--order", "00/12 3")
    assert code == 0 and event["id"] in out
    served.daemon.stop()
    parts.settings["sources"].append({**parts.settings["sources"][0], "name": "second"})
    served = Served(parts, parts.settings)
    served.swept()
    wait_until(lambda: len(served.json("/api/v1/orders?source=second")["items"]) > 1, served.daemon.log)
    code, out, err = served.command("orders", "00/12 3")
    assert code == 0 and "orange" in out and "source second has such an order too" in err
    for path in ("events", "deliveries"):
        assert "several" in served.json(f"/api/v1/{path}?order=1000", 400)["detail"]


def test_a_refused_source_is_not_ready_at_once(parts):
    parts.settings["sources"][0]["every"] = "2m"
    served = Served(parts, parts.settings)
    served.swept()
    parts.source.step(fault={"kind": "status", "code": 403, "api_code": 50, "count": 0})
    served.post("/api/v1/sources/orange/sweep")
    wait_until(lambda: served.ask("/-/ready")[0].status == 503, served.daemon.log)
    assert [reason["code"] for reason in served.json("/-/ready", 503)["reasons"]] == ["rejected"]
    code, out, _ = served.command("status")
    assert code == 1 and "access is refused" in out and "code 50" in out


def test_a_receiver_that_takes_nothing_is_shown_as_failing(parts):
    parts.settings["sinks"][0]["failing_after"] = "1s"
    parts.receiver.answer = lambda event: 503
    served = Served(parts, parts.settings)
    served.swept()
    parts.source.step(appointment=MOVED)
    wait_until(lambda: served.ask("/-/ready")[0].status == 503, served.daemon.log)
    assert served.json("/api/v1/sinks")["items"][0]["state"] == "failing"
    assert b'orderwatch_sink_up{sink="tickets"} 0' in served.ask("/metrics")[1]


def aged(parts, change):
    """A daemon with a delivery whose row was changed in the file while no daemon ran."""
    parts.receiver.stop()
    first = Served(parts, parts.settings)
    first.swept()
    parts.source.step(appointment=MOVED)
    wait_until(lambda: first.json("/api/v1/sinks")["items"][0]["pending"] == 1, first.daemon.log)
    assert first.daemon.stop() == 0
    with contextlib.closing(sqlite3.connect(parts.settings["state"]["database"])) as state, state:
        assert state.execute(f"UPDATE deliveries SET {change}").rowcount == 1
    return Served(parts, parts.settings)


def test_what_waits_on_purpose_is_no_backlog(parts):
    """As of a weekly digest: planned five days ago, to leave in two days."""
    later = "CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 172800000"
    served = aged(parts, f"created = created - 432000000, first_due = {later}, due = {later}, is_retry = 0")
    served.swept()
    sink, = served.json("/api/v1/sinks")["items"]
    assert sink["pending"] == 1 and sink["oldest_pending"] < sink["waiting_since"]
    samples = parse_metrics(served.ask("/metrics")[1].decode())
    assert samples["orderwatch_outbox_oldest_age_seconds"]['{sink="tickets"}'] == 0


def test_a_backlog_of_days_is_not_ready(parts):
    second = aged(parts, "created = created - 432000000, first_due = first_due - 432000000")
    wait_until(lambda: "backlog" in {reason["code"] for reason in second.json("/-/ready", 503)["reasons"]},
               second.daemon.log)
    reason, = (each for each in second.json("/-/ready", 503)["reasons"] if each["code"] == "backlog")
    assert reason["sink"] == "tickets" and "waits for 120 h" in reason["reason"]
    code, out, _ = second.command("status")
    assert code == 1 and "120 h" in out


def test_the_conservation_line_adds_up(served):
    move(served)
    wait_until(lambda: served.json("/api/v1/sinks")["items"][0]["delivered"] == 1, served.daemon.log)
    sink = served.json("/api/v1/status")["sinks"][0]
    assert sink["observed"] == sink["delivered"] + sink["pending"] + sink["parked"] == 1
    assert sink["conserved"] is True and sink["name"] == "tickets" and sink["kind"] == "webhook"


def parse_metrics(text):
    """{name: {labels: value}} of Prometheus' text format, checked as a scraper would."""
    kinds, samples = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds, f"{name} twice"
            kinds[name] = kind
            continue
        if line.startswith("#"):
            assert re.fullmatch(r"# HELP [a-z_]+ \S.*", line), line
            continue
        match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.]+(?:e[+-]?\d+)?)', line)
        assert match, line
        name, labels, value = match.groups()
        family = re.sub("_(bucket|sum|count)$", "", name)
        family = family if kinds.get(family) == "histogram" else name
        assert family in kinds, f"{name} has no TYPE before it"
        assert (kinds[family] == "counter") == name.endswith("_total"), name
        assert (labels or "") not in samples.setdefault(name, {}), line
        samples[name][labels or ""] = float(value)
    return samples


def test_metrics_are_prometheus_text_and_count_what_happened(served):
    move(served)
    wait_until(lambda: b'{sink="tickets",outcome="delivered"} 1' in served.ask("/metrics")[1], served.daemon.log)
    answer, content = served.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = content.decode()
    samples = parse_metrics(text)
    assert samples["orderwatch_events_total"]['{type="appointment.rescheduled"}'] == 1
    assert samples["orderwatch_deliveries_total"]['{sink="tickets",outcome="delivered"}'] == 1
    assert samples["orderwatch_outbox_depth"]['{sink="tickets"}'] == 0
    assert samples["orderwatch_outbox_oldest_age_seconds"]['{sink="tickets"}'] == 0
    assert samples["orderwatch_parked"]['{sink="tickets"}'] == 0
    assert samples["orderwatch_delivery_latency_seconds_count"]['{sink="tickets"}'] == 1
    assert samples["orderwatch_requests_total"]['{source="orange",code="200"}'] >= 2
    assert samples["orderwatch_sweep_last_complete_timestamp_seconds"]['{source="orange"}'] > 1.6e9
    assert samples["process_resident_memory_bytes"][""] > 1e6 and samples["process_open_fds"][""] > 3
    buckets = [value for labels, value in samples["orderwatch_turn_seconds_bucket"].items()]
    assert buckets == sorted(buckets) and buckets[-1] == samples["orderwatch_turn_seconds_count"][""] > 0
    assert "00/12" not in text and "PO-" not in text


CONTRACT = ["orderwatch_sweep_last_complete_timestamp_seconds", "orderwatch_events_total", "orderwatch_deliveries_total",
            "orderwatch_outbox_depth", "orderwatch_outbox_oldest_age_seconds", "orderwatch_parked",
            "orderwatch_delivery_latency_seconds_bucket", "orderwatch_requests_total", "orderwatch_loop_lag_seconds_count",
            "orderwatch_turn_seconds_count", "orderwatch_commit_seconds_count", "orderwatch_budget_left",
            "orderwatch_token_age_seconds", "orderwatch_build_info", "orderwatch_config_info",
            "orderwatch_config_last_reload_successful", "orderwatch_config_last_reload_success_timestamp_seconds"]


def test_every_metric_is_there_and_promtool_has_no_complaint(served):
    move(served)
    served.post("/-/reload")
    text = served.ask("/metrics")[1].decode()
    samples = parse_metrics(text)
    assert not [name for name in CONTRACT if not samples.get(name)]
    assert samples["orderwatch_commit_seconds_count"][""] >= 2
    assert list(samples["orderwatch_commit_seconds_bucket"].values())[-1] == samples["orderwatch_commit_seconds_count"][""]
    assert 0 < samples["orderwatch_budget_left"]['{source="orange"}'] <= 6000
    assert 0 <= samples["orderwatch_token_age_seconds"]['{source="orange"}'] < 600
    (info,) = samples["orderwatch_config_info"]
    assert re.fullmatch(r'\{hash="[0-9a-f]{16}"\}', info)
    if shutil.which("promtool"):
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True,
                                 timeout=60, check=False)
        assert checked.returncode == 0 and checked.stdout + checked.stderr == "", checked.stdout + checked.stderr
    served.settings["sources"][0]["every"] = "2s"
    served.daemon.path.write_text(to_yaml(served.settings))
    served.post("/-/reload")
    assert info not in parse_metrics(served.ask("/metrics")[1].decode())["orderwatch_config_info"]


def test_expiry_of_credentials_is_a_metric(parts):
    parts.settings["sources"][0]["api_key"].update(issued="2026-02-01", valid_for="730d")
    served = Served(parts, parts.settings)
    samples = parse_metrics(served.ask("/metrics")[1].decode())
    expiry = samples["orderwatch_credential_expiry_timestamp_seconds"]
    assert expiry == {'{source="orange",credential="api_key"}': 1769904000 + 730 * 86400}


# --- lists ----------------------------------------------------------------------------------------

def test_pages_hold_every_order_once(served):
    for limit in (1, 7, 41, 1000):
        items = served.pages("/api/v1/orders", limit)
        assert sorted(item["id"] for item in items) == sorted(["00/12 3", *map(str, range(1000, 1040))])
    with_appointments = [(item["id"], appointment["id"]) for item in items for appointment in item["appointments"]]
    for limit in (1, 5, 1000):
        listed = [(item["order"], item["id"]) for item in served.pages("/api/v1/appointments", limit)]
        assert listed == with_appointments


def test_orders_are_narrowed_by_source_status_and_text(served):
    assert len(served.json("/api/v1/orders?source=orange&limit=1000")["items"]) == 41
    assert len(served.json("/api/v1/orders?status=open&limit=1000")["items"]) == 41
    assert served.json("/api/v1/orders?status=cancelled")["items"] == []
    found = served.json("/api/v1/orders?q=lyon+part")["items"]
    assert "00/12 3" in [item["id"] for item in found] and all("Lyon Part" in item["site"] for item in found)
    soon = served.json("/api/v1/appointments?since=2027-01-12T08:00:00Z&until=2027-01-12T08:00:01Z")["items"]
    assert "00/12 3" in [item["order"] for item in soon]
    assert all(item["start"] == "2027-01-12T08:00:00Z" for item in soon)


def test_appointments_of_one_order(world):
    def appointments(number):
        return [{"id": f"A-{number}-{index}", "status": "Confirmed", "start": f"2027-01-{10 + index}T09:00:00+01:00",
                 "end": f"2027-01-{10 + index}T11:00:00+01:00"} for index in range(3)]
    source = world.simulator(orders={"list": [{"id": f"O-{number}", "status": "InProgress",
                                               "appointments": appointments(number)} for number in range(3)]})
    served = Served(world, configuration(world.folder, source, sinks=[webhook_sink(world.webhook())]))
    served.swept()
    wanted = ["A-1-0", "A-1-1", "A-1-2"]
    for limit in (1, 2, 100):
        assert [one["id"] for one in served.pages("/api/v1/appointments?order=O-1", limit)] == wanted
    assert [one["id"] for one in served.json("/api/v1/appointments?order=O-1&since=2027-01-12")["items"]] == wanted[2:]
    assert served.json("/api/v1/appointments?order=O-9") == {"items": [], "next": None}
    code, out, err = served.command("appointments", "--order", "O-1")
    assert code == 0 and err == "" and all(one in out for one in wanted) and "O-2" not in out


def test_sources_and_sinks_come_in_pages(parts):
    first = parts.settings["sources"][0]
    parts.settings["sources"] += [{**first, "name": name} for name in ("blue", "green")]
    sinks = parts.settings["sinks"]
    sinks += [{**sinks[0], "name": name} for name in ("fax", "pager")]
    parts.settings["routes"][0]["sinks"] += ["fax", "pager"]
    served = Served(parts, parts.settings)
    for path, names in {"/api/v1/sources": ["orange", "blue", "green"], "/api/v1/sinks": ["tickets", "fax", "pager"]}.items():
        whole = served.json(path)
        assert [one["name"] for one in whole["items"]] == names and whole["next"] is None
        for limit in (1, 2, 3, 4):
            assert [one["name"] for one in served.pages(path, limit)] == names
    detail = served.json("/api/v1/appointments?order=1000", 400)["detail"]
    assert "order" in detail and "source" in detail


def test_one_order_has_its_time_line_and_no_contact(served):
    event = move(served)
    order = served.json("/api/v1/orders/orange/00%2F12%203")
    assert order["id"] == "00/12 3" and order["reference"] == "PO-<1>" and order["source"] == "orange"
    assert [(one["id"], one["start"]) for one in order["appointments"]] == [("A-1", "2027-01-17T08:00:00Z")]
    assert [one["id"] for one in order["events"]] == [event["id"]]
    for path in ("/api/v1/orders?limit=1000", "/api/v1/orders/orange/00%2F12%203", "/api/v1/events"):
        assert b"reception" not in served.ask(path)[1] and b"+33 1" not in served.ask(path)[1]
    assert served.json("/api/v1/orders?q=reception")["items"] == []


ODD_IDS = [".", "..", "...", "a/b", "a/../b", "%2E", "%", "?", "?source=blue", "#", "&id=1001", "+", "a b", "é", "\\"]


def test_an_order_is_found_whatever_its_id_is(world):
    """By the query, and by the commands: a path loses some of them."""
    source = world.simulator(orders={"list": [{"id": identity, "status": "InProgress"} for identity in ODD_IDS]})
    served = Served(world, configuration(world.folder, source, sinks=[webhook_sink(world.webhook())]))
    served.swept()
    for identity in ODD_IDS:
        query = urllib.parse.urlencode({"source": "orange", "id": identity})
        assert served.json(f"/api/v1/order?{query}")["id"] == identity
        code, shown, errors = served.command("orders", identity, "--json")
        assert code == 0 and json.loads(shown)["id"] == identity, errors
        code, shown, errors = served.command("forget", f"orange/{identity}", "--yes", "--json")
        assert code == 0 and json.loads(shown)["record"] is True, (identity, errors)


def test_events_and_deliveries_are_listed_with_filters(served):
    event = move(served)
    wait_until(lambda: served.json("/api/v1/deliveries?status=delivered")["items"], served.daemon.log)
    assert served.json("/api/v1/events")["items"] == [event]
    for query in ("type=appointment.*", "type=orderwatch.appointment.rescheduled", "severity=warning", "since=24h",
                  "source=orange&order=00/12%203", "q=moved+by"):
        assert [one["id"] for one in served.json(f"/api/v1/events?{query}")["items"]] == [event["id"]], query
    assert served.json(f"/api/v1/events?id={event['id'][:4]}")["items"] == [event]
    assert served.json(f"/api/v1/events?id={event['id']}&type=order.*")["items"] == []
    for query in ("type=order.*", "severity=critical", "until=2020-01-01", "q=nowhere", "source=orange&order=1000"):
        assert served.json(f"/api/v1/events?{query}")["items"] == [], query
    delivery, = served.json("/api/v1/deliveries")["items"]
    assert delivery["event"] == event["id"] and delivery["sink"] == "tickets" and delivery["order"] == "00/12 3"
    for query in ("sink=tickets&status=delivered&since=1h", "type=appointment.*"):
        assert served.json(f"/api/v1/deliveries?{query}")["items"] == [delivery], query
    assert served.json("/api/v1/deliveries?type=order.*")["items"] == []
    assert served.json("/api/v1/deliveries?status=parked")["items"] == []


@pytest.mark.parametrize("path, words", [
    ("/api/v1/orders?limit=0", ["limit", "1 to 1000"]), ("/api/v1/orders?limit=x", ["limit"]),
    ("/api/v1/orders?source=blue", ["source", "blue", "orange"]), ("/api/v1/orders?color=red", ["color", "status"]),
    ("/api/v1/orders?after=zz", ["after", "next"]), ("/api/v1/appointments?after=orange/1", ["after"]),
    ("/api/v1/events?severity=bad", ["severity", "critical"]), ("/api/v1/events?since=soon", ["since", "24h"]),
    ("/api/v1/events?type=appointment.reschedule", ["type", "did you mean appointment.rescheduled"]),
    ("/api/v1/events?since=2027-01-02&until=2027-01-01", ["until"]),
    ("/api/v1/events?limit=1&limit=2", ["limit", "twice"]), ("/api/v1/events?after=-1", ["after"]),
    ("/api/v1/deliveries?status=lost", ["status", "parked"]), ("/api/v1/deliveries?sink=fax", ["sink", "tickets"]),
    ("/api/v1/order?source=orange", ["id", "missing"]), ("/api/v1/order?id=1001", ["source", "missing"]),
    ("/api/v1/order?source=orange&id=1001&status=open", ["status", "id"]),
    ("/api/v1/orders?status=", ["status", "kind"]), ("/api/v1/appointments?order=", ["order", "id of an order"]),
    ("/api/v1/events?id=abc", ["id", "abc", "first 4"]), ("/api/v1/events?id=ABCDEF", ["id", "first 4"]),
    ("/api/v1/deliveries?type=fax", ["type", "fax"]), ("/api/v1/sources?limit=0", ["limit", "1 to 1000"]),
    ("/api/v1/orders?q=%FF", ["q", "UTF-8"]), ("/-/ready?x=1", ["x"])])
def test_a_wrong_parameter_is_named_with_what_is_accepted(served, path, words):
    detail = served.json(path, 400, method="GET")["detail"] if not path.startswith("/-/") else \
        json.loads(served.ask(path)[1])["detail"]
    assert all(word in detail for word in words), detail


@pytest.mark.parametrize("path, words", [
    ("/nowhere", ["/api/v1/", "/metrics"]), ("/api/v1/orders/orange/77", ["77", "orange"]),
    ("/api/v1/orders/orange/1001x", ["did you mean 1001"]), ("/api/v1/orders/orange/00%2F123", ["did you mean 00/12 3"]),
    ("/api/v1/order?source=orange&id=1001x", ["did you mean 1001"]), ("/api/v1/order?source=orange&id=", ["orange"]),
    ("/api/v1/order?source=blue&id=1", ["orange"]), ("/api/v1/orders/blue/1", ["orange"]), ("/api/v1/orders/orange", ["orange"]),
    ("/api/v1/events/00000000000000000000000000000000", ["/api/v1/events"])])
def test_what_does_not_exist_is_404_with_what_does(served, path, words):
    detail = served.json(path, 404)["detail"]
    assert all(word in detail for word in words), detail


def test_answers_are_as_the_openapi_document_says(served):
    document = served.json("/api/v1/openapi.json")
    assert document["openapi"].startswith("3.")
    event = move(served)
    wait_until(lambda: served.json("/api/v1/deliveries?status=delivered")["items"], served.daemon.log)
    fixed = {"/api/v1/orders/{source}/{id}": "/api/v1/orders/orange/00%2F12%203",
             "/api/v1/order": "/api/v1/order?source=orange&id=00%2F12%203",
             "/api/v1/events/{id}": f"/api/v1/events/{event['id']}"}
    seen = 0
    for path, methods in document["paths"].items():
        answer = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get("application/json")
        if answer:
            schema = {**answer["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(served.json(fixed.get(path, path)))
            seen += 1
        for method in methods:
            foreign = {"Origin": "https://evil.example"}
            assert method == "get" or served.ask(path, "POST", foreign)[0].status in (403, 405, 415), path
    assert seen >= 14
    problem = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    jsonschema.Draft202012Validator(problem).validate(served.json("/nowhere", 404))
    parameters = document["components"]["parameters"].values()
    listed = {parameter["name"] for parameter in parameters}
    for path in ("sources", "sinks", "orders", "appointments", "events", "events/stream", "deliveries", "silences"):
        names = {document["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]]["name"]
                 for one in document["paths"][f"/api/v1/{path}"]["get"]["parameters"]}
        accepted = served.json(f"/api/v1/{path}?nonsense=1", 400)["detail"].split("accepted: ")[1]
        assert names == set(accepted.split(", ")) and names <= listed


# --- who may ask ----------------------------------------------------------------------------------

def test_other_hosts_are_misdirected_and_headers_protect(served):
    for host in ("evil.example", "evil.example:9475", "127.0.0.1.evil.example", "localhost.evil.example"):
        served.json("/api/v1/status", 421, headers={"Host": host})
    for host in ("localhost", f"localhost:{served.port}", f"127.0.0.1:{served.port}", "[::1]:80"):
        served.json("/api/v1/status", headers={"Host": host})
    answer, _ = served.ask("/api/v1/status", headers={"Origin": "https://evil.example"})
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_methods_are_as_they_should_be(served):
    answer, _ = served.ask("/api/v1/orders", method="POST", body="{}")
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
    answer, _ = served.ask("/api/v1/sources/orange/sweep")
    assert answer.status == 405 and answer.headers["Allow"] == "POST"
    for path, allow in {"/api/v1/events/stream": "GET, HEAD", "/api/v1/silences": "GET, HEAD, POST",
                        "/api/v1/silences/x": "POST, DELETE", "/api/v1/orders/orange/1000": "GET, HEAD, POST",
                        "/": "GET, HEAD", "/-/reload": "POST"}.items():
        answer, _ = served.ask(path, method="PUT")
        assert answer.status == 405 and answer.headers["Allow"] == allow, path
    answer, content = served.ask("/api/v1/status", method="HEAD")
    assert answer.status == 200 and content == b""


def test_a_change_needs_what_no_foreign_page_can_send(served):
    path, json_type = "/api/v1/sources/orange/pause", {"Content-Type": "application/json"}
    served.json(path, 403, method="POST", body="{}", headers=json_type)
    served.json(path, 415, method="POST", body="{}", headers={"X-Orderwatch": "1", "Content-Type": "text/plain"})
    served.json(path, 415, method="POST", headers={"X-Orderwatch": "1"})
    assert served.json("/api/v1/sources")["items"][0]["paused"] is False


def test_a_bare_post_reloads_unless_a_page_sends_it(served):
    assert served.json("/-/reload", method="POST") == {"reloaded": True, "changes": []}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    served.json("/-/reload", method="POST", headers=form)
    for page in ({"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        served.json("/-/reload", 403, method="POST", headers={**form, **page})
    served.json("/-/reload", 403, method="POST", headers=form, body="a=b")


def test_a_token_is_needed_where_one_is_configured(parts):
    parts.settings["http"]["token"] = "a-long-token-of-the-test"
    served = Served(parts, parts.settings)
    right = {"Authorization": "Bearer a-long-token-of-the-test"}
    for wrong in ({}, {"Authorization": "Bearer a-long-token-of-the-tesT"}, {"Authorization": "Bearer "},
                  {"Authorization": "Basic a-long-token-of-the-test"}):
        for path in ("/api/v1/status", "/metrics", "/-/healthy", "/nowhere"):
            answer, _ = served.ask(path, headers=wrong)
            assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer"), path
    served.json("/api/v1/status", headers=right)
    served.json("/api/v1/sources/orange/sweep", method="POST", body="{}",
                headers={**right, "Content-Type": "application/json"})
    code, out, _ = served.command("status", "--json")
    assert json.loads(out)["version"]
    assert "a-long-token" not in served.daemon.log()


def test_beyond_loopback_without_a_token_is_refused(parts):
    parts.settings["http"]["listen"] = f"0.0.0.0:{free_port()}"
    code, text = parts.daemon(parts.settings).run()
    assert code == 78 and "http.listen" in text


def test_a_taken_port_ends_with_69_and_names_it(parts):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        parts.settings["http"]["listen"] = f"127.0.0.1:{other.getsockname()[1]}"
        code, text = parts.daemon(parts.settings).run()
    assert code == 69 and parts.settings["http"]["listen"] in text


def test_a_unix_socket_serves_the_commands(parts, tmp_path):
    path = tmp_path / "o.sock"
    parts.settings["http"]["listen"] = f"unix:{path}"
    daemon = parts.daemon(parts.settings).start()
    wait_until(path.exists, daemon.log)
    wait_until(lambda: run_command("status", "-c", daemon.path)[0] == 0, daemon.log)
    assert path.stat().st_mode & 0o007 == 0
    assert daemon.stop() == 0 and not path.exists()


# --- hostile clients ------------------------------------------------------------------------------

def raw(served, data):
    connection = socket.create_connection(("127.0.0.1", served.port), 30)
    connection.sendall(data)
    return connection


def test_sizes_have_limits(served):
    assert served.ask("/api/v1/status", headers={"X-Long": "x" * 40000})[0].status == 431
    assert served.ask("/" + "x" * 40000)[0].status == 414
    head = "POST /-/reload HTTP/1.1\r\nHost: localhost\r\nX-Orderwatch: 1\r\nContent-Type: application/json\r\n"
    with raw(served, f"{head}Content-Length: 99999999\r\n\r\n".encode()) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
    with raw(served, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()) as connection:
        for _ in range(10):
            connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413")
    with raw(served, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()) as connection:  # without an end
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(4096):
                connection.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
    served.json("/-/healthy")


def test_clients_that_dawdle_are_cut_off_and_others_are_served(served):
    dawdlers = [raw(served, b"GET /-/healthy HTT") for _ in range(200)]
    served.json("/-/healthy")
    for dawdler in dawdlers:
        dawdler.settimeout(90)
        while dawdler.recv(1000):
            pass
        dawdler.close()
    served.json("/-/healthy")


def test_more_clients_than_there_is_room_for_do_not_last(served):
    crowd = [raw(served, b"GET /-/healthy HTT") for _ in range(300)]

    def is_served():
        try:
            return served.ask("/-/healthy")[0].status == 200
        except OSError:
            return False
    wait_until(is_served, served.daemon.log)
    for one in crowd:
        one.close()


# --- live events ----------------------------------------------------------------------------------

class Stream:
    """A reader of Server-Sent Events."""

    def __init__(self, served, query="", last_event_id=None):
        headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=90)
        self.connection.request("GET", f"/api/v1/events/stream{query}", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["Content-Type"].startswith("text/event-stream")
        assert self.answer.readline().startswith(b"retry:")

    def next(self):
        """(id, event) of the next event; comments are passed over."""
        identity, end = None, time.monotonic() + DEADLINE_S
        while True:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            assert time.monotonic() < end, "heartbeats, but no event"
            if line.startswith("id: "):
                identity = line[4:].strip()
            elif line.startswith("data: "):
                return identity, json.loads(line[6:])

    def close(self):
        self.connection.close()


def test_a_stream_shows_each_event_and_misses_none_over_a_restart(served):
    stream = Stream(served)
    served.json("/api/v1/events")  # the stream began before what comes next
    wait_until(lambda: move(served), "a move")
    identity, event = stream.next()
    assert event == served.world.receiver.deliveries[0]
    stream.close()
    assert served.daemon.stop() == 0
    served.world.source.step(appointment={**MOVED, "start": "2027-02-01T09:00:00+01:00",
                                          "end": "2027-02-01T11:00:00+01:00"})
    served.start()
    wait_until(lambda: len(served.world.receiver.deliveries) == 2, served.daemon.log)
    stream = Stream(served, last_event_id=identity)
    later, event = stream.next()
    assert event["id"] == served.world.receiver.deliveries[1]["id"] and int(later) > int(identity)
    stream.close()
    again = Stream(served, "?type=appointment.*&after=0")
    assert [again.next()[1]["sequence"] for _ in range(2)] == ["1", "2"]
    assert served.daemon.stop() == 0  # with a stream open


def test_a_stream_goes_on_though_a_backup_was_put_back(served):
    """Whoever saw rows that are not there any more misses nothing from then on."""
    move(served)
    code, out, err = served.command("backup", served.world.folder / "backup.db")
    assert code == 0, err
    for status in ("Held", "InProgress", "Held"):
        served.world.source.step(order={"id": "1000", "status": status})
        served.world.source.sweeps_after(2)
    stream = Stream(served, "?after=0")
    identities = [stream.next()[0] for _ in range(4)]
    stream.close()
    assert served.daemon.stop() == 0
    state = pathlib.Path(served.settings["state"]["database"])
    for path in state.parent.glob(state.name + "-*"):
        path.unlink()
    os.replace(served.world.folder / "backup.db", state)
    served.start()
    wait_until(lambda: len(served.json("/api/v1/events")["items"]) == 2, served.daemon.log)  # before it comes back
    stream = Stream(served, last_event_id=identities[-1])
    identity, event = stream.next()
    assert event["subject"] == "orders/1000" and int(identity) < int(identities[-1])
    served.world.source.step(order={"id": "1001", "status": "Held"})
    assert stream.next()[1]["subject"] == "orders/1001"
    stream.close()


def test_a_stream_is_narrowed_as_the_list_is(served):
    event = move(served)
    order = "source=orange&order=00/12%203"
    for query in ("since=1h", f"since=1h&{order}", "after=0&q=MOVED+by", "since=2020-01-01&severity=warning"):
        stream = Stream(served, f"?{query}")
        assert stream.next()[1] == event, query
        stream.close()
    other = Stream(served, "?after=0&source=orange&order=1000")
    served.world.source.step(order={"id": "1000", "status": "Held"})
    assert other.next()[1]["subject"] == "orders/1000"
    other.close()


def test_a_stream_from_nowhere_is_refused(served):
    assert "Last-Event-ID" in served.json("/api/v1/events/stream", 400, headers={"Last-Event-ID": "x"})["detail"]
    served.json("/api/v1/events/stream?type=nothing.*", 400)


# --- repairs --------------------------------------------------------------------------------------

def test_a_parked_delivery_is_explained_and_retried(served):
    served.world.receiver.answer = lambda event: 422
    served.world.source.step(appointment=MOVED)
    parked = wait_until(lambda: served.json("/api/v1/deliveries?status=parked")["items"], served.daemon.log)[0]
    assert "422" in parked["detail"] and parked["attempts"] == 1
    story = served.json(f"/api/v1/events/{parked['event']}")
    assert story["event"]["type"] == "orderwatch.appointment.rescheduled" and story["sweep"] > 0
    assert ["422" in one["detail"] for one in story["deliveries"][0]["tries"]] == [True]
    assert story["deliveries"][0]["routes"] == ["routes[0]"]
    code, out, _ = served.command("why", parked["event"])
    assert code == 0 and "422" in out and "parked" in out and "2027-01-17T08:00:00Z" in out
    served.world.receiver.answer = lambda event: 204
    code, out, _ = served.command("retry", parked["id"])
    assert code == 0 and "due again" in out
    wait_until(lambda: served.world.receiver.deliveries, served.daemon.log)
    assert served.world.receiver.deliveries[0]["id"] == parked["event"]
    wait_until(lambda: not served.json("/api/v1/deliveries?status=parked")["items"], served.daemon.log)
    code, _, err = served.command("retry", parked["id"])
    assert code == 1 and "no parked delivery" in err


def test_a_story_names_the_routes_that_led_there(parts):
    tickets = parts.settings["sinks"][0]["name"]
    parts.settings["routes"] = [
        {"name": "everything", "types": ["*"], "sinks": [tickets]},
        {"name": "disasters", "types": ["*"], "severity": "critical", "sinks": [tickets]},
        {"name": "moves-at-reception", "types": ["appointment.*"], "where": {"contact.name": "*reception"}, "sinks": [tickets]},
        {"types": ["appointment.rescheduled"], "sinks": [tickets]}]
    served = Served(parts, parts.settings)
    served.world = parts
    served.swept()
    event = move(served)
    story = served.json(f"/api/v1/events/{event['id']}")
    assert story["deliveries"][0]["routes"] == ["everything", "moves-at-reception", "routes[3]"]
    code, out, _ = served.command("why", event["id"])
    assert code == 0 and re.search(r"route +everything\n +moves-at-reception\n +routes\[3\]\n", out), out


def test_a_parked_delivery_is_dropped_and_the_books_still_balance(served):
    served.world.receiver.answer = lambda event: 422
    served.world.source.step(appointment=MOVED)
    parked = wait_until(lambda: served.json("/api/v1/deliveries?status=parked")["items"], served.daemon.log)[0]
    assert served.post(f"/api/v1/deliveries/{parked['id']}/drop")["changed"] == 1
    assert served.json("/api/v1/deliveries?status=dropped")["items"][0]["id"] == parked["id"]
    assert served.json("/api/v1/sinks")["items"][0]["conserved"] is True
    served.post(f"/api/v1/deliveries/{parked['id']}/drop", 404)
    served.post("/api/v1/deliveries/x/drop", 404)
    served.post(f"/api/v1/deliveries/{parked['id']}/burn", 404)


def test_sources_and_sinks_pause_and_resume(served):
    assert served.command("pause", "tickets")[0] == 0
    served.world.source.step(appointment=MOVED)
    wait_until(lambda: served.json("/api/v1/sinks")["items"][0]["pending"] == 1, served.daemon.log)
    assert served.world.receiver.deliveries == [] and served.json("/api/v1/sinks")["items"][0]["paused"] is True
    assert served.command("resume", "tickets")[0] == 0
    wait_until(lambda: served.world.receiver.deliveries, served.daemon.log)
    assert served.command("pause", "orange")[0] == 0
    assert served.json("/api/v1/sources")["items"][0]["paused"] is True
    assert served.command("resume", "orange")[0] == 0
    assert served.command("pause", "nobody")[0] == 1
    assert served.command("release", "orange")[0] == 1
    served.post("/api/v1/sources/orange/explode", 404)
    served.post("/api/v1/sinks/fax/pause", 404)


def test_a_held_change_is_released(served):
    served.post("/api/v1/sources/orange/release", 409)
    served.world.source.steps([{"order": {"id": str(number), "status": "Cancelled"}} for number in range(1000, 1040)])
    wait_until(lambda: served.json("/api/v1/sources")["items"][0]["held"], served.daemon.log)
    assert served.world.receiver.deliveries == []
    assert "released" in served.command("release", "orange")[1]
    wait_until(lambda: len(served.world.receiver.deliveries) == 40, served.daemon.log)
    assert served.json("/api/v1/sources")["items"][0]["held"] is False


def test_a_sink_is_tested_with_the_receivers_own_answer(served):
    code, out, _ = served.command("test", "tickets")
    assert code == 0 and "HTTP 204" in out
    event = served.world.receiver.deliveries[0]
    assert event["type"] == "orderwatch.test" and event["data"]["test"] is True
    served.world.receiver.answer = lambda event: 503
    code, _, err = served.command("test", "tickets")
    assert code == 69 and "503" in err
    assert served.json("/api/v1/events")["items"] == [] and served.json("/api/v1/sinks")["items"][0]["observed"] == 0


def test_a_silence_keeps_events_from_being_sent_and_ends(served):
    for wrong, word in ((["--for", "1h", "--order", "1"], "author"), (["--author", "a", "--comment", "c", "--order", "1"], "--until"),
                        (["--author", "a", "--comment", "c", "--for", "1h"], "all"),
                        (["--author", "a", "--comment", "c", "--until", "2020-01-01T00:00:00Z", "--order", "1"], "--until: must be after the start")):
        code, out, err = served.command("silence", "add", *wrong)
        assert code == 2 and word in err and out == "", (wrong, err)
    code, out, err = served.command("silence", "add", "--for", "1h", "--author", "NOC", "--comment", "works",
                                    "--order", "00/12 3")
    assert code == 0, err
    silence = out.strip()
    assert "works" in served.command("silence", "list")[1]
    listed, = served.json("/api/v1/silences")["items"]
    assert listed["id"] == silence and listed["order"] == "00/12 3"
    served.world.source.step(appointment=MOVED)
    event = wait_until(lambda: served.json("/api/v1/events")["items"], served.daemon.log)[0]
    story = served.json(f"/api/v1/events/{event['id']}")
    assert story["silence"] == silence and story["deliveries"] == []
    assert silence in served.command("why", event["id"])[1]
    wait_until(lambda: served.json("/api/v1/sinks")["items"][0]["silenced"] == 1, served.daemon.log)
    sink, = served.json("/api/v1/sinks")["items"]
    assert (sink["observed"], sink["delivered"], sink["pending"], sink["conserved"]) == (1, 0, 0, True)
    assert b'orderwatch_ledger_silenced{sink="tickets"} 1' in served.ask("/metrics")[1]
    assert served.command("silence", "end", silence)[0] == 0
    assert served.command("silence", "end", silence)[0] == 1
    served.world.source.step(appointment={**MOVED, "start": "2027-02-01T09:00:00+01:00",
                                          "end": "2027-02-01T11:00:00+01:00"})
    wait_until(lambda: served.world.receiver.deliveries, served.daemon.log)
    assert [one["sequence"] for one in served.world.receiver.deliveries] == ["2"]


# --- the commands ---------------------------------------------------------------------------------

def test_the_commands_show_what_the_interface_knows(served):
    event = move(served)
    assert "PO-<1>" in served.command("orders", "--search", "PO-<1>")[1]
    code, out, _ = served.command("orders", "00/12 3")
    assert code == 0 and "Lyon Part-Dieu" in out and event["id"] in out and "reception" not in out
    assert json.loads(served.command("orders", "00/12 3", "--json")[1])["id"] == "00/12 3"
    assert served.command("orders", "nobody")[0] == 1
    starts = [line.split()[0] for line in served.command("appointments")[1].splitlines()[1:]]
    assert starts == sorted(starts) and len(starts) > 5
    assert event["id"] in served.command("events")[1]
    assert json.loads(served.command("events", "--json")[1])["items"][0]["id"] == event["id"]
    wait_until(lambda: "delivered" in served.command("deliveries")[1], served.daemon.log)
    code, _, err = served.command("events", "--severity", "loud")
    assert code == 2 and "severity" in err
    for command in ("status", "orders", "appointments", "events", "deliveries", "why", "retry", "drop", "release",
                    "pause", "resume", "test"):
        code, out, _ = served.command(command, "--help")
        assert code == 0 and out.startswith("usage: orderwatch " + command)


def test_a_silence_without_an_author_or_a_comment_is_wrong_usage_whoever_runs():
    whole = ["--for", "1h", "--order", "1", "--author", "NOC", "--comment", "works"]
    for name in ("--for", "--author", "--comment"):
        at = whole.index(name)
        code, out, err = run_command("silence", "add", *whole[:at], *whole[at + 2:], "-c", "/nowhere")
        assert code == 2 and not out and name in err and err.count("\n") == 1
    assert run_command("silence", "add", *whole[:-1], "", "-c", "/nowhere")[0] == 2


def test_without_a_daemon_commands_end_with_69_in_one_line(parts):
    daemon = parts.daemon(parts.settings)
    for arguments in (("status",), ("orders",), ("events", "--follow"), ("why", "x"), ("retry", "1"),
                      ("pause", "orange")):
        code, out, err = run_command(arguments[0], "-c", daemon.path, *arguments[1:])
        assert code == 69 and out == "" and err.count("\n") == 1, (arguments, err)
        assert parts.settings["http"]["listen"] in err


def test_upstream_text_cannot_write_to_the_terminal(world):
    source = world.simulator(orders={"list": [{"id": "1", "status": "InProgress",
                                               "customerReference": "a\x1b[2Jb\u202ec"}]})
    served = Served(world, configuration(world.folder, source, sinks=[webhook_sink(world.webhook())]))
    served.swept()
    out = served.command("orders")[1] + served.command("orders", "1")[1]
    assert "\x1b" not in out and "\u202e" not in out
