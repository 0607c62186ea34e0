"""What is kept and what goes: age, one order, backups, and the history under another configuration."""
import sqlite3

import pytest

from harness import configuration, wait_until, webhook_sink
from test_surface import MOVED, ORDERS, Served


@pytest.fixture
def parts(world):
    world.receiver = world.webhook()
    world.source = world.simulator(orders=ORDERS)
    world.settings = configuration(world.folder, world.source, sinks=[webhook_sink(world.receiver)])
    return world


@pytest.fixture
def served(parts):
    one = Served(parts, parts.settings)
    one.world = parts
    one.swept()
    return one


def delivered(served, count):
    wait_until(lambda: len(served.world.receiver.deliveries) >= count, served.daemon.log)


def events(served):
    return [event["type"].removeprefix("orderwatch.") for event in served.json("/api/v1/events")["items"]]


# --- age ------------------------------------------------------------------------------------------

def test_old_events_go_but_not_what_has_not_ended(parts):
    parts.settings["state"]["keep_events"] = "3s"
    served = Served(parts, parts.settings)
    served.world = parts
    served.swept()
    parts.receiver.answer = lambda event: 400 if event["type"].endswith("rescheduled") else 204
    parts.source.step(appointment=MOVED)  # parked: it stays, however old
    parts.source.step(order={"id": "1001", "status": "Cancelled"})
    delivered(served, 1)
    parts.source.step(remove_order="1002")
    delivered(served, 2)
    wait_until(lambda: events(served) == ["appointment.rescheduled"], lambda: str(events(served)))
    assert "event=forgotten" in served.daemon.log()
    assert [row["status"] for row in served.json("/api/v1/deliveries")["items"]] == ["parked"]
    sink = served.json("/api/v1/sinks")["items"][0]
    assert (sink["observed"], sink["delivered"], sink["parked"]) == (3, 2, 1) and sink["conserved"]
    served.json("/api/v1/orders/orange/1001")  # it is still listed
    wait_until(lambda: served.ask("/api/v1/orders/orange/1002")[0].status == 404, served.daemon.log)
    assert served.daemon.stop() == 0
    with sqlite3.connect(parts.settings["state"]["database"]) as state:
        assert state.execute("SELECT count(*) FROM orders WHERE id = '1002'").fetchone() == (0,)
        assert state.execute("SELECT count(*) FROM events").fetchone() == (1,)
        assert state.execute("PRAGMA auto_vacuum").fetchone() == (2,)
