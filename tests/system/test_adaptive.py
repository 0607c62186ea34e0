"""Between two sweeps orders with an appointment soon are looked at, and what they show is told at once."""
from harness import configuration, kinds, wait_until, webhook_sink

ORDERS = {"list": [
    {"id": "1", "status": "InProgress",
     "appointments": [{"id": "A", "status": "Confirmed", "start": "@+1d 09:00", "end": "@+1d 11:00"}]},
    {"id": "2", "status": "InProgress",
     "appointments": [{"id": "A", "status": "Confirmed", "start": "@+20d 09:00", "end": "@+20d 11:00"}]},
]}


def details(simulator):
    return [row["path"].rsplit("/", 1)[1] for row in simulator.requests() if "/orders/" in row["path"]]


def test_an_order_with_an_appointment_tomorrow_is_looked_at_between_sweeps(world):
    simulator = world.simulator(orders=ORDERS)
    webhook = world.webhook()
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[webhook_sink(webhook)],
                                        source={"every": "2m"})).start()
    wait_until(lambda: details(simulator), daemon.log, 150)
    simulator.step(appointment={"order": "1", "id": "A", "start": "@+2d 09:00"})
    wait_until(lambda: webhook.deliveries, daemon.log, 150)
    assert kinds(webhook.deliveries) == [("1", "appointment.rescheduled")]
    assert "event=look_up_committed" in daemon.log()
    assert set(details(simulator)) == {"1"}
    assert daemon.stop() == 0


def test_off_is_off(world):
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())],
                                        source={"every": "15s", "adaptive": "off"})).start()
    simulator.sweeps_after(2)
    assert details(simulator) == []
    assert daemon.stop() == 0
