"""What a list proves, and what it does not: an API that pages otherwise than its profile says."""
import urllib.parse

import pytest

import harness
from api_server import Api
from harness import kinds, to_yaml, wait_until, webhook_sink

PROFILE = {"orders": {"list": "/things?kind=order", "items": "/data/things", "detail": "/things/{id}",
                      "fields": {"status": "/status"}, "statuses": {"open": ["going"], "held": ["stuck"]},
                      "paging": {"style": "offset", "parameter": "start", "limit": "max"}}}
PAGE = 7


class Unpaged(Api):
    """Knows no position; obeys the size of a page, or not that either."""

    def __init__(self, obeys_size):
        super().__init__("none", PAGE, {})
        self.obeys_size = obeys_size

    def answer(self, request):
        everything = self.things
        if self.obeys_size:
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
            self.things = everything[:int(query["max"][0])]
        super().answer(request)
        self.things = everything


def watch(world, api, count=PAGE, paging=PROFILE["orders"]["paging"]):
    api.things = [{"id": f"T-{i}", "status": "going"} for i in range(count)]
    path = world.folder / "profile.yaml"
    path.write_text(to_yaml({"orders": {**PROFILE["orders"], "paging": paging}}))
    webhook = world.webhook()
    made = api.configuration(world.folder, [webhook_sink(webhook)], profile=str(path), page=PAGE, adaptive="off",
                             guard={"policy": "tell"})
    return world.daemon(made), webhook


def test_a_list_that_is_not_paged_and_as_long_as_a_page_is_read(world):
    api = world.keep(Unpaged(obeys_size=False))
    daemon, webhook = watch(world, api)
    daemon.start()
    api.wait_sweeps(4)
    api.things[3]["status"] = "stuck"
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert kinds(webhook.deliveries) == [("T-3", "order.status.held")]
    asked = {urllib.parse.parse_qs(urllib.parse.urlsplit(query).query)["max"][0] for query in api.queries}
    assert asked == {"7", "6"}
    for change in (api.things.pop, lambda: api.things.append({"id": "T-new", "status": "going"})):
        change()
        api.wait_sweeps(4)
    wait_until(lambda: ("T-new", "order.created") in kinds(webhook.deliveries), daemon.log)
    assert daemon.stop() == 0


def test_the_head_of_a_list_is_not_taken_for_the_list(world):
    api = world.keep(Unpaged(obeys_size=True))
    daemon, _ = watch(world, api, count=PAGE + 5)
    daemon.start()
    wait_until(lambda: "level=warn event=sweep_failed" in daemon.log(), daemon.log)
    code, output, _ = harness.run_command("status", "-c", daemon.path)
    assert code == 1 and "no complete sweep yet" in output
    assert "(page 2: the list repeats itself: it is the first page again, as if the API did not know 'start'" in output
    assert daemon.stop() == 0


class Detailed(Api):
    """Answers for one order after the list: what detail(request) sends."""

    def __init__(self, status, headers, body):
        super().__init__("none", PAGE, {})
        self.detail = status, headers, body
        self.asked = 0

    def answer(self, request):
        if "/things/" not in request.path:
            super().answer(request)
            return
        status, headers, body = self.detail
        request.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)
        self.asked += 1


@pytest.mark.parametrize("detail, words", [
    ((500, {"X-OAPI-Request-Id": "r-7"}, b'{"code": 1, "message": "Try later"}'),
     ["answered 500, code 1", "Try later", "request id r-7"]),
    ((200, {}, b'{"id": "T-1", "status": "going"}'), ["(it is of another order) answered 200"]),
])
def test_a_detail_that_proves_nothing_is_said_and_asked_again(world, detail, words):
    api = world.keep(Detailed(*detail))
    daemon, webhook = watch(world, api, count=10)
    daemon.start()
    api.wait_sweeps(1)
    api.things.pop(0)
    wait_until(lambda: api.asked >= 3, daemon.log)
    line = next(line for line in daemon.log().splitlines() if "event=detail_failed" in line)
    assert "level=warn" in line and "/v7/things/T-0" in line
    assert [word for word in words if word not in line] == []
    api.detail = 404, {}, b""
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert kinds(webhook.deliveries) == [("T-0", "order.disappeared")]
    assert daemon.stop() == 0


@pytest.mark.parametrize("style, broken", [("cursor", {"a": 1}), ("cursor", True), ("link", "</v7/things; rel=next")])
def test_a_next_page_that_is_not_understood_is_no_end(world, style, broken):
    api = world.keep(Api(style, PAGE, {"parameter": "after"}))
    paging = {"cursor": {"style": "cursor", "parameter": "after", "cursor": "/meta/next"}, "link": {"style": "link"}}
    daemon, webhook = watch(world, api, count=3 * PAGE, paging=paging[style])
    daemon.start()
    api.wait_sweeps(1)
    api.things[0]["status"] = "stuck"
    wait_until(lambda: webhook.deliveries, daemon.log)
    if style == "cursor":
        api.wrap = lambda page, cursor: {"meta": {"next": broken}, "data": {"things": page}}
    else:
        api.link = broken
    wait_until(lambda: "event=sweep_failed" in daemon.log(), daemon.log)
    assert ("is neither text nor number" if style == "cursor" else "the Link header is broken") in daemon.log()
    api.wait_sweeps(1)
    assert kinds(webhook.deliveries) == [("T-0", "order.status.held")]
    assert daemon.stop() == 0
