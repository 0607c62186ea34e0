"""A state file of the present schema, as a daemon leaves it that had something of everything: make state-file.

tests/edge/state has one for each schema that was released. They are not edited and not made anew: each was written by
the program of its time."""
import contextlib
import datetime
import pathlib
import re
import sqlite3
import tempfile
import urllib.parse

import conftest
import harness
import mqtt_soak
from harness import ROOT, wait_until
from test_formats import TicketingSystem, ticket_sink

ORDERS = [
    {"id": "00/12 3", "customerReference": "PO-<1>", "status": "InProgress", "step": "Survey",
     "site": {"name": "Lyon Part-Dieu"}, "committedDate": "@+45d",
     "contact": {"name": "Site reception", "phone": "+33 1 99 00 00 01"},
     "appointments": [{"id": "A-1", "status": "Confirmed", "start": "@+40d 09:00", "end": "@+40d 11:00"}]},
    {"id": "1000", "status": "Completed", "completedDate": "@-1d"},
    {"id": "1001", "customerReference": "PO-1001", "status": "InProgress", "step": "Delivery",
     "site": {"name": "Brest Océane"}, "requestedDate": "@+20d", "committedDate": "@+30d", "appointments": [
         {"id": "A-1", "status": "Completed", "start": "@-3d 09:00", "end": "@-3d 11:00"},
         {"id": "A-2", "status": "Initialized", "start": "@+12d 14:00", "end": "@+12d 16:00"}]},
    {"id": "1002", "status": "InProgress", "step": "Study", "committedDate": "@+60d"},
    {"id": "1003", "status": "InProgress", "step": "Study", "committedDate": "@-10d"},
    {"id": "1004", "status": "InProgress", "step": "Construction"},
]
# What it must have something of.
PARTS = [*(f"deliveries WHERE state = {state}" for state in range(4)), "deliveries WHERE progress <> ''",
         "deliveries WHERE leader IS NOT NULL", "deliveries WHERE bundle IS NOT NULL", "attempts",
         "events WHERE silence_id IS NOT NULL", "sinks WHERE silenced > 0", "orders WHERE has_left = 1",
         *(f"deadlines WHERE kind = {kind}" for kind in range(4)), "states WHERE is_stale = 1",
         "states WHERE is_refused = 1", "states WHERE published <> ''",
         *(f"named_values WHERE key LIKE '{key}'" for key in
           ("silences", "ticket/%", "sink/%", "source/%", "budget/%"))]
RETRY = {"first": "1s", "cap": "1h"}


def sinks(world):
    """One of each kind; of mail one that leaves at once and one that waits for its day."""
    soon, later = (harness.email_sink(world.mailbox, name=name, digest=digest, retry=RETRY,
                                      to=["projects@example.com", "late@example.com"])
                   for name, digest in (("project-managers", "2s"), ("directors", "7d")))
    return [harness.mqtt_sink(world.broker_), harness.webhook_sink(world.receiver, retry=RETRY),
            {**ticket_sink(world.system), "name": "desk"}, soon, later]


def settings_of(world, simulator):
    issued = datetime.date.today() - datetime.timedelta(days=350)
    key = {"header": "X-Api-Key", "value": "key", "issued": str(issued), "valid_for": "365d"}
    routes = [{"types": ["*"], "sinks": ["noc", "tickets", "directors"]},
              {"types": ["order.status.held", "order.status.resumed"], "sinks": ["desk"]},
              {"types": ["appointment.*", "order.date.*"], "sinks": ["project-managers"]}]
    settings = harness.configuration(
        world.folder, simulator, sinks=sinks(world), source={"api_key": key, "remind": ["7d", "24h"]},
        routes=[{**route, "where": {"source": "orange"}} for route in routes])
    # The same orders again, whose status is told later: what waits to be told is kept, too.
    settings["sources"].append({**settings["sources"][0], "name": "calm", "settle": "7d"})
    settings["log"]["level"] = "info"
    settings["sinks"][0]["failing_after"] = "1h"  # a broker that is away at the end is no news
    return settings


