"""Everything that can go wrong at each step of a mail conversation, all of it at once: a server for each way, a sink
for each server, one event. A refusal for now is tried again, one for good is parked, a lost connection loses nothing,
and only where the answer to the final dot is lost may a mail come twice, with one Message-ID."""
import email
import json
import socketserver
import threading
import urllib.request

from harness import configuration, wait_until

STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
FOR_NOW = (421, 450, 451, 452)
FOR_GOOD = (550, 552, 554)
GREETED = {"greeting": "220 mail.example.com ESMTP", "EHLO": "250-mail.example.com\r\n250 ENHANCEDSTATUSCODES",
           "DATA": "354 go on", "QUIT": "221 2.0.0 bye"}


class Misbehaving:
    """An SMTP server that does one thing wrong, once, at its step: answers so, or (None) hangs up."""

    def __init__(self, step, fault):
        self.step, self.fault = step, fault
        self.faults_left = 1
        self.mails = []
        peer = self

        class Handler(socketserver.StreamRequestHandler):
            timeout = 60

            def handle(self):
                try:
                    peer.converse(self)
                except (ConnectionError, TimeoutError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def name(self):
        return f"{self.step.lower()}-{self.fault or 'lost'}"

    def answer(self, handler, step):
        """True if all is well at this step."""
        if step == self.step and self.faults_left:
            self.faults_left -= 1
            if self.fault is None:
                raise ConnectionError
            handler.wfile.write(f"{self.fault} {self.fault // 100}.3.0 not like this\r\n".encode())
            return False
        handler.wfile.write((GREETED.get(step, "250 2.0.0 fine") + "\r\n").encode())
        return True

    def converse(self, handler):
        is_welcome = self.answer(handler, "greeting")
        is_addressed = False
        for line in handler.rfile:
            verb = line.split(b" ")[0].strip().decode().upper()
            if verb == "QUIT":
                self.answer(handler, verb)
                return
            if not is_welcome or (verb == "DATA" and not is_addressed):
                handler.wfile.write(b"503 5.5.1 not now\r\n")
            elif self.answer(handler, verb):
                is_addressed = is_addressed or verb == "RCPT"
                if verb == "DATA":
                    self.take(handler)

    def take(self, handler):
        lines = []
        for line in handler.rfile:
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = email.message_from_bytes(b"".join(lines))
        if self.step == "dot" and self.fault is None and self.faults_left:
            self.mails.append(mail)  # taken, but nobody hears of it
        if self.answer(handler, "dot"):
            self.mails.append(mail)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def outcomes(daemon):
    """Its delivery, by sink."""
    listen = daemon.configuration["http"]["listen"]
    with urllib.request.urlopen(f"http://{listen}/api/v1/deliveries?limit=200", timeout=30) as answer:
        return {row["sink"]: row for row in json.load(answer)["items"]}


def test_each_fault_at_each_step(world):
    peers = [world.keep(Misbehaving(step, fault)) for step in STEPS for fault in (*FOR_NOW, *FOR_GOOD, None)]
    sinks = [{"name": peer.name, "retry": {"first": "1s", "cap": "2s"},
              "email": {"server": f"smtp://127.0.0.1:{peer.port}", "tls": "none", "to": ["projects@example.com"],
                        "from": "orderwatch@example.com"}} for peer in peers]
    simulator = world.simulator(orders={"list": [{"id": "1", "status": "InProgress"}]})
    daemon = world.daemon(configuration(world.folder, simulator, sinks=sinks)).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "1", "status": "Held"})

    def is_over():
        states = {name: row["status"] for name, row in outcomes(daemon).items()}
        return len(states) == len(peers) and set(states.values()) <= {"delivered", "parked"}

    wait_until(is_over, lambda: f"{outcomes(daemon)}\n{daemon.log()}")
    ends = outcomes(daemon)
    assert daemon.stop() == 0
    for peer in peers:  # the operator reads what the server said, whatever it said afterwards
        said = f"{peer.fault} {peer.fault // 100}.3.0 not like this" if peer.fault else "connection"
        assert any(f"sink={peer.name} " in line and said in line for line in daemon.log().splitlines()), peer.name
    for peer in peers:
        end = ends[peer.name]
        assert peer.faults_left == 0, peer.name
        is_parked = peer.fault in FOR_GOOD and peer.step not in ("greeting", "EHLO")
        assert end["status"] == ("parked" if is_parked else "delivered"), end
        copies = 0 if is_parked else 2 if (peer.step, peer.fault) == ("dot", None) else 1
        assert len(peer.mails) == copies, peer.name
        assert len({mail["Message-ID"] for mail in peer.mails}) == (copies > 0)
