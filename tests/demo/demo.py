#!/usr/bin/python3
"""`make demo`: orderwatch at work, on real servers, on this machine alone.

Starts a simulated Order Tracking API, a real MQTT broker, an SMTP receiver and a webhook receiver on
free ports of the loopback interface, runs the daemon with conf/demo.yaml, and shows every event as it
arrives at each receiver. Ends with a table; with ONCE=1 also with a verdict: status 0 only if every
event of the scenario reached every receiver exactly once.
"""
import base64
import collections
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECEIVERS = ("mail", "mqtt", "webhook")
SECRET_KEY = b"a demonstration key of 32 bytes!"
DEADLINE_S = 150

# What the scenario conf/scenarios/demo.yaml makes of it: (order, event type) and how often.
EXPECTED = collections.Counter({
    ("123456", "order.status.changed"): 1,
    ("123456", "appointment.created"): 1,
    ("123456", "appointment.confirmed"): 1,
    ("123456", "appointment.rescheduled"): 2,
    ("123456", "appointment.cancelled"): 1,
    ("123457", "order.date.changed"): 1,
    ("123458", "order.status.held"): 1,
    ("123458", "order.note.added"): 1,
    ("123458", "order.status.resumed"): 1,
    ("123459", "order.status.completed"): 1,
    ("123459", "appointment.completed"): 1,
    ("123459", "order.closed"): 1,
    ("123499", "order.created"): 1,
})

COLOURS = {"mail": "35", "mqtt": "36", "webhook": "34", "sim": "33", "demo": "1", "bad": "31", "good": "32"}


def say(who, text):
    """One line, in the colour of who speaks if a person looks; in one piece, for the receivers speak at once."""
    name = f"\033[{COLOURS[who]}m{who:>8}\033[0m" if sys.stdout.isatty() else f"{who:>8}"
    sys.stdout.write(f"{name}  {text}\n")
    sys.stdout.flush()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, what):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"demo: {what} ended with status {process.returncode} before it listened")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"demo: {what} does not listen on port {port}")


