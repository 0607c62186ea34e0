"""The hub of TM Forum's APIs: a consumer registers, is notified like any other sink, and takes its leave."""
import http.server
import json
import threading
import urllib.error
import urllib.request

import pytest

import harness
from harness import configuration, ledger, wait_until

TOKEN = "token-of-the-hub-0123"
ORDERS = "/tmf-api/productOrderingManagement/v4/hub"
APPOINTMENTS = "/tmf-api/appointment/v4/hub"
LIST = {"list": [{"id": "00123", "status": "InProgress", "step": "Survey", "site": {"name": "Lyon"},
                  "committedDate": "2099-01-12"}]}


class Listener:
    def __init__(self, port=0):
        self.notifications = []
        self.answer = lambda body: 204
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.notifications.append((self.path, json.loads(body)))
                try:
                    self.send_response(listener.answer(json.loads(body)))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:
                    pass  # nobody waits for the answer any more

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def types(self):
        return [body["eventType"] for _, body in self.notifications]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub(world):
    class Hub:
        listener = world.keep(Listener())
        callback = f"http://127.0.0.1:{listener.port}/tmf"
        simulator = world.simulator(orders=LIST)

        def ask(self, method, path, body=None, token=TOKEN):
            headers = {"Authorization": f"Bearer {token}", **({"Content-Type": "application/json"} if body else {})}
            request = urllib.request.Request(f"http://{self.listen}{path}", method=method, headers=headers,
                                             data=json.dumps(body).encode() if body else None)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    text = answer.read()
                    return answer.status, answer.headers, json.loads(text) if text else None
            except urllib.error.HTTPError as error:
                return error.code, error.headers, json.loads(error.read())
    made = Hub()
    made.world = world
    settings = configuration(world.folder, made.simulator, routes=[])
    settings["http"].update(token="token-of-the-operator", hub={
        "token": TOKEN, "callbacks": ["127.0.0.1"], "folder": str(world.folder / "hub")})
    made.listen = settings["http"]["listen"]
    made.daemon = world.daemon(settings).start()
    made.simulator.sweeps_after(2)
    return made


def registered(hub, path, **body):
    status, headers, answer = hub.ask("POST", path, {"callback": hub.callback, **body})
    assert status == 201, answer
    assert headers["Location"] == f"{path}/{answer['id']}" and answer["callback"] == hub.callback
    return answer["id"]


def test_a_consumer_is_notified_from_its_registration_to_its_leave(hub):
    one = registered(hub, ORDERS, query="eventType=ProductOrderStateChangeEvent")
    assert registered(hub, ORDERS, query="eventType=ProductOrderStateChangeEvent") == one  # the same, asked twice
    hub.simulator.step(order={"id": "00123", "status": "Held"})
    wait_until(lambda: hub.listener.notifications, hub.daemon.log)
    path, body = hub.listener.notifications[0]
    assert path == "/tmf/listener/productOrderStateChangeEvent"
    assert body["eventType"] == "ProductOrderStateChangeEvent"
    assert body["event"]["productOrder"]["id"] == "00123" and body["event"]["productOrder"]["state"] == "held"
    wait_until(lambda: hub.ask("GET", "/api/v1/deliveries?status=delivered", token="token-of-the-operator")[2]["items"],
               hub.daemon.log)  # or the kill makes it leave again
    assert hub.daemon.stop(9) == -9
    hub.daemon.start()
    hub.simulator.sweeps_after(2)
    hub.simulator.step(order={"id": "00123", "committedDate": "2099-02-12"})  # not what it asked for
    hub.simulator.step(order={"id": "00123", "status": "InProgress"})
    wait_until(lambda: len(hub.listener.notifications) == 2, hub.daemon.log)
    assert hub.listener.types() == ["ProductOrderStateChangeEvent"] * 2
    assert hub.ask("DELETE", f"{ORDERS}/{one}")[0] == 204
    assert hub.ask("DELETE", f"{ORDERS}/{one}")[0] == 404
    two = registered(hub, ORDERS)  # everything of orders from now on
    hub.simulator.step(order={"id": "00123", "committedDate": "2099-03-12"})
    wait_until(lambda: len(hub.listener.notifications) == 3, hub.daemon.log)
    assert hub.listener.types()[2] == "ProductOrderAttributeValueChangeEvent"
    assert hub.ask("DELETE", f"{ORDERS}/{two}")[0] == 204
    assert hub.daemon.stop() == 0


def test_who_took_its_leave_gets_nothing_more(hub):
    """Not even when it comes back: what was planned meanwhile is dropped, and the books are right."""
    one = registered(hub, ORDERS)
    port = hub.listener.port
    hub.listener.stop()
    for status in "Held", "InProgress":
        hub.simulator.step(order={"id": "00123", "status": status})
        hub.simulator.sweeps_after(2)
    operator = "token-of-the-operator"
    pending = "/api/v1/deliveries?status=pending"
    wait_until(lambda: len(hub.ask("GET", pending, token=operator)[2]["items"]) == 2, hub.daemon.log)
    assert hub.ask("DELETE", f"{ORDERS}/{one}")[0] == 204
    assert hub.ask("GET", pending, token=operator)[2]["items"] == []
    books = [(sink["pending"], sink["parked"], sink["observed"], sink["conserved"])
             for sink in hub.ask("GET", "/api/v1/sinks", token=operator)[2]["items"]]
    assert books in ([], [(0, 0, 0, True)])
    assert len(hub.ask("GET", "/api/v1/deliveries?status=dropped", token=operator)[2]["items"]) == 2
    hub.listener = hub.world.keep(Listener(port))
    assert registered(hub, ORDERS) == one
    hub.simulator.step(order={"id": "00123", "committedDate": "2099-05-12"})
    wait_until(lambda: hub.listener.notifications, hub.daemon.log)
    assert hub.listener.types() == ["ProductOrderAttributeValueChangeEvent"]
    _, _, ready = hub.ask("GET", "/-/ready", token=operator)
    assert ready["ready"] is True
    assert hub.daemon.stop() == 0


