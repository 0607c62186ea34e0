#!/usr/bin/python3
"""Reads mails from files (or standard input) with Python's own parser and prints one JSON line for
each: an independent judge of what was composed."""

import email
import email.policy
import json
import sys


def line_faults(raw):
    """What a strict mail server would object to."""
    faults = []
    if b"\0" in raw:
        faults.append("NUL")
    if any(byte >= 0x80 for byte in raw):
        faults.append("8bit")
    if raw.replace(b"\r\n", b"").count(b"\n"):
        faults.append("bare LF")
    if raw.replace(b"\r\n", b"").count(b"\r"):
        faults.append("bare CR")
    if any(len(line) > 998 for line in raw.split(b"\r\n")):
        faults.append("long line")
    if not raw.endswith(b"\r\n"):
        faults.append("no end of line")
    return faults


def calendar_faults(part):
    """RFC 5545 ends lines with CRLF, in whatever encoding they travel."""
    is_calendar = part.get_content_type() == "text/calendar"
    content = part.get_payload(decode=True) if is_calendar else b""
    return ["calendar without CRLF"] if content.replace(b"\r\n", b"").count(b"\n") else []


def describe_part(part):
    content = part.get_payload(decode=True).decode("utf-8")
    return {
        "type": part.get_content_type(),
        "charset": part.get_content_charset(),
        "method": part.get_param("method"),
        "encoding": str(part.get("Content-Transfer-Encoding", "")),
        "content": content.replace("\r\n", "\n"),
    }


def describe(raw):
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    parts = [part for part in mail.walk() if not part.is_multipart()]
    defects = [type(defect).__name__ for part in mail.walk() for defect in part.defects]
    headers = [[name, str(value)] for name, value in mail.items()]
    return {
        "headers": headers,
        "subject": str(mail["Subject"]),
        "from": [address.addr_spec for address in mail["From"].addresses],
        "to": [address.addr_spec for address in mail["To"].addresses],
        "type": mail.get_content_type(),
        "parts": [describe_part(part) for part in parts],
        "defects": defects,
        "faults": line_faults(raw) + [fault for part in parts for fault in calendar_faults(part)],
        "header_names": [name.lower() for name, _ in headers],
    }


def main():
    for path in sys.argv[1:] or ["-"]:
        stream = sys.stdin.buffer if path == "-" else open(path, "rb")
        with stream:
            print(json.dumps(describe(stream.read())), flush=True)


if __name__ == "__main__":
    main()
