"""What an API may do wrong: the sweep fails, the daemon stays small and alive, the next sweep works."""
import datetime
import json
import pathlib

import pytest

from harness import (configuration, email_sink, kinds, mqtt_sink, run_command, wait_until, webhook_sink)

ORDERS = {"generate": {"first_id": 1000, "count": 30, "seed": 5}}
FAULTS = [
    {"kind": "status", "code": 503},
    {"kind": "status", "code": 500},
    {"kind": "status", "code": 403, "api_code": 53},
    {"kind": "status", "code": 429, "retry_after": "1"},
    {"kind": "html"},
    {"kind": "truncated"},
    {"kind": "cut"},
    {"kind": "deep"},
    {"kind": "big", "bytes": 50000000},
    {"kind": "gzip_bomb"},
    {"kind": "drop"},
    {"kind": "redirect"},
    {"kind": "empty"},
    {"kind": "endless", "count": 40},
    {"kind": "repeat_page", "count": 4},
    {"kind": "shift", "count": 2},
    {"kind": "duplicate", "count": 2},
    {"kind": "short", "by": 3, "count": 2},
    {"kind": "total", "by": 7, "count": 2},
    {"kind": "status", "code": 503, "api_code": 53, "body": "text"},
    {"kind": "status", "code": 404, "api_code": 53, "body": "list"},
    {"kind": "status", "code": 500, "api_code": 1, "body": "tmf"},
    {"kind": "status", "code": 502, "body": "html"},
    {"kind": "status", "code": 504, "body": "empty"},
    {"kind": "html", "on": "token"},
    {"kind": "expires_in", "value": "0", "on": "token", "count": 0},
    {"kind": "expires_in", "value": "-60", "on": "token", "count": 0},
    {"kind": "expires_in", "value": "absent", "on": "token", "count": 0},
    {"kind": "expires_in", "value": '"soon"', "on": "token", "count": 0},
]


def resident_peak_kib(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.child.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(str(part) for part in fault.values()))
def test_a_fault_is_never_a_change_and_the_next_sweep_works(world, fault):
    simulator = world.simulator(orders=ORDERS, paging={"default": 10, "max": 10})
    webhook = world.webhook()
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook)], source={"page": 10})
    daemon = world.daemon(settings).start()
    simulator.sweeps_after(2)
    if fault.get("on") == "token":
        simulator.step(revoke_tokens="true")
    simulator.step(fault=fault)
    simulator.sweeps_after(1)
    simulator.step(clear_faults="true", order={"id": "1003", "status": "Held"})
    wait_until(lambda: webhook.deliveries, daemon.log, 150)
    assert kinds(webhook.deliveries) == [("1003", "order.status.held")]
    assert daemon.process.is_running()
    assert resident_peak_kib(daemon) < 64 * 1024
    assert daemon.stop() == 0


def test_hostile_text_never_changes_a_framing(world):
    simulator = world.simulator(orders=ORDERS)
    broker = world.broker()
    subscriber = world.subscriber(broker)
    webhook = world.webhook()
    mailbox = world.mailbox()
    settings = configuration(world.folder, simulator,
                             sinks=[mqtt_sink(broker), webhook_sink(webhook), email_sink(mailbox)])
    daemon = world.daemon(settings).start()
    simulator.sweeps_after(2)
    identity = "a/+#b\r\nBcc: c$"
    text = "x\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<a@b>\u202e\u0000\u2028<script>alert(1)</script>"
    hostile = "@json " + json.dumps(text + "n" * 5000)
    huge = "@json " + json.dumps(text + "n" * 100_000)
    simulator.step(order={"id": identity, "status": "InProgress", "site": {"name": huge}, "step": hostile,
                          "customerReference": hostile, "offer": hostile},
                   note={"order": identity, "text": hostile, "author": hostile})
    wait_until(lambda: webhook.deliveries and subscriber.events() and mailbox.mails, daemon.log)
    event = webhook.deliveries[0]
    assert event["data"]["order"]["id"] == identity
    assert event["subject"] == "orders/a%2F%2B%23b%0D%0ABcc%3A%20c%24"
    assert len(json.dumps(event, ensure_ascii=False).encode()) < 65536
    topics = {message.topic for message in subscriber.messages if "/event/" in message.topic}
    assert topics == {"orderwatch/orange/event/info/order.created/a%2F%2B%23b%0D%0ABcc%3A%20c%24"}
    assert len(mailbox.mails) == 1
    sender, recipients, mail = mailbox.mails[0]
    assert recipients == ["projects@example.com"] and mail["Bcc"] is None
    assert "\n" not in mail["Subject"] and "\u202e" not in mail["Subject"]
    html = mail.get_body(("html",)).get_content()
    assert "<script" not in html
    for line in daemon.log().splitlines():
        assert "evil@example.com" not in line or "level=" in line
        assert not line.startswith(("Bcc", "MAIL FROM"))
    assert daemon.stop() == 0


