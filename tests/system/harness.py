"""Real servers for the system tests: started on free loopback ports, stopped by process id.

Nothing here sleeps and hopes: wait_until looks at a condition until it holds or a generous deadline ends.
"""
import base64
import ctypes
import email
import email.policy
import fcntl
import hashlib
import hmac
import http.server
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest
import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ORDERWATCH = os.environ.get("ORDERWATCH", str(ROOT / "build/orderwatch"))
SIMULATOR = str(ROOT / "build/orderwatch-sim")
DEADLINE_S = 90
SECRET_KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(SECRET_KEY).decode()


class Plain(yaml.SafeDumper):
    """Every value written out: the configuration language has no aliases."""

    def ignore_aliases(self, data):
        return True


def to_yaml(data):
    return yaml.dump(data, Dumper=Plain, allow_unicode=True)


# Judges that are not ours, of versions that Debian 12's node runs.
NPM_PACKAGES = {"mqtt": "mqtt@5", "standardwebhooks": "standardwebhooks@1", "cloudevents": "cloudevents@9"}


def npm_modules():
    """The folder of node_modules that has NPM_PACKAGES: fetched once, into build/npm."""
    modules = ROOT / "build/npm/node_modules"
    modules.parent.mkdir(parents=True, exist_ok=True)
    with open(modules.parent / "lock", "w") as lock:  # the tests run several at a time
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all((modules / name / "package.json").exists() for name in NPM_PACKAGES):
            return str(modules)
        if not shutil.which("npm"):
            pytest.skip("npm is not installed: packaging/install-deps check")
        fetched = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", modules.parent,
                                  *NPM_PACKAGES.values()], capture_output=True, text=True)
        if fetched.returncode != 0:
            pytest.skip("npm's registry cannot be reached: " + fetched.stderr.strip().splitlines()[-1])
    return str(modules)


# Below what the kernel gives to outgoing connections, a range for each of the workers that run at once: a port that
# somebody was given stays free until its server listens.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
PORTS = itertools.cycle(range(10000 + WORKER * 2750, 10000 + (WORKER + 1) * 2750))
for _ in range(os.getpid() * 89 % 2750):  # another run at the same time begins elsewhere
    next(PORTS)


def free_port():
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def wait_until(condition, what, deadline_s=DEADLINE_S):
    """The first true value of condition(); fails with what after the deadline."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000


def apart(flags, prepare, play):
    """prepare(), then play(), in a thread that shares not its network or mounts with the others; nor do processes that
    it starts. Where that is not permitted, the test is skipped."""
    results = []

    def run():
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(flags) != 0:
                pytest.skip(f"not permitted here: {os.strerror(ctypes.get_errno())}")
            prepare()
            play()
        except BaseException as problem:  # skipped, or failed: told by the thread of the test
            results.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if results:
        raise results[0]


def in_own_network(addresses, play):
    """Its network has the loopback and these addresses."""
    def prepare():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for address in addresses:
            options = ["nodad"] if ":" in address else []
            subprocess.run(["ip", "address", "add", address, "dev", "lo", *options], check=True)

    apart(CLONE_NEWNET, prepare, play)


def on_own_disk(folder, size, play):
    """The folder is a file system of this size, for play and what it starts."""
    def prepare():
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)],
                                 capture_output=True, text=True)
        if mounted.returncode != 0:
            pytest.skip(f"no disk of its own: {mounted.stderr.strip()}")

    apart(CLONE_NEWNS, prepare, play)


class Process:
    """A child that is ended by its own process id, with its output in a file."""

    def __init__(self, arguments, folder, name, environment=None):
        self.output_path = pathlib.Path(folder) / f"{name}.log"
        self.output = open(self.output_path, "ab")
        self.child = subprocess.Popen(arguments, stdout=self.output, stderr=self.output,
                                      env=dict(os.environ, **(environment or {})))

    def text(self):
        return self.output_path.read_text(encoding="utf-8", errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def wait(self, deadline_s=DEADLINE_S):
        return self.child.wait(deadline_s)

    def stop(self, number=signal.SIGTERM):
        if self.is_running():
            self.child.send_signal(number)
        try:
            status = self.child.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise
        self.output.close()
        return status


class Certificates:
    """A private authority and what it signs, made with openssl."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.ca = str(self.folder / "ca.pem")
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-keyout", self.folder / "ca.key", "-out", self.ca, "-days", "30", "-subj", "/CN=Test authority")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    def make(self, name, subject_names="DNS:localhost,IP:127.0.0.1", expired=False):
        """(certificate, key) for a server; expired: its time is over."""
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                      "-out", request, "-subj", f"/CN={name}")
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={subject_names}\n")
        if expired:
            self._sign_expired(request, certificate, extensions)
        else:
            self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
                          "-CAcreateserial", "-out", certificate, "-days", "30", "-extfile", extensions)
        key.chmod(0o644)
        return str(certificate), str(key)

    def _sign_expired(self, request, certificate, extensions):
        database = self.folder / "index.txt"
        database.write_text("")
        (self.folder / "serial").write_text("01\n")
        config = self.folder / "ca.cnf"
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\nserial={self.folder}/serial\n"
                          f"new_certs_dir={self.folder}\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
        self._openssl("ca", "-batch", "-config", config, "-cert", self.ca, "-keyfile", self.folder / "ca.key", "-in",
                      request, "-out", certificate, "-notext", "-startdate", "20200101000000Z", "-enddate",
                      "20200201000000Z", "-extfile", extensions)


