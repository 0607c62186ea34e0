"""Receivers that misbehave, and nginx: each costs its own order some time, and no other lane anything."""
import json
import re
import signal
import socket
import struct
import threading
import time

import pytest

import harness
from harness import configuration, ledger, wait_until

MANNERS = ["late", "reset", "drip", "endless", "junk", "silent"]


def orders(names):
    return {"list": [{"id": name, "status": "InProgress", "site": {"name": "Lyon"}, "committedDate": "2099-01-12"}
                     for name in names]}


class Scripted:
    """Speaks HTTP by hand, so that it can do it wrong: the first answer for an order is as its id says."""

    def __init__(self):
        self.attempts = []  # (order, the event's id, when)
        self.answered = []
        self.endless_bytes = 0
        self.connections = 0
        self.is_running = True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.is_running:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as reader:
                while self.exchange(connection, reader):
                    pass
        except OSError:
            pass

    def exchange(self, connection, reader):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = reader.readline()
            if not line:
                return False
            head += line
        size = int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE).group(1))
        event = json.loads(reader.read(size))
        order = event["data"]["order"]["id"]
        is_first = order not in [known for known, _, _ in self.attempts]
        self.attempts.append((order, event["id"], time.monotonic()))
        manner = getattr(self, order.split("-")[0], None) if is_first else None
        return manner(connection, event) if manner else self.answer(connection, event)

    def answer(self, connection, event):
        self.answered.append(event)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True

    def late(self, connection, event):
        time.sleep(4)
        return self.answer(connection, event)

    def reset(self, connection, _event):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def drip(self, connection, _event):
        for byte in b"HTTP/1.1 204 No Content\r\nX-Slow: " + b"x" * 600:
            connection.sendall(bytes([byte]))
            time.sleep(1)
        return False

    def endless(self, connection, event):
        self.answered.append(event)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n\x1b[31m<script>\x00\xff\r\n")
        while True:
            self.endless_bytes += connection.send(b"z" * 65536)

    def junk(self, connection, _event):
        connection.sendall(b"220 mail.example.com ESMTP\r\n")
        return False

    def silent(self, _connection, _event):
        time.sleep(30)
        return False

    def stop(self):
        self.is_running = False
        self.listener.close()


def test_each_bad_manner_costs_its_own_order_alone(world):
    receiver = world.keep(Scripted())
    names = MANNERS + [f"good-{number}" for number in range(8)]
    simulator = world.simulator(orders=orders(names))
    sink = {"name": "tickets", "retry": {"first": "1s", "cap": "2s"}, "in_flight": 10,
            "webhook": {"url": f"http://127.0.0.1:{receiver.port}/", "timeout": "3s"}}
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    simulator.steps([{"order": {"id": name, "status": "Held"}} for name in names])
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == len(names), daemon.log)
    assert ledger(daemon, "tickets")["parked"] == 0
    first = {}
    for order, identity, when in receiver.attempts:
        first.setdefault(order, (identity, when))
        assert first[order][0] == identity  # a repeat is the same event
    begun = min(when for _, _, when in receiver.attempts)
    good = [when for order, _, when in receiver.attempts if order.startswith("good")]
    assert len(good) == 8 and max(good) - begun < 3  # before the first of the slow ones was given up
    for manner in MANNERS:
        count = sum(order == manner for order, _, _ in receiver.attempts)
        assert count == (1 if manner == "endless" else 2), (manner, count)
    assert receiver.endless_bytes < 8 << 20
    assert "\x1b" not in daemon.log() and "\x00" not in daemon.log()
    assert daemon.stop() == 0


def test_a_kept_connection_that_ends_as_the_next_request_comes_costs_no_attempt(world):
    receiver = world.keep(Scripted())
    simulator = world.simulator(orders=orders(["a", "b"]))
    sink = {"name": "tickets", "in_flight": 1, "webhook": {"url": f"http://127.0.0.1:{receiver.port}/"}}
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "a", "status": "Held"})
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 1, daemon.log)
    assert receiver.connections == 1
    receiver.b = lambda _connection, _event: False  # reads it on the kept connection, and closes
    simulator.step(order={"id": "b", "status": "Held"})
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 2, daemon.log)
    assert receiver.connections == 2
    assert [order for order, _, _ in receiver.attempts] == ["a", "b", "b"]
    assert "outcome=later" not in daemon.log()
    assert daemon.stop() == 0


class Nginx:
    """nginx with TLS and HTTP/2 that reads what it gets, writes it down, and answers 204."""

    def __init__(self, folder, certificate, lines=""):
        self.folder = folder
        self.port = harness.free_port()
        inner = harness.free_port()  # behind a proxy, so that the body is read before the answer
        self.log_path = folder / "nginx.access"
        self.certificate = folder / "nginx.pem"
        self.key = folder / "nginx.key"
        self.use(certificate)
        (folder / "nginx.conf").write_text(f"""daemon off; master_process off; pid nginx.pid; error_log stderr error;
user root; events {{}}
http {{ log_format got '$server_protocol $http_webhook_id $ssl_client_s_dn'; access_log nginx.access got;
client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi;
scgi_temp_path scgi;
server {{ listen 127.0.0.1:{self.port} ssl http2; ssl_certificate nginx.pem; ssl_certificate_key nginx.key;
{lines} location / {{ proxy_pass http://127.0.0.1:{inner}; }} }}
server {{ listen 127.0.0.1:{inner}; access_log off; return 204; }} }}
""")
        self.process = None
        self.start()

    def use(self, certificate):
        self.certificate.write_bytes(open(certificate[0], "rb").read())
        self.key.write_bytes(open(certificate[1], "rb").read())

    def start(self):
        self.process = harness.Process(["nginx", "-p", str(self.folder), "-e", "stderr", "-c",
                                        str(self.folder / "nginx.conf")], self.folder, "nginx")
        wait_until(lambda: harness.listens(self.port) or not self.process.is_running(), self.process.text)

    def requests(self):
        return [line.split(" ", 2) for line in self.log_path.read_text().splitlines()]


