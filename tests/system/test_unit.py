"""The daemon works under the system call filter of its unit: every kind of sink, helpers, a restart, a clean end."""
import pathlib
import shutil
import signal
import subprocess

import pytest

import harness
from harness import configuration, email_sink, mqtt_sink, wait_until, webhook_sink

pytest.importorskip("seccomp", reason="python3-seccomp is not installed")
FILTER = pathlib.Path(__file__).resolve().parents[1] / "support/unit_filter.py"
pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
ORDERS = {"list": [{"id": "1", "customerReference": "PO-1", "status": "InProgress", "site": {"name": "Lyon"}}]}


def filtered(*arguments):
    return subprocess.run([FILTER, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_the_filter_filters(tmp_path):
    (tmp_path / "own").touch()
    assert filtered("/usr/bin/cat", "/dev/null").returncode == 0
    assert "Operation not permitted" in filtered("/usr/bin/chown", "1", tmp_path / "own").stderr
    netlink = filtered("/usr/bin/python3", "-c", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)")
    assert "Address family not supported" in netlink.stderr
    writable_code = filtered("/usr/bin/python3", "-c", "import mmap; mmap.mmap(-1, 4096, prot=7)")
    assert "Operation not permitted" in writable_code.stderr


def test_what_it_refuses_can_be_seen(tmp_path):
    (tmp_path / "own").touch()
    assert filtered("--kill", "/usr/bin/cat", "/dev/null").returncode == 0
    assert filtered("--kill", "/usr/bin/chown", "1", tmp_path / "own").returncode == -signal.SIGSYS


def test_news_reaches_every_receiver_under_the_filter(world, tmp_path, monkeypatch):
    program = tmp_path / "orderwatch-filtered"
    program.write_text(f'#!/bin/sh\nexec {FILTER} --kill {harness.ORDERWATCH} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(harness, "ORDERWATCH", str(program))
    shape = tmp_path / "own.jq"
    shape.write_text(". + {shaped: true}\n")
    simulator, broker, plain, shaped, mailbox = (world.simulator(orders=ORDERS), world.broker(), world.webhook(),
                                                 world.webhook(), world.mailbox())
    subscriber = world.subscriber(broker)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[
        mqtt_sink(broker), webhook_sink(plain), email_sink(mailbox),
        webhook_sink(shaped, "shaped", format=str(shape))])).start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "1", "status": "Held"})
    wait_until(lambda: plain.deliveries and shaped.deliveries and subscriber.events() and mailbox.event_ids(), daemon.log)
    assert shaped.deliveries[0]["shaped"]
    assert daemon.stop() == 0
    daemon.start()
    simulator.sweeps_after(2)
    simulator.step(order={"id": "1", "status": "InProgress"})
    wait_until(lambda: len(mailbox.event_ids()) == 2 and len(plain.deliveries) == 2, daemon.log)
    assert daemon.stop() == 0
