"""Webhook formats on a real receiver: a ticketing system's tickets are opened, updated, closed and opened again."""
import http.server
import json
import os
import subprocess
import threading

import pytest
import yaml

import harness
import mqtt_soak
from harness import configuration, run_command, wait_until

ORDERS = {"list": [{"id": "00123", "customerReference": "PO-1", "status": "InProgress", "step": "Survey",
                    "site": {"name": "Lyon Part-Dieu"}, "committedDate": "2099-01-12"},
                   {"id": "00124", "customerReference": "PO-2", "status": "InProgress",
                    "site": {"name": "Lille"}, "committedDate": "2099-01-12"}]}


class TicketingSystem:
    """Keeps tickets as Request Tracker's REST API 2 does: created by POST /ticket, changed by correspond."""

    def __init__(self):
        self.tickets = {}
        self.requests = []
        self.unknown_code = 404
        system = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                system.take(self)

            do_PUT = do_POST

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request):
        body_bytes = request.rfile.read(int(request.headers["Content-Length"]))
        body = json.loads(body_bytes)
        self.requests.append((request.command, request.path, dict(request.headers), body_bytes))
        parts = request.path.removeprefix("/REST/2.0/").split("/")
        answer, status = {}, self.unknown_code
        if parts == ["ticket"]:
            number = str(len(self.tickets) + 1)
            self.tickets[number] = {"Status": "new", "contents": [body.get("Content")]}
            answer, status = {"type": "ticket", "id": number}, 201
        elif len(parts) == 3 and parts[1] in self.tickets and parts[2] == "correspond":
            ticket = self.tickets[parts[1]]
            ticket["contents"].append(body["Content"])
            ticket["Status"] = body.get("Status", ticket["Status"])
            answer, status = ["Correspondence added"], 201
        elif len(parts) == 2 and parts[1] in self.tickets and request.command == "PUT":
            status = 200
        text = json.dumps(answer).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def states(self):
        return {number: ticket["Status"] for number, ticket in self.tickets.items()}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def ticket_sink(system, **more):
    return {"name": "tickets", "retry": {"first": "1s", "cap": "2s"},
            "webhook": {"url": f"http://127.0.0.1:{system.port}/REST/2.0", "format": "request-tracker",
                        "settings": {"queue": "Orders"}, "ticket_id": "/id",
                        "headers": {"Authorization": "token 1-2-3"}, **more}}


@pytest.fixture
def desk(world):
    world.simulator_ = world.simulator(orders=ORDERS)
    world.system = world.keep(TicketingSystem())
    routes = [{"types": ["order.status.held", "order.status.resumed", "order.status.completed"], "sinks": ["tickets"]}]
    world.one = world.daemon(configuration(world.folder, world.simulator_, sinks=[ticket_sink(world.system)],
                                           routes=routes)).start()
    world.simulator_.sweeps_after(2)
    return world


def move(world, status, tickets):
    world.simulator_.step(order={"id": "00123", "status": status})
    wait_until(lambda: world.system.states() == tickets, lambda: f"{world.system.states()}\n{world.one.log()}")
    wait_until(lambda: harness.ledger(world.one, "tickets")["pending"] == 0, world.one.log)  # its answer is kept


def test_a_condition_has_one_ticket_over_restarts(desk):
    move(desk, "Held", {"1": "new"})
    assert "PO-1" in desk.system.tickets["1"]["contents"][0]
    assert desk.system.requests[0][2]["Authorization"] == "token 1-2-3"
    assert desk.one.stop() == 0
    desk.one.start()
    move(desk, "InProgress", {"1": "resolved"})
    assert desk.one.stop(9) == -9
    desk.one.start()
    move(desk, "Held", {"1": "open"})
    move(desk, "Completed", {"1": "resolved"})
    assert [path for _, path, _, _ in desk.system.requests[1:]] == ["/REST/2.0/ticket/1/correspond"] * 3
    assert desk.one.stop() == 0


def test_the_end_of_what_was_never_opened_opens_nothing(desk):
    desk.simulator_.step(order={"id": "00123", "status": "Completed"})
    wait_until(lambda: harness.ledger(desk.one, "tickets")["delivered"] == 1, desk.one.log)
    assert desk.system.requests == []
    event = mqtt_soak.ask(desk.one, "events")["items"][0]["id"]
    assert "nothing to send: no ticket was opened here" in harness.run_command("why", event, "-c", desk.one.path)[1]
    move(desk, "Held", {"1": "new"})
    assert desk.one.stop() == 0


def test_an_answer_without_the_tickets_id_is_told_once(world):
    system = world.keep(TicketingSystem())
    simulator = world.simulator(orders=ORDERS)
    sink = ticket_sink(system, ticket_id="/number")
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    for count, status in enumerate(["Held", "InProgress", "Held"], 1):
        simulator.step(order={"id": "00123", "status": status})
        wait_until(lambda: harness.ledger(daemon, "tickets")["delivered"] == count, daemon.log)
    told = [line for line in daemon.log().splitlines() if "event=ticket_id_missing" in line]
    assert len(told) == 1 and "no ticket id at /number" in told[0], daemon.log()
    assert daemon.stop() == 0


