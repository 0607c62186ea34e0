"""A real Request Tracker 5: tickets are opened, answered, resolved and opened again by the events of orderwatch-sim.

Its database and configuration live in the test's folder; the system's own are not touched.
"""
import base64
import json
import os
import shutil
import subprocess
import urllib.request

import pytest

import harness
from harness import configuration, wait_until

SERVER = "/usr/share/request-tracker5/libexec/rt-server"
SETUP = "/usr/sbin/rt-setup-database-5"
LOGIN = ("orderwatch", "a pass:word")

SITE = """
Set($rtname, 'orders');
Set($Organization, 'example.com');
Set($WebDomain, '127.0.0.1');
Set($WebPort, PORT);
Set($WebBaseURL, 'http://127.0.0.1:PORT');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, 'FOLDER/rt.db');
Set($DatabaseHost, '');
Set($DatabaseUser, '');
Set($DatabasePassword, '');
Set($MailCommand, 'testfile');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($WebSessionClass, 'Apache::Session::File');
1;
"""

DATA = """
@Users = ({Name => 'orderwatch', Password => 'a pass:word', Privileged => 1, EmailAddress => 'watch@example.com'});
@Queues = ({Name => 'Orders', Description => 'Orders at the operator'});
@ACL = map { {Right => $_, UserId => 'orderwatch', Queue => 'Orders'} }
    qw(SeeQueue ShowTicket CreateTicket ReplyToTicket ModifyTicket);
1;
"""


class RequestTracker:
    def __init__(self, folder):
        self.folder = folder
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}/REST/2.0"
        site = folder / "RT_SiteConfig.pm"
        site.write_text(SITE.replace("PORT", str(self.port)).replace("FOLDER", str(folder)))
        (folder / "none.d").mkdir()
        (folder / "data").write_text(DATA)
        self.environment = {"RT_SITE_CONFIG": str(site), "RT_SITE_CONFIG_DIR": str(folder / "none.d"),
                            "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
        self.set_up("--action", "init")
        self.set_up("--action", "insert", "--datafile", str(folder / "data"))
        self.process = harness.Process([SERVER, "--server", "Standalone", "--host", "127.0.0.1", "--port",
                                        str(self.port)], folder, "rt-server", self.environment)
        wait_until(lambda: harness.listens(self.port) or not self.process.is_running(), self.process.text)

    def set_up(self, *arguments):
        subprocess.run([SETUP, "--skip-create", "--dba", "", "--dba-password", "", *arguments], check=True,
                       capture_output=True, timeout=120, env=dict(os.environ, **self.environment))

    def get(self, path):
        login = base64.b64encode(":".join(LOGIN).encode()).decode()
        request = urllib.request.Request(f"{self.url}/{path}", headers={"Authorization": f"Basic {login}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def tickets(self):
        """The status of each ticket by its id."""
        found = self.get("tickets?query=id%3E0&fields=Status")["items"]
        return {ticket["id"]: ticket["Status"] for ticket in found}

    def transactions(self, ticket):
        items = self.get(f"ticket/{ticket}/history?fields=Type&per_page=100")["items"]
        return [item["Type"] for item in items if item["Type"] in ("Create", "Correspond", "Status")]

    def contents(self, ticket):
        items = self.get(f"ticket/{ticket}/attachments?fields=Content,ContentType&per_page=100")["items"]
        return [item["Content"] for item in items if item.get("Content")]

    def stop(self):
        self.process.stop()


@pytest.mark.skipif(not shutil.which(SETUP), reason="request-tracker5 is not installed (packaging/install-deps check)")
def test_a_request_tracker_keeps_one_ticket_for_each_condition(world, tmp_path_factory):
    tracker = RequestTracker(tmp_path_factory.mktemp("rt"))
    world.keep(tracker)
    simulator = world.simulator(orders={"list": [
        {"id": "00123", "customerReference": "PO-1", "status": "InProgress", "step": "Survey",
         "site": {"name": "Besan\u00e7on <1> & fils"}, "committedDate": "2099-01-12"}]})
    sink = {"name": "desk", "webhook": {"url": tracker.url, "format": "request-tracker", "ticket_id": "/id",
                                        "settings": {"queue": "Orders", "requestor": "noc@example.com"},
                                        "username": LOGIN[0], "password": LOGIN[1], "timeout": "60s"}}
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()
    simulator.sweeps_after(2)

    moves = []

    def move(order, tickets):
        moves.append(order)
        simulator.step(order={"id": "00123", **order})
        wait_until(lambda: harness.ledger(daemon, "desk")["delivered"] == len(moves),
                   lambda: f"{daemon.log()}\n{tracker.process.text()}")
        assert tracker.tickets() == tickets

    move({"status": "Held"}, {"1": "new"})
    move({"committedDate": "2099-02-12"}, {"1": "new", "2": "new"})  # the order's own: no condition of its own
    move({"step": "Building"}, {"1": "new", "2": "open"})
    assert daemon.stop(9) == -9
    daemon.start()
    harness.ledger(daemon, "desk")
    move({"status": "InProgress"}, {"1": "resolved", "2": "open"})
    move({"status": "Held"}, {"1": "open", "2": "open"})
    move({"status": "Completed"}, {"1": "resolved", "2": "resolved"})
    assert tracker.transactions("1").count("Create") == 1
    assert tracker.transactions("1").count("Correspond") == 3
    assert tracker.get("ticket/1")["Requestor"][0]["id"] == "noc@example.com"
    opened = tracker.contents("1")[0]
    assert "site: Besan\u00e7on <1> & fils" in opened and "reference: PO-1" in opened
    assert "Key: orange/00123/held" in opened
    assert daemon.stop() == 0
