"""Passwords, certificates and TLS at real servers: refused means retried, told, and never sent in clear."""
import subprocess

from harness import Process, configuration, email_sink, mqtt_sink, wait_until, webhook_sink

ORDERS = {"list": [{"id": "1", "status": "InProgress", "step": "Survey"}]}
SOON = {"first": "1s", "cap": "2s"}


def change_something(simulator, daemon):
    daemon.start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "1", "status": "Held"})


def test_source_over_tls_with_a_private_authority(world):
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("api"), orders=ORDERS)
    webhook = world.webhook()
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook)],
                             source={"tls": {"ca_file": certificates.ca}})
    change_something(simulator, world.daemon(settings))
    wait_until(lambda: webhook.deliveries, "the event")


def test_source_with_an_expired_certificate_is_refused_in_words(world):
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("api", expired=True), orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(world.webhook())],
                             source={"tls": {"ca_file": certificates.ca}})
    daemon = world.daemon(settings).start()
    wait_until(lambda: "expired" in daemon.log(), daemon.log)
    assert simulator.requests("/orders") == []
    assert daemon.stop() == 0


def test_mqtt_with_tls_and_password(world):
    certificates = world.certificates()
    certificate, key = certificates.make("broker")
    passwords = world.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "orderwatch", "right"], check=True)
    lines = [f"certfile {certificate}", f"keyfile {key}", f"cafile {certificates.ca}", "allow_anonymous false",
             f"password_file {passwords}"]
    simulator = world.simulator(orders=ORDERS)
    broker = world.broker(lines)
    sink = mqtt_sink(broker, username="orderwatch", password="wrong", tls={"ca_file": certificates.ca})
    sink["mqtt"]["broker"] = f"mqtts://localhost:{broker.port}"
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "not authori" in daemon.log().lower() or "bad user" in daemon.log().lower(), daemon.log)
    assert daemon.stop() == 0
    assert "wrong" not in daemon.log()
    sink["mqtt"]["password"] = "right"
    console = world.keep(Process(["mosquitto_sub", "-h", "localhost", "-p", str(broker.port), "--cafile", certificates.ca,
                                  "-u", "orderwatch", "-P", "right", "-t", "orderwatch/+/event/#"], world.folder, "console"))
    again = world.daemon(settings).start()
    wait_until(lambda: "orderwatch.order.status.held" in console.text(), again.log)
    assert again.stop() == 0


def test_mqtt_with_a_certificate_of_somebody_else_is_not_used(world):
    certificates = world.certificates()
    certificate, key = certificates.make("broker", subject_names="DNS:elsewhere.example.com")
    broker = world.broker([f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true"])
    simulator = world.simulator(orders=ORDERS)
    sink = mqtt_sink(broker, tls={"ca_file": certificates.ca})
    sink["mqtt"]["broker"] = f"mqtts://localhost:{broker.port}"
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "host name" in daemon.log().lower() or "certificate" in daemon.log().lower(), daemon.log)
    assert daemon.stop() == 0


def test_mail_with_starttls_and_login(world):
    certificates = world.certificates()
    mailbox = world.mailbox(tls=certificates.make("mail"), credentials=("orderwatch", "right"))
    simulator = world.simulator(orders=ORDERS)
    sink = email_sink(mailbox, retry=SOON, tls="required", ca_file=certificates.ca, username="orderwatch",
                      password="wrong", server=f"smtp://localhost:{mailbox.port}")
    settings = configuration(world.folder, simulator, sinks=[sink])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: "535" in daemon.log(), daemon.log)
    assert mailbox.mails == []
    assert daemon.stop() == 0
    sink["email"]["password"] = "right"
    again = world.daemon(settings).start()
    wait_until(lambda: mailbox.mails, again.log)
    assert again.stop() == 0


def test_mail_to_a_server_with_an_expired_certificate_or_without_starttls_never_goes_in_clear(world):
    certificates = world.certificates()
    expired = world.mailbox(tls=certificates.make("mail", expired=True))
    plain = world.mailbox()
    simulator = world.simulator(orders=ORDERS)
    sinks = [email_sink(box, name=name, retry=SOON, tls="required", ca_file=certificates.ca,
                        server=f"smtp://localhost:{box.port}") for name, box in (("a", expired), ("b", plain))]
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks))
    change_something(simulator, daemon)
    wait_until(lambda: "sink=a" in daemon.log() and "sink=b" in daemon.log() and "certificate" in daemon.log()
               and "STARTTLS" in daemon.log().upper(), daemon.log)
    assert expired.mails == [] and plain.mails == []
    assert daemon.stop() == 0


def test_one_refused_recipient_costs_nobody_else_anything(world):
    mailbox = world.mailbox()
    people = [f"person{number}@example.com" for number in range(50)]
    mailbox.refuse = {people[17]: "550 5.1.1 no such mailbox", people[3]: "451 4.7.1 greylisted, try again"}
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[email_sink(mailbox, retry=SOON, to=people)])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: mailbox.mails, daemon.log)
    del mailbox.refuse[people[3]]
    wait_until(lambda: len({address for _, to, _ in mailbox.mails for address in to}) == 49, daemon.log)
    received = [address for _, to, _ in mailbox.mails for address in to]
    assert len(received) == 49 and people[17] not in received
    assert len({mail["Message-ID"] for _, _, mail in mailbox.mails}) == 1
    wait_until(lambda: people[17] in daemon.log() or "5.1.1" in daemon.log(), daemon.log)
    assert daemon.stop() == 0


def test_webhook_laws(world):
    webhook = world.webhook()
    answers = iter([503, 429, 204])
    webhook.answer = lambda event: next(answers, 204)
    webhook.headers = {"Retry-After": "1"}
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(webhook, retry=SOON)])
    daemon = world.daemon(settings)
    change_something(simulator, daemon)
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert [status for status, _, _ in webhook.attempts] == [503, 429, 204]
    assert len({event["id"] for _, event, _ in webhook.attempts}) == 1
    assert {headers["webhook-id"] for _, _, headers in webhook.attempts} == {webhook.deliveries[0]["id"]}
    webhook.answer = lambda event: 400
    simulator.step(order={"id": "1", "status": "InProgress"})
    wait_until(lambda: "park" in daemon.log(), daemon.log)
    webhook.answer = lambda event: 204
    simulator.step(order={"id": "1", "status": "Completed"})
    wait_until(lambda: len(webhook.deliveries) == 2, daemon.log)
    assert webhook.deliveries[1]["sequence"] == "3"
    webhook.answer = lambda event: 302
    simulator.step(order={"id": "1", "status": "InProgress"})
    wait_until(lambda: webhook.attempts[-1][0] == 302, daemon.log)
    assert daemon.stop() == 0
