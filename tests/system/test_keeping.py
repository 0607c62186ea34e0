"""What is kept and what goes: age, one order, backups, and the history under another configuration."""
import json
import os
import pathlib
import shutil
import sqlite3
import stat

import pytest

from harness import configuration, kinds, mqtt_sink, run_command, wait_until, webhook_sink
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


def test_what_is_too_old_is_gone_from_the_disk(parts):
    """Also from the log beside the state file, and while the daemon runs."""
    parts.settings["state"]["keep_events"] = "3s"
    served = Served(parts, parts.settings)
    served.world = parts
    served.swept()
    assert set(traces(parts.folder)) == set(TRACES)
    parts.source.step(remove_order=ODD)
    delivered(served, 1)
    wait_until(lambda: traces(parts.folder) == [], served.daemon.log)
    assert served.ask("/api/v1/orders/orange/00%2F12%203")[0].status == 404
    assert served.daemon.stop() == 0


# --- one order ------------------------------------------------------------------------------------

ODD = "00/12 3"
TRACES = [b"00/12 3", b"+33 1 99 00 00 01", b"PO-<1>"]


def traces(folder):
    """What a reader of the disk still finds of the order."""
    return [trace for path in folder.glob("state.db*") if path.suffix != ".lock"
            for trace in TRACES if trace in path.read_bytes()]


def test_an_order_is_forgotten_without_an_invented_event(parts):
    broker = parts.broker()
    subscriber = parts.subscriber(broker)
    topic = "orderwatch/orange/orders/00%2F12%203/state"
    served = Served(parts, configuration(parts.folder, parts.source,
                                         sinks=[webhook_sink(parts.receiver), mqtt_sink(broker)]))
    served.world = parts
    served.swept()
    parts.receiver.answer = lambda event: 400
    parts.source.step(appointment=MOVED)
    wait_until(lambda: served.json("/api/v1/deliveries?status=parked")["items"], served.daemon.log)
    wait_until(lambda: topic in subscriber.retained(), served.daemon.log)

    code, _, err = served.command("forget", ODD)
    assert code == 2 and "--yes" in err
    code, _, err = served.command("forget", ODD, "--yes")
    assert code == 1 and "1 deliveries that are pending or parked" in err and "drop" in err
    code, _, err = served.command("forget", "no such order", "--yes")
    assert code == 1 and "no such order" in err
    code, out, err = served.command("forget", f"orange/{ODD}", "--yes", "--drop")
    assert code == 0, err
    assert "the record, 1 events, 2 deliveries (1 of them dropped)" in out
    wait_until(lambda: served.ask("/api/v1/orders/orange/00%2F12%203")[0].status == 200, served.daemon.log)
    story = served.json("/api/v1/orders/orange/00%2F12%203")
    assert story["events"] == [] and story["appointments"][0]["start"] == "2027-01-17T08:00:00Z"
    wait_until(lambda: topic in subscriber.retained(), served.daemon.log)  # published again
    parts.source.sweeps_after(2)
    assert not [kind for kind in events(served) if not kind.startswith("sink.")]

    parts.receiver.answer = lambda event: 204
    parts.source.step(order={"id": ODD, "status": "Held"})
    delivered(served, 1)
    assert kinds(parts.receiver.deliveries) == [(ODD, "order.status.held")]
    assert parts.receiver.deliveries[0]["sequence"] == "2"  # it goes on counting
    sink = served.json("/api/v1/sinks")["items"][0]
    assert sink["conserved"] and sink["observed"] == sink["delivered"] == 1
    assert served.daemon.stop() == 0


def test_nothing_of_a_forgotten_order_stays_on_the_disk(served):
    served.world.source.step(appointment=MOVED)
    delivered(served, 1)
    assert served.daemon.stop() == 0
    assert sorted(set(traces(served.world.folder))) == sorted(TRACES)
    served.start()
    served.swept()
    served.world.source.step(remove_order=ODD)
    wait_until(lambda: "order.disappeared" in events(served) or "order.closed" in events(served), served.daemon.log)
    delivered(served, 2)
    wait_until(lambda: not served.json("/api/v1/deliveries?status=pending")["items"], served.daemon.log)
    code, out, _ = served.command("forget", ODD, "--yes", "--json")
    assert code == 0
    assert json.loads(out) == {"source": "orange", "order": ODD, "record": True, "events": 2, "deliveries": 2,
                               "dropped": 0, "tickets": 0}
    assert traces(served.world.folder) == []  # at once, not when the daemon ends
    assert served.daemon.stop() == 0
    assert traces(served.world.folder) == []
    served.start()
    served.swept()
    served.world.source.sweeps_after(2)
    assert events(served) == []


def test_an_order_of_a_source_that_is_gone_can_be_forgotten(served):
    assert served.daemon.stop() == 0
    served.settings["sources"][0]["name"] = "other"
    served.daemon.path.write_text(json.dumps(served.settings))
    served.start()
    served.swept()
    code, _, err = served.command("forget", "orange/1001", "--yes")
    assert code == 0, err
    code, _, err = served.command("forget", "orange/1001", "--yes")
    assert code == 1 and "nothing is known of order 1001 of source orange" in err


# --- backups --------------------------------------------------------------------------------------

