"""/calendar/SOURCE.ics: what a calendar program that is not ours makes of it, and who may read it."""
import datetime
import re
import time

import icalendar
import pytest

from harness import configuration, email_sink, wait_until
from test_surface import Served

TOKEN = "calendar-token-of-the-tests"
DAY = datetime.date.today() + datetime.timedelta(days=12)


def visit(identity, start="09:00", end="11:00", day=DAY, **more):
    return {"id": identity, "status": "Confirmed", "start": f"{day}T{start}:00+01:00", "end": f"{day}T{end}:00+01:00", **more}


ORDERS = {"list": [
    {"id": "00/12 3", "customerReference": "PO-<1>; a,b", "status": "InProgress", "site": {"name": "Lyon, Part-Dieu"},
     "contact": {"name": "Site reception", "phone": "+33 1 99 00 00 01"},
     "appointments": [visit("A-1"), visit("A-2", status="Initialized")]},
    {"id": "77", "status": "InProgress", "site": {"name": "END:VEVENT\nBEGIN:VEVENT"},
     "appointments": [{"id": "A-3", "status": "Confirmed", "start": str(DAY)},
                      visit("A-old", day=datetime.date(2020, 1, 1)), {"id": "A-none", "status": "Initialized"}]}]}


@pytest.fixture
def served(world):
    world.source = world.simulator(orders=ORDERS)
    world.mailbox = world.mailbox()
    settings = configuration(world.folder, world.source, sinks=[email_sink(world.mailbox, digest="0", calendar="publish")],
                             source={"calendar_token": TOKEN})
    one = Served(world, settings)
    one.world = world
    one.swept()
    return one


def feed(served, **headers):
    answer, content = served.ask("/calendar/orange.ics", headers=headers)
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return answer, icalendar.Calendar.from_ical(content)


def entries(calendar):
    return {str(event["SUMMARY"]) + str(event["DTSTART"].dt): event for event in calendar.walk("VEVENT")}


def test_it_is_a_calendar_with_the_zone_of_its_times(served):
    answer, content = served.ask("/calendar/orange.ics")
    assert all(len(line) <= 75 for line in content.split(b"\r\n")) and b"\n" not in content.replace(b"\r\n", b"")
    assert b"reception" not in content and b"+33" not in content
    calendar = icalendar.Calendar.from_ical(content)
    assert calendar["VERSION"] == "2.0" and "METHOD" not in calendar and str(calendar["X-WR-CALNAME"]) == "orange"
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n" in content
    assert [str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")] == ["Europe/Paris"]
    events = calendar.walk("VEVENT")
    assert len(events) == 3 and len({str(event["UID"]) for event in events}) == 3
    timed = [event for event in events if "TZID" in event["DTSTART"].params]
    assert len(timed) == 2 and all(event["DTSTART"].params["TZID"] == "Europe/Paris" for event in timed)
    assert all(event["DTSTART"].dt.replace(tzinfo=None) == datetime.datetime.combine(DAY, datetime.time(9)) for event in timed)
    assert sorted(str(event["STATUS"]) for event in timed) == ["CONFIRMED", "TENTATIVE"]
    assert "Order 00/12 3 (Lyon, Part-Dieu)" in str(timed[0]["SUMMARY"]) and "PO-<1>; a,b" in str(timed[0]["DESCRIPTION"])
    whole_day, = (event for event in events if event not in timed)
    assert whole_day["DTSTART"].dt == DAY and "\n" not in str(whole_day["SUMMARY"])


def test_it_is_sent_again_only_when_it_changed(served):
    answer, _ = feed(served)
    tag = answer.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag) and answer.headers["Cache-Control"] == "private, no-cache"
    same, content = served.ask("/calendar/orange.ics", headers={"If-None-Match": tag})
    assert same.status == 304 and content == b"" and same.headers["ETag"] == tag
    served.daemon.stop()
    served.start()
    assert served.ask("/calendar/orange.ics", headers={"If-None-Match": tag})[0].status == 304
    served.world.source.step(appointment={"order": "00/12 3", **visit("A-1", "14:00", "16:00")})
    wait_until(lambda: served.ask("/calendar/orange.ics", headers={"If-None-Match": tag})[0].status == 200, served.daemon.log)


