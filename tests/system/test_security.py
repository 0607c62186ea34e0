"""Passwords, certificates and TLS at real servers: refused means retried, told, and never sent in clear."""
import base64
import http.server
import json
import subprocess
import threading
import urllib.parse

import pytest

from harness import (ROOT, SECRET, Process, configuration, email_sink, free_port, mqtt_sink, run_command, wait_until,
                     webhook_sink)
from test_surface import Served

ORDERS = {"list": [{"id": "1", "status": "InProgress", "step": "Survey"}]}
SOON = {"first": "1s", "cap": "2s"}


def change_something(simulator, daemon):
    daemon.start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "1", "status": "Held"})


def test_source_over_tls_with_a_private_authority(world):
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("api"), orders=ORDERS)
    webhook = world.webhook()
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook)],
                             source={"tls": {"ca_file": certificates.ca}})
    change_something(simulator, world.daemon(settings))
    wait_until(lambda: webhook.deliveries, "the event")


def test_source_with_an_expired_certificate_is_refused_in_words(world):
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("api", expired=True), orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())],
                             source={"tls": {"ca_file": certificates.ca}})
    daemon = world.daemon(settings).start()
    wait_until(lambda: "expired" in daemon.log(), daemon.log)
    assert simulator.requests("/orders") == []
    assert daemon.stop() == 0


def test_mqtt_with_tls_and_password(world):
    certificates = world.certificates()
    certificate, key = certificates.make("broker")
    passwords = world.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "orderwatch", "right"], check=True)
    lines = [f"certfile {certificate}", f"keyfile {key}", f"cafile {certificates.ca}", "allow_anonymous false",
             f"password_file {passwords}"]
    simulator = world.simulator(orders=ORDERS)
    broker = world.broker(lines)
    sink = mqtt_sink(broker, username="orderwatch", password="wrong", tls={"ca_file": certificates.ca})
    sink["mqtt"]["broker"] = f"mqtts://localhost:{broker.port}"
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "not authori" in daemon.log().lower() or "bad user" in daemon.log().lower(), daemon.log)
    assert daemon.stop() == 0
    assert "wrong" not in daemon.log()
    sink["mqtt"]["password"] = "right"
    console = world.keep(Process(["mosquitto_sub", "-h", "localhost", "-p", str(broker.port), "--cafile", certificates.ca,
                                  "-u", "orderwatch", "-P", "right", "-t", "orderwatch/+/event/#"], world.folder, "console"))
    again = world.daemon(settings).start()
    wait_until(lambda: "orderwatch.order.status.held" in console.text(), again.log)
    assert again.stop() == 0


def test_mqtt_with_a_certificate_of_somebody_else_is_not_used(world):
    certificates = world.certificates()
    certificate, key = certificates.make("broker", subject_names="DNS:elsewhere.example.com")
    broker = world.broker([f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true"])
    simulator = world.simulator(orders=ORDERS)
    sink = mqtt_sink(broker, tls={"ca_file": certificates.ca})
    sink["mqtt"]["broker"] = f"mqtts://localhost:{broker.port}"
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "host name" in daemon.log().lower() or "certificate" in daemon.log().lower(), daemon.log)
    assert daemon.stop() == 0


def test_mail_with_starttls_and_login(world):
    certificates = world.certificates()
    mailbox = world.mailbox(tls=certificates.make("mail"), credentials=("orderwatch", "right"))
    simulator = world.simulator(orders=ORDERS)
    sink = email_sink(mailbox, retry=SOON, tls="required", ca_file=certificates.ca, username="orderwatch",
                      password="wrong", server=f"smtp://localhost:{mailbox.port}")
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "535" in daemon.log(), daemon.log)
    assert mailbox.mails == []
    assert daemon.stop() == 0
    sink["email"]["password"] = "right"
    again = world.daemon(settings).start()
    wait_until(lambda: mailbox.mails, again.log)
    assert again.stop() == 0