class Simulator:
    """orderwatch-sim with an own scenario; changed over its control door."""

    def __init__(self, folder, scenario, tls=None):
        self.folder = pathlib.Path(folder)
        path = self.folder / "scenario.yaml"
        scenario = {"access": {"client_id": "client", "client_secret": "client-secret", "api_key": "key"},
                    "start": "now", **scenario}
        path.write_text(to_yaml(scenario))
        port_file = self.folder / "simulator.port"
        arguments = [SIMULATOR, str(path), "--listen", "127.0.0.1:0", "--port-file", str(port_file)]
        if tls:
            arguments += ["--tls-cert", tls[0], "--tls-key", tls[1]]
        self.process = Process(arguments, folder, "simulator")
        wait_until(lambda: port_file.exists() and port_file.read_text().strip() or not self.process.is_running(),
                   self.process.text)
        assert self.process.is_running(), self.process.text()
        self.port = int(port_file.read_text())
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"

    def _open(self, path, body=None):
        import ssl
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        request = urllib.request.Request(self.url + path, data=body)
        return urllib.request.urlopen(request, timeout=30, context=context if self.url.startswith("https") else None)

    def step(self, **acts):
        with self._open("/_sim/steps", json.dumps(acts).encode()) as answer:
            return json.load(answer)

    def steps(self, acts):
        with self._open("/_sim/steps", json.dumps(acts).encode()) as answer:
            return json.load(answer)

    def requests(self, path_end=""):
        with self._open("/_sim/requests") as answer:
            return [row for row in json.load(answer) if row["path"].endswith(path_end)]

    def sweeps_after(self, count):
        """Waits until the list was read from its start count more times."""
        def starts():
            return sum(1 for row in self.requests("/orders") if row["offset"] in (0, None))
        first = starts()
        wait_until(lambda: starts() >= first + count, lambda: f"{count} more sweeps, {starts() - first} came")

    def stop(self):
        self.process.stop()


class Broker:
    """mosquitto; its port stays over a restart."""

    def __init__(self, folder, lines=(), port=None, name="broker"):
        self.folder = pathlib.Path(folder)
        self.name = name
        self.port = port or free_port()
        self.lines = list(lines)
        self.process = None
        self.start()

    def start(self):
        config = self.folder / f"{self.name}.conf"
        lines = self.lines or ["allow_anonymous true"]
        config.write_text("\n".join([f"listener {self.port} 127.0.0.1", *lines, "user root", ""]))
        self.process = Process(["mosquitto", "-c", str(config)], self.folder, self.name)
        wait_until(lambda: listens(self.port) or not self.process.is_running(), self.process.text)
        assert self.process.is_running(), self.process.text()

    def stop(self, number=signal.SIGTERM):
        self.process.stop(number)