class Play:
    def __init__(self, world):
        self.world = world
        world.receiver, world.mailbox = world.webhook(), world.mailbox()
        world.system = world.keep(TicketingSystem())
        access = world.folder / "access"
        access.write_text("topic readwrite #\ntopic deny orderwatch/orange/orders/1004/state\n")
        access.chmod(0o644)
        world.broker_ = world.broker(["allow_anonymous true", f"acl_file {access}"])
        self.simulator = world.simulator(orders={"list": ORDERS})
        self.settings = settings_of(world, self.simulator)
        self.daemon = world.daemon(self.settings).start()
        self.wait(lambda: len(self.items("orders")) == 2 * len(ORDERS))

    def items(self, path):
        try:
            return mqtt_soak.ask(self.daemon, path)["items"]
        except OSError:  # it is starting
            return []

    def wait(self, condition):
        wait_until(condition, self.daemon.log)

    def sent(self, sink, order, status):
        """Until something of the order is in that state for the sink; what it is."""
        path = f"deliveries?source=orange&sink={sink}&status={status}&order={urllib.parse.quote(order)}"
        return wait_until(lambda: self.items(path), self.daemon.log)

    def command(self, *arguments):
        code, _, err = harness.run_command(arguments[0], "-c", self.daemon.path, *arguments[1:])
        assert code == 0, err

    def act(self):
        step, receiver, mailbox = self.simulator.step, self.world.receiver, self.world.mailbox
        # Delivered: two events as one mail.
        step(order={"id": "1001", "committedDate": "@+41d"},
             appointment={"order": "1001", "id": "A-2", "start": "@+13d 14:00", "end": "@+13d 16:00"})
        self.sent("tickets", "1001", "delivered")
        self.sent("project-managers", "1001", "delivered")
        # An appointment that moves twice; to one of two readers the mail about it cannot be delivered.
        mailbox.refuse = {"late@example.com": "451 come again"}
        for days in (44, 47):
            step(appointment={"order": "00/12 3", "id": "A-1", "start": f"@+{days}d 09:00", "end": f"@+{days}d 11:00"})
            self.simulator.sweeps_after(4)
        self.wait(lambda: len(mailbox.mails) == 2)
        # A ticket that is open, one that is closed.
        step(order={"id": "1002", "status": "Held"})
        step(order={"id": "1003", "status": "Held"})
        self.sent("desk", "1003", "delivered")
        step(order={"id": "1003", "status": "InProgress"})
        self.wait(lambda: sorted(self.world.system.states().values()) == ["new", "resolved"])
        # Parked; and dropped by the operator.
        receiver.answer = lambda event: 400
        step(order={"id": "1004", "step": "Delivery"})
        step(order={"id": "1003", "step": "Delivery"})
        self.sent("tickets", "1004", "parked")
        self.command("drop", str(self.sent("tickets", "1003", "parked")[0]["id"]))
        receiver.answer = lambda event: 204
        # Silenced.
        self.command("silence", "add", "--for", "3000d", "--author", "NOC", "--comment", "works", "--order", "1002")
        step(note={"order": "1002", "date": "@+0d 08:00", "author": "Delivery desk", "text": "Permit asked for."})
        self.wait(lambda: harness.ledger(self.daemon, "noc")["silenced"] == 1)
        # Left the list; then what waits: tried, not yet tried, and a state that the broker does not have yet.
        step(close_order="1000")
        self.sent("tickets", "1000", "delivered")
        receiver.answer = lambda event: 503
        self.world.broker_.stop()
        step(order={"id": "1001", "status": "Held"})
        self.wait(lambda: self.sent("tickets", "1001", "pending")[0]["attempts"] > 0)
        step(order={"id": "1001", "step": "Activation"})
        self.wait(lambda: len(self.sent("tickets", "1001", "pending")) > 1)

    def dump(self):
        assert self.daemon.stop() == 0
        with sqlite3.connect(self.settings["state"]["database"]) as state:
            for part in PARTS:
                assert state.execute(f"SELECT count(*) FROM {part}").fetchone()[0] > 0, f"nothing of {part}"
            number = {name: state.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")}
            rows = "\n".join(state.iterdump())
        for place in (str(self.world.folder), str(ROOT)):
            assert place not in rows and place.encode().hex() not in rows.lower()
        head = [f"-- Written by a daemon of schema {number['user_version']}: tests/system/make_state.py.",
                *(f"PRAGMA {name} = {value};" for name, value in number.items()), "PRAGMA foreign_keys = OFF;"]
        path = ROOT / f"tests/edge/state/{number['user_version']}.sql"
        assert not path.exists(), f"{path} is there already, and stays as it is"
        path.write_text("\n".join(head) + "\n" + re.sub(r"\n +", " ", rows) + "\n", encoding="utf-8")
        return path


def main():
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        play = Play(conftest.World(pathlib.Path(folder), stack))
        play.act()
        print(play.dump())


if __name__ == "__main__":
    main()