def test_mail_to_a_server_with_an_expired_certificate_or_without_starttls_never_goes_in_clear(world):
    certificates = world.certificates()
    expired = world.mailbox(tls=certificates.make("mail", expired=True))
    plain = world.mailbox()
    simulator = world.simulator(orders=ORDERS)
    sinks = [email_sink(box, name=name, retry=SOON, tls="required", ca_file=certificates.ca,
                        server=f"smtp://localhost:{box.port}") for name, box in (("a", expired), ("b", plain))]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks))
    change_something(simulator, daemon)
    wait_until(lambda: "sink=a" in daemon.log() and "sink=b" in daemon.log() and "certificate" in daemon.log()
               and "STARTTLS" in daemon.log().upper(), daemon.log)
    assert expired.mails == [] and plain.mails == []
    assert daemon.stop() == 0


def test_one_refused_recipient_costs_nobody_else_anything(world):
    mailbox = world.mailbox()
    people = [f"person{number}@example.com" for number in range(50)]
    mailbox.refuse = {people[17]: "550 5.1.1 no such mailbox", people[3]: "451 4.7.1 greylisted, try again"}
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[email_sink(mailbox, retry=SOON, to=people)])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: mailbox.mails, daemon.log)
    del mailbox.refuse[people[3]]
    wait_until(lambda: len({address for _, to, _ in mailbox.mails for address in to}) == 49, daemon.log)
    received = [address for _, to, _ in mailbox.mails for address in to]
    assert len(received) == 49 and people[17] not in received
    assert len({mail["Message-ID"] for _, _, mail in mailbox.mails}) == 1
    wait_until(lambda: people[17] in daemon.log() or "5.1.1" in daemon.log(), daemon.log)
    assert daemon.stop() == 0


def test_webhook_laws(world):
    webhook = world.webhook()
    answers = iter([503, 429, 204])
    webhook.answer = lambda event: next(answers, 204)
    webhook.headers = {"Retry-After": "1"}
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook, retry=SOON)])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert [status for status, _, _ in webhook.attempts] == [503, 429, 204]
    assert len({event["id"] for _, event, _ in webhook.attempts}) == 1
    assert {headers["webhook-id"] for _, _, headers in webhook.attempts} == {webhook.deliveries[0]["id"]}
    webhook.answer = lambda event: 400
    simulator.step(order={"id": "1", "status": "InProgress"})
    wait_until(lambda: "park" in daemon.log(), daemon.log)
    webhook.answer = lambda event: 204
    simulator.step(order={"id": "1", "status": "Completed"})
    wait_until(lambda: len(webhook.deliveries) == 2, daemon.log)
    assert webhook.deliveries[1]["sequence"] == "3"
    webhook.answer = lambda event: 302
    simulator.step(order={"id": "1", "status": "InProgress"})
    wait_until(lambda: webhook.attempts[-1][0] == 302, daemon.log)
    assert daemon.stop() == 0


# --- servers that repeat what they were told ----------------------------------------------------------------------

KEY, CLIENT_SECRET, TOKEN = "canary-key-0001", "canary/client+secret=0002", "canary-token-0003"
DESK_TOKEN, DESK_PASSWORD = "canary-desk-0004", "canary password 0005"


