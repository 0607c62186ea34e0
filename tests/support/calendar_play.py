#!/usr/bin/python3
"""A calendar client by the rules of RFC 5546: takes iCalendar bodies from files in their order of
arrival and prints, as JSON, the calendar that its owner then sees and what was wrong on the way."""

import datetime
import json
import sys

import icalendar


def as_utc(value):
    if value is None:
        return None
    moment = value.dt
    if not isinstance(moment, datetime.datetime):
        return moment.isoformat()
    if moment.tzinfo is None:
        return "floating " + moment.isoformat()
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def zones_of(calendar):
    """The zones as the body itself describes them: the reader's own tables are not asked."""
    return {str(zone["TZID"]): zone.to_tz() for zone in calendar.walk("VTIMEZONE")}


def local(value, zones):
    """Reads a local time by the VTIMEZONE that came with it."""
    if value is None or "TZID" not in value.params:
        return value
    naive = value.dt.replace(tzinfo=None)
    zone = zones[str(value.params["TZID"])]
    value.dt = zone.localize(naive) if hasattr(zone, "localize") else naive.replace(tzinfo=zone)
    return value


def take(entries, faults, method, event, zones):
    uid, sequence = str(event["UID"]), int(event.get("SEQUENCE", 0))
    stamp = event["DTSTAMP"].dt
    known = entries.get(uid)
    if known and (sequence, stamp) < (known["sequence"], known["stamp"]):
        faults.append("older than what is known")
        return
    if "ORGANIZER" not in event:
        faults.append("no organizer")
    if method == "PUBLISH" and "ATTENDEE" in event:
        faults.append("attendee in PUBLISH")
    entries[uid] = {
        "sequence": sequence,
        "stamp": stamp,
        "start": as_utc(local(event.get("DTSTART"), zones)),
        "end": as_utc(local(event.get("DTEND"), zones)),
        "status": str(event.get("STATUS", "")),
        "summary": str(event.get("SUMMARY", "")),
        "location": str(event.get("LOCATION", "")),
        "description": str(event.get("DESCRIPTION", "")),
        "is_shown": method != "CANCEL",
    }


def check_lines(raw, faults):
    for line in raw.split(b"\r\n"):
        if len(line) > 75:
            faults.append("line over 75 octets")
        if b"\n" in line or b"\r" in line:
            faults.append("bare line break")


def main():
    entries, faults, methods = {}, [], []
    for path in sys.argv[1:]:
        with open(path, "rb") as stream:
            raw = stream.read()
        check_lines(raw, faults)
        calendar = icalendar.Calendar.from_ical(raw)
        method = str(calendar.get("METHOD", ""))
        methods.append(method)
        for event in calendar.walk("VEVENT"):
            take(entries, faults, method, event, zones_of(calendar))
    for entry in entries.values():
        del entry["stamp"]
    print(json.dumps({"entries": list(entries.values()), "faults": faults, "methods": methods}))


if __name__ == "__main__":
    main()
