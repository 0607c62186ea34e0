"""`orderwatch check` beyond the file: real peers with --connect, samples with --profile, events with --route."""
import json
import socket
import ssl
import subprocess
import threading

import yaml
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

import harness


def orders(count):
    return {"list": [{"id": str(100 + index), "status": "InProgress"} for index in range(count)]}


def connect(world, configuration):
    path = world.folder / "check.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(configuration))))  # no anchors for what is there twice
    status, out, err = harness.run_command("check", "--connect", "-c", path)
    lines = dict(line.split(": ", 1) for line in out.splitlines() if not line.startswith(str(path)))
    assert status != 78, err
    return status, lines, err


def mqtt_password(world, password="right"):
    """A broker that knows one user, and the sink that logs in there."""
    users = world.folder / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(users), "watch", "right"], check=True, capture_output=True)
    users.chmod(0o644)
    broker = world.broker(["allow_anonymous false", f"password_file {users}"])
    return broker, harness.mqtt_sink(broker, username="watch", password=password)


def test_everything_reached_and_nothing_sent(world):
    certificates = world.certificates()
    simulator = world.simulator(orders=orders(3))
    broker = world.broker()
    subscriber = world.subscriber(broker, topic="#")
    receiver = world.webhook()
    tls = certificates.make("mail")
    mailbox = world.mailbox(tls=tls, credentials=("orderwatch", "mail-password"))
    mail = harness.email_sink(mailbox, tls="required", server=f"smtp://localhost:{mailbox.port}",
                              ca_file=certificates.ca, username="orderwatch", password="mail-password")
    status, lines, err = connect(world, harness.configuration(
        world.folder, simulator, source={"every": "5m"},
        sinks=[harness.mqtt_sink(broker), harness.webhook_sink(receiver), mail]))
    assert (status, err) == (0, "")
    assert lines["orange"] == "ok, token valid 3600 s, page of 3 orders"
    assert list(lines) == ["orange", "noc", "tickets", "project-managers"]
    assert all(line.startswith("ok, ") for line in lines.values()), lines
    assert "with TLS, logged in" in lines["project-managers"]
    assert [row["path"].rsplit("/", 1)[1] for row in simulator.requests()] == ["token", "orders"]
    assert subscriber.messages == [] and receiver.attempts == [] and mailbox.mails == []


def test_each_refusal_is_told_with_its_reason_and_remedy(world):
    simulator = world.simulator(orders=orders(3))
    _, noc = mqtt_password(world, "wrong")
    mailbox = world.mailbox(tls=world.certificates().make("mail"), credentials=("orderwatch", "right"))
    mail = harness.email_sink(mailbox, tls="required", server=f"smtp://localhost:{mailbox.port}",
                              ca_file=str(world.folder / "certificates/ca.pem"), username="orderwatch",
                              password="wrong-password")
    tickets = {"name": "tickets", "webhook": {"url": f"http://127.0.0.1:{harness.free_port()}/hooks"}}
    configuration = harness.configuration(world.folder, simulator, sinks=[noc, tickets, mail])
    source = configuration["sources"][0]
    source["oauth2"]["client_secret"] = "wrong-secret"
    configuration["sources"].append({**source, "name": "keyless", "oauth2": {**source["oauth2"],
                                     "client_secret": "client-secret"}, "api_key": {"header": "X-Api-Key",
                                                                                    "value": "wrong-key"}})
    status, lines, err = connect(world, configuration)
    assert status == 69
    assert all(line.startswith("failed: ") for line in lines.values()), lines
    assert "/oauth/v3/token answered 401" in lines["orange"] and "client_secret" in lines["orange"]
    assert "/orders answered 40" in lines["keyless"]
    assert "refuses the connection" in lines["noc"] and "password" in lines["noc"]
    assert lines["noc"].count("check") == 1, lines["noc"]
    assert "no connection" in lines["tickets"]
    assert "login refused" in lines["project-managers"] and "535" in lines["project-managers"]
    assert "wrong-" not in err + "".join(lines.values())