class Gossip(http.server.BaseHTTPRequestHandler):
    """Answers with all that it was sent, in clear and as it was spelled."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        plain = base64.b64decode(value).decode() if kind == "Basic" else value
        # What is quoted of an answer is its beginning: the credentials are there.
        words = " ".join([self.server.greeting, self.headers.get("X-Api-Key", ""), kind, value, plain, urllib.parse.unquote(plain),
                          self.headers.get("X-Desk", ""), body])
        code, said = self.server.code, {"message": f"no {words}", "code": 42, "description": words}
        if self.path == "/token" and self.server.gives_token:
            code, said = 200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
        self.server.heard.append(words)
        content = json.dumps(said).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST

    def log_message(self, *arguments):
        pass


@pytest.fixture
def gossip(world):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gossip)
    server.code, server.gives_token, server.heard, server.greeting = 401, False, [], "hello"
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def gossip_settings(world, gossip):
    desk, basic = ({"name": name, "webhook": {"url": f"{gossip.url}/hook", "secret": SECRET}} for name in ("desk", "basic"))
    desk["webhook"]["headers"] = {"X-Desk": DESK_TOKEN}
    basic["webhook"].update(username="orderwatch", password=DESK_PASSWORD)
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[desk, basic])
    settings["log"]["level"] = "debug"
    settings["http"] = {"listen": f"127.0.0.1:{free_port()}"}
    other = {**settings["sources"][0], "name": "other", "base_url": gossip.url,
             "api_key": {"header": "X-Api-Key", "value": KEY},
             "oauth2": {"token_url": f"{gossip.url}/token", "client_id": "me", "client_secret": CLIENT_SECRET}}
    settings["sources"].append(other)
    return simulator, settings


def forms_of_secrets():
    encoded = urllib.parse.quote(CLIENT_SECRET, safe="")
    secrets = [KEY, CLIENT_SECRET, encoded, TOKEN, DESK_TOKEN, DESK_PASSWORD, SECRET.removeprefix("whsec_")]
    pairs = [f"me:{encoded}", f"orderwatch:{DESK_PASSWORD}"]
    return secrets + [base64.b64encode(text.encode()).decode() for text in secrets + pairs]


def test_what_a_server_repeats_of_our_secrets_reaches_nobody(world, gossip):
    simulator, settings = gossip_settings(world, gossip)
    served = Served(world, settings)
    said = []

    def tell(status, code):
        gossip.code = code
        before = len(gossip.heard)
        simulator.step(order={"id": "1", "status": status})
        wait_until(lambda: any(DESK_TOKEN in words for words in gossip.heard[before:]) and
                   any(DESK_PASSWORD in words for words in gossip.heard[before:]), served.daemon.log)

    tell("Held", 400)
    tell("InProgress", 503)
    for code in 401, 403, 500, 200:
        gossip.code, gossip.gives_token = code, code != 401
        before = len(gossip.heard)
        wait_until(lambda: served.post("/api/v1/sources/other/sweep") and
                   any(KEY in words or CLIENT_SECRET in words for words in gossip.heard[before:]), served.daemon.log)
    for sink in "desk", "basic":
        said += run_command("test", sink, "-c", served.daemon.path)[1:]
    wait_until(lambda: served.json("/api/v1/events?type=source.*")["items"], served.daemon.log)
    for event in served.json("/api/v1/events?limit=1000")["items"]:
        said += run_command("why", event["id"], "-c", served.daemon.path)[1:]
    said += [str(served.ask(path)[1]) for path in ("/metrics", "/-/ready", "/api/v1/status", "/api/v1/sources",
                                                   "/api/v1/sinks", "/api/v1/events", "/api/v1/deliveries")]
    said += run_command("check", "--connect", "--print", "-c", served.daemon.path)[1:]
    assert served.daemon.stop() == 0
    said += [served.daemon.log()] + [path.read_bytes().decode("latin-1") for path in world.folder.glob("state.db*")]
    assert "answered 401, code 42" in served.daemon.log() and "HTTP 400" in served.daemon.log()
    assert not [(secret, text[max(0, text.find(secret) - 200):][:400]) for secret in forms_of_secrets() for text in said
                if secret in text]


def test_each_line_of_a_json_log_is_one_object_whatever_was_said(world, gossip):
    """By a receiver and by an API, in answers and in ids; each with an event that the man page has."""
    simulator, settings = gossip_settings(world, gossip)
    settings["log"]["format"] = "json"
    gossip.greeting = 'x"}\r\n{"level":"error","event":"forged"}\n\x1b[2J\u202e\u2028\x00\x7f\\'
    served = Served(world, settings)
    gossip.code = 400
    simulator.step(order={"id": f"@json {json.dumps(gossip.greeting)}", "status": "Held"})
    wait_until(lambda: served.daemon.log().count('"delivery_parked"') >= 2, served.daemon.log)
    served.daemon.path.write_text(served.daemon.path.read_text() + '\n"' + "\x1b]0;x\x07: [")
    assert served.command("reload")[0] == 78
    assert served.daemon.stop() == 0
    lines = served.daemon.log().split("\n")
    assert lines.pop() == "" and len(lines) > 10
    known = (ROOT / "packaging/man/orderwatch.8").read_text()
    for line in lines:
        assert all(0x20 <= ord(sign) < 0x7f or ord(sign) > 0x9f and ord(sign) not in (0x202e, 0x2028) for sign in line), line
        entries = json.loads(line, object_pairs_hook=list)
        assert len({name for name, _ in entries}) == len(entries) and [name for name, _ in entries][:3] == ["ts", "level", "event"]
        assert f".It Li {dict(entries)['event']} Ta " in known, line
