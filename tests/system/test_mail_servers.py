"""Mail through Postfix: an instance of its own, from an own configuration, that relays to a mailbox of the test.

Postfix wants root to start and readable folders for its own user, so its files live outside pytest's.
"""
import os
import pathlib
import shutil
import socketserver
import subprocess
import tempfile
import threading

import pytest

from harness import Process, configuration, email_sink, free_port, listens, wait_until

MASTER = pathlib.Path("/usr/lib/postfix/sbin/master")
SASL_PASSWORD_TOOL = shutil.which("saslpasswd2", path="/usr/sbin:/usr/bin")
ORDERS = {"list": [{"id": "1", "status": "InProgress", "step": "Survey"}]}
SOON = {"first": "1s", "cap": "2s"}

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="Postfix starts as root only"),
    pytest.mark.skipif(not MASTER.exists(), reason="Postfix is not installed: packaging/install-deps check"),
]

# The services that receiving and relaying need, and the log in a file instead of syslog.
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance; it relays all that it takes to the mailbox. Further settings override these."""

    def __init__(self, mailbox, tls, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="orderwatch-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.log = self.folder / "mail.log"
        self.process = None
        for name in ("queue", "data", "config"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.log,
            "maillog_file_prefixes": self.folder,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "mail.example.com",
            "mydestination": "",
            "local_recipient_maps": "",
            "alias_maps": "",
            "mynetworks": "127.0.0.0/8",
            "relayhost": f"[127.0.0.1]:{mailbox.port}",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_cert_file": tls[0],
            "smtpd_tls_key_file": tls[1],
            "smtpd_tls_loglevel": "1",
            "smtp_tls_security_level": "none",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject",
            **settings,
        }

    def start(self):
        config = self.folder / "config"
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        (config / "main.cf").write_text("\n".join([*lines, ""]))
        (config / "master.cf").write_text(SERVICES.format(port=self.port))
        subprocess.run(["/usr/sbin/postfix", "-c", config, "check"], check=True, capture_output=True)
        self.process = Process([str(MASTER), "-c", str(config)], self.folder, "master")
        wait_until(lambda: listens(self.port) or not self.process.is_running(), self.text)
        assert self.process.is_running(), self.text()
        return self

    def text(self):
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return self.process.text() + log

    def stop(self):
        if self.process is not None and self.process.is_running():
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Greylist:
    """Postfix' policy protocol: whom delays names is told to come again, as often as it says."""

    def __init__(self, delays):
        self.delays = dict(delays)
        policy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                facts = {}
                for line in self.rfile:
                    name, _, value = line.decode().strip().partition("=")
                    if name:
                        facts[name] = value
                        continue
                    self.wfile.write(f"action={policy.judge(facts)}\n\n".encode())
                    facts = {}

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, facts):
        recipient = facts.get("recipient")
        if self.delays.get(recipient, 0) == 0:
            return "DUNNO"
        self.delays[recipient] -= 1
        return "DEFER_IF_PERMIT greylisted, come again"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Post:
    """A daemon whose mails go through Postfix into a mailbox."""

    def __init__(self, world, settings=None, orders=None, **sink):
        self.world = world
        self.certificates = world.certificates()
        self.mailbox = world.mailbox()
        self.postfix = world.keep(Postfix(self.mailbox, self.certificates.make("mail"), **(settings or {})))
        self.simulator = world.simulator(orders=orders or ORDERS)
        self.sink = {"retry": SOON, "tls": "required", "ca_file": self.certificates.ca,
                     "server": f"smtp://localhost:{self.postfix.port}", **sink}
        self.daemon = None

    def start(self):
        self.postfix.start()
        settings = configuration(self.world.folder, self.simulator, sinks=[email_sink(self.mailbox, **self.sink)])
        self.daemon = self.world.daemon(settings).start()
        self.simulator.sweeps_after(2)
        return self

    def text(self):
        return self.daemon.log() + self.postfix.text()

    def recipients(self):
        return sorted(address for _, to, _ in self.mailbox.mails for address in to)


