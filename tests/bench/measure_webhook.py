"""Every order changes: that many durable, signed deliveries to nginx, against a bare libcurl multi with the same window."""
import os
import subprocess

import kit

ORDERS = int(os.environ.get("ORDERS", "10000"))
WINDOW = 20
BYTES = 900


class Nginx:
    def __init__(self, folder):
        self.port = kit.harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.log_path = folder / "nginx.access"
        (folder / "nginx.conf").write_text(f"""daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
user root; events {{}}
http {{ log_format when '$msec $http_webhook_id'; access_log nginx.access when buffer=64k flush=1s;
keepalive_requests 1000000; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
uwsgi_temp_path uwsgi; scgi_temp_path scgi;
server {{ listen 127.0.0.1:{self.port}; location / {{ return 204; }} }} }}
""")
        self.process = kit.harness.Process(["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")],
                                           folder, "nginx")
        kit.harness.wait_until(lambda: kit.harness.listens(self.port), self.process.text)

    def deliveries(self):
        rows = [line.split() for line in self.log_path.read_text().splitlines()]
        return [(float(when), identity) for when, identity in rows if identity != "-"]

    def stop(self):
        self.process.stop()


def configuration(folder, simulator, nginx, **webhook):
    sink = {"name": "tickets", "in_flight": WINDOW,
            "webhook": {"url": nginx.url, "secret": kit.harness.SECRET, **webhook}}
    configuration = kit.harness.configuration(folder, simulator, sinks=[sink],
                                              source={"page": kit.PAGE, "guard": {"changed": "100%"}})
    configuration["log"]["level"] = "warn"
    return configuration


def deliver(folder, simulator, nginx):
    os.environ["ORDERWATCH_SHARE"] = str(kit.ROOT / "conf")
    daemon = kit.harness.Daemon(folder, configuration(folder, simulator, nginx))
    command = [kit.harness.ORDERWATCH, "run", "--once", "-c", str(daemon.path)]
    kit.cpu_of(command, stderr=subprocess.DEVNULL)  # the baseline
    simulator.step(many={"count": ORDERS, "set": {"step": "Measured"}})
    cpu, peak, _ = kit.cpu_of(command, stderr=subprocess.DEVNULL)
    kit.harness.wait_until(lambda: len(nginx.deliveries()) >= ORDERS, "nginx's log")
    stamps = sorted(when for when, _ in nginx.deliveries())
    return (len(stamps) - 1) / max(stamps[-1] - stamps[0], 1e-9), peak, cpu


def measure():
    with kit.folder() as folder:
        scenario = {"orders": {"generate": {"first_id": 100000, "count": ORDERS, "seed": 1}},
                    "paging": {"default": kit.PAGE, "max": kit.PAGE}}
        simulator = kit.harness.Simulator(folder, scenario)
        nginx = Nginx(folder)
        try:
            rate, peak, cpu = deliver(folder, simulator, nginx)
            bare = kit.peer("webhook_poster", nginx.url, ORDERS, BYTES, WINDOW)[0]
            yield kit.at_least(f"durable webhook deliveries to nginx, {ORDERS} events", rate / bare, 0.5, "x",
                               f"{rate:.0f}/s; bare libcurl multi {bare:.0f}/s")
            yield kit.shown("  CPU of an event, sweep and store included", f"{cpu / ORDERS * 1e6:.0f} us")
            yield kit.shown("  peak memory", f"{peak / 1024:.1f} MiB")
            yield kit.latency("  commit to first byte, p99", "webhook_latency")
        finally:
            nginx.stop()
            simulator.stop()