@pytest.mark.parametrize("code", [404, 410])
def test_a_ticket_that_somebody_deleted_is_opened_anew(desk, code):
    desk.system.unknown_code = code
    move(desk, "Held", {"1": "new"})
    desk.system.tickets = {"1 was here": {"Status": "deleted", "contents": []}}
    gone = {"1 was here": "deleted"}
    move(desk, "InProgress", gone)  # the end of what is not there any more is told to nobody
    wait_until(lambda: harness.ledger(desk.one, "tickets")["delivered"] == 2, desk.one.log)
    assert desk.one.stop(9) == -9
    desk.one.start()
    move(desk, "Held", {**gone, "2": "new"})
    desk.system.tickets.pop("2")
    move(desk, "Completed", gone)
    wait_until(lambda: harness.ledger(desk.one, "tickets")["delivered"] == 4, desk.one.log)
    assert harness.ledger(desk.one, "tickets")["parked"] == 0
    assert desk.one.stop() == 0


def test_who_keeps_no_tickets_is_told_of_every_end(world):
    program = world.folder / "chat.jq"
    program.write_text("{text: .data.summary}\n")
    system = world.keep(TicketingSystem())
    simulator = world.simulator(orders=ORDERS)
    sink = ticket_sink(system)
    sink["webhook"]["format"] = str(program)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Completed"})
    wait_until(lambda: len(system.requests) == 1, daemon.log)
    assert daemon.stop() == 0


def test_an_api_that_wants_put_gets_the_ticket_in_its_path_over_restarts(world):
    program = world.folder / "desk.jq"
    program.write_text('if $ticket.id == null then {path: "/ticket", body: $ticket}\n'
                       'else {method: "PUT", path: "/ticket/\\($ticket.id)", body: $ticket} end\n')
    system = world.keep(TicketingSystem())
    simulator = world.simulator(orders=ORDERS)
    sink = ticket_sink(system)
    sink["webhook"]["format"] = str(program)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    for number, status in enumerate(["Held", "InProgress", "Held"]):
        simulator.step(order={"id": "00123", "status": status})
        wait_until(lambda: len(system.requests) == number + 1, daemon.log)
        wait_until(lambda: harness.ledger(daemon, "tickets")["pending"] == 0, daemon.log)
        assert daemon.stop(9) == -9
        daemon.start()
        harness.ledger(daemon, "tickets")
    asked = [(method, path, json.loads(body)["action"]) for method, path, _, body in system.requests]
    assert asked == [("POST", "/REST/2.0/ticket", "open"), ("PUT", "/REST/2.0/ticket/1", "close"),
                     ("PUT", "/REST/2.0/ticket/1", "reopen")]
    assert len({json.loads(body)["key"] for _, _, _, body in system.requests}) == 1
    assert daemon.stop() == 0


FAILING = {  # what only an event of real life shows, by the sink's name
    "error": ('error("no such queue")', "no such queue"), "empty": ("empty", "gave nothing for this event"),
    "null": ("null", "gave nothing for this event"), "two": (".id, .type", "gave more than one value"),
    "late": ('.id, error("too late")', "too late"), "kinds": (".data.order.reference + 1", "cannot be added"),
    "large": ('[limit(100000; repeat("x" * 10))] | add', "too large"),
    "path": ('{body: {}, path: "/../evil"}', "leaves the configured URL"), "input": ("input", "format "),
    "method": ('{body: .id, method: "TRACE"}', "accepted: POST, PUT, PATCH, DELETE"),
    "abort": ('[range(1e8)] | length', "format "),
}


def test_formats_that_fail_park_with_their_message_and_nothing_waits(world):
    receiver, other = world.webhook(), world.webhook()
    sinks = [harness.webhook_sink(other, name="other")]
    for name, (program, _) in FAILING.items():
        path = world.folder / f"{name}.jq"
        path.write_text(f'if .data.order.reference == "PO-1" then ({program}) else . end\n')
        sinks.append(harness.webhook_sink(receiver, name=name, format=str(path)))
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks)).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Held"})
    for name, (_, wanted) in FAILING.items():
        wait_until(lambda: harness.ledger(daemon, name)["parked"] == 1, daemon.log)
        assert wanted in harness.ledger(daemon, name)["last_failure"]
    assert len(other.deliveries) == 1 and receiver.requests == []
    simulator.step(order={"id": "00124", "status": "Held"})  # and what can be shaped still is
    wait_until(lambda: len(receiver.deliveries) == len(FAILING) and len(other.deliveries) == 2, daemon.log)
    assert daemon.stop() == 0