class Receipts:
    """What arrived where. Every receiver hands in events by id."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {name: collections.Counter() for name in RECEIVERS}
        self.events = {}

    def add(self, receiver, event, note=""):
        order = event["data"].get("order", {}).get("id", "-")
        kind = event["type"].removeprefix("orderwatch.")
        with self.lock:
            self.counts[receiver][event["id"]] += 1
            self.events[event["id"]] = (order, kind)
        say(receiver, f"{kind:<26} {event['data']['summary']}{note}")

    def add_id(self, receiver, event_id):
        with self.lock:
            self.counts[receiver][event_id] += 1

    def is_complete(self):
        with self.lock:
            return all(sum(self.kinds(name).values()) >= sum(EXPECTED.values()) for name in RECEIVERS)

    def kinds(self, receiver):
        return collections.Counter(self.events.get(event_id, ("?", "?")) for event_id in self.counts[receiver])


class Demo:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="orderwatch-demo.")
        self.receipts = Receipts()
        self.processes = []
        self.broker = None
        self.mqtt_port = free_port()
        self.page_port = free_port()
        self.lines = queue.Queue()

    # --- receivers ---------------------------------------------------------------------------

    def start(self, arguments, **options):
        process = subprocess.Popen(arguments, **options)
        self.processes.append(process)
        return process

    def reading(self, target, process):
        threading.Thread(target=target, args=(process.stdout,), daemon=True).start()

    def start_broker(self):
        # The subscriber is a durable session, so that what comes while it is away waits for it.
        config = os.path.join(self.folder, "mosquitto.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f"listener {self.mqtt_port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
                       f"persistence_location {self.folder}/\nuser root\n")
        self.broker = self.start(["mosquitto", "-c", config],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.mqtt_port, self.broker, "mosquitto")

    def stop_broker(self):
        self.broker.terminate()
        self.broker.wait()

    def start_console(self):
        console = self.start(["mosquitto_sub", "-p", str(self.mqtt_port), "-i", "noc-console", "-c", "-q", "1",
                              "-k", "5", "-t", "orderwatch/+/event/#"],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.reading(self.read_console, console)

    def read_console(self, stream):
        for line in stream:
            self.receipts.add("mqtt", json.loads(line))

    def start_mail(self):
        mail = self.start([sys.executable, os.path.join(ROOT, "tests/support/smtp_server.py"), "--raw", "--quiet"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = json.loads(mail.stdout.readline())
        self.reading(self.read_mail, mail)
        return first["port"]

    def read_mail(self, stream):
        for line in stream:
            received = json.loads(line)
            message = email.message_from_bytes(base64.b64decode(received["raw"]), policy=email.policy.default)
            for event_id in message["X-Orderwatch-Event"].split():
                self.receipts.add_id("mail", event_id)
            say("mail", f"to {', '.join(received['rcpt_to'])}: {message['Subject']}")

    def start_webhook(self):
        receipts = self.receipts

        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
                wanted = "v1," + base64.b64encode(hmac.new(SECRET_KEY, signed, hashlib.sha256).digest()).decode()
                is_genuine = wanted in self.headers["webhook-signature"].split(" ")
                self.send_response(204 if is_genuine else 401)
                self.end_headers()
                if is_genuine:
                    receipts.add("webhook", json.loads(body), "  [signature verified]")

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server.server_port

    # --- the play ----------------------------------------------------------------------------

    def start_simulator(self):
        simulator = self.start([os.path.join(ROOT, "build/orderwatch-sim"),
                                os.path.join(ROOT, "conf/scenarios/demo.yaml"), "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, text=True)
        base = simulator.stdout.readline().split(": ", 1)[1].strip()
        self.reading(self.read_simulator, simulator)
        return base.removesuffix("/order-tracking/b2b/v1")

    def read_simulator(self, stream):
        for line in stream:
            say("sim", line.strip())
            self.lines.put(line)

    def start_daemon(self, api, smtp_port, webhook_port):
        environment = dict(os.environ, DEMO_FOLDER=self.folder, DEMO_API=api, DEMO_SMTP_PORT=str(smtp_port),
                           DEMO_MQTT_PORT=str(self.mqtt_port), DEMO_WEBHOOK_PORT=str(webhook_port),
                           DEMO_LISTEN=f"127.0.0.1:{self.page_port}",
                           DEMO_WEBHOOK_SECRET="whsec_" + base64.b64encode(SECRET_KEY).decode())
        self.log_path = os.path.join(self.folder, "orderwatch.log")
        with open(self.log_path, "w", encoding="utf-8") as log:
            return self.start([os.path.join(ROOT, "build/orderwatch"), "run",
                               "-c", os.path.join(ROOT, "conf/demo.yaml")], env=environment, stderr=log)

    def play(self, daemon):
        """Follows the scenario until all has arrived, or the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        is_over = False
        while time.monotonic() < deadline and not (is_over and self.receipts.is_complete()):
            if daemon.poll() is not None:
                break
            try:
                line = self.lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if "broker stops" in line:
                self.stop_broker()
            elif "broker returns" in line:
                self.start_broker()
            is_over = is_over or "scenario is over" in line

    def run(self):
        say("demo", f"receivers start on free ports of 127.0.0.1; state and log are in {self.folder}")
        self.start_broker()
        self.start_console()
        smtp_port = self.start_mail()
        webhook_port = self.start_webhook()
        api = self.start_simulator()
        say("demo", f"the API is at {api}; the scenario conf/scenarios/demo.yaml takes about a minute")
        daemon = self.start_daemon(api, smtp_port, webhook_port)
        say("demo", "orderwatch reads the baseline first: 36 orders, no events")
        say("demo", f"the status page is at http://127.0.0.1:{self.page_port}/")
        self.play(daemon)
        if daemon.poll() is None and not os.environ.get("ONCE"):
            self.linger(daemon, api)
        daemon.terminate()
        status = daemon.wait()
        is_right = self.verdict() and status == 0
        if status != 0:
            say("bad", f"the daemon ended with status {status}; its log: {self.log_path}")
        return is_right

    def linger(self, daemon, api):
        self.verdict()
        say("demo", "everything goes on running. Change something yourself, for example:")
        print(f"\n    curl -d '{{order: {{id: \"123456\", status: Held}}}}' {api}/_sim/steps\n"
              f"    mosquitto_sub -p {self.mqtt_port} -v -t 'orderwatch/#'\n\n"
              "Ctrl-C ends it. `make demo ONCE=1` stops by itself.", flush=True)
        try:
            daemon.wait()
        except KeyboardInterrupt:
            print()

    # --- the verdict -------------------------------------------------------------------------

    def verdict(self):
        kinds = {name: self.receipts.kinds(name) for name in RECEIVERS}
        rows = sorted(set(EXPECTED).union(*kinds.values()))
        print(f"\n{'order':<8} {'event':<28} {'expected':>8} " + " ".join(f"{name:>8}" for name in RECEIVERS))
        for row in rows:
            counts = [kinds[name][row] for name in RECEIVERS]
            mark = "" if all(count == EXPECTED[row] for count in counts) else "   <-- differs"
            print(f"{row[0]:<8} {row[1]:<28} {EXPECTED[row]:>8} " + " ".join(f"{n:>8}" for n in counts) + mark)
        repeats = {name: sum(self.receipts.counts[name].values()) - len(self.receipts.counts[name])
                   for name in RECEIVERS}
        total = " ".join(f"{len(self.receipts.counts[name]):>8}" for name in RECEIVERS)
        print(f"{'total':<37} {sum(EXPECTED.values()):>8} {total}\n")
        is_right = all(kinds[name] == EXPECTED for name in RECEIVERS) and not any(repeats.values())
        if is_right:
            say("good", "every event reached every receiver exactly once")
        else:
            say("bad", f"not as promised; repeats: {repeats}; the daemon's log: {self.log_path}")
        say("demo", "next: conf/orderwatch.yaml is the commented example; README tells the five minutes to the real API")
        return is_right

    def close(self, keeps_folder):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        if not keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    demo = Demo()
    is_right = False
    try:
        is_right = demo.run()
    finally:
        demo.close(keeps_folder=not is_right)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
