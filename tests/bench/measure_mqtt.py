"""A backlog of durable deliveries drains to mosquitto: its rate against a bare publisher's, whether it slows down, and
what memory it takes. BENCH_PENDING=1000000 is the issue's size. Nobody subscribes: the broker does the same for both.
"""
import json
import os
import sqlite3
import subprocess
import time

import kit

PENDING = int(os.environ.get("BENCH_PENDING", "200000"))
ORDERS = max(PENDING // 10, 1)
PAYLOAD = 900


def event(number):
    order = f"{number % ORDERS:07d}"
    envelope = {"specversion": "1.0", "id": f"{number:032x}", "source": "urn:orderwatch:orange",
                "type": "orderwatch.order.status.changed", "subject": f"orders/{order}",
                "time": "2026-11-23T08:15:30.123Z", "datacontenttype": "application/json", "severity": "info",
                "sequence": str(number // ORDERS + 1), "data": {"summary": "", "order": {"id": order}}}
    size = len(json.dumps(envelope, separators=(",", ":")))
    envelope["data"]["summary"] = "x" * (PAYLOAD - size)
    return order, json.dumps(envelope, separators=(",", ":")).encode()


def fill(database):
    """Pending deliveries as a sweep would have left them, ten to an order, without the sweep."""
    now = int(time.time() * 1000)
    store = sqlite3.connect(database)
    store.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY;")
    for number in range(PENDING):
        order, envelope = event(number)
        store.execute("INSERT INTO events(id, event_id, source, order_id, appointment_id, type, severity, sequence,"
                      " wall_ms, sweep, json, personal) VALUES(?, ?, 'orange', ?, '', 'order.status.changed', 0, ?, ?, 1,"
                      " ?, x'')", (number + 1, f"{number:032x}", order, number // ORDERS + 1, now, envelope))
        store.execute("INSERT INTO deliveries(id, sink, lane, event, severity, state, is_head, due, first_due, created)"
                      " VALUES(?, 'noc', ?, ?, 0, 0, ?, ?, ?, ?)",
                      (number + 1, f"orange/{order}", number + 1, number < ORDERS, now, now, now))
    store.execute("INSERT OR REPLACE INTO sinks(name, observed, delivered, pending, parked) VALUES('noc', ?, 0, ?, 0)",
                  (PENDING, PENDING))
    store.commit()
    store.close()
    os.sync()


def drain(watcher):
    """(seconds, delivered) again and again until all is delivered."""
    samples = []
    while True:
        sink = watcher.ask("/api/v1/sinks")["items"][0]
        samples.append((time.monotonic(), sink["delivered"]))
        if sink["pending"] == 0:
            return samples
        time.sleep(0.05)


def rate_between(samples, low, high):
    """Deliveries a second between two shares of the backlog."""
    inside = [sample for sample in samples if low * PENDING <= sample[1] <= high * PENDING]
    if len(inside) < 2:
        return float("nan")
    return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])


def measure():
    with kit.folder() as folder:
        simulator = kit.harness.Simulator(folder, {"orders": {"generate": {"first_id": 1, "count": 1, "seed": 1}}})
        broker = kit.harness.Broker(folder)
        configuration = kit.harness.configuration(folder, simulator, sinks=[kit.harness.mqtt_sink(broker, state="off")],
                                                  source={"every": "1d"})
        configuration["log"]["level"] = "warn"
        os.environ["ORDERWATCH_SHARE"] = str(kit.ROOT / "conf")
        daemon = kit.harness.Daemon(folder, configuration)
        subprocess.run([kit.harness.ORDERWATCH, "run", "--once", "-c", str(daemon.path)], check=True,
                       stderr=subprocess.DEVNULL)
        fill(folder / "state.db")
        watcher = kit.Watcher(folder, configuration)
        try:
            watcher.start()
            samples = drain(watcher)
            peak = kit.memory_of(watcher.pid, "VmHWM") / (1 << 20)
            bare = kit.peer("mqtt_publisher", broker.port, min(PENDING, 200000), PAYLOAD)[0]
            rate = rate_between(samples, 0.02, 0.98)
            first, last = rate_between(samples, 0, 0.1), rate_between(samples, 0.9, 1)
            ratio = rate / bare
            yield kit.Row(f"durable deliveries to mosquitto, {PENDING} pending", f"{ratio:.2f}",
                          f"{rate:.0f}/s; bare publisher {bare:.0f}/s", ">= 0.5", ratio >= 0.5)
            yield kit.Row("  the last tenth against the first", f"{last / first:.2f}", f"{last:.0f}/s, {first:.0f}/s",
                          ">= 0.8", last / first >= 0.8)
            yield kit.at_most("  peak memory", peak, 64, " MiB")
            yield kit.latency("  commit to first byte at a subscriber, p99", "mqtt_latency", broker.port)
        finally:
            watcher.stop()
            simulator.stop()
            broker.stop()