def test_mails_and_feed_tell_of_the_same_entries(served):
    """Moved, moved again, cancelled: by UID and SEQUENCE, who has both has one entry."""
    steps = [visit("A-1", "14:00", "16:00"), visit("A-1", "15:00", "17:00"), visit("A-1", "15:00", "17:00", status="Cancelled")]
    sequences = []
    for count, step in enumerate(steps, 1):
        served.world.source.step(appointment={"order": "00/12 3", **step})
        wait_until(lambda: len(served.world.mailbox.mails) == count, served.daemon.log)
        _, _, mail = served.world.mailbox.mails[-1]
        part = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
        mailed, = icalendar.Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")
        own, = (event for event in feed(served)[1].walk("VEVENT") if event["UID"] == mailed["UID"])
        assert own["SEQUENCE"] == mailed["SEQUENCE"] and own["STATUS"] == mailed["STATUS"]
        assert own["DTSTART"].dt.replace(tzinfo=None) == mailed["DTSTART"].dt.replace(tzinfo=None)
        assert str(own["SUMMARY"]) == str(mailed["SUMMARY"]) and str(own["LOCATION"]) == str(mailed["LOCATION"])
        sequences.append(int(own["SEQUENCE"]))
    assert sequences == sorted(set(sequences)) and own["STATUS"] == "CANCELLED"
    served.world.source.step(close_order="00/12 3")
    wait_until(lambda: len(feed(served)[1].walk("VEVENT")) == 1, served.daemon.log)


def test_its_token_opens_it_and_nothing_else(world):
    world.source = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, world.source, source={"calendar_token": TOKEN}, routes=[])
    settings["sources"].append({**settings["sources"][0], "name": "second", "calendar_token": None})
    del settings["sources"][1]["calendar_token"]
    settings["http"]["token"] = "token-of-the-interface"
    served = Served(world, settings)
    whole = {"Authorization": "Bearer token-of-the-interface"}
    wait_until(lambda: served.ask("/-/ready", headers=whole)[0].status == 200, served.daemon.log)
    assert served.ask(f"/calendar/orange.ics?token={TOKEN}")[0].status == 200
    assert served.ask("/calendar/orange.ics", headers=whole)[0].status == 200
    assert served.ask("/calendar/second.ics", headers=whole)[0].status == 200
    assert served.ask("/calendar/orange.ics")[0].status == 401
    refusals = {content for path in ("orange.ics?token=wrong", f"orange.ics?token={TOKEN[:-1]}x", "orange.ics?token=",
                                     f"second.ics?token={TOKEN}", f"third.ics?token={TOKEN}", f"orange?token={TOKEN}")
                for answer, content in [served.ask(f"/calendar/{path}")] if answer.status == 404}
    assert len(refusals) == 1 and b"no such calendar, or not with this token" in refusals.pop()
    assert served.ask("/calendar/orange.ics?token=wrong", headers=whole)[0].status == 404
    for path in ("/api/v1/status", "/api/v1/appointments", "/metrics"):
        assert served.ask(f"{path}?token={TOKEN}")[0].status == 401
    assert served.ask(f"/calendar/orange.ics?token={TOKEN}", headers={"Host": "evil.example"})[0].status == 421
    assert served.ask(f"/calendar/orange.ics?token={TOKEN}", "POST")[0].status in (403, 405, 415)
    code, out, _ = served.command("check", "--print")
    assert code == 0 and TOKEN not in out and TOKEN not in served.daemon.log()


def test_ten_thousand_orders_are_one_calendar(world):
    world.source = world.simulator(orders={"generate": {"first_id": 100000, "count": 10000, "seed": 3}},
                                   paging={"default": 1000, "max": 1000})
    served = Served(world, configuration(world.folder, world.source, source={"page": "1000", "every": "1h"}, routes=[]))
    served.swept()
    began = time.monotonic()
    _, calendar = feed(served)
    listed = served.pages("/api/v1/appointments", 1000)
    assert len(calendar.walk("VEVENT")) == min(5000, len([one for one in listed if one.get("start", "") > "2026"])) > 1000
    assert time.monotonic() - began < 60
