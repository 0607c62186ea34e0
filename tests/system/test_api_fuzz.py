"""Requests drawn from the API's own description, right and wrong, and every answer held against it. A seed gives the same
requests again: ORDERWATCH_FUZZ_SEED, and ORDERWATCH_FUZZ_COUNT for more of them."""
import http.client
import json
import os
import random
import time
import urllib.parse

import jsonschema
import pytest

from harness import configuration, wait_until, webhook_sink
from test_surface import MOVED, ORDERS, Served

SEED = int(os.environ.get("ORDERWATCH_FUZZ_SEED", "20261123"))
COUNT = int(os.environ.get("ORDERWATCH_FUZZ_COUNT", "4000"))
SECONDS = 30 if COUNT <= 4000 else 100000
TEXTS = ["", "orange", "tickets", "blue", "1001", "00/12 3", "A-1", "1h", "24h", "2026-01-01", "2027-01-12T08:00:00Z", "0", "1",
         "-1", "1000", "99999999999999999999", "order.*", "appointment.rescheduled", "orderwatch.order.created", "*", "info",
         "critical", "parked", "open", "é", "\U0001F600", "a" * 1024, "a" * 1025, "%", "/", "..", "'\"<script>", "\r\nX: y",
         "\x00", "\x7f", "\u202e", "{}", "[]", "null", "true"]
JSONS = [None, True, False, 0, -1, 1e300, 10 ** 30, "", "x", [], [[]], {}, {"drop": True}, {"drop": "yes"}, {"x": 1},
         {"author": "A. Tester", "comment": "c", "end": "1h"}, {"author": "A", "comment": "c", "for": "1h", "order": "1"},
         {"author": "", "comment": "", "order": "1", "end": "2020-01-01T00:00:00Z"}]
BODIES = [b"", b"{", b"[" * 5000, b"\xff\xfe", b"\x00", b"{\"a\":1,\"a\":2}", b" " * 65536, b"a" * 65537, b"nul"]


