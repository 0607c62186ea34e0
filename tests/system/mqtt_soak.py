"""A broker that is killed again and again while events flow, and a witness on the wire.

A killed broker forgets what it acknowledged, so no subscriber can tell what was delivered. A relay between orderwatch
and the broker reads both directions instead: what was published, and what was acknowledged before the connection
broke. `make soak-mqtt` (EVENTS=100000) is the long form of test_mqtt's short one.
"""
import json
import os
import pathlib
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request

import harness
from harness import wait_until

PUBLISH, PUBACK = 3, 4


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
        shift += 7


class Wire:
    """The packets of one direction, whole ones only."""

    def __init__(self, on_packet):
        self.data = b""
        self.on_packet = on_packet

    def feed(self, data):
        self.data += data
        while True:
            try:
                size, at = read_varint(self.data, 1)
            except IndexError:
                return
            if len(self.data) < at + size:
                return
            self.on_packet(self.data[0], self.data[at:at + size])
            self.data = self.data[at + size:]


class Connection:
    """One connection through the relay: what is on its way, by packet id."""

    def __init__(self, relay, client, server):
        self.relay, self.client, self.server = relay, client, server
        self.on_way = {}
        self.up, self.down = Wire(self.note_sent), Wire(self.note_answer)
        for source, target, wire in ((client, server, self.up), (server, client, self.down)):
            threading.Thread(target=self.pump, args=(source, target, wire), daemon=True).start()

    def pump(self, source, target, wire):
        try:
            while data := source.recv(65536):
                with self.relay.lock:
                    wire.feed(data)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def note_sent(self, head, body):
        if head >> 4 != PUBLISH or not head & 0x06:
            return
        size = int.from_bytes(body[:2], "big")
        topic = body[2:2 + size].decode()
        packet = int.from_bytes(body[2 + size:4 + size], "big")
        properties, at = read_varint(body, 4 + size)
        if "/event/" in topic:
            event = json.loads(body[at + properties:])
            self.on_way[packet] = event
            self.relay.note_sent(event)

    def note_answer(self, head, body):
        if head >> 4 == PUBACK:
            event = self.on_way.pop(int.from_bytes(body[:2], "big"), None)
            if event is not None and (len(body) < 3 or body[2] < 0x80):
                self.relay.note_taken(event)


class Relay:
    """Between orderwatch and the broker; keeps what was acknowledged, and finds what was sent out of order."""

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.lock = threading.Lock()
        self.taken = {}     # by id
        self.latest = {}    # sequence, by subject's order: acknowledged without a gap
        self.sent_count = 0
        self.faults = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.broker_port), 5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Connection(self, client, server)

    def note_sent(self, event):
        self.sent_count += 1
        order, sequence = event["data"]["order"]["id"], int(event["sequence"])
        if sequence > self.latest.get(order, 0) + 1:
            self.faults.append(f"{order}: {sequence} was sent, {self.latest.get(order, 0)} was acknowledged last")

    def note_taken(self, event):
        order, sequence = event["data"]["order"]["id"], int(event["sequence"])
        self.taken[event["id"]] = event
        self.latest[order] = max(self.latest.get(order, 0), sequence)

    def stop(self):
        self.listener.close()


class Killer:
    """SIGKILL every few seconds; the next life begins without memory, or with what was saved."""

    def __init__(self, broker, every_s):
        self.broker, self.every_s = broker, every_s
        self.count = 0
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_over.wait(self.every_s):
            self.broker.stop(signal.SIGKILL)
            self.broker.start()
            self.count += 1

    def stop(self):
        self.is_over.set()
        self.thread.join()


def ask(daemon, path):
    address = daemon.configuration["http"]["listen"]
    with urllib.request.urlopen(f"http://{address}/api/v1/{path}", timeout=60) as answer:
        return json.load(answer)


def orders_of(daemon):
    """The API's orders that have not left, by id."""
    orders, after = {}, ""
    while after is not None:
        page = ask(daemon, f"orders?limit=1000{'&after=' + urllib.request.quote(after) if after else ''}")
        orders.update({order["id"]: order for order in page["items"] if not order.get("left")})
        after = page.get("next")
    return orders


