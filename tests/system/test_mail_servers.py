"""Mail through Postfix and OpenSMTPD, which relay to a mailbox of the test."""
import os
import shutil
import subprocess

import pytest

from harness import configuration, email_sink, wait_until
from mail_peers import MASTER, Greylist, OpenSmtpd, Postfix

SASL_PASSWORD_TOOL = shutil.which("saslpasswd2", path="/usr/sbin:/usr/bin")
ORDERS = {"list": [{"id": "1", "status": "InProgress", "step": "Survey"}]}
SOON = {"first": "1s", "cap": "2s"}

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="mail servers start as root only"),
    pytest.mark.skipif(not MASTER.exists(), reason="Postfix is not installed: packaging/install-deps check"),
]
on_both = pytest.mark.parametrize("make_server", [Postfix, OpenSmtpd])


class Post:
    """A daemon whose mails go through a server of others into a mailbox."""

    def __init__(self, world, make_server=Postfix, orders=None, **sink):
        self.world = world
        self.certificates = world.certificates()
        self.mailbox = world.mailbox()
        self.server = world.keep(make_server(self.mailbox, self.certificates.make("mail")))
        self.simulator = world.simulator(orders=orders or ORDERS)
        self.sink = {"retry": SOON, "server": f"smtp://localhost:{self.server.port}", **sink}
        if self.server.has_tls:
            self.sink.update({"tls": "required", "ca_file": self.certificates.ca})
        self.daemon = None

    def start(self):
        self.server.start()
        settings = configuration(self.world.folder, self.simulator, sinks=[email_sink(self.mailbox, **self.sink)])
        self.daemon = self.world.daemon(settings).start()
        self.simulator.sweeps_after(2)
        return self

    def text(self):
        return self.daemon.log() + self.server.text()

    def recipients(self):
        return sorted(address for _, to, _ in self.mailbox.mails for address in to)


@on_both
def test_a_mail_arrives_once(world, make_server):
    post = Post(world, make_server).start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: post.mailbox.mails, post.text)
    sender, to, mail = post.mailbox.mails[0]
    assert (sender, to) == ("orderwatch@example.com", ["projects@example.com"])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{mail['X-Orderwatch-Event']}.")
    assert post.server.has_taken(mail["Message-ID"]), post.server.text()
    assert post.daemon.stop() == 0
    assert len(post.mailbox.mails) == 1


def test_greylisted_and_refused_recipients_cost_nobody_else_anything(world):
    people = [f"person{number}@example.com" for number in range(8)]
    greylist = world.keep(Greylist({people[3]: 2}))
    post = Post(world, to=people)
    refusals = post.server.folder / "refusals"
    refusals.write_text(f"{people[5]} 550 5.1.1 no such mailbox\n")
    post.server.settings["smtpd_recipient_restrictions"] = (
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


def test_recipients_that_opensmtpd_refuses_or_delays(world):
    people = [f"person{number}@example.com" for number in range(8)]
    refuse = f'filter refuse phase rcpt-to match rcpt-to {{ "{people[5]}" }} reject "550 5.1.1 no such mailbox"'
    delay = f'filter delay phase rcpt-to match rcpt-to {{ "{people[3]}" }} reject "451 4.7.1 greylisted, come again"'
    post = Post(world, lambda mailbox, tls: OpenSmtpd(mailbox, tls, [refuse, delay]), to=people).start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: len(post.recipients()) == 6 and "greylisted" in post.daemon.log(), post.text)
    post.server.process.stop()
    post.server.filters.remove(delay)
    post.server.start()
    wait_until(lambda: len(post.recipients()) == 7, post.text)
    assert post.recipients() == sorted(set(people) - {people[5]})
    assert len({mail["Message-ID"] for _, _, mail in post.mailbox.mails}) == 1
    wait_until(lambda: "no such mailbox" in post.daemon.log(), post.text)
    assert post.daemon.stop() == 0
    assert len(post.recipients()) == 7


def test_a_server_that_is_full_gets_it_later(world):
    post = Post(world)
    post.server.settings["smtpd_client_restrictions"] = "static:defer"
    post.start()
    post.simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: "450" in post.daemon.log() or "451" in post.daemon.log(), post.text)
    post.server.settings["smtpd_client_restrictions"] = ""
    post.server.process.stop()
    post.server.start()
    wait_until(lambda: post.mailbox.mails, post.text)
    assert post.daemon.stop() == 0
    assert len(post.mailbox.mails) == 1


@on_both
def test_hostile_text_arrives_as_one_message(world, make_server):
    hostile = "Lyon\r\nBcc: other@example.com\r\n\r\n.\r\nMAIL FROM:<other@example.com>\r\n=?utf-8?q?x?= \u202e\u00e9"
    post = Post(world, make_server, orders={"list": [{"id": "1", "status": "InProgress", "site": hostile}]})
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
    folder = post.server.folder
    passwords = folder / "passwords"
    subprocess.run([SASL_PASSWORD_TOOL, "-p", "-c", "-f", passwords, "-u", "mail.example.com", "orderwatch"],
                   input=b"right", check=True)
    shutil.chown(passwords, "postfix")
    (folder / "config/sasl").mkdir()
    (folder / "config/sasl/smtpd.conf").write_text(
        f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {passwords}\nmech_list: PLAIN LOGIN\n")
    post.server.settings.update({
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
    wait_until(lambda: post.mailbox.mails, lambda: again.log() + post.server.text())
    assert "sasl_username=orderwatch" in post.server.text()
    assert again.stop() == 0