def nginx_sink(nginx, certificates, **tls):
    return {"name": "tickets", "in_flight": 10, "retry": {"first": "1s", "cap": "1s"}, "failing_after": "1s",
            "webhook": {"url": f"https://localhost:{nginx.port}/", "secret": harness.SECRET,
                        "tls": {"ca_file": certificates.ca, **tls}}}


@pytest.fixture
def twenty(world):
    """A simulator with twenty orders."""
    names = [f"{number:05}" for number in range(20)]
    world.simulator_ = world.simulator(orders=orders(names))
    world.hold = lambda: world.simulator_.steps([{"order": {"id": name, "status": "Held"}} for name in names])
    return world


def test_goaway_in_the_middle_loses_nothing(twenty):
    certificates = twenty.certificates()
    nginx = twenty.keep(Nginx(twenty.folder, certificates.make("localhost"), "keepalive_requests 3;"))
    daemon = twenty.daemon(configuration(twenty.folder, twenty.simulator_,
                                         sinks=[nginx_sink(nginx, certificates)])).start()
    twenty.simulator_.sweeps_after(2)
    twenty.hold()
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    got = nginx.requests()
    assert {protocol for protocol, _, _ in got} == {"HTTP/2.0"}
    # A stream that the end of its connection cut off is tried again: at least once, with the same id.
    assert len({identity for _, identity, _ in got}) == 20
    assert len(got) == 20 + daemon.log().count("outcome=later")
    assert daemon.stop() == 0


def test_an_answer_that_comes_before_the_body_was_read_is_the_answer(twenty):
    """Over HTTP/2, as gateways refuse: the receiver's word counts, and not how the stream ended."""
    certificates = twenty.certificates()
    nginx = twenty.keep(Nginx(twenty.folder, certificates.make("localhost"), "error_page 403 @no; location @no { return "
                              "403; } location /hooks { deny all; }"))
    sink = nginx_sink(nginx, certificates)
    sink["webhook"]["url"] += "hooks"
    daemon = twenty.daemon(configuration(twenty.folder, twenty.simulator_, sinks=[sink])).start()
    twenty.simulator_.sweeps_after(2)
    twenty.hold()
    wait_until(lambda: ledger(daemon, "tickets")["parked"] == 20, daemon.log)
    assert "HTTP 403" in ledger(daemon, "tickets")["last_failure"]
    assert daemon.stop() == 0


def test_goaway_on_a_kept_connection_costs_no_attempt(twenty):
    """A reload of nginx: the old process says goodbye to connections that wait for the next event."""
    certificates = twenty.certificates()
    nginx = twenty.keep(Nginx(twenty.folder, certificates.make("localhost")))
    daemon = twenty.daemon(configuration(twenty.folder, twenty.simulator_,
                                         sinks=[nginx_sink(nginx, certificates)])).start()
    twenty.simulator_.sweeps_after(2)
    twenty.hold()
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    assert nginx.process.stop(signal.SIGQUIT) == 0
    nginx.start()
    twenty.simulator_.step(order={"id": "00001", "status": "InProgress"})
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 21, daemon.log)
    assert "outcome=later" not in daemon.log()
    assert daemon.stop() == 0


def test_an_expired_certificate_gets_nothing_and_a_new_one_all(twenty):
    certificates = twenty.certificates()
    nginx = twenty.keep(Nginx(twenty.folder, certificates.make("expired", expired=True)))
    other = twenty.webhook()
    routes = [{"types": ["order.*"], "sinks": ["tickets"]}, {"types": ["sink.*"], "sinks": ["other"]}]
    daemon = twenty.daemon(configuration(twenty.folder, twenty.simulator_, routes=routes, sinks=[
        nginx_sink(nginx, certificates), harness.webhook_sink(other, name="other")])).start()
    twenty.simulator_.sweeps_after(2)
    twenty.hold()
    told = wait_until(lambda: [event for event in other.deliveries if event["type"] == "orderwatch.sink.failing"],
                      daemon.log)
    assert "expired" in told[0]["data"]["summary"]
    assert nginx.requests() == []
    nginx.process.stop()
    nginx.use(certificates.make("localhost"))
    nginx.start()
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    wait_until(lambda: [event for event in other.deliveries if event["type"] == "orderwatch.sink.recovered"],
               daemon.log)
    assert daemon.stop() == 0


def test_a_client_certificate_proves_who_sends(twenty):
    certificates = twenty.certificates()
    nginx = twenty.keep(Nginx(twenty.folder, certificates.make("localhost"),
                              f"ssl_verify_client on; ssl_client_certificate {certificates.ca};"))
    certificate, key = certificates.make("orderwatch")
    daemon = twenty.daemon(configuration(twenty.folder, twenty.simulator_, sinks=[
        nginx_sink(nginx, certificates, cert_file=certificate, key_file=key)])).start()
    twenty.simulator_.sweeps_after(2)
    twenty.hold()
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    assert {who for _, _, who in nginx.requests()} == {"CN=orderwatch"}
    assert daemon.stop() == 0
