"""The disk is full, and has room again: the daemon says so, goes on, loses nothing and makes nothing up."""
import contextlib
import json
import os
import time

from harness import configuration, kinds, on_own_disk, wait_until, webhook_sink
from test_surface import Served

ORDERS = {"generate": {"first_id": 1000, "count": 300, "seed": 5},
          "list": [{"id": f"O-{number}", "status": "Open"} for number in range(60)]}


def fill(path):
    with open(path, "wb", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(b"x" * 4096):
            pass


def ready(served):
    """(code, {code of the reason: its words})"""
    answer, content = served.ask("/-/ready")
    return answer.status, {one["code"]: one["reason"] for one in json.loads(content)["reasons"]}


def held_back(served):
    code, reasons = ready(served)
    return code == 503 and reasons.get("unwritable")


def readings(source):
    return sum(1 for row in source.requests("/orders") if row["offset"] in (0, None))


def step(source, numbers, status):
    source.steps([{"order": {"id": f"O-{number}", "status": status}} for number in numbers])


def setting(world):
    """A folder that is to be a disk of its own, a source, a receiver, and settings with the state on that disk."""
    disk = world.folder / "disk"
    disk.mkdir()
    source, receiver = world.simulator(orders=ORDERS), world.webhook()
    settings = configuration(world.folder, source, sinks=[webhook_sink(receiver)])
    settings["state"]["database"] = str(disk / "state.db")
    return disk, source, receiver, settings


def test_a_full_disk_is_said_and_survived(world):
    disk, source, receiver, settings = setting(world)

    def play():
        served = Served(world, settings)
        served.swept()
        step(source, range(5), "InProgress")
        wait_until(lambda: len(receiver.deliveries) == 5, served.daemon.log)
        fill(disk / "ballast")
        step(source, range(5, 25), "InProgress")
        words = wait_until(lambda: held_back(served), served.daemon.log)
        assert "no space left" in words and "make room" in words, words
        wait_until(lambda: "event=store_failed" in served.daemon.log(), served.daemon.log)
        step(source, range(20, 30), "Held")
        step(source, range(5, 10), "Open")  # they are again what they were
        # It stays so for as long as nothing can be taken down; what cannot be taken down is not read, either.
        before = readings(source)
        assert served.post("/api/v1/sources/orange/sweep")
        end = time.monotonic() + 12
        while time.monotonic() < end:
            assert held_back(served), (ready(served), served.daemon.log())
        assert readings(source) == before
        assert served.ask("/-/healthy")[0].status == 200 and served.daemon.process.is_running()
        code, shown, errors = served.command("status")
        assert code == 1 and "no space left" in shown + errors, (code, shown, errors)
        assert "store_works_again" not in served.daemon.log()
        told = len(receiver.deliveries)
        os.unlink(disk / "ballast")  # and it reads again by itself, soon
        wait_until(lambda: ready(served)[0] == 200, lambda: f"{ready(served)} {served.daemon.log()}")
        wanted = [(f"O-{number}", "order.status.changed") for number in (*range(5), *range(10, 20))]
        wanted += [(f"O-{number}", "order.status.held") for number in range(20, 30)]
        wait_until(lambda: len(receiver.deliveries) >= len(wanted), served.daemon.log)
        assert served.daemon.log().count("event=store_works_again") == 1
        assert served.daemon.stop() == 0
        served.start()
        source.sweeps_after(3)
        assert sorted(kinds(receiver.deliveries)) == sorted(wanted), told
        assert len({event["id"] for event in receiver.deliveries}) == len(wanted)
        assert all(event["sequence"] == "1" for event in receiver.deliveries)
        assert served.json("/api/v1/sinks")["items"][0]["conserved"] is True
        assert served.daemon.stop() == 0

    on_own_disk(disk, "6m", play)


def test_a_backup_that_does_not_fit_takes_no_room_from_the_daemon(world):
    disk, source, receiver, settings = setting(world)

    def play():
        served = Served(world, settings)
        served.swept()
        assert served.command("backup", world.folder / "copy.db")[0] == 0
        copy_size = (world.folder / "copy.db").stat().st_size
        facts = os.statvfs(disk)
        with open(disk / "ballast", "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, facts.f_bavail * facts.f_frsize - copy_size * 7 // 8)
        code, _, error = served.command("backup", world.folder / "other.db")
        assert code != 0 and "no room on the disk of the state" in error and "make room" in error, (code, error)
        assert sorted(world.folder.glob("other.db*")) == sorted(disk.glob("state.db.backup*")) == []
        step(source, range(5), "InProgress")
        wait_until(lambda: len(receiver.deliveries) == 5, served.daemon.log)
        assert "store_failed" not in served.daemon.log()
        assert served.daemon.stop() == 0

    on_own_disk(disk, "6m", play)
