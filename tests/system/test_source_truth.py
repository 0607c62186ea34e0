"""What a list proves, and what it does not: an API that pages otherwise than its profile says."""
import urllib.parse

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


def watch(world, api):
    api.things = [{"id": f"T-{i}", "status": "going"} for i in range(PAGE + 5 * api.obeys_size)]
    path = world.folder / "profile.yaml"
    path.write_text(to_yaml(PROFILE))
    webhook = world.webhook()
    made = api.configuration(world.folder, [webhook_sink(webhook)], profile=str(path), page=PAGE, adaptive="off")
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
    daemon, _ = watch(world, api)
    daemon.start()
    wait_until(lambda: "level=warn event=sweep_failed" in daemon.log(), daemon.log)
    code, output, _ = harness.run_command("status", "-c", daemon.path)
    assert code == 1 and "no complete sweep yet" in output
    assert "(page 2: the list repeats itself: it is the first page again, as if the API did not know 'start'" in output
    assert daemon.stop() == 0
