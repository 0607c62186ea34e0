"""MQTT against a real mosquitto that dies, hangs, refuses and forgets; watched by clients that are not ours."""
import datetime
import json
import re
import signal
import subprocess

import pytest

import harness
import mqtt_soak
from harness import wait_until

RETRY = {"first": "1s", "cap": "2s", "give_up": "7d"}
ORDERS = {"list": [{"id": identity, "status": "InProgress", "step": "A",
                    "appointments": [{"id": "P-" + identity, "status": "Confirmed", "start": "2027-02-02T08:00:00Z"}]}
                   for identity in ("1001", "1002", "1003")]}


def start(world, broker, sinks=None, **more):
    simulator = world.simulator(orders=ORDERS)
    sinks = sinks or [{**harness.mqtt_sink(broker, **more), "retry": RETRY}]
    daemon = world.daemon(harness.configuration(world.folder, simulator, sinks=sinks)).start()
    wait_until(lambda: is_known(daemon), daemon.log)
    return simulator, daemon


def is_known(daemon):
    try:
        return mqtt_soak.ask(daemon, "sources")["items"][0]["orders"] == 3
    except OSError:
        return False


def sink(daemon, name="noc"):
    return next(item for item in mqtt_soak.ask(daemon, "sinks")["items"] if item["name"] == name)


def is_delivered(daemon, count):
    return (state := sink(daemon))["delivered"] == count and state["pending"] == 0


def change(simulator, identity, step):
    simulator.step(order={"id": identity, "step": step})


def test_a_broker_that_is_killed_all_the_time_loses_nothing_and_nothing_overtakes(tmp_path):
    result = mqtt_soak.soak(tmp_path, 5000, 250, 1.5)
    assert result["events"] == 5000 and result["kills"] >= 3


def test_who_comes_late_sees_exactly_the_present(world):
    broker = world.broker()
    simulator, daemon = start(world, broker)
    change(simulator, "1001", "B")
    simulator.step(close_order="1002")
    wait_until(lambda: is_delivered(daemon, 2), daemon.log)
    wanted = {"orderwatch/status", "orderwatch/orange/status",
              *(f"orderwatch/orange/orders/{order}/{rest}" for order in ("1001", "1003")
                for rest in ("state", f"appointments/P-{order}/state"))}

    def shown():
        # mosquitto_sub ends by itself once nothing retained comes any more.
        lines = subprocess.run(["mosquitto_sub", "-p", str(broker.port), "-t", "orderwatch/#", "-W", "1", "-F",
                                "%r %t %p"], capture_output=True, text=True).stdout.splitlines()
        return {line.split(" ", 2)[1]: line.split(" ", 2)[2] for line in lines if line.startswith("1 ")}
    state = wait_until(lambda: (state := shown()) and state.keys() == wanted and state, shown)
    assert json.loads(state["orderwatch/orange/orders/1001/state"])["step"] == "B"
    assert state["orderwatch/status"] == "online"
    assert not mqtt_soak.differences(broker.port, daemon)
    daemon.stop()
    assert shown()["orderwatch/status"] == "offline"


def test_a_broker_that_knows_nothing_of_us_is_told_each_state_once(world):
    broker = world.broker()
    early = world.keep(harness.Subscriber(broker.port))
    simulator, daemon = start(world, broker)
    wait_until(lambda: len(early.retained()) == 8, daemon.log)
    change(simulator, "1001", "B")  # comes after whatever is published before it
    changed = "orderwatch/orange/orders/1001/state"
    wait_until(lambda: '"step":"B"' in early.retained()[changed], daemon.log)
    states = [message.topic for message in list(early.messages)
              if message.topic.endswith("/state") and "/1001/" not in message.topic]
    assert len(states) == len(set(states)) == 4, states


