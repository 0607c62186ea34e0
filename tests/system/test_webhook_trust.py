"""Who sends and who is called: signatures judged by openssl, and addresses that no URL leads to by accident."""
import base64
import hashlib
import hmac
import http.server
import re
import socket
import subprocess
import threading

import pytest

import harness
from harness import configuration, ledger, wait_until

ORDERS = {"list": [{"id": "00123", "status": "InProgress", "site": {"name": "Lyon"}, "committedDate": "2099-01-12"}]}
SEED = bytes(range(32))
PKCS8_HEAD = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410


class Notebook:
    """Answers as it is told, and keeps the requests."""

    def __init__(self, status=204, headers=()):
        self.requests = []
        notebook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                notebook.requests.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def run(world, *sinks):
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=list(sinks))).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "00123", "status": "Held"})
    return daemon


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


def verify_ed25519(folder, content, signature):
    (folder / "key.der").write_bytes(PKCS8_HEAD + SEED)
    (folder / "content").write_bytes(content)
    (folder / "signature").write_bytes(signature)
    public = openssl("pkey", "-inform", "DER", "-in", folder / "key.der", "-pubout", "-out", folder / "public.pem")
    assert public.returncode == 0, public.stderr
    return openssl("pkeyutl", "-verify", "-pubin", "-inkey", folder / "public.pem", "-rawin", "-in",
                   folder / "content", "-sigfile", folder / "signature").returncode == 0


def test_during_a_rotation_both_keys_sign(world):
    receiver = world.keep(Notebook())
    sink = {"name": "tickets", "webhook": {"url": f"http://127.0.0.1:{receiver.port}/", "secret": harness.SECRET,
                                           "next_secret": "whsk_" + base64.b64encode(SEED).decode()}}
    daemon = run(world, sink)
    headers, body = wait_until(lambda: receiver.requests, daemon.log)[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    shared, private = headers["webhook-signature"].split(" ")
    wanted = hmac.new(harness.SECRET_KEY, content, hashlib.sha256).digest()
    assert shared == "v1," + base64.b64encode(wanted).decode()
    kind, signature = private.split(",")
    assert kind == "v1a"
    assert verify_ed25519(world.folder, content, base64.b64decode(signature))
    assert not verify_ed25519(world.folder, content + b" ", base64.b64decode(signature))
    assert daemon.stop() == 0


def test_a_redirect_leads_nowhere(world):
    target = world.keep(Notebook())
    receiver = world.keep(Notebook(307, [("Location", f"http://127.0.0.1:{target.port}/")]))
    daemon = run(world, {"name": "tickets", "webhook": {"url": f"http://127.0.0.1:{receiver.port}/"}})
    wait_until(lambda: ledger(daemon, "tickets")["parked"] == 1, daemon.log)
    assert "redirects are not followed" in ledger(daemon, "tickets")["last_failure"]
    assert target.requests == [] and len(receiver.requests) == 1
    assert daemon.stop() == 0


@pytest.mark.parametrize("host", ["[::ffff:127.0.0.1]", "0.0.0.0", "10.255.255.1", "169.254.169.254", "[fd00::1]"])
def test_a_private_address_is_accepted_only_if_the_configuration_says_so(world, host):
    path = world.folder / "orderwatch.yaml"
    simulator = type("Nobody", (), {"url": "http://127.0.0.1:1"})
    webhook = {"url": f"https://{host}/hook"}
    path.write_text(harness.to_yaml(configuration(world.folder, simulator, sinks=[{"name": "in", "webhook": webhook}])))
    code, _, err = harness.run_command("check", "-c", path)
    assert code == 78
    assert re.search(rf"^{path}:\d+:\d+: sinks\[0\].webhook.url: its host is a private or local address.*allow_private: on",
                     err, re.M), err
    webhook["allow_private"] = "on"
    path.write_text(harness.to_yaml(configuration(world.folder, simulator, sinks=[{"name": "in", "webhook": webhook}])))
    code, _, err = harness.run_command("check", "-c", path)
    assert code == 0 and "private or local" not in err


def test_a_name_that_leads_to_a_private_address_is_not_called(world):
    """It is known only once it is looked up, each time anew: the address decides, not the name."""
    name = socket.gethostname()
    if not socket.gethostbyname(name).startswith(("127.", "10.", "172.", "192.168.")):
        pytest.skip("this machine's name leads to a public address")
    receiver = world.keep(Notebook())
    daemon = run(world, {"name": "in", "retry": {"first": "1s", "cap": "1s"},
                         "webhook": {"url": f"https://{name}:{receiver.port}/"}})
    wait_until(lambda: "private or local" in ledger(daemon, "in").get("last_failure", ""), daemon.log)
    assert ledger(daemon, "in")["pending"] == 1
    assert receiver.requests == []
    assert daemon.stop() == 0


@pytest.mark.parametrize("url", [
    "http://192.168.1.1/", "http://2130706433/", "https://127.1/", "https://0x7f.0.0.1/", "https://010.0.0.1/",
    "https://user@example.com/", "https://example.com/#x", "https://example.com\\@127.0.0.1/", "ftp://example.com/",
    "https://", "https://exa mple.com/", "https://example.com:0/", "https://example.com:99999/", "gopher://127.0.0.1/"])
def test_a_url_that_readers_may_differ_about_is_refused(world, url):
    path = world.folder / "orderwatch.yaml"
    simulator = type("Nobody", (), {"url": "http://127.0.0.1:1"})
    path.write_text(harness.to_yaml(configuration(world.folder, simulator,
                                                  sinks=[{"name": "tickets", "webhook": {"url": url}}])))
    status, _, errors = harness.run_command("check", "-c", path)
    assert status == 78 and "sinks[0].webhook.url: " in errors and "accepted: https://HOST" in errors, errors
