"""The main job on real servers: first sweep silent, each change told once everywhere, restarts and kills."""
import json
import signal

import pytest

from harness import (configuration, email_sink, kinds, mqtt_sink, wait_until, webhook_sink)

ORDERS = {"generate": {"first_id": 1000, "count": 30, "seed": 5},
          "list": [{"id": "00123", "customerReference": "PO-1", "status": "InProgress", "step": "Survey",
                    "site": {"name": "Lyon Part-Dieu"}, "committedDate": "2027-01-12",
                    "contact": {"name": "Site reception", "phone": "+33 1 99 00 00 01"},
                    "appointments": [{"id": "A-1", "status": "Confirmed", "start": "2027-01-12T09:00:00+01:00",
                                      "end": "2027-01-12T11:00:00+01:00"}]}]}


@pytest.fixture
def everything(world):
    """A simulator, the three receivers, and a daemon that has taken its baseline."""
    simulator = world.simulator(orders=ORDERS)
    broker = world.broker()
    subscriber = world.subscriber(broker)
    webhook = world.webhook()
    mailbox = world.mailbox()
    settings = configuration(world.folder, simulator,
                             sinks=[mqtt_sink(broker), webhook_sink(webhook), email_sink(mailbox)])
    daemon = world.daemon(settings).start()
    world.__dict__.update(simulator=simulator, broker=broker, subscriber=subscriber, webhook=webhook,
                          mailbox=mailbox, one=daemon)
    simulator.sweeps_after(2)
    return world


def arrived_everywhere(world, count):
    return (len(world.webhook.deliveries) >= count and len(world.subscriber.events()) >= count and
            len(world.mailbox.event_ids()) >= count)


def test_baseline_is_silent_and_state_is_retained(everything):
    wait_until(lambda: "orderwatch/orange/orders/00123/state" in everything.subscriber.retained(),
               "retained state of the baseline")
    everything.simulator.sweeps_after(2)
    assert everything.webhook.deliveries == []
    assert everything.subscriber.events() == []
    assert everything.mailbox.mails == []
    state = json.loads(everything.subscriber.retained()["orderwatch/orange/orders/00123/state"])
    assert state["id"] == "00123" and state["status"] == "InProgress" and "contact" not in state
    assert everything.one.stop() == 0


def test_a_moved_appointment_reaches_every_receiver_once(everything):
    everything.simulator.step(appointment={"order": "00123", "id": "A-1", "start": "2027-01-17T09:00:00+01:00",
                                           "end": "2027-01-17T11:00:00+01:00"})
    wait_until(lambda: arrived_everywhere(everything, 1), everything.one.log)
    event = everything.webhook.deliveries[0]
    assert event["type"] == "orderwatch.appointment.rescheduled"
    assert event["subject"] == "orders/00123/appointments/A-1"
    assert event["source"] == "urn:orderwatch:orange"
    assert event["sequence"] == "1" and event["severity"] == "warning"
    assert {"field": "start", "from": "2027-01-12T08:00:00Z", "to": "2027-01-17T08:00:00Z"} in event["data"]["changes"]
    assert event["data"]["reschedule"]["days"] == 5 and event["data"]["reschedule"]["count"] == 1
    assert event["data"]["order"]["site"] == "Lyon Part-Dieu"
    assert "Site reception" not in json.dumps(event)
    assert everything.subscriber.events() == [event]
    _, recipients, mail = everything.mailbox.mails[0]
    assert recipients == ["projects@example.com"]
    assert mail["X-Orderwatch-Event"].split() == [event["id"]]
    assert mail["Message-ID"] == f"<{event['id']}.project-managers@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    everything.simulator.sweeps_after(2)
    assert len(everything.webhook.deliveries) == 1 and len(everything.mailbox.mails) == 1
    assert everything.one.stop() == 0