def deliveries(hub, status):
    return hub.ask("GET", f"/api/v1/deliveries?status={status}", token="token-of-the-operator")[2]["items"]


def starts_anew(hub, one):
    """The same registration once more is told what happens from now on, and nothing of before."""
    hub.listener.notifications.clear()
    hub.listener.answer = lambda body: 204
    assert registered(hub, ORDERS) == one
    hub.simulator.step(order={"id": "00123", "committedDate": "2099-06-12"})
    wait_until(lambda: hub.listener.notifications, hub.daemon.log)
    wait_until(lambda: len(deliveries(hub, "delivered")) == 1, hub.daemon.log)
    assert hub.listener.types() == ["ProductOrderAttributeValueChangeEvent"]
    sink = hub.ask("GET", "/api/v1/sinks", token="token-of-the-operator")[2]["items"][0]
    assert (sink["pending"], sink["parked"], sink["delivered"], sink["conserved"]) == (0, 0, 1, True)
    assert hub.daemon.stop() == 0


def test_a_notification_on_its_way_ends_with_its_registration(hub):
    one = registered(hub, ORDERS)
    is_over = threading.Event()
    hub.listener.answer = lambda body: is_over.wait(harness.DEADLINE_S) and 204
    for status in "Held", "InProgress":
        hub.simulator.step(order={"id": "00123", "status": status})
        hub.simulator.sweeps_after(2)
    wait_until(lambda: len(hub.listener.notifications) == 1, hub.daemon.log)  # the other one waits for it
    assert hub.ask("DELETE", f"{ORDERS}/{one}")[0] == 204
    assert deliveries(hub, "pending") == [] and deliveries(hub, "parked") == []
    assert len(deliveries(hub, "dropped")) == 2
    is_over.set()
    hub.simulator.sweeps_after(2)
    assert deliveries(hub, "pending") == [] and len(hub.listener.notifications) == 1
    starts_anew(hub, one)


def test_what_a_consumer_refused_goes_with_its_registration(hub):
    one = registered(hub, ORDERS)
    hub.listener.answer = lambda body: 400
    hub.simulator.step(order={"id": "00123", "status": "Held"})
    wait_until(lambda: len(deliveries(hub, "parked")) == 1, hub.daemon.log)
    assert hub.ask("DELETE", f"{ORDERS}/{one}")[0] == 204
    assert deliveries(hub, "parked") == [] and len(deliveries(hub, "dropped")) == 1
    starts_anew(hub, one)


def test_what_a_consumer_may_not(hub):
    register = {"callback": hub.callback}
    assert hub.ask("POST", ORDERS, register, token="wrong-token-of-the-hub")[0] == 401
    assert hub.ask("POST", ORDERS, register, token="token-of-the-operator")[0] == 401
    assert hub.ask("GET", "/api/v1/orders")[0] == 401  # its token opens nothing else
    for body, wanted in [({"callback": "https://example.com/"}, "http.hub.callbacks"),
                         ({"callback": "https://user:pass@127.0.0.1/"}, "credentials"),
                         ({"callback": "http://192.168.1.1/"}, "not encrypted"),
                         ({"callback": "https://127.0.0.1/\"\n- name: evil"}, "not a URL"),
                         ({"callback": 5}, "callback is missing"),
                         ({**register, "query": "eventType=NoSuchEvent"}, "ProductOrderCreateEvent"),
                         ({**register, "query": "eventType=AppointmentCreateEvent"}, "ProductOrderCreateEvent"),
                         ({**register, "query": "state=held"}, "eventType=NAME"),
                         ({**register, "query": 5}, "query is no text"),
                         ({**register, "query": ["eventType=ProductOrderCreateEvent"]}, "query is no text"),
                         ({**register, "query": "eventType=ProductOrderCreateEvent,"}, "no such event type")]:
        status, _, problem = hub.ask("POST", ORDERS, body)
        assert status == 400 and wanted in problem["detail"], (body, problem)
    assert hub.ask("DELETE", f"{APPOINTMENTS}/../../etc/passwd")[0] == 404
    assert hub.ask("DELETE", f"{APPOINTMENTS}/0123456789abcdef")[0] == 404
    assert hub.ask("GET", ORDERS)[0] == 405
    assert list((hub.daemon.folder / "hub").glob("*")) == []
    assert hub.daemon.stop() == 0


def test_appointments_have_a_hub_of_their_own(hub):
    registered(hub, APPOINTMENTS, query="eventType=appointmentCreateEvent&eventType=appointmentStateChangeEvent")
    hub.simulator.step(order={"id": "00123", "status": "Held", "appointments": [
        {"id": "A-1", "status": "Confirmed", "startDate": "2099-01-17T08:00:00Z", "endDate": "2099-01-17T10:00:00Z"}]})
    wait_until(lambda: hub.listener.notifications, hub.daemon.log)
    assert hub.listener.types() == ["AppointmentCreateEvent"]
    assert hub.daemon.stop() == 0
