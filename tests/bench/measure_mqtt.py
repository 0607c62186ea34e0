"""Every order changes: that many durable deliveries by MQTT, timed at a subscriber."""
import os
import subprocess

import kit

ORDERS = int(os.environ.get("ORDERS", "10000"))


def configuration(folder, simulator, broker):
    configuration = kit.harness.configuration(folder, simulator, sinks=[kit.harness.mqtt_sink(broker, state="false")],
                                              source={"page": kit.PAGE, "guard": {"changed": "100%"}})
    configuration["log"]["level"] = "warn"
    return configuration


def deliver(folder, simulator, broker):
    os.environ["ORDERWATCH_SHARE"] = str(kit.ROOT / "conf")
    daemon = kit.harness.Daemon(folder, configuration(folder, simulator, broker))
    command = [kit.harness.ORDERWATCH, "run", "--once", "-c", str(daemon.path)]
    kit.cpu_of(command, stderr=subprocess.DEVNULL)  # the baseline
    subscriber = subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-q", "1", "-V", "5", "-t",
                                   "orderwatch/+/event/#", "-F", "%U", "-C", str(ORDERS)],
                                  stdout=subprocess.PIPE, text=True)
    simulator.step(many={"count": ORDERS, "set": {"step": "Measured"}})
    _, peak, _ = kit.cpu_of(command, stderr=subprocess.DEVNULL)
    stamps = [float(line) for line in subscriber.communicate()[0].split()]
    return (len(stamps) - 1) / max(stamps[-1] - stamps[0], 1e-9), peak


def measure():
    with kit.folder() as folder:
        scenario = {"orders": {"generate": {"first_id": 100000, "count": ORDERS, "seed": 1}},
                    "paging": {"default": kit.PAGE, "max": kit.PAGE}}
        simulator = kit.harness.Simulator(folder, scenario)
        broker = kit.harness.Broker(folder, ["allow_anonymous true", "max_queued_messages 0"])
        try:
            rate, peak = deliver(folder, simulator, broker)
            bare = kit.peer("mqtt_publisher", broker.port, ORDERS, 900)[0]
            yield kit.shown(f"durable deliveries to mosquitto, {ORDERS} events", f"{rate:.0f}/s",
                            f"bare publisher {bare:.0f}/s, ratio {rate / bare:.2f}")
            yield kit.shown("  peak memory", f"{peak / 1024:.1f} MiB")
        finally:
            simulator.stop()
            broker.stop()
