"""Fairness to a receiver: batches, a rate, pauses that it asks for, a sink that was told to stop, and its fallback."""
import datetime
import re
import signal
import time

import pytest

import harness
from harness import configuration, ledger, wait_until


def orders(count):
    return {"list": [{"id": f"{number:05}", "status": "InProgress", "site": {"name": "Lyon"},
                      "committedDate": "2099-01-12"} for number in range(count)]}


def hold(simulator, count):
    """All of them in one sweep; the guard believes up to twenty."""
    simulator.steps([{"order": {"id": f"{number:05}", "status": "Held"}} for number in range(count)])


def ids(events):
    return sorted(event["data"]["order"]["id"] for event in events)


@pytest.fixture
def bench(world):
    """A simulator with twenty orders, a receiver, and the daemon for sinks that a test gives."""
    class Bench:
        simulator = world.simulator(orders=orders(20))
        receiver = world.webhook()
        other = world.webhook()

        def start(self, *sinks, routes=None):
            more = {"routes": routes} if routes else {}
            self.daemon = world.daemon(configuration(world.folder, self.simulator, sinks=list(sinks), **more)).start()
            self.simulator.sweeps_after(2)
            return self.daemon
    return Bench()


def test_a_batch_is_one_request_and_one_bad_event_parks_alone(bench):
    bad = "00007"
    bench.receiver.answer = lambda events: 422 if bad in ids(events) else 204
    daemon = bench.start(harness.webhook_sink(bench.receiver, batch={"count": 50, "wait": "1s"}))
    hold(bench.simulator, 20)
    wait_until(lambda: ledger(daemon, "tickets")["parked"] == 1 and ledger(daemon, "tickets")["delivered"] == 19,
               daemon.log)
    kinds = {headers["Content-Type"] for _, _, headers, _ in bench.receiver.requests}
    assert kinds == {"application/cloudevents-batch+json; charset=utf-8"}
    sizes = [len(events) for _, events, _ in bench.receiver.attempts]
    assert max(sizes) > 1 and sizes.count(1) >= 2, sizes
    taken = [event for events in bench.receiver.deliveries for event in events]
    assert ids(taken) == [f"{number:05}" for number in range(20) if f"{number:05}" != bad]
    assert len({event["id"] for event in taken}) == 19
    for _, events, headers in bench.receiver.attempts:
        is_single = len(events) == 1
        assert headers["webhook-id"] == events[0]["id"] if is_single else headers["webhook-id"].startswith("batch_")
    assert daemon.stop() == 0


def test_what_is_too_large_is_halved(bench):
    bench.receiver.answer = lambda events: 413 if len(events) > 3 else 200
    daemon = bench.start(harness.webhook_sink(bench.receiver, batch={"count": 16, "wait": "2s"}))
    hold(bench.simulator, 20)
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    sizes = [len(events) for _, events, _ in bench.receiver.attempts]
    assert 16 in sizes and 8 in sizes and 4 in sizes and 2 in sizes, sizes
    assert ledger(daemon, "tickets")["parked"] == 0
    assert daemon.stop() == 0


def test_a_batch_that_is_tried_again_has_the_same_name(bench):
    bench.receiver.answer = lambda events: 503 if len(bench.receiver.attempts) < 1 else 200
    daemon = bench.start(harness.webhook_sink(bench.receiver, retry={"first": "1s", "cap": "1s"},
                                              batch={"count": 20, "wait": "2s"}))
    hold(bench.simulator, 20)
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 20, daemon.log)
    refused, *later = bench.receiver.attempts
    assert refused[2]["webhook-id"] in [headers["webhook-id"] for _, _, headers in later]
    again = next(attempt for attempt in later if attempt[2]["webhook-id"] == refused[2]["webhook-id"])
    assert again[1] == refused[1]
    assert daemon.stop() == 0