def test_a_mail_over_starttls(world):
    post = Post(world).start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: post.mailbox.mails, post.text)
    sender, to, mail = post.mailbox.mails[0]
    assert (sender, to) == ("orderwatch@example.com", ["projects@example.com"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{mail['X-Orderwatch-Event']}.")
    assert "TLS connection established" in post.postfix.text()
    assert f"message-id={mail['Message-ID']}" in post.postfix.text()
    assert post.daemon.stop() == 0
    assert len(post.mailbox.mails) == 1


def test_greylisted_and_refused_recipients_cost_nobody_else_anything(world):
    people = [f"person{number}@example.com" for number in range(8)]
    greylist = world.keep(Greylist({people[3]: 2}))
    post = Post(world, to=people)
    refusals = post.postfix.folder / "refusals"
    refusals.write_text(f"{people[5]} 550 5.1.1 no such mailbox\n")
    post.postfix.settings["smtpd_recipient_restrictions"] = (
        f"check_recipient_access texthash:{refusals}, check_policy_service inet:127.0.0.1:{greylist.port}, permit")
    post.start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: len(post.recipients()) == 7, post.text)
    assert post.recipients() == sorted(set(people) - {people[5]})
    assert greylist.delays[people[3]] == 0
    assert len({mail["Message-ID"] for _, _, mail in post.mailbox.mails}) == 1
    wait_until(lambda: "no such mailbox" in post.daemon.log(), post.text)
    assert post.daemon.stop() == 0
    assert len(post.recipients()) == 7


def test_a_server_that_is_full_gets_it_later(world):
    post = Post(world, settings={"smtpd_client_restrictions": "static:defer"})
    post.start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: "450" in post.daemon.log() or "451" in post.daemon.log(), post.text)
    post.postfix.settings["smtpd_client_restrictions"] = ""
    post.postfix.process.stop()
    post.postfix.start()
    wait_until(lambda: post.mailbox.mails, post.text)
    assert post.daemon.stop() == 0
    assert len(post.mailbox.mails) == 1


def test_hostile_text_arrives_as_one_message(world):
    hostile = "Lyon\r\nBcc: other@example.com\r\n\r\n.\r\nMAIL FROM:<other@example.com>\r\n=?utf-8?q?x?= \u202e\u00e9"
    post = Post(world, orders={"list": [{"id": "1", "status": "InProgress", "site": hostile}]})
    post.start()
    post.simulator.step(order={"id": "1", "status": hostile})
    wait_until(lambda: post.mailbox.mails, post.text)
    post.simulator.step(order={"id": "1", "status": "Completed"})
    wait_until(lambda: len(post.mailbox.event_ids()) >= 2, post.text)
    assert post.daemon.stop() == 0
    for sender, to, mail in post.mailbox.mails:
        assert (sender, to) == ("orderwatch@example.com", ["projects@example.com"])
        assert mail["Bcc"] is None and not mail.defects
        assert "\n" not in mail["Subject"]
        assert "Completed" in mail.get_body(("plain",)).get_content() or "Lyon" in mail["Subject"]


@pytest.mark.skipif(SASL_PASSWORD_TOOL is None, reason="sasl2-bin is not installed: packaging/install-deps check")
def test_login_with_a_password(world):
    post = Post(world, username="orderwatch", password="wrong")
    folder = post.postfix.folder
    passwords = folder / "passwords"
    subprocess.run([SASL_PASSWORD_TOOL, "-p", "-c", "-f", passwords, "-u", "mail.example.com", "orderwatch"],
                   input=b"right", check=True)
    shutil.chown(passwords, "postfix")
    (folder / "config/sasl").mkdir()
    (folder / "config/sasl/smtpd.conf").write_text(
        f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {passwords}\nmech_list: PLAIN LOGIN\n")
    post.postfix.settings.update({
        "smtpd_sasl_auth_enable": "yes", "smtpd_tls_auth_only": "yes", "smtpd_sasl_local_domain": "mail.example.com",
        "mynetworks": "192.0.2.1"})
    post.start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: "535" in post.daemon.log(), post.text)
    assert post.mailbox.mails == []
    assert post.daemon.stop() == 0
    assert "wrong" not in post.daemon.log()
    post.sink["password"] = "right"
    again = world.daemon(configuration(world.folder, post.simulator, sinks=[email_sink(post.mailbox, **post.sink)]))
    again.start()
    wait_until(lambda: post.mailbox.mails, lambda: again.log() + post.postfix.text())
    assert "sasl_username=orderwatch" in post.postfix.text()
    assert again.stop() == 0