def test_a_broker_that_refuses_something_else_than_the_login_is_not_told_as_one(world):
    """MQTT 5: CONNACK with 0x84 and a reason string."""
    reason = b"\x1f\x00\x0bspeak older"
    body = bytes([0x00, 0x84, len(reason)]) + reason
    simulator = world.simulator(orders=orders(1))
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            peer, _ = server.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(bytes([0x20, len(body)]) + body)
                while peer.recv(4096):
                    pass
        threading.Thread(target=answer, daemon=True).start()
        noc = {"name": "noc", "mqtt": {"broker": f"mqtt://127.0.0.1:{server.getsockname()[1]}", "client_id": "orderwatch"}}
        status, lines, _ = connect(world, harness.configuration(world.folder, simulator, sinks=[noc]))
    assert status == 69
    assert lines["noc"].endswith(
        ": the broker refuses the connection: unsupported protocol version (0x84): speak older; try protocol: 3.1.1")


def test_certificates_that_are_over_are_refused(world):
    certificates = world.certificates()
    expired = certificates.make("expired", expired=True)
    simulator = world.simulator(tls=expired, orders=orders(3))
    port = harness.free_port()
    broker = world.broker(["allow_anonymous true", f"cafile {certificates.ca}", f"certfile {expired[0]}",
                           f"keyfile {expired[1]}"], port=port)
    tls = {"ca_file": certificates.ca}
    noc = {"name": "noc", "mqtt": {"client_id": "orderwatch-noc", "broker": f"mqtts://localhost:{broker.port}", "tls": tls}}
    tickets = {"name": "tickets", "webhook": {"url": f"https://localhost:{simulator.port}/hooks", "tls": tls}}
    mailbox = world.mailbox(tls=expired)
    mail = harness.email_sink(mailbox, tls="required", server=f"smtp://localhost:{mailbox.port}",
                              ca_file=certificates.ca)
    status, lines, _ = connect(world, harness.configuration(world.folder, simulator, source={"tls": tls},
                                                            sinks=[noc, tickets, mail]))
    assert status == 69
    for name in ("orange", "noc", "tickets", "project-managers"):
        assert lines[name].startswith("failed: ") and "certificate" in lines[name], lines
    assert all("expired" in lines[name] for name in ("orange", "tickets", "project-managers")), lines


