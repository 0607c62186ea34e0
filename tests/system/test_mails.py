"""What readers of mail get: digests with what is to come, calendars that equal the API's appointments, and mails that
any reader can show, judged by Python's own parsers."""
import collections
import datetime
import email.policy
import json
import random
import re
import subprocess
import sys
import urllib.request

from harness import ROOT, configuration, email_sink, ledger, wait_until, webhook_sink

PLAY = str(ROOT / "tests/support/calendar_play.py")
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, second=0)
STATUSES = ["Confirmed", "Initialized", "Confirmed", "Cancelled", "Completed", "Missed"]


def instant(days, hours=0):
    return (NOW + datetime.timedelta(days=days, hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def order(identity, **more):
    return {"id": identity, "customerReference": f"PO-{identity}", "status": "InProgress", "step": "Survey",
            "site": {"name": f"Site {identity}"}, **more}


def judge(message):
    """What no mail may be, by another hand than the one that wrote it."""
    raw = message.as_bytes(policy=email.policy.SMTP)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    parts = {part.get_content_type(): part for part in message.walk()}
    plain = parts["text/plain"].get_content().replace("\r\n", "\n")
    page = parts["text/html"].get_content()
    too_wide = [line for line in plain.splitlines() if len(line) > 72 and " " in line.strip()]
    assert not too_wide, too_wide
    assert not re.search(r"<(img|script|iframe|link|object|embed|video|form)\b|url\(|@import|\bsrc=", page, re.I)
    assert not any(defect for part in message.walk() for defect in part.defects)
    assert message["Auto-Submitted"] == "auto-generated" and message["List-Id"] and message["References"]
    return plain


def event_count(daemon, kind):
    url = f"http://{daemon.configuration['http']['listen']}/api/v1/events?limit=1000"
    with urllib.request.urlopen(url, timeout=30) as answer:
        items = json.load(answer)["items"]
    return sum(1 for item in items if (item.get("event") or item)["type"] == f"orderwatch.{kind}")


def test_a_mail_about_an_appointment_has_it_as_a_calendar_without_being_asked(world):
    simulator = world.simulator(orders={"list": [
        order("200", appointments=[{"id": "A", "status": "Confirmed", "start": instant(3), "end": instant(3, 2)}])]})
    mailbox = world.mailbox()
    settings = configuration(world.folder, simulator, sinks=[email_sink(mailbox)])
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    simulator.step(appointment={"order": "200", "id": "A", "start": instant(5), "end": instant(5, 2)})
    assert world.daemon(settings, ["--once"]).run()[0] == 0
    part = next(part for part in mailbox.mails[-1][2].walk() if part.get_content_type() == "text/calendar")
    assert part["Content-Type"].params["method"] == "PUBLISH" and "SEQUENCE:1" in part.get_content()


def test_a_digest_says_what_changed_what_is_to_come_and_how_recent_it_is(world):
    simulator = world.simulator(orders={"list": [
        order("100", committedDate="2020-01-31"),
        order("200", appointments=[{"id": "A", "status": "Confirmed", "start": instant(3), "end": instant(3, 2)}]),
        order("300", appointments=[{"id": "A", "status": "Confirmed", "start": instant(30)}]),
        order("400", committedDate="2020-01-31", status="Completed")]})
    mailbox = world.mailbox()
    sink = email_sink(mailbox, digest={"every": "4s", "unchanged": True}, subject_prefix="watch", time_zone="UTC")
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink])).start()

    def unchanged():
        return [mail for _, _, mail in mailbox.mails if "nothing changed" in mail["Subject"] and "complete on" in
                mail.get_body(("plain",)).get_content()]
    wait_until(lambda: len(unchanged()) >= 2, daemon.log)
    plain = judge(unchanged()[-1])
    assert unchanged()[-1]["Subject"] == "[watch] Digest: nothing changed"
    upcoming, overdue, data = re.search(r"Upcoming 14 days\n-+\n(.*)Overdue\n-+\n(.*)As of\n-+\n(.*)-- \n", plain,
                                        re.S).groups()
    assert "Order 200 (Site 200), Confirmed" in upcoming and "300" not in upcoming
    assert "Order 100 (Site 100): committed for Fri 31 Jan 2020" in overdue and "400" not in overdue
    assert "orange: complete on" in data

    before = len(mailbox.mails)
    simulator.step(order={"id": "100", "status": "Held"})
    simulator.step(order={"id": "300", "status": "Cancelled"})
    wait_until(lambda: sum("warning" in mail["Subject"] or "critical" in mail["Subject"]
                           for _, _, mail in mailbox.mails[before:]) >= 1 and
               all(any(f"Order {identity}" in judge(mail) for _, _, mail in mailbox.mails[before:])
                   for identity in ("100 (Site 100): on hold", "300 (Site 300): cancelled")), daemon.log)
    assert daemon.stop() == 0
    # A digest time has one mail at most, whatever happened, restarts included.
    daemon.start()
    count = len(mailbox.mails)
    wait_until(lambda: len(mailbox.mails) >= count + 2, daemon.log)
    assert daemon.stop() == 0
    times = collections.Counter(int(mail["Date"].datetime.timestamp()) for _, _, mail in mailbox.mails)
    assert all(second % 4 == 0 and count == 1 for second, count in times.items()), times
    identities = [mail["Message-ID"] for _, _, mail in mailbox.mails]
    assert len(set(identities)) == len(identities)


# --- calendars --------------------------------------------------------------------------------------------------------

