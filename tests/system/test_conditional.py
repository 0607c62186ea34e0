"""Pages that have not changed are not sent again, and what did change is still told once."""
from harness import configuration, kinds, wait_until, webhook_sink

ORDERS = {"generate": {"first_id": 2000, "count": 120, "seed": 3}}


def codes(simulator):
    return [(row["offset"], row["code"]) for row in simulator.requests("/orders")]


def test_a_known_page_is_answered_with_304_and_a_changed_one_in_full(world):
    simulator = world.simulator(orders=ORDERS)
    webhook = world.webhook()
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[webhook_sink(webhook)],
                                        source={"page": 50})).start()
    wait_until(lambda: sum(code == 304 for _, code in codes(simulator)) >= 6, lambda: codes(simulator))
    assert {code for _, code in codes(simulator)} == {200, 304}
    assert webhook.deliveries == []

    seen = len(codes(simulator))
    simulator.step(order={"id": "2060", "status": "Held"})
    wait_until(lambda: webhook.deliveries, daemon.log)
    wait_until(lambda: (50, 304) in codes(simulator)[seen + 6:], lambda: codes(simulator)[seen:])
    assert (50, 200) in codes(simulator)[seen:]
    assert {code for offset, code in codes(simulator)[seen:] if offset != 50} == {304}
    assert kinds(webhook.deliveries) == [("2060", "order.status.held")]
    assert daemon.stop() == 0


def test_after_a_restart_every_page_is_read_in_full_first(world):
    simulator = world.simulator(orders=ORDERS)
    webhook = world.webhook()
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[webhook_sink(webhook)])).start()
    wait_until(lambda: 304 in [code for _, code in codes(simulator)], lambda: codes(simulator))
    assert daemon.stop() == 0
    seen = len(codes(simulator))
    daemon.start()
    simulator.sweeps_after(3)
    assert codes(simulator)[seen][1] == 200
    assert codes(simulator)[-1][1] == 304
    assert webhook.deliveries == []
    assert daemon.stop() == 0