class Drawn:
    """One request, and what the document says of its path and method."""

    def __init__(self, document, known, dice):
        self.document, self.dice = document, dice
        template = dice.choice(sorted(document["paths"]))
        self.operations = document["paths"][template]
        self.method = dice.choice([method.upper() for method in self.operations] * 6 +
                                  ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
        self.operation = self.operations.get("get" if self.method == "HEAD" else self.method.lower())
        self.is_known_path = True
        parts = template.split("/")
        for index, part in enumerate(parts):
            if part.startswith("{"):
                value = dice.choice(known[part[1:-1]] * 3 + TEXTS)
                self.is_known_path &= value not in ("", ".", "..") and "\x00" not in value and "/" not in value
                parts[index] = urllib.parse.quote(value, safe="")
        self.target = "/".join(parts)
        if dice.random() < 0.05:
            self.target += dice.choice(["/", "/x", "x", "%2F", "%", "%zz"])
            self.is_known_path = False
        query = urllib.parse.urlencode(self.parameters(), quote_via=urllib.parse.quote)
        if query:
            self.target += "?" + query
        self.headers = self.draw_headers()
        self.body = self.draw_body() if self.method in ("POST", "PUT", "PATCH", "DELETE") else None

    def parameters(self):
        drawn = []
        for one in (self.operation or {}).get("parameters", []):
            one = self.document["components"]["parameters"][one["$ref"].rsplit("/", 1)[1]] if "$ref" in one else one
            if one["in"] == "query" and self.dice.random() < 0.35:
                right = one["schema"].get("enum") or TEXTS
                drawn.append((one["name"], self.dice.choice(right if self.dice.random() < 0.7 else TEXTS)))
        if self.dice.random() < 0.05:
            drawn.append((self.dice.choice(TEXTS), self.dice.choice(TEXTS)))
        if drawn and self.dice.random() < 0.05:
            drawn.append(drawn[0])
        return drawn

    def draw_headers(self):
        headers = {}
        if self.dice.random() < 0.05:
            headers["Host"] = self.dice.choice(["evil.example", "", "localhost:1", "[::1]", "127.0.0.1"])
        if self.dice.random() < 0.85:
            headers["X-Orderwatch"] = "1" if self.dice.random() < 0.95 else "0"
        if self.dice.random() < 0.9:
            headers["Content-Type"] = "application/json" if self.dice.random() < 0.95 else "text/plain"
        if self.dice.random() < 0.05:
            headers["Last-Event-ID"] = self.dice.choice(["0", "1", "x", "99999999999999999"])
        if self.dice.random() < 0.05:
            headers["Authorization"] = self.dice.choice(["Bearer x", "Basic eDp5", "x" * 3000])
        return headers

    def draw_body(self):
        if self.dice.random() < 0.6:
            return b"{}"
        return json.dumps(self.dice.choice(JSONS)).encode() if self.dice.random() < 0.7 else self.dice.choice(BODIES)

    def __str__(self):
        return f"{self.method} {self.target[:300]} {self.headers} {(self.body or b'')[:80]}"


class Judge:
    def __init__(self, document):
        self.document = document
        self.validators = {}

    def validator(self, schema):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = jsonschema.Draft202012Validator(whole)
        return self.validators[key]

    def judge(self, drawn, answer, content):
        code, kind = answer.status, answer.headers.get("Content-Type", "")
        problem = {"$ref": "#/components/schemas/Problem"}
        if answer.headers.get("Server") is None and kind.startswith("text/html") and code in (400, 413, 414, 431):
            return  # the library's own word, before it is a request
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff" or code == 413
        if drawn.operation is None or not drawn.is_known_path:
            assert code in (400, 403, 404, 405, 413, 415, 421) or (code == 200 and not drawn.is_known_path), code
            assert code != 405 or answer.headers["Allow"]
        else:
            assert str(code) in drawn.operation["responses"] or code in (404, 413), code
        if drawn.method == "HEAD":
            assert content == b""
        elif code >= 400 and kind != "application/json":
            assert kind == "application/problem+json", kind
            document = json.loads(content)
            self.validator(problem).validate(document)
            assert document["status"] == code and document["detail"]
            assert "\n" not in document["detail"]
        elif drawn.operation is not None and drawn.is_known_path:
            said = drawn.operation["responses"][str(code)].get("content", {})
            assert not said or kind.split(";")[0] in said, kind
            if kind == "application/json" and "schema" in said.get(kind, {}):
                self.validator(said[kind]["schema"]).validate(json.loads(content))


@pytest.fixture
def served(world):
    receiver = world.webhook()
    source = world.simulator(orders=ORDERS)
    one = Served(world, configuration(world.folder, source, sinks=[webhook_sink(receiver)]))
    one.swept()
    receiver.answer = lambda event: 204 if event["type"].endswith("rescheduled") else 400
    source.step(appointment=MOVED)
    source.step(order={"id": "1001", "status": "Held"})
    wait_until(lambda: one.json("/api/v1/deliveries?status=parked")["items"], one.daemon.log)
    one.document = one.json("/api/v1/openapi.json")
    return one


def ask(connection, drawn):
    """(answer, content); of a stream only that it began."""
    connection.putrequest(drawn.method, drawn.target, skip_host="Host" in drawn.headers, skip_accept_encoding=True)
    for name, value in drawn.headers.items():
        connection.putheader(name, value)
    if drawn.body is not None:
        connection.putheader("Content-Length", str(len(drawn.body)))
    connection.endheaders(drawn.body)
    answer = connection.getresponse()
    if answer.headers.get("Content-Type", "").startswith("text/event-stream"):
        connection.close()
        return answer, b""
    return answer, answer.read()


def test_every_answer_is_as_the_document_says(served):
    dice, judge = random.Random(SEED), Judge(served.document)
    known = {"source": ["orange"], "name": ["orange", "tickets"], "action": ["pause"],
             "id": ["1001", "00/12 3", "1", "2", served.json("/api/v1/events")["items"][0]["id"]]}
    for template in served.document["paths"]:
        for part in template.split("/"):
            if part.startswith("{"):
                known.setdefault(part[1:-1], ["orange"])
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    end, codes = time.monotonic() + SECONDS, {}
    for number in range(COUNT):
        if time.monotonic() > end and number >= COUNT // 8:
            break
        drawn = Drawn(served.document, known, dice)
        try:
            try:
                answer, content = ask(connection, drawn)
            except (http.client.HTTPException, ConnectionError, BrokenPipeError):
                connection.close()  # closed while it was idle, or cut off in the middle of a body: once more
                answer, content = ask(connection, drawn)
            judge.judge(drawn, answer, content)
        except (http.client.HTTPException, ConnectionError):
            assert drawn.body and len(drawn.body) > 65536, f"seed {SEED}, request {number}: {drawn}"
            connection.close()
            continue
        except Exception as error:
            raise AssertionError(f"seed {SEED}, request {number}: {drawn}: {error}") from error
        codes[answer.status] = codes.get(answer.status, 0) + 1
    connection.close()
    assert served.daemon.process.is_running(), served.daemon.log()[-3000:]
    assert {200, 400, 403, 404, 405, 415, 421} <= set(codes), codes
    served.post("/api/v1/sources/orange/resume")
    served.post("/api/v1/sinks/tickets/resume")
    assert served.json("/-/healthy")["healthy"]
    assert served.json("/api/v1/sinks")["items"][0]["conserved"] is True
    assert served.daemon.stop() == 0
    assert "level=error" not in served.daemon.log()
