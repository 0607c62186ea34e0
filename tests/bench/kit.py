"""What the measures share: rows with a verdict, CPU of a process, the daemon, and an API that only sends bytes."""
import contextlib
import dataclasses
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / "build/release/tests/bench"
sys.path.insert(0, str(ROOT / "tests/system"))
import harness  # noqa: E402

# The large size. The is 1,000,000; a run of that needs some minutes and 3 GB of disk.
ORDERS = int(os.environ.get("BENCH_ORDERS", "100000"))
PAGE = 1000


@dataclasses.dataclass
class Row:
    """value against target; is_met None: shown only."""
    what: str
    value: str
    peer: str = ""
    target: str = ""
    is_met: bool = None


def at_most(what, value, limit, unit="", peer=""):
    return Row(what, f"{value:.3g}{unit}", peer, f"<= {limit:g}{unit}", value <= limit)


def at_least(what, value, limit, unit="", peer=""):
    return Row(what, f"{value:.3g}{unit}", peer, f">= {limit:g}{unit}", value >= limit)


def shown(what, value, peer=""):
    return Row(what, value, peer)


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="orderwatch-bench."))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def peer(name, *arguments):
    """A peer's answer: the numbers that it prints."""
    done = subprocess.run([PEERS / name, *map(str, arguments)], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


LATENCY_RUNS = 5


def latency(what, name, *arguments):
    """The row from commit to first byte: of some runs the median, as one run in a few meets a busy machine."""
    runs = []
    for _ in range(LATENCY_RUNS):
        with folder() as path:
            runs.append(peer(name, path, *arguments, 1000))
    runs.sort(key=lambda run: run[0] / run[1])
    ours, bare, ours_median, bare_median = runs[LATENCY_RUNS // 2]
    return at_most(what, ours / bare, 3, "x",
                   f"{ours:.0f} us; bare {bare:.0f} us; medians {ours_median:.0f} and {bare_median:.0f} us")


def cpu_of(arguments, **options):
    """(seconds of CPU, peak KiB, elapsed seconds) of one run to its end."""
    start = time.monotonic()
    child = subprocess.Popen(arguments, **options)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (arguments, child.returncode)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, time.monotonic() - start


def cpu_so_far(pid, threads="*"):
    """Seconds of CPU of the threads of a running process, to the nanosecond."""
    files = pathlib.Path(f"/proc/{pid}/task").glob(f"{threads}/schedstat")
    return sum(int(path.read_text().split()[0]) for path in files) / 1e9


def memory_of(pid, field):
    """VmRSS or VmHWM in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise AssertionError(field)


ORDER = ('{{"id":"{id}","customerReference":"PO-{id}","status":"InProgress","step":"{step}",'
         '"offer":{{"name":"Business VPN {speed}M"}},"site":{{"name":"Site {site}","address":{{'
         '"street":"{site} rue de la République","postalCode":"69{site:03d}","city":"Lyon"}}}},'
         '"requestedDate":"2027-02-0{digit}","committedDate":"2027-03-1{digit}",'
         '"contact":{{"name":"Contact {site}","phone":"+3340000{site:04d}"}},'
         '"notes":[{{"id":"N-1","date":"2026-11-0{digit}T08:00:00Z","author":"desk",'
         '"text":"Survey done, \\"trench\\" {site} to be dug."}}],'
         '"appointments":[{appointments}],"lastUpdate":"2026-11-20T10:0{digit}:00Z"}}')
APPOINTMENT = ('{{"id":"A-{id}-{number}","status":"{status}","start":"2027-01-{day:02d}T08:00:00Z",'
               '"end":"2027-01-{day:02d}T10:00:00Z"}}')
APPOINTMENT_STATES = ["Completed", "Completed", "Cancelled", "Confirmed"]


def order(number, step="Construction"):
    """About 1 kB, as Latin Europe writes; four appointments."""
    identity = 1000000 + number
    appointments = ",".join(APPOINTMENT.format(id=identity, number=i, status=status, day=1 + (number + i) % 28)
                            for i, status in enumerate(APPOINTMENT_STATES))
    return ORDER.format(id=identity, step=step, speed=100 * (1 + number % 9), site=number % 1000,
                        digit=1 + number % 9, appointments=appointments)


def write_pages(target, count, changed_every=0, page=PAGE, step="Construction", is_packed=False):
    """The list of count orders as files named by their offset; of changed_every orders one has another step. The
    size is that in clear."""
    target.mkdir(exist_ok=True)
    size = 0
    for offset in range(0, count, page):
        body = ",".join(order(number, "Delivery" if changed_every and number % changed_every == 7 else step)
                        for number in range(offset, min(offset + page, count)))
        data = f"[{body}]".encode()
        size += len(data)
        (target / f"{offset}.json").write_bytes(gzip.compress(data) if is_packed else data)
    return size


class Upstream:
    """nginx that sends files as pages: no validators, no totals, as little server as there is."""

    def __init__(self, path, pages, is_packed=False):
        self.folder = path
        self.port = harness.free_port()
        self.show(pages)
        config = path / "nginx.conf"
        config.write_text(f"""
daemon off; worker_processes 1; pid {path}/nginx.pid; error_log stderr error; user root;
events {{}}
http {{
  access_log off; sendfile on; etag off; keepalive_requests 1000000;
  client_body_temp_path {path}/nginx.1; proxy_temp_path {path}/nginx.2; fastcgi_temp_path {path}/nginx.3;
  uwsgi_temp_path {path}/nginx.4; scgi_temp_path {path}/nginx.5;
  server {{
    listen 127.0.0.1:{self.port}; root {path}; default_type application/json;
    add_header Last-Modified "";
    location /none {{ return 200 "[]"; }}
    location /orders {{
      {"add_header Content-Encoding gzip;" if is_packed else ""}
      try_files /shown/$arg_offset.json /none;
    }}
  }}
}}
""")
        self.process = harness.Process(["/usr/sbin/nginx", "-c", str(config), "-p", str(path)], path, "nginx")
        harness.wait_until(lambda: harness.listens(self.port) or not self.process.is_running(), self.process.text)
        assert self.process.is_running(), self.process.text()

    def show(self, pages):
        """From now on the list is what these pages hold."""
        link = self.folder / "next"
        link.symlink_to(pages)
        link.rename(self.folder / "shown")

    def configuration(self, **source):
        """Of a daemon that reads it, and sweeps when it is told to."""
        return {"state": {"database": str(self.folder / "state.db")},
                "http": {"listen": f"127.0.0.1:{harness.free_port()}"}, "log": {"level": "warn"},
                "sources": [{"name": "bench", "profile": "orange-order-tracking", "every": "1d", "budget": "60000/min",
                             "base_url": f"http://127.0.0.1:{self.port}", "page": PAGE,
                             "guard": {"changed": "100%"}, **source}],
                "sinks": [], "routes": []}

    def stop(self):
        self.process.stop()


@contextlib.contextmanager
def watched(folder, pages, environment=None, is_packed=False, **source):
    """(upstream, watcher) with the first sweep done; both end, whatever happens."""
    with contextlib.ExitStack() as stack:
        upstream = Upstream(folder, pages, is_packed)
        stack.callback(upstream.stop)
        watcher = Watcher(folder, upstream.configuration(**source), environment)
        stack.callback(watcher.stop)
        watcher.start()
        watcher.wait_sweep(0)
        yield upstream, watcher


class Watcher:
    """The daemon at an upstream; sweeps on demand and tells what each cost."""

    def __init__(self, path, configuration, environment=None):
        os.environ["ORDERWATCH_SHARE"] = str(ROOT / "conf")
        self.daemon = harness.Daemon(path, configuration, environment=environment)
        self.url = f"http://{configuration['http']['listen']}"

    def start(self):
        began = time.monotonic()
        self.daemon.start()
        self.pid = self.daemon.process.child.pid
        harness.wait_until(self.is_up, self.daemon.log)
        self.start_seconds = time.monotonic() - began

    def is_up(self):
        assert self.daemon.process.is_running(), self.daemon.log()
        try:
            return self.ask("/-/healthy") is not None
        except OSError:
            return False

    def ask(self, path, body=None):
        headers = {"X-Orderwatch": "1", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def source(self):
        return self.ask("/api/v1/sources")["items"][0]

    def is_swept(self, count):
        source = self.source()
        assert source["state"] in ("ok", "starting"), source
        return source["sweeps"] > count and not source["sweeping"]

    def wait_sweep(self, count, deadline_s=1800):
        end = time.monotonic() + deadline_s
        while not self.is_swept(count):
            assert time.monotonic() < end, self.daemon.log()
            time.sleep(0.1)

    def sweep(self):
        """Seconds of CPU of one sweep, all threads; loop_seconds afterwards: those of the loop alone."""
        count = self.source()["sweeps"]
        before = cpu_so_far(self.pid)
        loop_before = cpu_so_far(self.pid, self.pid)
        self.ask("/api/v1/sources/bench/sweep", b"")
        self.wait_sweep(count)
        self.loop_seconds = cpu_so_far(self.pid, self.pid) - loop_before
        return cpu_so_far(self.pid) - before

    def stop(self):
        if self.daemon.process is not None and self.daemon.process.is_running():
            self.daemon.stop()
