"""How the program talks to its source: over what, as whom, to which addresses, and what it never waits for."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import types
import urllib.error
import urllib.request

import pytest

import harness
from harness import ROOT, Process, configuration, free_port, kinds, listens, run_command, wait_until, webhook_sink

ORDERS = {"generate": {"first_id": 100, "count": 250, "seed": 2}}


class Front:
    """nginx before the simulator: TLS, HTTP/2, clients with a certificate of the authority only."""

    def __init__(self, folder, certificates, simulator):
        self.folder, self.port = folder, free_port()
        names = "DNS:localhost,IP:127.0.0.1,IP:0:0:0:0:0:0:0:1"
        certificate, key = certificates.make("front", names)
        self.log = folder / "access.log"
        config = folder / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error; user root;
events {{}}
http {{
  log_format told '$server_protocol $connection $ssl_client_verify $ssl_client_s_dn $server_addr';
  access_log {self.log} told;
  client_body_temp_path {folder}/n1; proxy_temp_path {folder}/n2; fastcgi_temp_path {folder}/n3;
  uwsgi_temp_path {folder}/n4; scgi_temp_path {folder}/n5;
  server {{
    listen 127.0.0.1:{self.port} ssl http2; listen [::1]:{self.port} ssl http2;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    ssl_client_certificate {certificates.ca}; ssl_verify_client on;
    location / {{ proxy_pass http://127.0.0.1:{simulator.port}; }}
  }}
}}
""")
        self.process = Process(["/usr/sbin/nginx", "-c", str(config), "-p", str(folder)], folder, "nginx")
        wait_until(lambda: listens(self.port) or not self.process.is_running(), self.process.text)
        assert self.process.is_running(), self.process.text()

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


def secure(world, simulator, host, tls, **source):
    front = world.front.port
    return configuration(world.folder, simulator, source={
        "base_url": f"https://{host}:{front}/order-tracking/b2b/v1", "page": 50, "tls": tls,
        "oauth2": {"token_url": f"https://{host}:{front}/oauth/v3/token", "client_id": "client",
                   "client_secret": "client-secret"}, **source}, sinks=[], routes=[])


def source_of(daemon):
    """[] while it does not listen yet."""
    url = f"http://{daemon.configuration['http']['listen']}/api/v1/sources"
    try:
        return json.load(urllib.request.urlopen(url, timeout=30))["items"]
    except urllib.error.URLError:
        return []


@pytest.mark.parametrize("host", ["localhost", "[::1]"])
def test_http2_on_one_connection_with_a_private_authority_and_a_client_certificate(world, host):
    simulator = world.simulator(orders=ORDERS)
    certificates = world.certificates()
    certificate, key = certificates.make("client")
    world.front = world.keep(Front(world.folder, certificates, simulator))
    tls = {"ca_file": certificates.ca, "cert_file": certificate, "key_file": key}
    daemon = world.daemon(secure(world, simulator, host, tls)).start()
    simulator.sweeps_after(3)
    lines = world.front.lines()
    assert len(lines) >= 11  # a token, and five pages of each sweep that has ended
    assert {line.split()[0] for line in lines} == {"HTTP/2.0"}
    assert len({line.split()[1] for line in lines}) == 1
    assert {line.split()[2] for line in lines} == {"SUCCESS"} and "CN=client" in lines[0]
    assert lines[0].endswith("::1" if host == "[::1]" else "127.0.0.1") or host == "localhost"
    assert daemon.stop() == 0


@pytest.mark.parametrize("tls", [{}, {"ca_file": "other"}, {"ca_file": "ca"}],
                         ids=["public authorities", "another authority", "no client certificate"])
def test_who_does_not_prove_itself_is_told_nothing(world, tls):
    simulator = world.simulator(orders=ORDERS)
    certificates = world.certificates()
    world.front = world.keep(Front(world.folder, certificates, simulator))
    other = harness.Certificates(world.folder / "other")
    tls = {"ca_file": {"other": other.ca, "ca": certificates.ca}[tls["ca_file"]]} if tls else {}
    daemon = world.daemon(secure(world, simulator, "localhost", tls)).start()
    failing = wait_until(lambda: [row for row in source_of(daemon) if row["state"] == "failing"], daemon.log)
    assert "orange" in failing[0]["last_failure"]
    assert simulator.requests() == []
    assert daemon.stop() == 0


