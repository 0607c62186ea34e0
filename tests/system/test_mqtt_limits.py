"""What a broker allows: sizes, how many messages at once, how long a silence. Against a real mosquitto."""
import json

import pytest

import harness
import mqtt_soak
from harness import wait_until
from test_mqtt import change, is_delivered, is_known, sink, start


def enlarge(simulator, identity, size):
    simulator.step(note={"order": identity, "author": "desk", "text": "x" * size})


def state_of(broker, identity):
    return json.loads(mqtt_soak.retained(broker.port).get(f"orderwatch/orange/orders/{identity}/state", "null"))


def test_an_event_that_the_broker_refuses_as_too_large_is_parked_with_what_to_do(world):
    broker = world.broker(["allow_anonymous true", "message_size_limit 3000"])
    simulator, daemon = start(world, broker)
    enlarge(simulator, "1001", 3500)
    change(simulator, "1002", "B")
    state = wait_until(lambda: (state := sink(daemon))["delivered"] == 1 and state["parked"] == 1 and state, daemon.log)
    assert "0x95" in state["last_failure"] and "raise its limit" in state["last_failure"]
    assert state["connection"].startswith("connected to")
    assert daemon.log().count("event=mqtt_connected") == 1


def test_a_state_that_is_too_large_holds_up_no_other_state(world):
    broker = world.broker(["allow_anonymous true", "max_packet_size 3000"])
    simulator, daemon = start(world, broker)
    wait_until(lambda: state_of(broker, "1003"), daemon.log)
    enlarge(simulator, "1001", 3500)
    change(simulator, "1002", "B")
    change(simulator, "1003", "C")
    wait_until(lambda: state_of(broker, "1002")["step"] == "B" and state_of(broker, "1003")["step"] == "C", daemon.log)
    line = wait_until(lambda: next((line for line in daemon.log().splitlines() if "event=state_refused" in line), None),
                      daemon.log)
    assert "order=1001" in line and "raise its limit" in line
    # Of the earlier state nothing is left: it would be wrong now. The status says so.
    wait_until(lambda: state_of(broker, "1001") is None, daemon.log)
    assert "1 state refused, its topic is empty: orderwatch/orange/orders/1001/state" in sink(daemon)["connection"]
    change(simulator, "1001", "B")  # and is tried again with the next change
    wait_until(lambda: daemon.log().count("event=state_refused") > 1, daemon.log)
    assert state_of(broker, "1001") is None and daemon.log().count("event=mqtt_connected") == 1
    simulator.step(close_order="1001")
    wait_until(lambda: "refused" not in sink(daemon)["connection"], daemon.log)


def test_what_was_refused_is_known_after_a_restart_and_there_once_the_broker_takes_it(world):
    lines = ["allow_anonymous true", "persistence true", f"persistence_location {world.folder}/"]
    broker = world.broker([*lines, "max_packet_size 3000"])
    simulator, daemon = start(world, broker)
    enlarge(simulator, "1001", 3500)
    words = "1 state refused, its topic is empty: orderwatch/orange/orders/1001/state"
    wait_until(lambda: words in sink(daemon)["connection"], daemon.log)
    daemon.stop()
    daemon.start()
    wait_until(lambda: is_known(daemon) and words in sink(daemon)["connection"], daemon.log)
    daemon.stop()
    broker.stop()
    broker.lines = lines
    broker.start()
    daemon.start()
    wait_until(lambda: is_known(daemon) and state_of(broker, "1001"), daemon.log)
    wait_until(lambda: "refused" not in sink(daemon)["connection"], daemon.log)
    assert daemon.log().count("event=mqtt_state_lost") == 1  # by the first start: it had kept the rest
    assert daemon.log().count("event=state_refused") == 1  # what is known is no news


def test_an_appointment_that_was_too_large_is_there_again_when_it_fits(world):
    broker = world.broker(["allow_anonymous true", "max_packet_size 3000"])
    simulator, daemon = start(world, broker)
    topic = "orderwatch/orange/orders/1001/appointments/P-1001/state"
    wait_until(lambda: topic in mqtt_soak.retained(broker.port), daemon.log)
    simulator.step(appointment={"order": "1001", "id": "P-1001", "status": "Confirmed " + "x" * 3500})
    wait_until(lambda: topic not in mqtt_soak.retained(broker.port), daemon.log)
    assert state_of(broker, "1001")["step"] == "A" and topic in sink(daemon)["connection"]
    simulator.step(appointment={"order": "1001", "id": "P-1001", "status": "Cancelled"})
    wait_until(lambda: topic in mqtt_soak.retained(broker.port), daemon.log)
    assert "refused" not in sink(daemon)["connection"]


