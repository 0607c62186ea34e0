"""Fixtures: every server that a test starts is stopped after it, whatever happened."""
import contextlib

import pytest

import harness


@pytest.fixture
def world(tmp_path):
    """Makers of servers that end with the test."""
    with contextlib.ExitStack() as stack:
        yield World(tmp_path, stack)


class World:
    def __init__(self, folder, stack):
        self.folder = folder
        self.stack = stack

    def keep(self, server):
        self.stack.callback(self.end, server)
        return server

    @staticmethod
    def end(server):
        process = getattr(server, "process", server)
        if isinstance(process, harness.Process):
            if process.is_running():
                process.stop()
        elif process is not None:
            server.stop()

    def simulator(self, tls=None, **scenario):
        return self.keep(harness.Simulator(self.folder, scenario, tls))

    def broker(self, lines=(), **more):
        return self.keep(harness.Broker(self.folder, lines, **more))

    def subscriber(self, broker, **more):
        return self.keep(harness.Subscriber(broker.port, **more))

    def webhook(self, **more):
        return self.keep(harness.Webhook(**more))

    def mailbox(self, **more):
        return self.keep(harness.Mailbox(**more))

    def certificates(self):
        return harness.Certificates(self.folder / "certificates")

    def daemon(self, configuration, arguments=(), environment=None):
        return self.keep(harness.Daemon(self.folder, configuration, arguments, environment))