class Operator:
    """The API's appointments, as this test changes them."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.visits = {}

    def slot(self):
        start = self.random.randrange(-20, 200)
        roll = self.random.random()
        visit = {"start": instant(start, self.random.randrange(24)), "end": None}
        if roll < 0.7:
            visit["end"] = instant(start + 1, self.random.randrange(24))
        elif roll < 0.85:
            visit["end"] = instant(start - 3)  # before it begins
        if roll > 0.95:
            visit["start"] = None
        return visit

    def change(self):
        """One step for the simulator, done here too."""
        key = (self.random.choice(["100", "200", "300"]), self.random.choice(["A", "B"]))
        if key in self.visits and self.random.random() < 0.2:
            del self.visits[key]
            return {"remove_appointment": {"order": key[0], "id": key[1]}}
        visit = self.visits.setdefault(key, {"status": "Confirmed", "start": None, "end": None})
        if self.random.random() < 0.6:
            visit.update(self.slot())
        else:
            visit["status"] = self.random.choice(STATUSES)
        return {"appointment": {"order": key[0], "id": key[1], **visit}}

    def shown(self):
        """What a calendar must show: (order, start, end) of all that is not cancelled and has a start."""
        slots = []
        for (identity, _), visit in self.visits.items():
            if visit["status"] != "Cancelled" and visit["start"]:
                has_end = visit["end"] and visit["end"] > visit["start"]
                slots.append((identity, visit["start"], visit["end"] if has_end else None))
        return sorted(slots, key=str)


def play(mailbox, folder):
    """What the calendar of a client shows after these mails; its faults must be none."""
    folder.mkdir(exist_ok=True)
    paths = []
    for _, _, mail in list(mailbox.mails):
        for part in mail.walk():
            if part.get_content_type() == "text/calendar":
                path = folder / f"{len(paths):04}.ics"
                path.write_bytes(part.get_payload(decode=True))
                assert part.get_param("method") and f"METHOD:{part.get_param('method')}".encode() in path.read_bytes()
                paths.append(str(path))
    done = subprocess.run([sys.executable, PLAY, *paths], capture_output=True, text=True, check=True, timeout=60)
    client = json.loads(done.stdout)
    assert client["faults"] == [], client["faults"]
    shown = [(re.match(r"Order (\d+)", entry["summary"]).group(1), entry["start"], entry["end"])
             for entry in client["entries"] if entry["is_shown"] and entry["status"] != "CANCELLED"]
    return sorted(shown, key=str), client


def test_calendars_equal_the_appointments_of_the_api(world):
    simulator = world.simulator(orders={"list": [order("100"), order("200"), order("300")]})
    boxes = {name: world.mailbox() for name in ("publish", "request", "digest")}
    sinks = [email_sink(boxes["publish"], name="publish", calendar="publish"),
             email_sink(boxes["request"], name="request", calendar="request", language="fr"),
             email_sink(boxes["digest"], name="digest", calendar="publish", digest="3s")]
    sinks[1]["email"]["language"] = "en"  # the summary is how this test knows the order
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks,
                                        source={"guard": {"policy": "tell"}})).start()
    simulator.sweeps_after(2)
    operator = Operator(20261125)

    def settled():
        return all(ledger(daemon, name)["pending"] == 0 for name in boxes)
    for round_number in range(10):
        simulator.steps([operator.change() for _ in range(operator.random.randrange(1, 6))])
        if round_number == 5:
            assert daemon.stop() == 0  # a restart never goes backwards
            daemon.start()
        simulator.sweeps_after(2)
        wait_until(settled, daemon.log)
        for name in ("publish", "request"):
            shown, _ = play(boxes[name], world.folder / name)
            assert shown == operator.shown(), (name, round_number)
    shown, _ = play(boxes["digest"], world.folder / "digest")
    assert shown == operator.shown()
    _, client = play(boxes["request"], world.folder / "request")
    assert {"REQUEST", "CANCEL"} == set(client["methods"])
    _, client = play(boxes["publish"], world.folder / "publish")
    assert {"PUBLISH", "CANCEL"} == set(client["methods"])
    for box in boxes.values():
        for _, _, mail in box.mails:
            judge(mail)
    assert daemon.stop() == 0


def test_a_route_has_fields_and_a_language_of_its_own(world):
    """Contacts leave by the route that names them, and by no other, whatever leaves together."""
    contact = {"name": "Site reception", "phone": "+33 1 99 00 00 01"}
    mailbox, receiver = world.mailbox(), world.webhook()
    simulator = world.simulator(orders={"list": [order("1", contact=contact), order("2", contact=contact)]})
    sinks = [email_sink(mailbox), webhook_sink(receiver)]
    names = [sink["name"] for sink in sinks]
    routes = [{"types": ["order.status.*"], "where": {"id": "1"}, "sinks": names, "language": "fr",
               "fields": ["id", "status", "contact"]},
              {"types": ["order.status.*"], "sinks": names}]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks, routes=routes)).start()
    simulator.sweeps_after(2)
    simulator.steps([{"order": {"id": "1", "status": "Held"}}, {"order": {"id": "2", "status": "Held"}}])
    wait_until(lambda: len(mailbox.mails) == 2 and len(receiver.deliveries) == 2, daemon.log)
    assert daemon.stop() == 0
    events = {event["data"]["order"]["id"]: event["data"]["order"] for event in receiver.deliveries}
    assert set(events["1"]) == {"id", "status", "contact"} and events["1"]["contact"]["name"] == "Site reception"
    assert "contact" not in events["2"] and events["2"]["site"] == "Site 2"
    mails = {re.search(r"(?:Order|Commande) (\w+)", str(message["Subject"])).group(1): message
             for _, _, message in mailbox.mails}
    assert "Commande 1" in mails["1"]["Subject"] and "Order 2" in mails["2"]["Subject"]
    assert "Site reception" in mails["1"].get_body(("plain",)).get_content()
    assert "Site reception" not in mails["2"].get_body(("plain",)).get_content()
