"""Home Assistant's discovery: judged by the schema of its documentation (voluptuous, as Home Assistant itself
uses) and by its template language, as a subscriber sees it that comes late."""
import datetime
import json
import re

import jinja2
import pytest
import voluptuous as vol

import harness
from harness import wait_until

# home-assistant.io: integrations/mqtt (discovery topic), sensor.mqtt, event.mqtt. Extra keys are an error here.
TOPIC = re.compile(r"homeassistant/(?P<component>\w+)/(?P<node>[a-zA-Z0-9_-]+)/(?P<object>[a-zA-Z0-9_-]+)/config")
LINK = vol.All(str, vol.Match(r"^https?://[^\s]+$"))


def subscribe_topic(value):
    levels = value.split("/")
    if not 0 < len(value.encode()) <= 65535 or "\0" in value:
        raise vol.Invalid("length")
    for index, level in enumerate(levels):
        if ("+" in level or "#" in level) and level not in ("+", "#") or level == "#" and index != len(levels) - 1:
            raise vol.Invalid("a wildcard within a level")
    return value


def template(value):
    environment().from_string(value)
    return value


DEVICE = vol.Schema({vol.Required("identifiers"): vol.All([str], vol.Length(min=1)), "name": str, "manufacturer": str,
                     "model": str, "configuration_url": LINK, "suggested_area": str, "sw_version": str})
COMMON = {vol.Required("name"): vol.All(str, vol.Length(min=1)), vol.Required("unique_id"): str,
          vol.Required("state_topic"): subscribe_topic, "value_template": template, "json_attributes_topic": subscribe_topic,
          "availability_topic": subscribe_topic, "payload_available": str, "payload_not_available": str,
          "qos": vol.In([0, 1, 2]), "icon": str, vol.Required("device"): DEVICE,
          vol.Required("origin"): {vol.Required("name"): str, "sw_version": str, "support_url": LINK}}
SCHEMAS = {
    "sensor": vol.Schema({**COMMON, "device_class": vol.In(["date", "timestamp", "enum"]), "expire_after": int,
                          "force_update": bool}),
    "event": vol.Schema({**COMMON, vol.Required("event_types"): vol.All([str], vol.Length(min=1)),
                         "device_class": vol.In(["doorbell", "button", "motion"])}),
}


def environment():
    return jinja2.Environment()


def render(config, payload):
    return environment().from_string(config["value_template"]).render(value=payload, value_json=json.loads(payload))


def retained(broker):
    """What a subscriber sees that comes now."""
    late = harness.Subscriber(broker.port, topic="#", client_id="late")
    late.client.publish("late/end", b"x", qos=1)
    wait_until(lambda: any(message.topic == "late/end" for message in list(late.messages)), "the subscriber's own mark")
    state = {message.topic: message.payload.decode() for message in list(late.messages)
             if message.retain and message.payload}
    late.stop()
    return state


def configs(state):
    return {topic: json.loads(payload) for topic, payload in state.items() if topic.startswith("homeassistant/")}


def judge(state):
    """Each announcement by the schema; by order and entity."""
    judged = {}
    for topic, config in configs(state).items():
        match = TOPIC.fullmatch(topic)
        assert match, topic
        SCHEMAS[match["component"]](config)
        assert config["availability_topic"] == "orderwatch/status" and state["orderwatch/status"] == "online"
        judged[config["unique_id"]] = config
    assert len(judged) == len(configs(state)), "two entities of one unique id"
    return judged


ORDERS = {"list": [
    {"id": "A/1+#", "customerReference": "PO \"1\"", "status": "InProgress", "committedDate": "2027-03-01",
     "appointments": [{"id": "P1", "status": "Completed", "start": "2027-01-02T08:00:00Z"},
                      {"id": "P2", "status": "Confirmed", "start": "2027-02-02T08:00:00+01:00"},
                      {"id": "P3", "status": "Confirmed", "start": "2027-02-05T08:00:00Z"}]},
    {"id": "B_2", "status": "InProgress", "appointments": []}]}