def test_a_daemon_on_a_backup_goes_on_without_an_event_lost_or_invented(served):
    backup = served.world.folder / "elsewhere" / "copy.db"
    backup.parent.mkdir()
    served.world.source.step(appointment=MOVED)
    delivered(served, 1)
    served.world.receiver.answer = lambda event: 503  # what follows is pending in the backup
    served.world.source.step(order={"id": "1001", "status": "Held"})
    wait_until(lambda: "order.status.held" in events(served), served.daemon.log)
    code, out, err = served.command("backup", backup)
    assert code == 0, err
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600 and f"{backup.stat().st_size} bytes" in out
    assert sorted(os.listdir(backup.parent)) == ["copy.db"]
    assert not list(served.world.folder.glob("state.db.backup*"))
    code, _, err = served.command("backup", backup)
    assert code == 2 and "exists already" in err and "--force" in err
    assert served.command("backup", backup, "--force")[0] == 0
    served.world.source.step(order={"id": "1002", "status": "Held"})  # after the backup
    wait_until(lambda: events(served).count("order.status.held") == 2, served.daemon.log)
    assert served.daemon.stop() == 0

    for path in served.world.folder.glob("state.db*"):
        path.unlink()
    shutil.copy(backup, served.world.folder / "state.db")
    served.world.receiver.answer = lambda event: 204
    served.start()
    served.swept()
    delivered(served, 3)
    served.world.source.sweeps_after(2)
    assert sorted(kinds(served.world.receiver.deliveries)) == [
        (ODD, "appointment.rescheduled"), ("1001", "order.status.held"), ("1002", "order.status.held")]
    assert len({event["id"] for event in served.world.receiver.deliveries}) == 3


def test_a_backup_says_what_is_wrong(served):
    code, _, err = served.command("backup", "/nowhere/at/all.db")
    assert code == 74 and "/nowhere/at/all.db" in err and err.count("\n") == 1
    assert not list(served.world.folder.glob("state.db.backup*"))  # what the daemon made is gone
    code, _, err = served.command("backup")
    assert code == 2 and "FILE" in err
    (served.world.folder / "state.db.backup.part").mkdir()
    code, _, err = served.command("backup", served.world.folder / "copy.db")
    assert code == 69 and "state.db.backup" in err
    assert served.daemon.stop() == 0
    code, _, err = served.command("backup", served.world.folder / "copy.db")
    assert code == 69 and "no daemon answers" in err
    assert not pathlib.Path(served.world.folder / "copy.db").exists()


# --- the history under another configuration -------------------------------------------------------

def test_history_is_replayed_through_another_configuration_and_nothing_is_sent(served):
    source = served.world.source
    source.step(appointment=MOVED)
    delivered(served, 1)
    code, out, err = served.command("silence", "add", "--for", "1h", "--author", "A. Tester", "--comment", "works",
                                    "--order", "1001")
    assert code == 0, err
    source.steps([{"order": {"id": "1001", "status": "Held"}}, {"order": {"id": "1002", "status": "Held"}},
                  {"order": {"id": "1003", "status": "Cancelled"}}])
    delivered(served, 3)
    wait_until(lambda: len(events(served)) == 4, served.daemon.log)
    log_before = served.daemon.log()

    other = {**served.settings, "sinks": [
        {"name": "team", "email": {"server": "smtp://127.0.0.1:1", "tls": "none", "from": "a@example.com",
                                   "to": ["b@example.com"], "digest": "1d"}},
        {"name": "pager", "webhook": {"url": "http://127.0.0.1:1/", "secret": "whsec_" + "QUJD" * 8}}]}
    other["routes"] = [{"types": ["order.*"], "sinks": ["team"]},
                       {"types": ["*"], "severity": "critical", "sinks": ["pager"]}]
    path = served.world.folder / "other.yaml"
    path.write_text(json.dumps(other))
    code, out, err = served.command("replay", "--from", "1h", "--config", path, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["events"] == 4 and told["messages"] == 2
    assert [(row["order"], row["sink"]) for row in told["deliveries"]] == [
        ("1003", "pager"), ("1002", "team"), ("1003", "team")]
    pager, first, second = told["deliveries"]
    assert pager["time"] == pager["happened"] > "2026" and first["message"] == second["message"] != pager["message"]
    assert first["time"] > first["happened"] and first["time"].endswith("T00:00:00.000Z")
    assert [row["order"] for row in told["silenced"]] == ["1001"]
    assert [row["type"] for row in told["unrouted"]] == ["appointment.rescheduled"]
    for row in (pager, told["unrouted"][0]):
        served.json(f"/api/v1/events/{row['event']}")

    code, out, err = served.command("replay", "--from", "1h", "--config", path)
    assert code == 0 and "pager" in out and "4 events: 3 deliveries in 2 messages, 1 events silenced, 1 without" in out
    same = served.command("replay", "--from", "1h", "--json")  # through its own
    assert [row["sink"] for row in json.loads(same[1])["deliveries"]] == ["tickets"] * 3
    alone = run_command("replay", "--from", "1h", "--config", path, "--json")  # found by its own http.listen
    assert json.loads(alone[1]) == told
    code, out, _ = served.command("replay", "--from", "2000-01-01", "--to", "2000-01-02", "--config", path)
    assert code == 0 and "0 events" in out and "nobody" in out
    assert "event=attempt_ended" not in served.daemon.log()[len(log_before):]
    assert len(served.world.receiver.attempts) == 3


def test_replay_says_what_is_wrong(served):
    code, _, err = served.command("replay")
    assert code == 2 and "--from" in err
    code, _, err = served.command("replay", "--from", "yesterday")
    assert code == 2 and "--from: " in err and "accepted" in err
    broken = served.world.folder / "broken.yaml"
    broken.write_text("routes: 7\n")
    code, _, err = served.command("replay", "--from", "1h", "--config", broken)
    assert code == 78 and f"{broken}:1:" in err
    assert served.daemon.stop() == 0
    assert served.command("replay", "--from", "1h")[0] == 69