def test_the_simulator_itself_speaks_tls(world):
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("api"), orders=ORDERS)
    webhook = world.webhook()
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[webhook_sink(webhook)],
                                        source={"tls": {"ca_file": certificates.ca}})).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "120", "status": "Held"})
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert kinds(webhook.deliveries) == [("120", "order.status.held")]
    assert daemon.stop() == 0


# --- where requests go, and where not ----------------------------------------------------------------------

class Listener:
    """Keeps the first bytes of whoever connects; answers with what it is given, or never."""

    def __init__(self, answer=None):
        self.heard = []
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.heard.append(peer.recv(4096))
            if self.answer:
                peer.sendall(self.answer)
                peer.close()

    def stop(self):
        self.socket.close()


def test_a_redirect_is_not_followed(world):
    elsewhere = world.keep(Listener())
    target = f"http://127.0.0.1:{elsewhere.port}/orders".encode()
    api = world.keep(Listener(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n"))
    made = configuration(world.folder, types.SimpleNamespace(url=f"http://127.0.0.1:{api.port}"), sinks=[], routes=[])
    made["sources"][0].pop("oauth2")
    daemon = world.daemon(made).start()
    failing = wait_until(lambda: [row for row in source_of(daemon) if row["state"] == "failing"], daemon.log)
    assert "302" in failing[0]["last_failure"]
    wait_until(lambda: len(api.heard) >= 2, daemon.log)
    assert b"X-Api-Key: key" in api.heard[0]
    assert elsewhere.heard == []
    assert daemon.stop() == 0


def test_an_address_is_looked_at_when_it_is_connected_to(world):
    """The name is the operator's own; where it leads today is not."""
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[], routes=[],
                                        source={"allow_private": "off"})).start()
    failing = wait_until(lambda: [row for row in source_of(daemon) if row["state"] == "failing"], daemon.log)
    assert "is private or local, and allow_private is off" in failing[0]["last_failure"]
    assert simulator.requests() == []
    assert daemon.stop() == 0


def test_the_proxy_is_the_configuration_s_and_never_the_environment_s(world):
    simulator = world.simulator(orders=ORDERS)
    trap = world.keep(Listener())
    address = f"http://127.0.0.1:{trap.port}"
    environment = {name: address for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")}
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[], routes=[]), environment=environment).start()
    simulator.sweeps_after(2)
    assert trap.heard == []
    assert daemon.stop() == 0
    proxied = world.daemon(configuration(world.folder, simulator, sinks=[], routes=[], source={"proxy": address}),
                           environment={"no_proxy": "*"}).start()
    wait_until(lambda: trap.heard, proxied.log)
    assert trap.heard[0].startswith((b"POST http://localhost", b"CONNECT localhost"))
    assert proxied.stop() == 0


# --- what never answers ------------------------------------------------------------------------------------

def two_sources(world, simulator, slow):
    """The simulator, and beside it one that is slow."""
    made = configuration(world.folder, simulator, sinks=[], routes=[])
    made["sources"].append({"name": "slow", "profile": "orange-order-tracking", "every": "1s", "budget": "6000/min",
                            **slow})
    return made


def assert_goes_on(daemon, simulator):
    """The other source is swept and the surface answers, several times over."""
    for _ in range(3):
        simulator.sweeps_after(1)
        rows = {row["name"]: row for row in source_of(daemon)}
        assert rows["orange"]["state"] == "ok"
        assert rows["slow"]["sweeps"] == 0


@pytest.mark.parametrize("path", ["slow", "drip"], ids=["hanging", "one byte a second"])
def test_a_server_that_hangs_or_drips_delays_nobody_else(world, path):
    simulator = world.simulator(orders=ORDERS)
    server = world.keep(Process([sys.executable, str(ROOT / "tests/support/http_server.py")], world.folder, "server"))
    port = int(wait_until(lambda: re.search(r"listening (\d+)", server.text()), server.text)[1])
    profile = world.folder / "slow.yaml"
    profile.write_text(f"orders: {{list: /{path}}}\n")
    daemon = world.daemon(two_sources(world, simulator, {"base_url": f"http://127.0.0.1:{port}",
                                                         "profile": str(profile)})).start()
    wait_until(lambda: f'/{path}' in server.text(), server.text)
    assert_goes_on(daemon, simulator)
    assert daemon.stop() == 0  # and its end waits for nobody


class SilentResolver:
    """A name server that takes questions and never answers; what asks it sees it as the only one."""

    def __init__(self, folder):
        self.questions = []
        self.address = f"127.94.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"  # of this run of the tests alone
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.config = folder / "resolv.conf"
        self.config.write_text(f"nameserver {self.address}\noptions timeout:30 attempts:5\n")
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while question := self.socket.recv(512):
            self.questions.append(question)

    def stop(self):
        """The port is free for the next one."""
        self.socket.sendto(b"", (self.address, 53))
        self.thread.join()
        self.socket.close()


