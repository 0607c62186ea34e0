#!/usr/bin/python3
"""`make bench`: speed and memory, as ratios against a peer in the same run. No verdict depends on it."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/system"))
import harness  # noqa: E402

ORDERS = int(os.environ.get("ORDERS", "10000"))
PAGE = 1000


def cpu_of(arguments, **options):
    """(seconds of CPU, peak KiB, elapsed seconds) of one run to its end."""
    start = time.monotonic()
    child = subprocess.Popen(arguments, **options)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (arguments, child.returncode)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss, time.monotonic() - start


def row(what, value, unit, peer=""):
    print(f"{what:<52} {value:>12} {unit:<10} {peer}", flush=True)


def fetch_all(simulator, folder):
    """The list as one file, as the daemon reads it."""
    import base64
    import json
    token_request = urllib.request.Request(
        simulator.url + "/oauth/v3/token", data=b"grant_type=client_credentials",
        headers={"Authorization": "Basic " + base64.b64encode(b"client:client-secret").decode()})
    token = json.load(urllib.request.urlopen(token_request))["access_token"]
    path = folder / "all.json"
    with open(path, "wb") as out:
        for offset in range(0, ORDERS, PAGE):
            request = urllib.request.Request(
                f"{simulator.url}/order-tracking/b2b/v1/orders?offset={offset}&limit={PAGE}",
                headers={"Authorization": f"Bearer {token}", "X-Api-Key": "key"})
            out.write(urllib.request.urlopen(request).read())
    return path


def bench_sweep(folder, simulator, settings):
    command = [harness.ORDERWATCH, "run", "--once", "-c", str(settings)]
    quiet = {"stderr": subprocess.DEVNULL}
    cpu_of(command, **quiet)  # the baseline
    cpu, peak, elapsed = cpu_of(command, **quiet)
    path = fetch_all(simulator, folder)
    size = path.stat().st_size
    jq_cpu, _, _ = cpu_of(["jq", "length", str(path)], stdout=subprocess.DEVNULL)
    row(f"unchanged sweep of {ORDERS} orders, {size / 1e6:.1f} MB", f"{size / cpu / 1e6:.0f}", "MB/s CPU",
        f"jq length: {size / jq_cpu / 1e6:.0f} MB/s; CPU ratio to jq {cpu / jq_cpu:.2f}")
    row("  the same, elapsed with start and stop", f"{elapsed:.2f}", "s")
    row("  peak memory", f"{peak / 1024:.1f}", "MiB")


def bench_deliveries(folder, simulator, broker, settings):
    """Every order changes: that many durable deliveries, timed at a subscriber."""
    subscriber = subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-q", "1", "-V", "5", "-t",
                                   "orderwatch/+/event/#", "-F", "%U", "-C", str(ORDERS)],
                                  stdout=subprocess.PIPE, text=True)
    simulator.step(many={"count": ORDERS, "set": {"step": "Measured"}})
    _, peak, _ = cpu_of([harness.ORDERWATCH, "run", "--once", "-c", str(settings)], stderr=subprocess.DEVNULL)
    stamps = [float(line) for line in subscriber.communicate()[0].split()]
    rate = (len(stamps) - 1) / max(stamps[-1] - stamps[0], 1e-9)
    publisher = ROOT / "build/release/tests/bench/mqtt_publisher"
    peer = float(subprocess.run([publisher, str(broker.port), str(ORDERS), "900"], check=True, capture_output=True,
                                text=True).stdout)
    row(f"durable deliveries to mosquitto, {len(stamps)} events", f"{rate:.0f}", "events/s",
        f"bare publisher: {peer:.0f}/s; ratio {rate / peer:.2f}")
    row("  peak memory", f"{peak / 1024:.1f}", "MiB")


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="orderwatch-bench."))
    os.environ["ORDERWATCH_SHARE"] = str(ROOT / "conf")
    simulator = harness.Simulator(folder, {"orders": {"generate": {"first_id": 100000, "count": ORDERS, "seed": 1}},
                                           "paging": {"default": PAGE, "max": PAGE}})
    broker = harness.Broker(folder, ["allow_anonymous true", "max_queued_messages 0"])
    sink = harness.mqtt_sink(broker, state="false")
    configuration = harness.configuration(folder, simulator, sinks=[sink],
                                          source={"page": PAGE, "guard": {"changed": "100%"}})
    configuration["log"]["level"] = "warn"
    daemon = harness.Daemon(folder, configuration)
    try:
        bench_sweep(folder, simulator, daemon.path)
        bench_deliveries(folder, simulator, broker, daemon.path)
    finally:
        simulator.stop()
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
