"""Clients that do harm: slow, silent, endless, malformed. The daemon goes on delivering and answers the others, and what
it holds for them stays bounded."""
import contextlib
import os
import pathlib
import re
import socket
import time

import pytest

from harness import configuration, free_port, in_own_network, wait_until, webhook_sink
from test_surface import Served

CLIENTS_MAX = 250
HOST = b"Host: localhost\r\nConnection: close\r\n"
CHANGE = HOST + b"X-Orderwatch: 1\r\nContent-Type: application/json\r\n"
ORDERS = {"generate": {"first_id": 1000, "count": 3000, "seed": 5},
          "list": [{"id": "1", "status": "InProgress"}]}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    from conftest import World
    with contextlib.ExitStack() as stack:
        world = World(tmp_path_factory.mktemp("hostile"), stack)
        receiver = world.webhook()
        source = world.simulator(orders=ORDERS)
        one = Served(world, configuration(world.folder, source, sinks=[webhook_sink(receiver)]))
        one.receiver, one.source = receiver, source
        one.swept()
        yield one
        assert one.daemon.stop() == 0
        assert "level=error" not in one.daemon.log()


def connect(served):
    client = socket.create_connection(("127.0.0.1", served.port), 30)
    client.settimeout(30)
    return client


def descriptors(served):
    return len(os.listdir(f"/proc/{served.daemon.process.child.pid}/fd"))


