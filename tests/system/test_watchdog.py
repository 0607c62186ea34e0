"""The service manager's watchdog is fed by progress: with the loop or the store's thread at a stand, it is not."""
import contextlib
import ctypes
import json
import os
import socket
import time
import urllib.error
import urllib.request

import pytest

from harness import configuration, listens, run_command, wait_until

ORDERS = {"list": [{"id": "1", "customerReference": "PO-1", "status": "InProgress", "site": {"name": "Lyon"}}]}
WATCHDOG_S = 1.0
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WAIT_ALL = 0x40000000  # __WALL: threads, too
IDLE_CALLS = {"store": ("202", "98"), "orderwatch": ("232", "281", "22")}  # futex, epoll_wait, epoll_pwait
LIBC = ctypes.CDLL(None, use_errno=True)


def trace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request}")


def thread_named(process, name):
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/comm", encoding="utf-8") as file:
            if file.read().strip() == name:
                return int(thread)
    raise AssertionError(f"no thread is called {name}")


def stop_at_rest(process, thread, name):
    """True: it stands and waits for work, so that it holds nothing that the others need."""
    trace(PTRACE_SEIZE, thread)
    trace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, WAIT_ALL)
    with open(f"/proc/{process}/task/{thread}/syscall", encoding="ascii") as file:
        is_at_rest = file.read().split()[0] in IDLE_CALLS[name]
    if not is_at_rest:
        trace(PTRACE_DETACH, thread)
    return is_at_rest


@contextlib.contextmanager
def standing(daemon, name):
    """One thread of the daemon does not run meanwhile; the others do."""
    process = daemon.process.child.pid
    thread = thread_named(process, name)
    try:
        wait_until(lambda: stop_at_rest(process, thread, name), daemon.log)
    except PermissionError:
        pytest.skip("stopping a thread needs CAP_SYS_PTRACE")
    try:
        yield
    finally:
        trace(PTRACE_DETACH, thread)


class Manager:
    """What systemd would be told."""

    def __init__(self, folder):
        self.path = str(folder / "notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)

    def next(self):
        self.socket.settimeout(60)
        return self.socket.recv(4096).decode()

    def waits_for(self, start):
        while True:
            message = self.next()
            if message.startswith(start):
                return message

    def told(self):
        """What came until now."""
        self.socket.settimeout(0)
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self.socket.recv(4096).decode())
        return messages

    def stop(self):
        self.socket.close()


def health(daemon):
    try:
        with urllib.request.urlopen(f"http://{daemon.configuration['http']['listen']}/-/healthy", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def watched(world):
    manager = world.keep(Manager(world.folder))
    simulator = world.simulator(orders=ORDERS)
    daemon = world.daemon(configuration(world.folder, simulator, sinks=[], routes=[]),
                          environment={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}).start()
    port = int(daemon.configuration["http"]["listen"].rsplit(":", 1)[1])
    wait_until(lambda: listens(port) or not daemon.process.is_running(), daemon.log)
    daemon.manager = manager
    return daemon


def test_progress_feeds_it_and_the_books_are_the_status(watched):
    manager = watched.manager
    assert manager.next() == "READY=1"
    assert manager.waits_for("STATUS=") == "STATUS=observed 0 = delivered 0 + pending 0 + parked 0"
    for _ in range(4):
        manager.waits_for("WATCHDOG=1")
    assert watched.stop() == 0
    assert "STOPPING=1" in manager.told()


def test_a_store_at_a_stand_does_not_feed_it(watched):
    manager = watched.manager
    manager.waits_for("WATCHDOG=1")
    assert run_command("status", "--alive", "-c", watched.path) == (0, "alive\n", "")
    with standing(watched, "store"):
        wait_until(lambda: health(watched)[0] == 503, watched.log)
        manager.told()
        until = time.monotonic() + 4 * WATCHDOG_S
        while time.monotonic() < until:  # the loop turns: it answers
            assert health(watched) == (503, {"healthy": False, "reasons": [
                {"store": "state", "code": "silent", "reason": "does not answer"}]})
        assert "WATCHDOG=1" not in manager.told()
        code, out, _ = run_command("status", "--alive", "-c", watched.path)
        assert (code, out) == (1, "not alive\n  store state: does not answer\n")
    manager.waits_for("WATCHDOG=1")
    wait_until(lambda: health(watched)[0] == 200, watched.log)
    assert watched.stop() == 0


def test_a_loop_at_a_stand_does_not_feed_it(watched):
    manager = watched.manager
    manager.waits_for("WATCHDOG=1")
    with standing(watched, "orderwatch"):
        manager.told()
        time.sleep(4 * WATCHDOG_S)
        assert not manager.told()
    manager.waits_for("WATCHDOG=1")
    assert watched.stop() == 0


def test_alive_is_not_ready(world):
    """Who restarts what is not alive is not to restart it because an API is down."""
    simulator = world.simulator(orders=ORDERS)
    settings = configuration(world.folder, simulator, sinks=[], routes=[])
    simulator.stop()
    daemon = world.daemon(settings).start()
    assert run_command("status", "--alive", "-c", daemon.path)[0] in (0, 69)
    wait_until(lambda: run_command("status", "--alive", "-c", daemon.path)[0] == 0, daemon.log)
    wait_until(lambda: run_command("status", "-c", daemon.path)[0] == 1, daemon.log)
    code, out, _ = run_command("status", "--alive", "--json", "-c", daemon.path)
    assert code == 0 and json.loads(out) == {"healthy": True, "reasons": []}
    assert daemon.stop() == 0
    assert run_command("status", "--alive", "-c", daemon.path)[0] == 69