def test_with_the_old_protocol_what_makes_the_broker_hang_up_is_found_and_parked(world):
    broker = world.broker(["allow_anonymous true", "max_packet_size 3000"])
    simulator, daemon = start(world, broker, protocol="3.1.1", state=False)
    enlarge(simulator, "1001", 3500)
    change(simulator, "1002", "B")
    state = wait_until(lambda: (state := sink(daemon))["delivered"] == 1 and state["parked"] == 1 and state, daemon.log)
    assert "hangs up when this is sent" in state["last_failure"] and "raise its limit" in state["last_failure"]
    assert "mqtt_taken_over" not in daemon.log()
    change(simulator, "1003", "C")
    wait_until(lambda: is_delivered(daemon, 2), daemon.log)


@pytest.mark.parametrize("limit", [None, "3000"])
def test_what_an_old_brokers_limit_drops_without_a_word_is_parked_where_the_limit_is_told(world, limit):
    """mosquitto's message_size_limit acknowledges what it drops, and 3.1.1 has no word for it."""
    broker = world.broker(["allow_anonymous true", "message_size_limit 3000"])
    simulator, daemon = start(world, broker, protocol="3.1.1", **({"message_limit": limit} if limit else {}))
    wait_until(lambda: state_of(broker, "1001") and state_of(broker, "1003"), daemon.log)
    subscriber = world.subscriber(broker)
    enlarge(simulator, "1001", 3500)
    change(simulator, "1002", "B")
    wait_until(lambda: sink(daemon)["pending"] == 0 and sink(daemon)["observed"] == 2, daemon.log)
    wait_until(lambda: state_of(broker, "1002")["step"] == "B", daemon.log)
    wait_until(lambda: [message.topic for message in list(subscriber.messages) if "/orange/event/" in message.topic] ==
               ["orderwatch/orange/event/info/order.status.changed/1002"], daemon.log)
    state = sink(daemon)
    if limit:
        assert state["delivered"] == 1 and state["parked"] == 1
        assert "more than message_limit; raise it with the broker's own limit" in state["last_failure"]
        wait_until(lambda: state_of(broker, "1001") is None and "1 state refused" in sink(daemon)["connection"], daemon.log)
    else:
        assert state["delivered"] == 2
        assert "cannot say that it refused a message (message_limit is for what is too large)" in state["connection"]
    assert daemon.log().count("event=mqtt_connected") == 1  # nobody hung up


def test_no_more_is_on_its_way_than_the_broker_takes_at_once(world):
    broker = world.broker(["allow_anonymous true", "max_inflight_messages 1"])
    simulator, daemon = start(world, broker)
    for step in "BCDEFGHIJK":
        simulator.steps([{"order": {"id": identity, "step": step}} for identity in ("1001", "1002", "1003")])
        simulator.sweeps_after(1)
    wait_until(lambda: sink(daemon)["pending"] == 0 and state_of(broker, "1003")["step"] == "K", daemon.log)
    wait_until(lambda: not mqtt_soak.differences(broker.port, daemon), daemon.log)
    assert daemon.log().count("event=mqtt_connected") == 1


def test_a_state_that_makes_the_broker_hang_up_is_given_up_too(world):
    broker = world.broker(["allow_anonymous true", "max_packet_size 3000"])
    simulator, daemon = start(world, broker, protocol="3.1.1")
    wait_until(lambda: state_of(broker, "1003"), daemon.log)
    simulator.steps([{"note": {"order": "1001", "author": "desk", "text": "x" * 3500}},
                     {"order": {"id": "1002", "step": "B"}}, {"order": {"id": "1003", "step": "C"}}])
    wait_until(lambda: (state := sink(daemon))["delivered"] == 2 and state["parked"] == 1, daemon.log)
    wait_until(lambda: state_of(broker, "1002")["step"] == "B" and state_of(broker, "1003")["step"] == "C", daemon.log)
    wait_until(lambda: "event=state_refused" in daemon.log() and state_of(broker, "1001") is None, daemon.log)
    change(simulator, "1002", "D")
    wait_until(lambda: state_of(broker, "1002")["step"] == "D", daemon.log)
    wait_until(lambda: (words := sink(daemon)["connection"]).startswith("connected to") and "1 state refused" in words,
               daemon.log)


def test_the_broker_decides_how_long_a_client_may_be_silent(world):
    broker = world.broker(["allow_anonymous true", "max_keepalive 10", "log_type all"])
    simulator = world.simulator(orders={"list": []})
    daemon = world.daemon(harness.configuration(world.folder, simulator, source={"every": "1h"},
                                                sinks=[harness.mqtt_sink(broker)])).start()
    wait_until(lambda: harness.ledger(daemon, "noc")["connection"].startswith("connected to"), daemon.log)
    wait_until(lambda: broker.process.text().count("Received PINGREQ from orderwatch-noc") >= 2, broker.process.text)
    assert daemon.log().count("event=mqtt_connected") == 1