def retained(port, topic="orderwatch/#"):
    """What a subscriber sees that comes now."""
    late = harness.Subscriber(port, topic=topic, client_id=f"late-{time.monotonic_ns()}")
    late.client.publish("orderwatch/late/event/end", b"{}", qos=1)
    wait_until(lambda: any("late/event/end" in message.topic for message in list(late.messages)), "its own mark")
    state = late.retained()
    late.stop()
    return state


def differences(port, daemon):
    """Between the retained state and the API's."""
    shown = {topic.split("/")[3]: json.loads(payload) for topic, payload in retained(port).items()
             if topic.count("/") == 4 and topic.endswith("/state")}
    known = {identity: order for identity, order in orders_of(daemon).items()}
    wrong = [identity for identity in shown.keys() ^ known.keys()]
    wrong += [identity for identity in shown.keys() & known.keys()
              if any(known[identity].get(name) != value for name, value in shown[identity].items())]
    return wrong


def soak(folder, event_count, order_count, kill_every_s):
    """Runs it; a dict of what happened. Asserts what must hold."""
    os.environ["ORDERWATCH_SHARE"] = str(harness.ROOT / "conf")
    simulator = harness.Simulator(folder, {"orders": {"generate": {"first_id": 1000, "count": order_count, "seed": 1}},
                                           "paging": {"default": 1000, "max": 1000}})
    broker = harness.Broker(folder, ["allow_anonymous true", "max_queued_messages 0", "persistence true", "autosave_interval 200",
                                     "autosave_on_changes true", f"persistence_location {folder}/"])
    relay = Relay(broker.port)
    sink = {"name": "noc", "mqtt": {"broker": f"mqtt://127.0.0.1:{relay.port}", "client_id": "orderwatch-noc"},
            "retry": {"first": "1s", "cap": "2s", "give_up": "7d"}}
    configuration = harness.configuration(folder, simulator, sinks=[sink],
                                          source={"page": 1000, "guard": {"changed": "100%"}})
    configuration["log"]["level"] = "info"
    daemon = harness.Daemon(folder, configuration).start()
    try:
        wait_until(lambda: harness.listens(int(configuration["http"]["listen"].split(":")[1])) and
                   ask(daemon, "sources")["items"][0]["state"] == "ok", daemon.log)
        killer = Killer(broker, kill_every_s)
        rounds = -(-event_count // order_count)
        for number in range(1, rounds + 1):
            simulator.step(many={"count": order_count, "set": {"step": f"Round {number}"}})
            wait_until(lambda: ask(daemon, "sources")["items"][0]["events"] >= number * order_count, daemon.log,
                       deadline_s=300)
        killer.stop()
        wait_until(lambda: (state := ask(daemon, "sinks")["items"][0]) and state["pending"] == 0, daemon.log,
                   deadline_s=600)
        books = ask(daemon, "sinks")["items"][0]
        assert books["parked"] == 0 and books["delivered"] == rounds * order_count == books["observed"], books
        assert len(relay.taken) == rounds * order_count, (len(relay.taken), rounds * order_count)
        assert not relay.faults, relay.faults[:5]
        wait_until(lambda: not differences(broker.port, daemon), lambda: differences(broker.port, daemon)[:5])
        return {"events": len(relay.taken), "published": relay.sent_count, "kills": killer.count}
    finally:
        relay.stop()
        daemon.stop()
        simulator.stop()
        broker.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="orderwatch-soak.") as folder:
        began = time.monotonic()
        result = soak(pathlib.Path(folder), int(os.environ.get("EVENTS", "100000")), 2000, 4)
        print(f"soak-mqtt: {result['events']} events acknowledged in order, {result['published']} published, "
              f"{result['kills']} kills, {time.monotonic() - began:.0f} s; retained state equals the API's")


if __name__ == "__main__":
    sys.exit(main())