@pytest.mark.parametrize("code", [429, 503])
def test_a_pause_that_the_receiver_asks_for_is_kept_for_every_order(bench, code):
    times = []

    def answer(_event):
        times.append(time.monotonic())
        return code if len(times) == 1 else 204

    bench.receiver.answer = answer
    bench.receiver.headers = {"Retry-After": "8"}
    sink = {**harness.webhook_sink(bench.receiver, retry={"first": "1s", "cap": "1s"}), "in_flight": 1}
    daemon = bench.start(sink)
    hold(bench.simulator, 3)
    wait_until(lambda: len(times) == 1, daemon.log)
    assert wait_until(lambda: ledger(daemon, "tickets").get("next_attempt"), daemon.log)
    assert ledger(daemon, "tickets")["window"] == 1
    _, words, _ = harness.run_command("status", "-c", daemon.path)
    assert re.search(rf"tickets: asked for a pause until \S+ \S+: HTTP {code}", words), words
    wait_until(lambda: len(times) == 4, daemon.log)
    assert times[1] - times[0] > 7.9
    assert daemon.stop() == 0


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def test_a_pause_that_was_asked_for_survives_a_kill_and_ends_by_hand(bench):
    bench.receiver.answer = lambda _event: 429
    bench.receiver.headers = {"Retry-After": "3600"}
    daemon = bench.start({**harness.webhook_sink(bench.receiver), "in_flight": 1})
    hold(bench.simulator, 3)
    until = wait_until(lambda: ledger(daemon, "tickets").get("asked_to_wait_until"), daemon.log)
    bench.simulator.sweeps_after(2)  # the store has it by then
    daemon.stop(signal.SIGKILL)
    bench.receiver.answer = lambda _event: 204
    daemon.start()
    bench.simulator.sweeps_after(3)
    assert abs(moment(ledger(daemon, "tickets")["asked_to_wait_until"]) - moment(until)) < 2
    assert len(bench.receiver.attempts) == 1 and ledger(daemon, "tickets")["pending"] == 3
    status, _, err = harness.run_command("resume", "tickets", "-c", daemon.path)
    assert status == 0, err
    wait_until(lambda: ledger(daemon, "tickets")["delivered"] == 2, daemon.log)  # the one it refused has its own time
    assert "asked_to_wait_until" not in ledger(daemon, "tickets")
    assert daemon.stop() == 0


def test_a_rate_is_a_ceiling(bench):
    times = []
    bench.receiver.answer = lambda _event: times.append(time.monotonic()) or 204
    daemon = bench.start({**harness.webhook_sink(bench.receiver), "rate": "5/s"})
    hold(bench.simulator, 12)
    wait_until(lambda: len(times) == 12, daemon.log)
    # How long a request takes on its way varies; the window is a little smaller for it.
    assert all(later - earlier > 0.8 for earlier, later in zip(times, times[5:])), times
    assert daemon.stop() == 0


def test_what_is_parked_goes_to_the_fallback_once(bench):
    bench.receiver.answer = lambda event: 400 if event["data"]["order"]["id"] < "00003" else 204
    sinks = [{**harness.webhook_sink(bench.receiver), "fallback": "other"},
             harness.webhook_sink(bench.other, name="other")]
    # One of the parked events was routed to the other sink anyway.
    routes = [{"types": ["order.*"], "sinks": ["tickets"]},
              {"types": ["order.*"], "where": {"site": "nowhere"}, "sinks": ["other"]},
              {"types": ["order.status.held"], "where": {"id": "00001"}, "sinks": ["other"]}]
    daemon = bench.start(*sinks, routes=routes)
    hold(bench.simulator, 5)
    wait_until(lambda: len(bench.receiver.deliveries) == 2 and len(bench.other.deliveries) == 3, daemon.log)
    assert daemon.stop() == 0
    daemon.start()
    bench.simulator.sweeps_after(2)
    bench.simulator.step(order={"id": "00009", "status": "Held"})
    wait_until(lambda: len(bench.receiver.deliveries) == 3, daemon.log)
    assert ids(bench.other.deliveries) == ["00000", "00001", "00002"]
    assert daemon.stop() == 0


def test_a_receiver_that_is_gone_is_told_to_the_others(bench):
    bench.receiver.answer = lambda _event: 410
    sinks = [{**harness.webhook_sink(bench.receiver), "failing_after": "1s", "fallback": "other"},
             harness.webhook_sink(bench.other, name="other")]
    routes = [{"types": ["order.*"], "sinks": ["tickets"]}, {"types": ["sink.*"], "sinks": ["other"]}]
    daemon = bench.start(*sinks, routes=routes)
    hold(bench.simulator, 2)
    wait_until(lambda: {"orderwatch.sink.failing", "orderwatch.sink.parked"} <=
               {event["type"] for event in bench.other.deliveries}, daemon.log)
    wait_until(lambda: ids(event for event in bench.other.deliveries if "order" in event["data"]) == ["00000", "00001"],
               daemon.log)
    assert ledger(daemon, "tickets")["state"] == "disabled"
    told = next(event for event in bench.other.deliveries if event["type"] == "orderwatch.sink.parked")
    assert told["data"]["summary"].endswith("HTTP 410; nothing is sent to it until `orderwatch resume`")
    assert len(bench.receiver.attempts) <= 2  # what was on its way with the first
    assert daemon.stop() == 0