@pytest.fixture
def resolver(world):
    permitted = subprocess.run(["unshare", "--mount", "true"], capture_output=True, text=True)
    if permitted.returncode != 0:
        pytest.skip(f"no mounts of its own: {permitted.stderr.strip()}")
    try:
        return world.keep(SilentResolver(world.folder))
    except PermissionError as problem:
        pytest.skip(f"no name server at port 53: {problem}")


# A look-up takes 150 s behind such a name server. What has a limit of 3 s ends sooner, and so does the program.
PROMPT_S = 30


def behind(resolver, *command):
    """The command with that name server and no other."""
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', "sh",
            str(resolver.config), harness.ORDERWATCH, *map(str, command)]


def run_behind(resolver, daemon):
    daemon.process = Process(behind(resolver, "run", "-c", daemon.path), daemon.folder, "orderwatch")
    return daemon


def assert_ends_while_it_looks_up(daemon, resolver):
    """What is asked now is not answered, and nobody waits for it."""
    count = len(resolver.questions)
    wait_until(lambda: len(resolver.questions) > count, daemon.log)
    daemon.process.child.send_signal(signal.SIGTERM)
    assert daemon.process.wait(PROMPT_S) == 0


def hanging(world, simulator):
    return two_sources(world, simulator, {"base_url": "https://api.slow.example/v1", "timeout": "3s"})


def test_a_name_server_that_never_answers_stops_nothing(world, resolver):
    simulator = world.simulator(orders=ORDERS)
    made = hanging(world, simulator)
    made["http"]["listen"] = f"unix:{world.folder}/orderwatch.sock"
    daemon = run_behind(resolver, world.daemon(made))
    wait_until(lambda: resolver.questions, daemon.log)

    def sources():
        status = json.loads(run_command("status", "--json", "-c", daemon.path)[1] or "{}")
        return {row["name"]: row for row in status.get("sources", [])}

    wait_until(lambda: sources().get("slow", {}).get("state") == "failing", daemon.log)
    for _ in range(3):
        simulator.sweeps_after(1)
        rows = sources()
        assert rows["orange"]["state"] == "ok"
        assert rows["slow"]["sweeps"] == 0
    words = rows["slow"]["last_failure"]
    assert "https://api.slow.example/v1/orders gave no answer: Resolving timed out after 3" in words, words
    assert any(b"slow" in question for question in resolver.questions)
    assert_ends_while_it_looks_up(daemon, resolver)


def test_a_check_ends_though_the_name_server_never_answers(world, resolver):
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(hanging(world, simulator))
    done = subprocess.run(behind(resolver, "check", "--connect", "-c", daemon.path), capture_output=True, text=True,
                          timeout=PROMPT_S)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 69 and resolver.questions
    assert lines["orange"].startswith("ok, ")
    assert re.match(r"failed: https://api.slow.example/v1/orders gave no answer: Resolving timed out after 3\d{3} "
                    "milliseconds; check base_url", lines["slow"]), lines["slow"]


def test_receivers_whose_names_hang_delay_nobody_s_end(world, resolver):
    """Each kind looks names up in its own way."""
    simulator = world.simulator(orders=ORDERS)
    sinks = [{"name": "noc", "mqtt": {"broker": "mqtt://broker.slow.example:1883", "client_id": "noc", "prefix": "o"}},
             {"name": "tickets", "webhook": {"url": "https://tickets.slow.example/hook", "secret": harness.SECRET,
                                             "timeout": "3s"}}]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks))
    done = subprocess.run(behind(resolver, "check", "--connect", "-c", daemon.path), capture_output=True, text=True,
                          timeout=PROMPT_S)
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 69
    assert lines["noc"] == ("failed: broker.slow.example:1883: the name was not looked up within 10 s; check broker and "
                            "the name servers")
    assert lines["tickets"].startswith("failed: no connection: Resolving timed out after 3")
    run_behind(resolver, daemon)
    wait_until(lambda: "its name was not looked up within 20 s" in daemon.log(), daemon.log)
    count = len(resolver.questions)
    simulator.step(order={"id": "120", "status": "Held"})
    wait_until(lambda: any(b"tickets" in question for question in resolver.questions[count:]), daemon.log)
    assert_ends_while_it_looks_up(daemon, resolver)
