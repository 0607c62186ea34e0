"""Another configuration without a restart: all or nothing, nothing lost, and what did not change is left alone."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import threading
import time

import pytest

from harness import (ROOT, SECRET, configuration, free_port, kinds, listens, mqtt_sink, run_command, to_yaml, wait_until,
                     webhook_sink)

ORDERS = [{"id": f"O-{number}", "status": "InProgress"} for number in range(8)]
PATIENT = {"first": "1s", "cap": "1s", "give_up": "1d"}


class Watched:
    """A daemon whose configuration is edited while it runs."""

    def __init__(self, world, settings, environment=None):
        self.settings = settings
        self.daemon = world.daemon(settings, environment=environment)
        self.daemon.start()
        wait_until(lambda: listens(self.port) or not self.daemon.process.is_running(), self.daemon.log)
        assert self.daemon.process.is_running(), self.daemon.log()
        wait_until(lambda: self.ask("/api/v1/sources")[1]["items"][0].get("last_complete_sweep"), self.daemon.log)

    @property
    def port(self):
        return int(self.settings["http"]["listen"].rsplit(":", 1)[1])

    def ask(self, path, method="GET", port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        body = "{}" if method == "POST" else None
        connection.request(method, path, body, {"X-Orderwatch": "1", "Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if "json" in answer.headers["Content-Type"] else content.decode()

    def write(self):
        """As an editor does: the file is whole at every moment."""
        fresh = self.daemon.path.with_suffix(".new")
        fresh.write_text(to_yaml(self.settings))
        os.replace(fresh, self.daemon.path)

    def reload(self, expected=200):
        self.write()
        status, answer = self.ask("/-/reload", "POST")
        assert status == expected, (status, answer)
        return answer

    def changes(self):
        return [" ".join(filter(None, (one["change"], one["section"], one.get("name"), one.get("keys"))))
                for one in self.reload()["changes"]]

    def metric(self, name):
        text = self.ask("/metrics")[1]
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found.group(1)) if found else None

    def sink(self, name):
        return next((item for item in self.ask("/api/v1/sinks")[1]["items"] if item["name"] == name), None)

    def lines(self, event):
        return [line for line in self.daemon.log().splitlines() if f" event={event} " in line + " "]


@pytest.fixture
def watched(world):
    def start(simulator, environment=None, **parts):
        return Watched(world, configuration(world.folder, simulator, **parts), environment)
    return start


def test_every_way_of_asking(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver)])
    assert daemon.reload() == {"reloaded": True, "changes": []}

    daemon.settings["sinks"][0]["webhook"]["timeout"] = "19s"
    assert daemon.changes() == ["changed sink tickets webhook.timeout"]

    daemon.settings["sources"][0]["every"] = "2s"
    daemon.write()
    code, out, err = run_command("reload", "-c", daemon.daemon.path)
    assert (code, out, err) == (0, "changed source orange (every)\n", "")
    code, out, err = run_command("reload", "-c", daemon.daemon.path)
    assert (code, out, err) == (0, "nothing has changed\n", "")
    code, out, err = run_command("reload", "-c", daemon.daemon.path, "--json")
    assert code == 0 and json.loads(out) == {"reloaded": True, "changes": []}

    before = len(daemon.lines("reloaded"))
    daemon.settings["log"]["level"] = "info"
    daemon.settings["routes"][0]["severity"] = "notice"
    daemon.write()
    daemon.daemon.process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.lines("reloaded")) == before + 1, daemon.daemon.log)
    assert "changes=3" in daemon.lines("reloaded")[-1]
    tail = "\n".join(daemon.lines("config_changed"))
    assert 'change=changed section=log name="" keys=level' in tail
    assert "change=added section=route" in tail and "change=removed section=route" in tail
    assert daemon.daemon.stop() == 0
    assert run_command("reload", "-c", daemon.daemon.path)[0] == 69


def test_an_error_keeps_all_of_the_old(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver)])
    good = json.loads(json.dumps(daemon.settings))
    in_force = daemon.metric("orderwatch_config_last_reload_success_timestamp_seconds")
    daemon.settings["sinks"][0]["webhook"]["timeout"] = "soon"
    daemon.settings["sources"][0]["every"] = "often"
    daemon.settings["routes"].append({"types": ["*"], "sinks": ["nobody"]})
    daemon.settings["sinks"].append(webhook_sink(receiver, "more"))
    answer = daemon.reload(422)
    assert len(answer["errors"]) == 3
    assert all(re.match(rf"{re.escape(str(daemon.daemon.path))}:\d+:\d+: ", line) for line in answer["errors"])
    code, out, err = run_command("reload", "-c", daemon.daemon.path)
    assert code == 78 and out == "" and err.splitlines() == answer["errors"]
    assert daemon.metric("orderwatch_config_last_reload_successful") == 0
    assert daemon.metric("orderwatch_config_last_reload_success_timestamp_seconds") == in_force
    problems = [line for line in daemon.lines("config_problem") if "level=error" in line]
    assert len(problems) == 6 and len(daemon.lines("reload_failed")) == 2
    assert daemon.sink("more") is None

    daemon.daemon.path.write_text("sources: [")
    code, _, err = run_command("reload", "-c", daemon.daemon.path)
    assert code == 78 and str(daemon.daemon.path) in err
    daemon.daemon.process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.lines("reload_failed")) == 3, daemon.daemon.log)

    daemon.settings = good
    daemon.settings["state"]["database"] += ".other"
    assert "state.database: cannot change" in daemon.reload(422)["errors"][0]
    daemon.settings["state"]["database"] = daemon.settings["state"]["database"].removesuffix(".other")
    daemon.settings["http"]["listen"] = f"127.0.0.1:{receiver.port}"
    daemon.write()
    status, answer = daemon.ask("/-/reload", "POST", port=int(in_use_port(daemon)))
    assert status == 503 and "receiver" not in answer and str(receiver.port) in answer["errors"][0]
    daemon.settings["http"]["listen"] = f"localhost:{in_use_port(daemon)}"
    daemon.write()
    status, answer = daemon.ask("/-/reload", "POST", port=int(in_use_port(daemon)))
    assert status == 503 and "it takes a restart" in answer["errors"][0]
    daemon.settings["http"]["listen"] = f"127.0.0.1:{in_use_port(daemon)}"
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: receiver.deliveries, daemon.daemon.log)
    assert daemon.reload() == {"reloaded": True, "changes": []}
    assert daemon.metric("orderwatch_config_last_reload_successful") == 1


def in_use_port(daemon):
    return re.search(r"event=listening address=127.0.0.1:(\d+)", daemon.daemon.log()).group(1)


def test_a_changed_sink_takes_its_backlog_along(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    dead = free_port()
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[{**webhook_sink(receiver, retry=PATIENT)}])
    daemon.settings["sinks"][0]["webhook"]["url"] = f"http://127.0.0.1:{dead}/hooks"
    assert daemon.changes() == ["changed sink tickets webhook.url"]
    for status in ("Held", "InProgress", "Completed"):
        simulator.step(order={"id": "O-1", "status": status})
        simulator.sweeps_after(2)
    simulator.step(order={"id": "O-2", "status": "Completed"})
    wait_until(lambda: daemon.sink("tickets")["pending"] == 4, daemon.daemon.log)
    daemon.settings["sinks"][0]["webhook"]["url"] = f"http://127.0.0.1:{receiver.port}/hooks"
    assert daemon.changes() == ["changed sink tickets webhook.url"]
    wait_until(lambda: len(receiver.deliveries) == 4, daemon.daemon.log)
    assert [kind for order, kind in kinds(receiver.deliveries) if order == "O-1"] == [
        "order.status.held", "order.status.resumed", "order.status.completed"]
    counts = wait_until(lambda: (sink := daemon.sink("tickets"))["pending"] == 0 and sink, daemon.daemon.log)
    assert counts["conserved"] and counts["delivered"] == 4
    delivered = 'orderwatch_deliveries_total{sink="tickets",outcome="delivered"}'
    wait_until(lambda: daemon.metric(delivered) == 4, daemon.daemon.log)


def test_what_a_removed_sink_had_pending_is_kept_until_it_is_dropped(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    receiver.answer = lambda event: 503
    other = world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver, retry=PATIENT), webhook_sink(other, "other")])
    for number in range(3):
        simulator.step(order={"id": f"O-{number}", "status": "Completed"})
    wait_until(lambda: daemon.sink("tickets")["pending"] == 3 and len(other.deliveries) == 3, daemon.daemon.log)
    gone = daemon.settings["sinks"].pop(0)
    daemon.settings["routes"][0]["sinks"].remove("tickets")
    assert daemon.changes()[0] == "removed sink tickets"
    left = daemon.sink("tickets")
    assert (left["state"], left["pending"], left["conserved"]) == ("not configured", 3, True)
    assert daemon.metric('orderwatch_outbox_depth{sink="tickets"}') == 3
    wait_until(lambda: daemon.ask("/-/ready")[0] == 200, daemon.daemon.log)
    code, out, _ = run_command("status", "-c", daemon.daemon.path)
    assert code == 0 and re.search(r"^tickets .*not configured", out, re.MULTILINE)

    listed = wait_until(lambda: daemon.ask("/api/v1/deliveries?sink=tickets&status=pending")[1].get("items"),
                        daemon.daemon.log)
    assert len(listed) == 3
    simulator.step(order={"id": "O-5", "status": "Completed"})
    wait_until(lambda: len(other.deliveries) == 4, daemon.daemon.log)
    assert daemon.sink("tickets")["pending"] == 3
    code, out, err = run_command("drop", str(listed[0]["id"]), "-c", daemon.daemon.path)
    assert code == 0, err
    assert daemon.sink("tickets")["pending"] == 2

    receiver.answer = lambda event: 204
    daemon.settings["sinks"].append(gone)
    assert "added sink tickets" in daemon.changes()
    wait_until(lambda: len(receiver.deliveries) == 2, daemon.daemon.log)
    wait_until(lambda: daemon.sink("tickets")["pending"] == 0, daemon.daemon.log)
    code, _, err = run_command("drop", str(listed[1]["id"]), "-c", daemon.daemon.path)
    assert code == 1, err


def test_what_did_not_change_is_not_disturbed(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    broker = world.broker(lines=["allow_anonymous true", "log_type all"])
    watcher = world.subscriber(broker)
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[mqtt_sink(broker), webhook_sink(receiver)],
                     routes=[{"types": ["*"], "sinks": ["noc", "tickets"]}])
    wait_until(lambda: watcher.retained().get("orderwatch/status") == "online", broker.process.text)
    sweeps = daemon.ask("/api/v1/sources")[1]["items"][0]["sweeps"]
    tokens = len(simulator.requests("/token"))
    for number in range(5):
        daemon.settings["sinks"][1]["webhook"]["timeout"] = f"{10 + number}s"
        daemon.settings["routes"].append({"name": f"extra-{number}", "types": ["order.*"], "sinks": ["tickets"]})
        assert len(daemon.changes()) == 2
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: len(watcher.events()) == 1 and len(receiver.deliveries) == 1, daemon.daemon.log)
    assert len(re.findall(r"New client connected .* as orderwatch-noc", broker.process.text())) == 1
    assert [message.payload for message in watcher.messages if message.topic == "orderwatch/status"] == [b"online"]
    assert daemon.ask("/api/v1/sources")[1]["items"][0]["sweeps"] >= sweeps
    assert len(simulator.requests("/token")) == tokens
    # The token, the baseline, and what came with the change: the counter did not begin anew.
    assert daemon.metric('orderwatch_requests_total{source="orange",code="200"}') >= 3

    daemon.settings["sinks"][0]["mqtt"]["prefix"] = "elsewhere"
    assert daemon.changes() == ["changed sink noc mqtt.prefix"]
    wait_until(lambda: watcher.retained().get("orderwatch/status") == "offline", broker.process.text)


def test_an_added_route_and_an_added_sink_get_what_comes(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver, late = world.webhook(), world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver)],
                     routes=[{"types": ["appointment.*"], "sinks": ["tickets"]}])
    simulator.step(order={"id": "O-1", "status": "Held"})
    simulator.sweeps_after(2)
    daemon.settings["sinks"].append(webhook_sink(late, "late"))
    daemon.settings["routes"].append({"name": "all", "types": ["order.*"], "sinks": ["tickets", "late"]})
    assert daemon.changes() == ["added sink late", "added route all"]
    simulator.step(order={"id": "O-2", "status": "Completed"})
    wait_until(lambda: receiver.deliveries and late.deliveries, daemon.daemon.log)
    assert kinds(receiver.deliveries) == kinds(late.deliveries) == [("O-2", "order.status.completed")]


def test_secrets_profiles_and_their_files_count_as_changes(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    secret, profile = world.folder / "tickets.secret", world.folder / "own.yaml"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    profile.write_text((ROOT / "conf/profiles/orange-order-tracking.yaml").read_text())
    sink = webhook_sink(receiver)
    sink["webhook"].pop("secret")
    sink["webhook"]["secret_file"] = str(secret)
    sink["webhook"]["headers"] = {"X-Desk": "hush-hush-1"}
    daemon = watched(simulator, sinks=[sink], source={"profile": str(profile)})
    assert daemon.changes() == []
    secret.write_text("whsec_" + "b3RoZXIga2V5IG90aGVyIGtleSBvdGhlciBrZXkhISE=" + "\n")
    assert daemon.changes() == ["changed sink tickets webhook.secret"]
    daemon.settings["sinks"][0]["webhook"]["headers"]["X-Desk"] = "hush-hush-2"
    assert daemon.changes() == ["changed sink tickets webhook.headers"]
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: receiver.attempts, daemon.daemon.log)
    assert receiver.attempts[0][0] == 401 and receiver.attempts[0][2]["X-Desk"] == "hush-hush-2"
    profile.write_text(profile.read_text() + "\n# another comment is no change\n")
    assert daemon.changes() == []
    profile.write_text(profile.read_text().replace("size: 100", "size: 90", 1))
    assert daemon.changes() == ["changed source orange profile"]
    log = daemon.daemon.log()
    assert "hush-hush" not in log and "whsec_" not in log and "b3RoZXIg" not in log


def test_a_source_comes_and_goes(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    broker = world.broker()
    watcher = world.subscriber(broker)
    daemon = watched(simulator, sinks=[mqtt_sink(broker)], routes=[{"types": ["*"], "sinks": ["noc"]}])
    wait_until(lambda: len(watcher.retained()) == 2 + len(ORDERS), daemon.daemon.log)
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: len(watcher.events()) == 1, daemon.daemon.log)
    total = 'orderwatch_events_total{type="orderwatch.order.status.completed"}'
    total = total if daemon.metric(total) is not None else total.replace("orderwatch.order", "order")
    assert daemon.metric(total) == 1
    second = {**daemon.settings["sources"][0], "name": "second"}
    daemon.settings["sources"].append(second)
    assert daemon.changes() == ["added source second"]
    wait_until(lambda: len(watcher.retained()) == 3 + 2 * len(ORDERS), lambda: daemon.daemon.log())
    first = daemon.settings["sources"].pop(0)
    assert daemon.changes() == ["removed source orange"]
    assert daemon.metric(total) == 1
    wait_until(lambda: not [topic for topic in watcher.retained() if topic.startswith("orderwatch/orange/")],
               lambda: str(watcher.retained()))
    assert len(watcher.retained()) == 2 + len(ORDERS)
    # What it knew is kept: it comes back without a new baseline, with what has changed meanwhile.
    simulator.step(order={"id": "O-2", "status": "Completed"})
    wait_until(lambda: len(watcher.events()) == 2, daemon.daemon.log)
    daemon.settings["sources"].append(first)
    assert daemon.changes() == ["added source orange"]
    wait_until(lambda: len(watcher.events()) == 3, daemon.daemon.log)
    assert [(event["source"], event["subject"]) for event in watcher.events()] == [
        ("urn:orderwatch:orange", "orders/O-1"), ("urn:orderwatch:second", "orders/O-2"),
        ("urn:orderwatch:orange", "orders/O-2")]
    wait_until(lambda: len(watcher.retained()) == 3 + 2 * len(ORDERS), lambda: str(watcher.retained()))


def test_a_pause_outlives_the_change_of_what_is_paused(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver)])
    assert run_command("pause", "tickets", "-c", daemon.daemon.path)[0] == 0
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: daemon.sink("tickets")["pending"] == 1, daemon.daemon.log)
    assert run_command("pause", "orange", "-c", daemon.daemon.path)[0] == 0
    daemon.settings["sinks"][0]["webhook"]["timeout"] = "19s"
    daemon.settings["sources"][0]["stalled_after"] = "9d"
    assert len(daemon.changes()) == 2
    assert daemon.sink("tickets")["paused"] and daemon.ask("/api/v1/sources")[1]["items"][0]["paused"]
    assert not receiver.attempts
    for name in ("tickets", "orange"):
        assert run_command("resume", name, "-c", daemon.daemon.path)[0] == 0
    simulator.step(order={"id": "O-2", "status": "Completed"})
    wait_until(lambda: len(receiver.deliveries) == 2, daemon.daemon.log)


def helpers_of(pid, name):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    commands = [pathlib.Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
    return sum(command.endswith(f"helper\0{name}\0".encode()) for command in commands)


def test_a_format_that_never_ends_holds_up_nothing_while_it_is_tried(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    program = world.folder / "mine.jq"
    program.write_text("{body: .}")
    hooks = [webhook_sink(receiver), webhook_sink(world.webhook(), "shaped", format=str(program))]
    daemon = watched(simulator, sinks=hooks)
    program.write_text("def forever: forever; forever")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(daemon.ask("/-/reload", "POST")))
    asking.start()
    simulator.step(order={"id": "O-1", "status": "Completed"})
    wait_until(lambda: len(receiver.deliveries) == 1, daemon.daemon.log)
    served_count = 0
    while not answers and served_count < 20:
        assert daemon.ask("/-/healthy")[0] == 200
        served_count += 1
    assert served_count == 20 and not answers
    asking.join(60)
    status, refusal = answers[0]
    assert status == 422 and "no result within 2000 ms" in json.dumps(refusal), answers
    wait_until(lambda: daemon.sink("shaped")["delivered"] == 1, daemon.daemon.log)

    child = daemon.daemon.process.child
    child.send_signal(signal.SIGHUP)
    wait_until(lambda: helpers_of(child.pid, "shape") >= 2, daemon.daemon.log)
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 0
    assert "the daemon is stopping" in daemon.lines("reload_failed")[-1]


def test_a_sink_that_hangs_has_its_grace_and_a_stop_does_not_wait_for_it(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    silent = socket.create_server(("127.0.0.1", 0))
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[{"name": "tickets", "webhook": {
        "url": f"http://127.0.0.1:{silent.getsockname()[1]}/", "secret": SECRET, "timeout": "10m"}}])
    simulator.step(order={"id": "O-1", "status": "Completed"})
    hanging, _ = silent.accept()
    daemon.settings["shutdown_grace"] = "1s"
    daemon.reload()
    daemon.settings["sinks"][0]["webhook"]["url"] = f"http://127.0.0.1:{receiver.port}/hooks"
    assert daemon.changes() == ["changed sink tickets webhook.url"]
    wait_until(lambda: len(receiver.deliveries) == 1, daemon.daemon.log)
    hanging.close()

    daemon.settings["sinks"][0]["webhook"]["url"] = f"http://127.0.0.1:{silent.getsockname()[1]}/"
    daemon.settings["shutdown_grace"] = "1h"
    daemon.reload()
    simulator.step(order={"id": "O-2", "status": "Completed"})
    hanging, _ = silent.accept()
    daemon.settings["sinks"][0]["webhook"]["timeout"] = "9m"
    daemon.write()
    child = daemon.daemon.process.child
    child.send_signal(signal.SIGHUP)
    wait_until(lambda: "event=operator" in daemon.daemon.log() or len(daemon.lines("reloaded")) == 3, daemon.daemon.log)
    child.send_signal(signal.SIGTERM)
    wait_until(lambda: daemon.lines("stopping"), daemon.daemon.log)
    hanging.close()
    assert child.wait(60) == 0
    silent.close()


def test_the_service_manager_is_told(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    path = str(world.folder / "notify.sock")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    manager.settimeout(60)
    daemon = watched(simulator, environment={"NOTIFY_SOCKET": path}, sinks=[], routes=[])
    assert manager.recv(4096) == b"READY=1"
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    daemon.daemon.process.child.send_signal(signal.SIGHUP)
    told = manager.recv(4096).decode().splitlines()
    assert told[0] == "RELOADING=1" and int(told[1].removeprefix("MONOTONIC_USEC=")) >= before
    assert manager.recv(4096) == b"READY=1"
    daemon.daemon.path.write_text("sources: [")
    daemon.daemon.process.child.send_signal(signal.SIGHUP)
    assert manager.recv(4096).startswith(b"RELOADING=1") and manager.recv(4096) == b"READY=1"
    manager.close()


class Stream:
    """A reader of the live events; last is the id that it would come back with."""

    def __init__(self, port, last=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connection.request("GET", "/api/v1/events/stream", headers={"Last-Event-ID": last} if last else {})
        self.answer = self.connection.getresponse()
        self.ids = []

    def read(self, count):
        while len(self.ids) < count:
            line = self.answer.readline()
            if not line:
                return False
            if line.startswith(b"id: "):
                self.ids.append(line[4:].strip().decode())
        return True


def test_streams_stay_and_another_listener_takes_over(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    daemon = watched(simulator, sinks=[webhook_sink(receiver)])
    simulator.step(order={"id": "O-0", "status": "Completed"})
    wait_until(lambda: receiver.deliveries, daemon.daemon.log)
    stream = Stream(daemon.port, "0")
    assert stream.read(1)
    daemon.settings["sources"][0]["every"] = "2s"
    assert daemon.changes() == ["changed source orange every"]
    simulator.step(order={"id": "O-1", "status": "Completed"})
    assert stream.read(2)

    old = daemon.port
    daemon.settings["http"]["listen"] = f"127.0.0.1:{free_port()}"
    daemon.write()
    status, answer = daemon.ask("/-/reload", "POST", port=old)
    assert status == 200 and [one["keys"] for one in answer["changes"]] == ["listen"]
    assert not stream.read(3)
    simulator.step(order={"id": "O-2", "status": "Completed"})
    wait_until(lambda: len(receiver.deliveries) == 3, daemon.daemon.log)
    again = Stream(daemon.port, stream.ids[-1])
    assert again.read(1) and again.ids[0] not in stream.ids
    wait_until(lambda: not listens(old), daemon.daemon.log)
    daemon.settings["http"]["listen"] = "off"
    daemon.write()
    daemon.daemon.process.child.send_signal(signal.SIGHUP)
    wait_until(lambda: 'event=config_changed change=changed section=http name="" keys=listen' in
               daemon.daemon.log().split("event=reloaded")[-2], daemon.daemon.log)


def test_another_token_ends_the_streams_of_the_one_before(world, watched):
    simulator = world.simulator(orders={"list": ORDERS})
    daemon = watched(simulator, sinks=[], routes=[])
    streams = [Stream(daemon.port, "0"), Stream(daemon.port, "0")]
    daemon.settings["sources"][0]["every"] = "2s"
    daemon.reload()  # with the same token, or none, they go on
    simulator.step(order={"id": "O-1", "status": "Completed"})
    assert all(stream.read(1) for stream in streams)
    daemon.settings["http"]["token"] = "a-token-that-is-long-enough-for-this"
    assert [one["keys"] for one in daemon.reload()["changes"]] == ["token"]
    assert not any(stream.read(2) for stream in streams)
    assert daemon.ask("/api/v1/events")[0] == 401
    assert run_command("events", "-c", daemon.daemon.path)[0] == 0
    assert daemon.daemon.stop() == 0


class Restless:
    """Changes orders until it is told to stop."""

    STATUSES = ("Held", "InProgress")

    def __init__(self, simulator, orders):
        self.simulator, self.orders = simulator, orders
        self.is_over = threading.Event()
        self.count = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over.is_set():
            order = self.orders[self.count % len(self.orders)]["id"]
            status = self.STATUSES[self.count // len(self.orders) % 2]
            self.simulator.step(order={"id": order, "status": status})
            self.count += 1
            self.is_over.wait(0.02)

    def stop(self):
        self.is_over.set()
        self.thread.join()


def variant(settings, number, receivers):
    """The next configuration: always another one in some part, sometimes in most of them."""
    changed = json.loads(json.dumps(settings))
    by_name = {sink["name"]: sink for sink in changed["sinks"]}
    by_name["tickets"]["webhook"]["timeout"] = f"{10 + number % 7}s"
    if number % 3 == 0:
        by_name["noc"]["mqtt"]["username"] = f"user-{number}"
    if number % 4 == 1:
        changed["sources"][0]["stalled_after"] = f"{30 + number % 9}d"
    if number % 5 == 2:
        changed["sinks"] = changed["sinks"][::-1]
        guest = f"guest-{number % 2}"
        changed["sinks"].insert(1, webhook_sink(receivers[guest], guest))
        changed["routes"].insert(0, {"types": ["order.*"], "sinks": [guest]})
    if number % 6 == 3:
        changed["sources"].insert(0, {**changed["sources"][0], "name": "second", "every": "1h"})
    if number % 7 == 4:
        changed["routes"].append({"types": ["appointment.*"], "sinks": ["steady"]})
    return changed


def check_receiver(events, wanted, name):
    """Each of the wanted ones, once, and those of one order in their order."""
    ids = [event["id"] for event in events]
    assert set(wanted) <= set(ids), f"{name}: {len(set(wanted) - set(ids))} lost of {len(wanted)}"
    assert len(ids) == len(set(ids)), f"{name}: {len(ids) - len(set(ids))} of {len(ids)} came twice"
    last = {}
    for event in events:
        key = (event["source"], event["subject"].split("/")[1])
        assert last.get(key, 0) < int(event["sequence"]), f"{name}: {event['subject']} out of order"
        last[key] = int(event["sequence"])


def test_reloads_under_load_lose_and_repeat_nothing(world, watched):
    """ORDERWATCH_RELOADS=1000 /usr/bin/python3 -m pytest tests/system/test_reload.py -k under_load: as often as it says."""
    count = int(os.environ.get("ORDERWATCH_RELOADS", "250"))
    orders = [{"id": f"O-{number}", "status": "InProgress"} for number in range(12)]
    simulator = world.simulator(orders={"list": orders})
    broker = world.broker()
    watcher = world.subscriber(broker)
    receivers = {name: world.webhook() for name in ("tickets", "steady", "guest-0", "guest-1")}
    daemon = watched(simulator, sinks=[webhook_sink(receivers["tickets"]), mqtt_sink(broker),
                                       webhook_sink(receivers["steady"], "steady")],
                     source={"budget": "60000/min"}, routes=[{"types": ["*"], "sinks": ["tickets", "noc", "steady"]}])
    first = json.loads(json.dumps(daemon.settings))
    restless = Restless(simulator, orders)
    try:
        for number in range(count):
            daemon.settings = variant(first, number, receivers)
            if number % 10 == 9:
                daemon.settings["routes"][0]["sinks"] = ["nobody"]
                daemon.reload(422)
            elif number % 10 == 5:
                daemon.write()
                daemon.daemon.process.child.send_signal(signal.SIGHUP)
            else:
                daemon.reload()
    finally:
        restless.stop()
    daemon.settings = first
    daemon.reload()
    simulator.sweeps_after(2)

    def are_settled():
        """A guest that was taken away keeps what it had pending."""
        sinks = daemon.ask("/api/v1/sinks")[1]["items"]
        return all(sink["conserved"] and (sink["pending"] == 0 or sink["state"] == "not configured") for sink in sinks)
    wait_until(are_settled, lambda: json.dumps(daemon.ask("/api/v1/sinks")[1]) + daemon.daemon.log()[-4000:])
    events, cursor = [], ""
    while cursor is not None:
        page = daemon.ask("/api/v1/events?limit=1000" + (f"&after={cursor}" if cursor else ""))[1]
        events += page["items"]
        cursor = page["next"]
    ids = [event["id"] for event in events]
    assert len(ids) > count / 4 and len(ids) == len(set(ids))
    check_receiver(receivers["tickets"].deliveries, ids, "tickets")
    check_receiver(receivers["steady"].deliveries, ids, "steady")
    wait_until(lambda: len(watcher.events()) >= len(ids), daemon.daemon.log)
    check_receiver(watcher.events(), ids, "noc")
    for guest in "guest-0", "guest-1":  # each in its own order
        check_receiver(receivers[guest].deliveries, [], guest)
    sequences = {}
    for event in reversed(events):
        key = (event["source"], event["subject"].split("/")[1])
        sequences.setdefault(key, []).append(int(event["sequence"]))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in sequences.values()), sequences
    assert daemon.metric("orderwatch_config_last_reload_successful") == 1
    assert daemon.daemon.stop() == 0