def resident_mib(served):
    status = pathlib.Path(f"/proc/{served.daemon.process.child.pid}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def delivers(served):
    """One more change reaches its receiver."""
    count = len(served.receiver.deliveries)
    status = "Held" if count % 2 == 0 else "InProgress"
    served.source.step(order={"id": "1", "status": status})
    wait_until(lambda: len(served.receiver.deliveries) > count, served.daemon.log)


@contextlib.contextmanager
def bounded(served, rise_mib=48):
    """Afterwards all descriptors are back, and meanwhile memory has not grown beyond."""
    before = descriptors(served)
    memory = resident_mib(served)
    yield
    assert resident_mib(served) < memory + rise_mib
    wait_until(lambda: descriptors(served) <= before + 3, lambda: f"{before} descriptors, {descriptors(served)} now")
    served.json("/-/healthy")


def crowd(served, first_bytes, count=CLIENTS_MAX):
    clients = [connect(served) for _ in range(count)]
    for client in clients:
        client.sendall(first_bytes)
    return clients


def is_open(client):
    client.setblocking(False)
    try:
        while chunk := client.recv(65536):
            del chunk
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


# --- slow -----------------------------------------------------------------------------------------

def test_requests_that_never_end_are_cut_off_and_others_are_answered(served):
    """Slow loris: a byte now and then keeps no connection for ever, in the headers or in the body."""
    with bounded(served):
        clients = crowd(served, b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", CLIENTS_MAX // 2)
        clients += crowd(served, b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Content-Length: 60000\r\n\r\n{",
                         CLIENTS_MAX // 2)
        delivers(served)
        begun = time.monotonic()
        while any(map(is_open, clients)):
            assert time.monotonic() - begun < 90
            for client in clients:
                with contextlib.suppress(OSError):
                    client.setblocking(True)
                    client.sendall(b" ")
            time.sleep(1)
        served.json("/api/v1/status")
        for client in clients:
            client.close()


def test_what_nobody_reads_takes_no_memory_to_speak_of(served):
    """Long answers and streams, each asked for and never read."""
    with bounded(served):
        clients = crowd(served, b"GET /api/v1/events/stream?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n", 120)
        clients += crowd(served, b"GET /api/v1/orders?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 4, 130)
        peak = 0
        begun = time.monotonic()
        while time.monotonic() - begun < 4:
            peak = max(peak, resident_mib(served))
            time.sleep(0.05)
        assert peak < 80, peak
        delivers(served)
        served.json("/api/v1/status")  # within the deadline: those who do not read lose their place
        for client in clients:
            client.close()


PER_HOST_MAX = 50
# Addresses of one machine, and one of another: of IPv6 a machine has a network of 64 bits.
HOSTS = {"0.0.0.0": (["192.0.2.1"], "192.0.2.2", "127.0.0.1"),
         "[::]": (["2001:db8::1", "2001:db8::2", "2001:db8::ffff:3"], "2001:db8:0:1::1", "::1")}


@pytest.mark.parametrize("listen", HOSTS)
def test_one_machine_takes_not_the_places_of_all(world, listen):
    """Beyond loopback a machine has 50 clients; another one and programs of this machine find their places."""
    crowded, other, here = HOSTS[listen]
    port = free_port()
    settings = configuration(world.folder, world.simulator(), sinks=[webhook_sink(world.webhook())])
    settings["http"] = {"listen": f"{listen}:{port}", "token": "the-token"}
    settings["log"]["level"] = "info"

    def opened(address):
        return socket.create_connection((address, port), 30, (address, 0))

    def answered(client):
        client.sendall(b"GET /-/healthy HTTP/1.1\r\nAuthorization: Bearer the-token\r\n" + HOST + b"\r\n")
        with contextlib.suppress(ConnectionResetError):
            return client.recv(64).startswith(b"HTTP/1.1 200")
        return False

    def attempt(address):
        with contextlib.suppress(OSError), opened(address) as client:
            return answered(client)
        return False

    def play():
        daemon = world.daemon(settings).start()
        wait_until(lambda: attempt(here), daemon.log, 30)
        clients = [opened(crowded[i % len(crowded)]) for i in range(PER_HOST_MAX)]
        clients += [opened(here) for _ in range(PER_HOST_MAX + 20)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert not any(attempt(address) for address in crowded * 10)
        assert attempt(other) and attempt(here)
        assert daemon.log().count(" event=client_refused ") == 1, daemon.log()
        clients.pop(0).close()
        wait_until(lambda: attempt(crowded[0]), "a place that became free is given again", 10)
        for client in clients:
            client.close()
        assert daemon.stop() == 0

    in_own_network([address for hosts in HOSTS.values() for address in (*hosts[0], hosts[1])], play)


# --- malformed ------------------------------------------------------------------------------------

def exchange(served, request):
    """What comes back until the connection closes or rests."""
    client = connect(served)
    client.settimeout(3)
    answer = b""
    with contextlib.suppress(OSError):
        client.sendall(request)
    with contextlib.suppress(OSError):
        while chunk := client.recv(65536):
            answer += chunk
    client.close()
    return answer


MALFORMED = {
    "nothing": b"\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
    "a huge header": b"GET / HTTP/1.1\r\n" + HOST + b"X-Big: " + b"a" * 100000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: 1\r\n" % i for i in range(5000)) + b"\r\n",
    "a huge path": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "many parameters": b"GET /api/v1/orders?" + b"&".join(b"a%d=1" % i for i in range(1000)) + b" HTTP/1.1\r\n" + HOST
                       + b"\r\n",
    "NUL in the path": b"GET /api/v1/\x00status HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL by percent": b"GET /api/v1/orders/orange/%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a parameter": b"GET /api/v1/orders?q=a%00b HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a header": b"GET /api/v1/status HTTP/1.1\r\n" + HOST + b"X-A: a\x00b\r\n\r\n",
    "half a percent": b"GET /api/v1/%4 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no UTF-8": b"GET /api/v1/%FF%FE HTTP/1.1\r\n" + HOST + b"\r\n",
    "climbing": b"GET /api/v1/../../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n",
    "two hosts": b"GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n" + HOST + b"\r\n",
    "another absolute URI": b"GET http://evil.example/api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"BREW /api/v1/status HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/9": b"GET /api/v1/status HTTP/9.9\r\n" + HOST + b"\r\n",
    "bad chunks": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n{}\r\n0\r\n\r\n",
    "a huge chunk": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE
                    + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{}",
    "endless chunks": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Transfer-Encoding: chunked\r\n\r\n"
                      + b"1000\r\n" + b"a" * 4096 + b"\r\n" + (b"1000\r\n" + b"a" * 4096 + b"\r\n") * 40,
    "two lengths": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Content-Length: 2\r\nContent-Length: 60\r\n\r\n{}",
    "length and chunks": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE
                         + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Content-Length: -1\r\n\r\n{}",
    "a huge length": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Content-Length: 99999999999999999999\r\n\r\n{}",
    "deep JSON": b"POST /api/v1/silences HTTP/1.1\r\n" + CHANGE + b"Content-Length: 60000\r\n\r\n" + b"[" * 60000,
}


# No request at all, as far as the HTTP library is concerned: it answers in its own words.
NO_REQUEST = {"a huge header", "many headers", "a huge path", "HTTP/9", "bad chunks", "a huge chunk", "a negative length",
              "a huge length"}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_and_others_are_answered(served, name):
    answer = exchange(served, MALFORMED[name])
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0
    allowed = (0, 200) if name in ("NUL in the path", "NUL in a header", "NUL in a parameter") else (0,)
    assert 400 <= status < 500 or status in (501, 505) or status in allowed, answer[:300]
    assert status < 400 or (b"Content-Type: application/problem+json\r\n" in answer) == (name not in NO_REQUEST), answer[:300]
    assert b"root:" not in answer
    served.json("/api/v1/status")


def test_pipelined_requests_are_all_answered_in_their_order(served):
    with bounded(served):
        paths = [b"/api/v1/status", b"/nowhere", b"/-/healthy", b"/api/v1/orders?limit=1", b"/metrics"] * 10
        requests = b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths[:-1])
        answer = exchange(served, requests + b"GET /-/ready HTTP/1.1\r\n" + HOST + b"\r\n")
        codes = re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)
        assert codes == ([b"200", b"404", b"200", b"200", b"200"] * 10)[:50]


def test_clients_that_go_at_once_leave_nothing_behind(served):
    with bounded(served):
        for _ in range(300):
            client = connect(served)
            client.sendall(b"GET /api/v1/orders?limit=1000 HTTP/1.1\r\n" + HOST + b"\r\n")
            client.close()
        delivers(served)