def configuration(world, simulator, broker, option):
    sink = harness.mqtt_sink(broker, **option)
    return harness.configuration(world.folder, simulator, sinks=[sink])


def heard(subscriber, ending):
    """How many such messages came since it subscribed."""
    return sum(message.topic.endswith(ending) and not message.retain for message in list(subscriber.messages))


def is_shown(world, daemon, broker, orders):
    """The discovery of exactly these orders, and of nothing else."""
    return wait_until(lambda: (state := retained(broker)) and
                      {config["device"]["identifiers"][0] for config in configs(state).values()} == orders and
                      len(configs(state)) == 4 * len(orders) and state, daemon.log)


NODE = "orderwatch__orange__"


@pytest.fixture
def setting(world):
    return world, world.simulator(orders=ORDERS), world.broker()


def test_orders_are_devices_of_home_assistant_and_leave_with_the_option(setting):
    world, simulator, broker = setting
    option = {"home_assistant": {"discovery_prefix": "homeassistant"}}
    daemon = world.daemon(configuration(world, simulator, broker, option)).start()
    state = is_shown(world, daemon, broker, {NODE + "A_2F1_2B_23", NODE + "B_5F2"})
    judged = judge(state)
    status, date, appointment, events = (judged[f"{NODE}A_2F1_2B_23__{key}"]
                                         for key in ("status", "committed_date", "next_appointment", "events"))
    assert status["device"]["name"] == 'Order A/1+# (PO "1")'
    assert render(status, state[status["state_topic"]]) == "InProgress"
    assert datetime.date.fromisoformat(render(date, state[date["state_topic"]])) == datetime.date(2027, 3, 1)
    shown = render(appointment, state[appointment["state_topic"]])
    assert datetime.datetime.fromisoformat(shown.replace("Z", "+00:00")) == \
        datetime.datetime(2027, 2, 2, 7, tzinfo=datetime.timezone.utc)
    nothing = judged[f"{NODE}B_5F2__next_appointment"]
    assert render(nothing, state[nothing["state_topic"]]) == "None"

    hearer = world.subscriber(broker, topic="#", client_id="hearer")
    # An event entity reads the event topics of its order.
    subscriber = world.subscriber(broker, topic=events["state_topic"])
    simulator.step(order={"id": "A/1+#", "status": "Delivered"})
    wait_until(subscriber.events, daemon.log)
    fired = json.loads(render(events, subscriber.messages[0].payload.decode()))
    assert fired["event_type"] in events["event_types"] and fired["summary"]
    assert not subscriber.messages[0].retain

    # It makes its entities anew for each announcement that it sees: a change of the state is none.
    wait_until(lambda: heard(hearer, "/next_appointment"), daemon.log)  # the last one of an order
    assert not heard(hearer, "/config")
    simulator.step(order={"id": "A/1+#", "customerReference": "PO 2"})  # the name of the device
    wait_until(lambda: heard(hearer, "/config") == 4, daemon.log)

    simulator.step(close_order="B_2")
    judge(is_shown(world, daemon, broker, {NODE + "A_2F1_2B_23"}))

    # The option is switched off: nothing of it stays, the state does.
    daemon.stop()
    daemon = world.daemon(configuration(world, simulator, broker, {})).start()
    state = is_shown(world, daemon, broker, set())
    assert "orderwatch/orange/orders/A%2F1%2B%23/state" in state
    assert not [topic for topic in state if topic.endswith("next_appointment")]

    # And on again, after a broker that forgot everything.
    daemon.stop()
    broker.stop()
    broker.start()
    daemon = world.daemon(configuration(world, simulator, broker, option)).start()
    judge(is_shown(world, daemon, broker, {NODE + "A_2F1_2B_23"}))