def test_a_format_that_never_ends_parks_and_delays_no_other_sink(world):
    program = world.folder / "endless.jq"
    program.write_text('if .type == "orderwatch.order.status.held" and .data.order.reference == "PO-1"\n'
                       'then def forever: forever; forever else . end\n')
    simulator = world.simulator(orders=ORDERS)
    receiver, other = world.webhook(), world.webhook()
    sinks = [harness.webhook_sink(receiver, format=str(program)), harness.webhook_sink(other, name="other")]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks)).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Held"})
    wait_until(lambda: len(other.deliveries) == 1, daemon.log)
    wait_until(lambda: "event=delivery_parked sink=tickets" in daemon.log(), daemon.log)
    assert "no result within 2000 ms" in daemon.log()
    simulator.step(order={"id": "00124", "status": "Held"})
    wait_until(lambda: len(receiver.deliveries) == 1, daemon.log)
    assert receiver.deliveries[0]["data"]["order"]["id"] == "00124"
    assert daemon.stop() == 0


@pytest.mark.parametrize("program, wanted", [
    ("{a: 1", "syntax error"),
    ("\n\nno_such_function", "no_such_function/0 is not defined, line 3"),
    (".data.order.id + 1", "the format fails on order.created"),
    ('{body: {}, path: "../admin"}', "leaves the configured URL"),
    (".data | .summary, .order", "gave more than one value"),
])
def test_check_names_the_place_of_a_format_that_fails(world, program, wanted):
    (world.folder / "mine.jq").write_text(program)
    settings = configuration(world.folder, type("Nobody", (), {"url": "http://127.0.0.1:1"}), sinks=[
        {"name": "tickets", "webhook": {"url": "http://127.0.0.1:1/", "format": "./mine.jq"}}])
    path = world.folder / "orderwatch.yaml"
    path.write_text(yaml.safe_dump(settings))
    status, _, errors = run_command("check", "-c", path)
    assert status == 78
    assert "sinks[0].webhook.format: " in errors and wanted in errors, errors
    lines = [line for line in errors.splitlines() if ": warning: " not in line]
    assert len(lines) == 1 and lines[0].startswith(f"{path}:")


def test_check_warns_of_events_that_a_format_gives_nothing_for(world):
    settings = configuration(world.folder, type("Nobody", (), {"url": "http://127.0.0.1:1"}), sinks=[
        {"name": "tickets", "webhook": {"url": "http://127.0.0.1:1/", "format": "tmf-listener"}}],
        routes=[{"types": ["*"], "sinks": ["tickets"]}])
    path = world.folder / "orderwatch.yaml"
    path.write_text(yaml.safe_dump(settings))
    status, _, errors = run_command("check", "-c", path)
    assert status == 0 and "warning" in errors and "source.unreachable" in errors


@pytest.mark.parametrize("more, is_warned", [({}, True), ({"ticket_id": "/id"}, False)], ids=["without", "with"])
def test_check_warns_of_tickets_that_nobody_will_find_again(world, more, is_warned):
    settings = configuration(world.folder, type("Nobody", (), {"url": "http://127.0.0.1:1"}), sinks=[
        {"name": "tickets", "webhook": {"url": "http://127.0.0.1:1/", "format": "glpi", **more}}])
    path = world.folder / "orderwatch.yaml"
    path.write_text(yaml.safe_dump(settings))
    status, _, errors = run_command("check", "-c", path)
    assert status == 0 and ("each event would open a ticket of its own" in errors) is is_warned, errors


@pytest.mark.parametrize("shape", [{"format": "cloudevents"}, {"format": "cloudevents-binary"}, {"batch": 10}],
                         ids=["structured", "binary", "batch"])
def test_clients_that_are_not_ours_verify_and_understand(world, shape):
    modules = harness.npm_modules()
    simulator = world.simulator(orders=ORDERS)
    receiver = world.webhook()
    daemon = world.daemon(configuration(world.folder, simulator,
                                        sinks=[harness.webhook_sink(receiver, **shape)])).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Held \u00e9 100 %"})
    wait_until(lambda: receiver.requests, daemon.log)
    _, _, headers, body = receiver.requests[0]
    script = harness.ROOT / "tests" / "support" / "webhook_verify.js"
    judged = subprocess.run(["node", script], input=json.dumps({"secret": harness.SECRET, "headers": headers,
                                                                "body": body.decode()}),
                            capture_output=True, text=True, timeout=60, env={**os.environ, "NODE_PATH": modules})
    assert judged.returncode == 0, judged.stderr
    event, = json.loads(judged.stdout)
    assert event["specversion"] == "1.0" and event["type"].startswith("orderwatch.order.")
    assert event["subject"] == "orders/00123" and event["source"] == "urn:orderwatch:orange"
    assert event["data"]["order"]["status"] == "Held \u00e9 100 %"
    assert daemon.stop() == 0


def test_each_signature_is_the_one_that_was_asked_for(world):
    import hashlib
    import hmac
    simulator = world.simulator(orders=ORDERS)
    receiver = world.keep(TicketingSystem())
    sink = ticket_sink(receiver, signature="github", secret="any text", username="watch", password="pa:ss")
    del sink["webhook"]["headers"]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Held"})
    wait_until(lambda: receiver.requests, daemon.log)
    _, _, headers, body = receiver.requests[0]
    wanted = "sha256=" + hmac.new(b"any text", body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == wanted and "webhook-signature" not in headers
    assert headers["Authorization"] == "Basic d2F0Y2g6cGE6c3M="
    assert daemon.stop() == 0
