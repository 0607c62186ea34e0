"""One digest, whatever happened. The full size, a hundred thousand changes at once:

    ORDERS=100000 /usr/bin/python3 -m pytest -q tests/system/test_large_digest.py
"""
import os
import subprocess
import sys

from harness import ORDERWATCH, configuration, email_sink, run_command

ORDERS = int(os.environ.get("ORDERS", "3000"))
TOLD = 200  # events that a mail shows; the rest is counted
PART = 1000


# A process begins with the peak of the one that started it: a small one stands between, for this one is large.
MEASURE = """
import os, resource, sys
code = os.spawnv(os.P_WAIT, sys.argv[1], sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def run_once(daemon, folder):
    """The status of the run, and its peak of memory in bytes."""
    with open(folder / "once.log", "a") as log:
        done = subprocess.run([sys.executable, "-c", MEASURE, ORDERWATCH, "run", "--once", "-c", daemon.path], check=True,
                              stdout=subprocess.PIPE, stderr=log, text=True)
    code, peak = done.stdout.splitlines()[-1].split()
    return int(code), int(peak)


def test_any_number_of_changes_is_one_bounded_mail(world):
    simulator = world.simulator(orders={"list": [{"id": "first", "status": "InProgress"}]})
    mailbox = world.mailbox()
    sink = email_sink(mailbox, digest={"every": "1d"}, time_zone="UTC")
    source = {"page": 1000, "budget": "60000/min", "adaptive": False}
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[sink], source=source))
    assert run_once(daemon, world.folder)[0] == 0 and not mailbox.mails
    for start in range(0, ORDERS, PART):
        simulator.steps([{"order": {"id": f"N-{number}", "status": "InProgress",
                                    "site": {"name": f"Site \N{LATIN SMALL LETTER E WITH ACUTE} {number}"}}}
                         for number in range(start, min(start + PART, ORDERS))])
    code, peak = run_once(daemon, world.folder)
    assert code == 0, (world.folder / "once.log").read_text()[-3000:]
    (_, _, mail), = mailbox.mails
    assert mail["Subject"] == f"[orderwatch] Digest: {ORDERS} changes"
    plain = mail.get_body(("plain",)).get_content()
    assert plain.count(": new order") == TOLD and f"And {ORDERS - TOLD} more events" in " ".join(plain.split())
    assert len(mail["X-Orderwatch-Event"].split()) == TOLD
    assert len(mail.as_bytes()) < 1 << 20
    assert peak < 64 << 20, f"{peak >> 20} MiB"
    # Nothing is left for the next one.
    code, out, _ = run_command("run", "--once", "-c", daemon.path)
    assert code == 0 and len(mailbox.mails) == 1, out