def test_implicit_tls(world):
    certificates = world.certificates()
    pair = certificates.make("server")
    simulator = world.simulator(tls=pair, orders=orders(1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    mailbox = world.keep(Controller(
        object(), hostname="127.0.0.1", port=harness.free_port(), ssl_context=context, auth_required=True,
        auth_require_tls=False, authenticator=lambda _s, _e, _session, _mechanism, data: AuthResult(
            success=(data.login, data.password) == (b"orderwatch", b"right"))))
    mailbox.start()
    tls = {"ca_file": certificates.ca}
    tickets = {"name": "tickets", "webhook": {"url": f"https://localhost:{simulator.port}/hooks", "tls": tls}}
    mail = harness.email_sink(mailbox, tls="required", server=f"smtps://localhost:{mailbox.port}",
                              ca_file=certificates.ca, username="orderwatch", password="right")
    status, lines, _ = connect(world, harness.configuration(world.folder, simulator, source={"tls": tls},
                                                            sinks=[tickets, mail]))
    assert status == 0, lines
    assert lines["orange"].startswith("ok, ")
    assert "with TLS, certificate valid until 20" in lines["tickets"]
    assert lines["tickets"].endswith("stay untried")
    assert lines["project-managers"].startswith("ok, connected with TLS, logged in")


def test_a_certificate_of_our_own_is_not_said_to_be_accepted(world):
    """Since TLS 1.3 the receiver judges it after the handshake."""
    certificates = world.certificates()
    simulator = world.simulator(tls=certificates.make("server"), orders=orders(1))
    stranger = harness.Certificates(world.folder / "other").make("client")
    tls = {"ca_file": certificates.ca}
    own = {**tls, **dict(zip(("cert_file", "key_file"), stranger))}
    tickets = {"name": "tickets", "webhook": {"url": f"https://localhost:{simulator.port}/hooks", "tls": own}}
    _, lines, _ = connect(world, harness.configuration(world.folder, simulator, source={"tls": tls}, sinks=[tickets]))
    assert lines["tickets"].endswith("; nothing sent, so its signature and headers stay untried, and it may yet refuse "
                                     "tls.cert_file")


def test_a_peer_that_says_nothing_costs_its_own_deadline_only(world):
    simulator = world.simulator(orders=orders(1))
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        noc = {"name": "noc", "mqtt": {"client_id": "orderwatch-noc", "broker": f"mqtt://127.0.0.1:{mute.getsockname()[1]}"}}
        status, lines, _ = connect(world, harness.configuration(world.folder, simulator, sinks=[noc]))
    assert status == 69 and lines["orange"].startswith("ok, ")
    assert "does not answer" in lines["noc"]


def test_every_against_budget_by_the_number_of_orders(world):
    simulator = world.simulator(orders=orders(90))
    configuration = harness.configuration(world.folder, simulator,
                                          source={"every": "10s", "budget": "6/min", "page": 40},
                                          sinks=[harness.webhook_sink(world.webhook())])
    status, lines, err = connect(world, configuration)
    assert status == 0 and lines["orange"].endswith("page of 40 orders of 90"), lines
    warnings = [line for line in err.splitlines() if "90 orders need 3 pages" in line]
    assert len(warnings) == 1, err
    assert warnings[0].startswith(f"{world.folder}/check.yaml:") and "sources[0].every: warning: " in warnings[0]
    assert "6/min allows a sweep each 30 s at best" in warnings[0]


def test_every_against_budget_without_asking_anyone(world):
    simulator = world.simulator(orders=orders(0))
    configuration = harness.configuration(world.folder, simulator, source={"every": "1m", "budget": "1/h"},
                                          sinks=[harness.webhook_sink(world.webhook())])
    path = world.folder / "check.yaml"
    path.write_text(yaml.safe_dump(configuration))
    status, _, err = harness.run_command("check", "-c", path)
    assert status == 0
    assert "sources[0].every: warning: the smallest sweep needs 1 page; 1/h allows a sweep each 1h at best" in err


def event(**parts):
    return {"specversion": "1.0", "id": "7f9c0e2ab14d5e6f8a90b1c2d3e4f506", "source": "urn:orderwatch:orange",
            "type": "orderwatch.appointment.rescheduled", "subject": "orders/123456/appointments/A-1",
            "time": "2026-11-23T08:15:30.123Z", "severity": "warning", "sequence": "17",
            "data": {"order": {"id": "123456", "status": "InProgress", "site": "Lyon Part-Dieu"},
                     "appointment": {"id": "A-1"}}, **parts}


def routing(world):
    sinks = [{"name": "desk", "email": {"server": "smtp://mail.example.com", "from": "orderwatch@example.com",
                                        "to": ["projects@example.com"], "digest": "15m"}},
             {"name": "noc", "mqtt": {"broker": "mqtts://broker.example.com", "client_id": "orderwatch"}}]
    routes = [{"name": "night", "types": ["appointment.*"], "sinks": ["noc"],
               "quiet": {"from": "20:00", "to": "07:00", "time_zone": "Europe/Paris", "except": "critical"}},
              {"name": "lyon", "types": ["*"], "where": {"site": "Lyon*"}, "sinks": ["desk"]},
              {"name": "lille", "types": ["*"], "where": {"site": "Lille*"}, "sinks": ["noc"]},
              {"name": "severe", "types": ["*"], "severity": "critical", "sinks": ["noc"]},
              {"name": "orders", "types": ["order.*"], "sinks": ["noc"]},
              {"name": "offer", "types": ["*"], "where": {"offer": "*VPN*"}, "sinks": ["noc"]}]
    source = {"name": "orange", "profile": "orange-order-tracking", "base_url": "https://api.example.com/v1"}
    path = world.folder / "routing.yaml"
    path.write_text(yaml.safe_dump({"sources": [source], "sinks": sinks, "routes": routes}))
    return path


def ask(path, document, *arguments):
    asked = path.parent / "event.json"
    asked.write_text(document if isinstance(document, str) else json.dumps(document))
    return harness.run_command("check", "-c", path, "--route", asked, *arguments)


def test_a_route_says_why_it_does_not_match_and_when_it_sends(world):
    status, out, err = ask(routing(world), event(), "--at", "2026-11-23T21:34:10")
    assert (status, err) == (0, "")
    lines = {line.split(" (line ")[0]: line for line in out.splitlines()}
    assert out.splitlines()[0] == ('event appointment.rescheduled, severity warning, order "123456", source "orange", '
                                   "at Mon 2026-11-23 21:34:10 CET")
    assert lines["route night"].endswith("): matches") and lines["route lyon"].endswith("): matches")
    assert "  noc: Tue 2026-11-24 07:00:00 CET, at the end of the quiet hours (20:00 to 07:00, Europe/Paris)" in out
    assert "  desk: Mon 2026-11-23 21:45:00 CET, with its digest of 15m" in out
    assert lines["route lille"].endswith('no: where site: "Lyon Part-Dieu" does not match "Lille*"')
    assert lines["route severe"].endswith("no: severity warning is below critical")
    assert lines["route orders"].endswith("no: type appointment.rescheduled matches none of order.*")
    assert lines["route offer"].endswith('no: where offer: the event has none to match "*VPN*"')
    assert out.splitlines()[-2:] == ["sink desk gets it Mon 2026-11-23 21:45:00 CET",
                                     "sink noc gets it Tue 2026-11-24 07:00:00 CET"]


def test_a_digest_by_the_clock_of_a_place_and_by_route(world):
    path = routing(world)
    document = yaml.safe_load(path.read_text())
    document["routes"][1]["digest"] = {"at": ["13:00", "07:30"], "days": ["mon", "tue", "wed", "thu", "fri"],
                                       "time_zone": "Europe/Paris"}
    path.write_text(yaml.safe_dump(document))
    status, out, err = ask(path, event(), "--at", "2026-11-27T13:00:00")  # a Friday, just as the last one leaves
    assert (status, err) == (0, "")
    assert "  desk: Mon 2026-11-30 07:30:00 CET, with its digest of 13:00 and 07:30 (Europe/Paris)" in out
    assert "sink desk gets it Mon 2026-11-30 07:30:00 CET" in out.splitlines()
    document["routes"][1]["sinks"] = ["noc"]
    path.write_text(yaml.safe_dump(document))
    status, _, err = harness.run_command("check", "-c", path)
    assert status == 78
    assert "routes[1].digest: has no recipients" in err


def test_an_exception_passes_the_quiet_hours(world):
    status, out, _ = ask(routing(world), event(severity="critical"), "--at", "2026-11-23T21:34")
    assert status == 0 and out.splitlines()[-1] == "sink noc gets it at once"


def test_an_event_for_nobody_and_what_is_no_event(world):
    path = routing(world)
    nobody = event(type="orderwatch.source.unreachable", subject="sources/orange", data={})
    status, out, _ = ask(path, nobody)
    assert status == 1 and out.endswith("no sink gets it\n")
    for document, word in (("{", "JSON"), ("[]", "CloudEvents"), (event(type="order.created"), "type: order.created"),
                           (event(severity="loud"), "severity: loud"), (event(source="x"), "source: x"),
                           (event(data={"order": {}}), "data.order")):
        status, out, err = ask(path, document)
        assert (status, out) == (2, "") and word in err and err.count("\n") == 1
    status, _, err = ask(path, event(), "--at", "tonight")
    assert status == 2 and "tonight" in err
    status, _, err = harness.run_command("check", "-c", path, "--route", path.parent / "none.json")
    assert status == 2 and "none.json" in err


def test_options_that_do_not_go_together(world):
    for arguments in (("--at", "2026-11-23"), ("--profile", "tmf622"), ("--sample", "x"), ("--json",), ("--appointments",),
                      ("--route", "x", "--connect"), ("--profile", "x", "--sample", "y", "--print")):
        status, out, err = harness.run_command("check", *arguments)
        assert (status, out) == (2, "") and err.count("\n") == 1
    for command in ("run", "check"):
        status, out, err = harness.run_command(command, "--frobnicate")
        assert (status, out) == (2, "") and err.count("\n") == 1 and "--frobnicate" in err


SAMPLE = [{"id": "1", "customerReference": "PO-7781", "status": "Paused", "site": {"name": "Lyon Part-Dieu"},
           "committed_date": "2027-01-02", "contact": {"name": "N"},
           "appointments": [{"id": "A", "status": "Confirmed", "start": "2027-01-12T09:00:00"}]},
          {"id": "2", "externalId": "PO-7782", "status": "InProgress", "site": "Lille"}]


def sample(world, document, *arguments, profile="orange-order-tracking"):
    path = world.folder / "sample.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return harness.run_command("check", "--profile", profile, "--sample", path, *arguments)


def test_a_sample_page_shows_which_candidate_matched(world):
    status, out, err = sample(world, SAMPLE, "--json")
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert (report["sample"], report["elements"], report["read"]) == ("page", 2, 2)
    fields = {field["field"]: field for field in report["fields"]}
    assert fields["reference"] == {"field": "reference", "found": 2, "of": 2, "value": "PO-7781",
                                   "candidate": "/customerReference, /externalId"}
    assert fields["site"]["candidate"] == "/site/name, /site"
    assert fields["contact.name"]["candidate"] == "/contact/name"
    assert fields["committed_date"] == {"field": "committed_date", "found": 0, "of": 2}
    assert fields["appointment.start"]["value"] == "2027-01-12T08:00:00Z"
    assert {(row["kind"], row["what"]) for row in report["novelties"]} == {
        ("unknown status", "order.status:Paused"),
        ("looks watched", "order.committed_date:like committedDate")}
    status, out, _ = sample(world, SAMPLE)
    assert status == 0 and "page of 2 orders, 2 read" in out and "/customerReference, /externalId" in out


def test_one_element_is_a_sample_too(world):
    status, out, _ = sample(world, SAMPLE[1], "--json")
    assert status == 0 and json.loads(out)["sample"] == "element"


def test_a_sample_of_the_appointments_own_collection(world):
    visits = [{"id": "A-1", "orderId": "7", "status": "Confirmed", "start": "20270112T090000", "strat": "x"},
              {"id": "A-2", "order": {"id": "8"}, "status": "Paused"}]
    profile = "orange-order-tracking-appointments"
    status, out, err = sample(world, visits, "--appointments", "--json", profile=profile)
    assert (status, err) == (0, "")
    report = json.loads(out)
    fields = {field["field"]: field for field in report["fields"]}
    assert fields["order"] == {"field": "order", "found": 2, "of": 2, "value": "7", "candidate": "/orderId, /order/id"}
    assert fields["appointment.start"]["value"] == "2027-01-12T08:00:00Z" and "status" not in fields
    assert ("unknown status", "appointment.status:Paused") in {(row["kind"], row["what"]) for row in report["novelties"]}
    assert "page of 2 appointments, 2 read" in sample(world, visits, "--appointments", profile=profile)[1]
    for document, words in ([{"id": "A-1"}], "no field but the id matched"), ("[]", "holds no appointments"), \
            ([{"orderId": "7"}], "element 1: appointment: no object with an id"):
        status, _, err = sample(world, document, "--appointments", profile=profile)
        assert status == 1 and words in err and err.count("\n") == 1
    status, _, err = sample(world, visits, "--appointments")
    assert status == 2 and "inside their order" in err and err.count("\n") == 1


def test_a_sample_in_which_nothing_matches(world):
    for document, words in ((([{"id": "1", "foo": 2}]), "no field but the id matched"), ("[]", "holds no orders"),
                            ([{"number": "1"}], "element 1: order: it has no id")):
        status, _, err = sample(world, document)
        assert status == 1 and words in err and err.count("\n") == 1
    for document in ("", "[{", "hello"):
        status, _, err = sample(world, document)
        assert status in (1, 2) and err.count("\n") == 1


def test_a_wrong_profile(world):
    status, _, err = sample(world, SAMPLE, profile="orange-order-trackin")
    assert status == 78 and "orange-order-tracking" in err and err.count("\n") == 1
    broken = world.folder / "mine.yaml"
    broken.write_text("orders: {path: 5, frobnicate: yes}\n")
    status, _, err = sample(world, SAMPLE, profile=str(broken))
    assert status == 78 and f"{broken}:1:" in err and "frobnicate" in err