def test_a_refused_key_is_one_clear_line_and_no_storm(world):
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())],
                             source={"api_key": {"header": "X-Api-Key", "value": "wrong"}})
    daemon = world.daemon(settings).start()
    wait_until(lambda: simulator.requests("/orders"), daemon.log)
    wait_until(lambda: "code=50" in daemon.log() or "Access denied" in daemon.log(), daemon.log)
    simulator.step(say="looking again")
    assert len(simulator.requests("/orders")) <= 2
    assert daemon.stop() == 0


def test_refused_client_credentials_are_slow_to_retry(world):
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())])
    settings["sources"][0]["oauth2"]["client_secret"] = "wrong-secret-value"
    daemon = world.daemon(settings).start()
    wait_until(lambda: simulator.requests("/token"), daemon.log)
    wait_until(lambda: "orange" in daemon.log() and "invalid" in daemon.log(), daemon.log)
    assert len(simulator.requests("/token")) == 1
    assert simulator.requests("/orders") == []
    assert "wrong-secret-value" not in daemon.log()
    assert daemon.stop() == 0


def test_wrong_configuration_lists_every_error(world, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text("sources:\n  - name: Orange\n    profil: orange-order-tracking\n    every: 5 minutes\n"
                    "sinks:\n  - name: a\n    webhook: {url: 'ftp://example.com'}\n"
                    "routes:\n  - types: ['*']\n    sinks: [b]\n")
    status, output, errors = run_command("check", "-c", path)
    assert status == 78 and output == ""
    lines = errors.splitlines()
    assert any(line.startswith(f"{path}:3:5: ") and "profil" in line and "profile" in line for line in lines), errors
    assert any(":4:" in line and "every" in line for line in lines), errors
    assert any(":7:" in line and "url" in line for line in lines), errors
    assert any(":10:" in line and "b" in line for line in lines), errors
    assert run_command("run", "-c", path)[0] == 78
    assert run_command("run", "-c", tmp_path / "absent.yaml")[0] == 78


def test_a_secret_file_that_others_can_read_is_named_with_the_mode_wanted(world, tmp_path):
    simulator = world.simulator(orders=ORDERS)
    secret = tmp_path / "orange.secret"
    secret.write_text("client-secret\n")
    secret.chmod(0o644)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())])
    del settings["sources"][0]["oauth2"]["client_secret"]
    settings["sources"][0]["oauth2"]["client_secret_file"] = str(secret)
    daemon = world.daemon(settings)
    status, output = daemon.run()
    assert status == 78
    assert str(secret) in output and "0600" in output and "client-secret\n" not in output


def test_once_delivers_and_says_so(world):
    simulator = world.simulator(orders=ORDERS)
    webhook = world.webhook()
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook)])
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    simulator.step(order={"id": "1001", "status": "Held"})
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    assert kinds(webhook.deliveries) == [("1001", "order.status.held")]
    webhook.answer = lambda event: 503
    simulator.step(order={"id": "1001", "status": "InProgress"})
    assert world.daemon(settings, ["--once"]).run()[0] == 75
    simulator.step(fault={"kind": "status", "code": 500, "count": 0})
    assert world.daemon(settings, ["--once"]).run()[0] == 69


def test_a_digest_that_once_sends_before_its_time_is_dated_when_it_leaves(world):
    simulator = world.simulator(orders=ORDERS)
    mailbox = world.mailbox()
    settings = configuration(world.folder, simulator, sinks=[email_sink(mailbox, digest="1h")])
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    simulator.step(order={"id": "1001", "status": "Held"})
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    dated = mailbox.mails[-1][2]["Date"].datetime
    assert dated <= datetime.datetime.now(datetime.timezone.utc)


def test_a_second_daemon_on_one_state_is_refused(world, tmp_path):
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())])
    first = world.daemon(settings).start()
    simulator.sweeps_after(1)
    status, _, errors = run_command("run", "-c", first.path)
    assert status == 75 and "state.db" in errors
    assert first.stop() == 0


def test_a_damaged_state_file_is_refused_with_what_to_do(world):
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())])
    database = pathlib.Path(settings["state"]["database"])
    database.write_bytes(b"this is no database" * 1000)
    status, output = world.daemon(settings).run()
    assert status == 74 and str(database) in output
    assert database.read_bytes() == b"this is no database" * 1000