def test_a_broker_that_is_not_there_is_one_line_with_what_to_look_at(world):
    broker = world.broker()
    broker.stop()
    _, daemon = start(world, broker)
    wait_until(lambda: daemon.log().count("event=mqtt_attempt_failed") >= 3, daemon.log)
    line, = (line for line in daemon.log().splitlines() if "event=mqtt_disconnected" in line)
    assert re.search(rf'sink=noc detail="broker 127.0.0.1:{broker.port}: Connection refused; check broker', line), line
    assert "level=warn" in line


def test_a_broker_without_its_memory_is_filled_again(world):
    broker = world.broker()
    _, daemon = start(world, broker)
    wait_until(lambda: len(mqtt_soak.retained(broker.port)) == 8, daemon.log)
    broker.stop(signal.SIGKILL)
    broker.start()
    wait_until(lambda: len(mqtt_soak.retained(broker.port)) == 8, daemon.log)
    assert not mqtt_soak.differences(broker.port, daemon)


def test_what_the_access_list_refuses_is_parked_with_the_brokers_word(world):
    access = world.folder / "acl"
    access.write_text("topic readwrite orderwatch/status\ntopic readwrite orderwatch/+/status\n"
                      "topic write orderwatch/orange/orders/#\ntopic write orderwatch/orange/event/+/+/1001\n")
    broker = world.broker(["allow_anonymous true", f"acl_file {access}"])
    simulator, daemon = start(world, broker)
    change(simulator, "1001", "B")
    change(simulator, "1002", "B")
    state = wait_until(lambda: (state := sink(daemon))["delivered"] == 1 and state["parked"] == 1 and state, daemon.log)
    assert "0x87" in state["last_failure"] and "not authorised" in state["last_failure"]
    assert state["last_failure"].count("; check ") == 1, state["last_failure"]
    assert "0x87" in json.dumps(mqtt_soak.ask(daemon, "deliveries")["items"])


def test_an_event_larger_than_the_broker_takes_is_parked_and_delays_no_other(world):
    broker = world.broker(["allow_anonymous true", "max_packet_size 3000"])
    simulator, daemon = start(world, broker)
    simulator.step(note={"order": "1001", "author": "desk", "text": "x" * 3500})
    change(simulator, "1002", "B")
    state = wait_until(lambda: (state := sink(daemon))["delivered"] == 1 and state["parked"] == 1 and state, daemon.log)
    assert "larger than this broker takes" in state["last_failure"]


def take_overs(daemon):
    """When each was logged, in seconds."""
    return [datetime.datetime.fromisoformat(line.split()[0].removeprefix("ts=").replace("Z", "+00:00")).timestamp()
            for line in daemon.log().splitlines() if "level=error event=mqtt_taken_over" in line]


def test_a_session_that_is_taken_over_is_told_and_not_fought_for(world):
    broker = world.broker()
    simulator, daemon = start(world, broker)
    wait_until(lambda: sink(daemon)["connection"].startswith("connected to"), daemon.log)
    # It comes back each time that we take the session back.
    thief = subprocess.Popen(["mosquitto_sub", "-V", "5", "-i", "orderwatch-noc", "-p", str(broker.port), "-t", "none"])
    try:
        wait_until(lambda: "another client may use this client_id" in sink(daemon)["connection"], daemon.log)
        change(simulator, "1001", "B")
        first, second = wait_until(lambda: len(times := take_overs(daemon)) > 1 and times[:2], daemon.log)
        assert second - first >= 5
        change(simulator, "1002", "B")
    finally:
        thief.kill()
        thief.wait()
    wait_until(lambda: sink(daemon)["connection"].startswith("connected to"), daemon.log)
    wait_until(lambda: is_delivered(daemon, 2), daemon.log)


def test_a_broker_that_hangs_is_noticed_and_holds_up_nobody_else(world):
    broker = world.broker()
    receiver = world.webhook()
    simulator, daemon = start(world, broker, sinks=[{**harness.mqtt_sink(broker), "retry": RETRY},
                                                    harness.webhook_sink(receiver)])
    wait_until(lambda: sink(daemon)["connection"].startswith("connected to"), daemon.log)
    broker.process.child.send_signal(signal.SIGSTOP)
    try:
        change(simulator, "1001", "B")
        wait_until(lambda: len(receiver.deliveries) == 1, daemon.log)
        wait_until(lambda: sink(daemon)["connection"].startswith("not connected"), daemon.log)
        change(simulator, "1002", "B")
        wait_until(lambda: len(receiver.deliveries) == 2, daemon.log)
    finally:
        broker.process.child.send_signal(signal.SIGCONT)
    wait_until(lambda: is_delivered(daemon, 2), daemon.log)