class Subscriber:
    """An MQTT 5 client that is not ours; keeps what came, in order."""

    def __init__(self, port, topic="orderwatch/#", client_id=None, **tls):
        import paho.mqtt.client as mqtt
        self.messages = []
        self.is_ready = threading.Event()
        self.client = mqtt.Client(client_id or f"subscriber-{port}", protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self.client.on_subscribe = lambda *_: self.is_ready.set()
        self.client.on_message = lambda _client, _data, message: self.messages.append(message)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.is_ready.wait(DEADLINE_S)

    def events(self):
        return [json.loads(message.payload) for message in list(self.messages) if "/event/" in message.topic]

    def retained(self):
        """The present state by topic, as a subscriber that comes now would see it."""
        state = {}
        for message in list(self.messages):
            if "/event/" in message.topic:
                continue
            if message.payload:
                state[message.topic] = message.payload.decode()
            else:
                state.pop(message.topic, None)
        return state

    def stop(self):
        self.client.loop_stop()
        self.client.disconnect()


class Webhook:
    """An HTTP receiver that verifies signatures; answer(event) may say another status."""

    def __init__(self, port=0):
        self.deliveries = []
        self.attempts = []
        self.requests = []  # (method, path, headers, the body's bytes)
        self.answer = lambda event: 204
        self.headers = {}
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                receiver.take(self)

            def log_message(self, *arguments):
                pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(SECRET_KEY, signed, hashlib.sha256).digest()).decode()
        self.requests.append((request.command, request.path, dict(request.headers), body))
        event = json.loads(body)
        is_genuine = wanted in (request.headers["webhook-signature"] or "").split(" ")
        status = self.answer(event) if is_genuine else 401
        self.attempts.append((status, event, dict(request.headers)))
        if status == "drop":
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if 200 <= status < 300:
            self.deliveries.append(event)
        request.send_response(status)
        for name, value in self.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Mailbox:
    """An SMTP receiver (aiosmtpd): plain, or STARTTLS with AUTH; refuse maps recipients to replies."""

    def __init__(self, port=None, tls=None, credentials=None):
        self.mails = []
        self.refuse = {}
        self.answer_data = lambda envelope: "250 taken"
        options = {}
        if tls:
            import ssl
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            options.update(tls_context=context, require_starttls=True)
        if credentials:
            options.update(auth_required=True, auth_require_tls=bool(tls),
                           authenticator=lambda _s, _e, _session, mechanism, data: AuthResult(
                               success=(data.login.decode(), data.password.decode()) == credentials,
                               handled=False))
        self.controller = Controller(self, hostname="127.0.0.1", port=port or free_port(), **options)
        self.controller.start()
        self.is_running = True
        self.port = self.controller.port

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        answer = self.answer_data(envelope)
        if answer.startswith("2"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return answer

    def event_ids(self):
        return [identity for _, _, message in self.mails for identity in message["X-Orderwatch-Event"].split()]

    def stop(self):
        if self.is_running:
            self.is_running = False
            self.controller.stop()


class Daemon:
    """orderwatch run with a configuration given as a Python structure."""

    def __init__(self, folder, configuration, arguments=(), environment=None):
        self.folder = pathlib.Path(folder)
        self.path = self.folder / "orderwatch.yaml"
        self.configuration = configuration
        self.path.write_text(to_yaml(configuration))
        self.arguments = list(arguments)
        self.environment = environment
        self.process = None

    def start(self):
        self.process = Process([ORDERWATCH, "run", "-c", str(self.path), *self.arguments], self.folder, "orderwatch",
                               self.environment)
        return self

    def stop(self, number=signal.SIGTERM):
        return self.process.stop(number)

    def run(self):
        """To its end; (status, output)."""
        self.start()
        return self.process.wait(), self.process.text()

    def log(self):
        return self.process.text()


def configuration(folder, simulator, **parts):
    """One source at the simulator, the given sinks, everything routed to all of them."""
    source = {"name": "orange", "profile": "orange-order-tracking", "every": "1s", "budget": "6000/min",
              "base_url": f"{simulator.url}/order-tracking/b2b/v1", "language": "en",
              "oauth2": {"token_url": f"{simulator.url}/oauth/v3/token", "client_id": "client",
                         "client_secret": "client-secret"},
              "api_key": {"header": "X-Api-Key", "value": "key"}, **parts.get("source", {})}
    sinks = parts.get("sinks", [])
    routes = parts.get("routes", [{"types": ["order.*", "appointment.*"], "sinks": [sink["name"] for sink in sinks]}])
    return {"state": {"database": str(pathlib.Path(folder) / "state.db")},
            "http": {"listen": f"127.0.0.1:{free_port()}"}, "log": {"level": "debug", "format": "logfmt"},
            "sources": [source], "sinks": sinks, "routes": routes}


def mqtt_sink(broker, name="noc", **more):
    return {"name": name, "mqtt": {"broker": f"mqtt://127.0.0.1:{broker.port}", "client_id": f"orderwatch-{name}",
                                   "prefix": "orderwatch", **more}}


def webhook_sink(receiver, name="tickets", retry=None, **more):
    sink = {"name": name, "webhook": {"url": f"http://127.0.0.1:{receiver.port}/hooks", "secret": SECRET, **more}}
    return {**sink, **({"retry": retry} if retry else {})}


def email_sink(mailbox, name="project-managers", retry=None, **more):
    sink = {"name": name, "email": {"server": f"smtp://127.0.0.1:{mailbox.port}", "tls": "none",
                                    "from": "Order watch <orderwatch@example.com>", "to": ["projects@example.com"],
                                    "language": "en", **more}}
    return {**sink, **({"retry": retry} if retry else {})}


def ledger(daemon, sink):
    """What /api/v1/sinks says of a sink; waits for a daemon that is starting."""
    def ask():
        try:
            with urllib.request.urlopen(f"http://{daemon.configuration['http']['listen']}/api/v1/sinks",
                                        timeout=30) as answer:
                return next(item for item in json.load(answer)["items"] if item["name"] == sink)
        except OSError:
            return None
    return wait_until(ask, daemon.log)


def kinds(events):
    """(order, type) of each event, in order."""
    return [(event["data"].get("order", {}).get("id", "-"), event["type"].removeprefix("orderwatch."))
            for event in events]


def run_command(*arguments, environment=None):
    done = subprocess.run([ORDERWATCH, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S,
                          env=dict(os.environ, **(environment or {})))
    return done.returncode, done.stdout, done.stderr


if __name__ == "__main__":
    sys.exit("harness.py is used by the tests: make system")