def test_restart_without_change_is_silent_and_with_change_gives_the_net_transition(everything):
    assert everything.one.stop() == 0
    everything.one.start()
    everything.simulator.sweeps_after(2)
    assert everything.one.stop() == 0
    assert everything.webhook.deliveries == []
    for status in ("Held", "InProgress", "Completed"):
        everything.simulator.step(order={"id": "00123", "status": status})
    everything.one.start()
    wait_until(lambda: arrived_everywhere(everything, 1), everything.one.log)
    everything.simulator.sweeps_after(2)
    assert kinds(everything.webhook.deliveries) == [("00123", "order.status.completed")]
    assert everything.one.stop() == 0


def test_events_of_an_order_come_in_order_with_sequences_without_gaps(everything):
    for step in range(6):
        everything.simulator.step(order={"id": "00123", "step": f"Step {step}"})
        everything.simulator.sweeps_after(1)
    wait_until(lambda: any(event["data"]["order"]["step"] == "Step 5" for event in everything.webhook.deliveries),
               everything.one.log)
    sequences = [int(event["sequence"]) for event in everything.webhook.deliveries]
    assert sequences == list(range(1, len(sequences) + 1))


@pytest.mark.parametrize("away", ["webhook", "mqtt", "mail"])
def test_a_dead_sink_delays_no_other_and_gets_everything_when_it_is_back(everything, away):
    world = everything
    if away == "webhook":
        world.webhook.stop()
    elif away == "mqtt":
        world.broker.stop(signal.SIGKILL)
    else:
        world.mailbox.stop()
    world.simulator.step(order={"id": "00123", "status": "Held"})
    others = {"webhook": lambda: len(world.webhook.deliveries), "mqtt": lambda: len(world.subscriber.events()),
              "mail": lambda: len(world.mailbox.mails)}
    wait_until(lambda: all(count() == 1 for name, count in others.items() if name != away), world.one.log)
    if away == "webhook":
        world.webhook = world.webhook.__class__(port=world.webhook.port)
        world.keep(world.webhook)
        others["webhook"] = lambda: len(world.webhook.deliveries)
    elif away == "mqtt":
        world.broker.start()
    else:
        world.mailbox = world.mailbox.__class__(port=world.mailbox.port)
        world.keep(world.mailbox)
        others["mail"] = lambda: len(world.mailbox.mails)
    if away == "mqtt":  # a subscriber comes back by its own clock: the broker's acknowledgement is what counts
        wait_until(lambda: "event=attempt_ended sink=noc outcome=delivered" in world.one.log(), world.one.log)
    else:
        wait_until(lambda: others[away]() == 1, world.one.log)
    assert world.one.stop() == 0


def test_kill_in_a_loop_while_200_orders_change_loses_nothing(world):
    simulator = world.simulator(orders={"generate": {"first_id": 5000, "count": 200, "seed": 9}})
    webhook = world.webhook()
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook, retry={"first": "1s", "cap": "2s"})],
                             source={"guard": {"changed": "100%"}})
    daemon = world.daemon(settings).start()
    simulator.sweeps_after(2)
    for round_number in range(8):
        simulator.steps([{"order": {"id": str(5000 + index), "step": f"Round {round_number}"}}
                         for index in range(200)])
        seen = len(webhook.deliveries)
        wait_until(lambda: len(webhook.deliveries) > seen + 20 * round_number % 150, daemon.log)
        daemon.stop(signal.SIGKILL)
        daemon.start()
    final = {str(5000 + index) for index in range(200)}

    def all_told():
        latest = {}
        for event in list(webhook.deliveries):
            latest[event["data"]["order"]["id"]] = event["data"]["order"]["step"]
        return set(latest) == final and set(latest.values()) == {"Round 7"}

    wait_until(all_told, daemon.log)
    by_order = {}
    for event in webhook.deliveries:
        by_order.setdefault(event["data"]["order"]["id"], {}).setdefault(int(event["sequence"]), set()).add(event["id"])
    for order, sequences in by_order.items():
        assert sorted(sequences) == list(range(1, len(sequences) + 1)), order
        assert all(len(ids) == 1 for ids in sequences.values()), order
    assert daemon.stop() == 0