def test_the_old_protocol_works_and_says_what_it_cannot(world):
    broker = world.broker()
    simulator, daemon = start(world, broker, protocol="3.1.1")
    change(simulator, "1001", "B")
    wait_until(lambda: is_delivered(daemon, 1), daemon.log)
    code, output, _ = harness.run_command("status", "-c", str(daemon.path))
    assert "cannot say that it refused a message" in output, (code, output)


def test_the_second_broker_of_a_list_has_everything_and_the_first_gets_it_back(world):
    first, second = world.broker(), world.broker(name="second")
    both = harness.mqtt_sink(first, return_after="1s")
    both["mqtt"]["broker"] = [f"mqtt://127.0.0.1:{broker.port}" for broker in (first, second)]
    simulator, daemon = start(world, first, sinks=[{**both, "retry": RETRY}])
    wait_until(lambda: "(1 of 2)" in sink(daemon)["connection"], daemon.log)
    first.stop(signal.SIGKILL)
    wait_until(lambda: "(2 of 2)" in sink(daemon)["connection"], daemon.log)
    change(simulator, "1001", "B")
    wait_until(lambda: is_delivered(daemon, 1), daemon.log)
    wait_until(lambda: not mqtt_soak.differences(second.port, daemon), daemon.log)
    first.start()
    wait_until(lambda: "(1 of 2)" in sink(daemon)["connection"], daemon.log)
    wait_until(lambda: not mqtt_soak.differences(first.port, daemon), daemon.log)
    assert mqtt_soak.retained(second.port)["orderwatch/status"] == "offline"


def below(broker, prefix):
    return sorted(topic for topic in mqtt_soak.retained(broker.port, "#") if topic.startswith(prefix + "/"))


def configure(daemon, **mqtt):
    daemon.configuration["sinks"][0]["mqtt"].update(mqtt)
    daemon.path.write_text(harness.to_yaml(daemon.configuration))


def test_another_prefix_leaves_nothing_below_the_earlier_one(world):
    broker = world.broker()
    simulator, daemon = start(world, broker, home_assistant={"discovery_prefix": "homeassistant"})
    wait_until(lambda: len(below(broker, "orderwatch")) == 11, lambda: below(broker, "orderwatch"))
    simulator.step(close_order="1002")
    configure(daemon, prefix="site/one")
    assert harness.run_command("reload", "-c", daemon.path)[0] == 0
    wait_until(lambda: not below(broker, "orderwatch"), lambda: below(broker, "orderwatch"))
    wait_until(lambda: len(below(broker, "site")) == 8, lambda: below(broker, "site"))
    assert daemon.stop(signal.SIGKILL) == -9
    configure(daemon, prefix="site/two")
    daemon.start()
    wait_until(lambda: not below(broker, "site/one"), lambda: below(broker, "site"))
    wait_until(lambda: len(below(broker, "site/two")) == 8, lambda: below(broker, "site"))
    change(simulator, "1001", "B")
    wait_until(lambda: '"step":"B"' in mqtt_soak.retained(broker.port, "#")["site/two/orange/orders/1001/state"],
               daemon.log)
    wanted = [f"homeassistant/sensor/site_2Ftwo__orange/{order}__status/config" for order in ("1001", "1003")]
    wait_until(lambda: [topic for topic in below(broker, "homeassistant") if "__status/" in topic] == wanted,
               lambda: below(broker, "homeassistant"))


def without_orders(world):
    broker = world.broker()
    simulator = world.simulator(orders={"list": []})
    daemon = world.daemon(harness.configuration(world.folder, simulator, sinks=[harness.mqtt_sink(broker)])).start()
    wait_until(lambda: below(broker, "orderwatch") == ["orderwatch/orange/status", "orderwatch/status"], daemon.log)
    return broker, daemon


def test_another_prefix_leaves_nothing_of_a_source_without_orders(world):
    broker, daemon = without_orders(world)
    daemon.stop()
    configure(daemon, prefix="site/one")
    daemon.start()
    wait_until(lambda: below(broker, "site") == ["site/one/orange/status", "site/one/status"], daemon.log)
    wait_until(lambda: not below(broker, "orderwatch"), lambda: below(broker, "orderwatch"))


def test_a_source_that_is_gone_after_a_restart_has_no_status(world):
    broker, daemon = without_orders(world)
    daemon.stop()
    source = daemon.configuration["sources"][0]
    daemon.configuration["sources"] = [{**source, "name": "other"}]
    configure(daemon)
    daemon.start()
    wait_until(lambda: below(broker, "orderwatch") == ["orderwatch/other/status", "orderwatch/status"],
               lambda: below(broker, "orderwatch"))


def test_without_state_nothing_retained_is_left_but_our_status(world):
    broker = world.broker()
    _, daemon = start(world, broker, home_assistant={"discovery_prefix": "homeassistant"})
    wait_until(lambda: len(below(broker, "orderwatch")) == 11, lambda: below(broker, "orderwatch"))
    daemon.stop()
    del daemon.configuration["sinks"][0]["mqtt"]["home_assistant"]
    configure(daemon, state=False)
    daemon.start()
    wait_until(lambda: below(broker, "orderwatch") == ["orderwatch/status"], lambda: below(broker, "orderwatch"))
    wait_until(lambda: not below(broker, "homeassistant"), lambda: below(broker, "homeassistant"))
    configure(daemon, state=True)
    assert harness.run_command("reload", "-c", daemon.path)[0] == 0
    wait_until(lambda: len(below(broker, "orderwatch")) == 8, lambda: below(broker, "orderwatch"))
    configure(daemon, state=False)
    assert harness.run_command("reload", "-c", daemon.path)[0] == 0
    wait_until(lambda: below(broker, "orderwatch") == ["orderwatch/status"], lambda: below(broker, "orderwatch"))


WATCH = """
const client = require("mqtt").connect("mqtt://127.0.0.1:" + process.argv[2], {protocolVersion: 5});
client.on("connect", () => client.subscribe("orderwatch/+/event/#", {qos: 1}, () => console.log("ready")));
client.on("message", (topic, payload, packet) => console.log(JSON.stringify(
    {topic, qos: packet.qos, retain: packet.retain, event: JSON.parse(payload), properties: packet.properties})));
"""


def test_npm_mqtt_reads_an_event_and_its_properties(world):
    modules = harness.npm_modules()
    broker = world.broker()
    simulator, daemon = start(world, broker, expiry="1h")
    script = world.folder / "watch.js"
    script.write_text(WATCH)
    watcher = world.keep(harness.Process(["node", str(script), str(broker.port)], world.folder, "npm",
                                         {"NODE_PATH": modules}))
    wait_until(lambda: "ready" in watcher.text(), watcher.text)
    change(simulator, "1001", "B")
    line = wait_until(lambda: next((line for line in watcher.text().splitlines() if line.startswith("{")), None),
                      watcher.text)
    seen = json.loads(line)
    event, properties = seen["event"], seen["properties"]
    assert seen["qos"] == 1 and not seen["retain"]
    assert re.fullmatch(r"orderwatch/orange/event/info/order\.status\.changed/1001", seen["topic"])
    assert properties["contentType"] == "application/cloudevents+json; charset=utf-8"
    assert 3000 < properties["messageExpiryInterval"] <= 3600
    assert properties["userProperties"] == {"id": event["id"], "type": event["type"], "severity": event["severity"],
                                            "subject": event["subject"]}
    assert "topicAlias" not in properties
