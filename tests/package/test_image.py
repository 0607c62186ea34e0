"""The container image as an operator runs it: not root, no capabilities, nothing writable but the state.

Run by `make oci-check` with podman's own words in $OCI_PODMAN and the image's name in $OCI_IMAGE.
"""
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
import harness  # noqa: E402
from harness import Process, Simulator, Webhook, configuration, wait_until, webhook_sink  # noqa: E402

PODMAN = shlex.split(os.environ["OCI_PODMAN"])
IMAGE = os.environ["OCI_IMAGE"]
USER = 10475
SIZE_MAX = 180_000_000  # of which a slim Debian is 80
# Limits of their own: podman's are more than the root of a container may set.
LIMITS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=512:512"]
# The strictest that README names; not even a folder for temporary files.
CONFINED = ["--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=256m",
            "--network=host"]
ORDERS = {"list": [{"id": str(number), "customerReference": f"PO-{number}", "status": "InProgress",
                    "site": {"name": "Lyon"}} for number in range(1, 6)]}
names = (f"orderwatch-{os.getpid()}-{number}" for number in itertools.count())


def podman(*arguments, code=0):
    done = subprocess.run([*PODMAN, *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)
    assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def inside(*command, options=(), code=0):
    return podman("run", "--rm", *LIMITS, *CONFINED, *options, "--entrypoint", command[0], IMAGE, *command[1:], code=code)


@pytest.fixture(scope="module")
def facts():
    return json.loads(podman("image", "inspect", IMAGE))[0]


@pytest.fixture(scope="module")
def tree():
    """Every file of the image, as {its path: its state}."""
    place = pathlib.Path(podman("image", "mount", IMAGE).strip())
    files = {"/" + str(path.relative_to(place)): path.lstat() for path in place.rglob("*")}
    podman("image", "umount", IMAGE)
    assert "/usr/bin/orderwatch" in files
    return files


@pytest.fixture
def operator(tmp_path):
    """The two folders that an operator mounts."""
    etc, state = tmp_path / "etc", tmp_path / "state"
    etc.mkdir(mode=0o755)
    state.mkdir(mode=0o700)
    os.chown(state, USER, USER)
    return etc, state


def mounts(operator):
    etc, state = operator
    return ["-v", f"{etc}:/etc/orderwatch:ro", "-v", f"{state}:/var/lib/orderwatch"]


class Container:
    """The image's own command; ended as podman ends one."""

    def __init__(self, operator, folder):
        self.name = next(names)
        self.process = Process([*PODMAN, "run", "--rm", "--name", self.name, "--stop-timeout=30", *LIMITS, *CONFINED,
                                *mounts(operator), IMAGE], folder, self.name)

    def command(self, *arguments):
        """(exit code, output) of a command of the daemon that runs."""
        done = subprocess.run([*PODMAN, "exec", self.name, "orderwatch", *arguments], capture_output=True, text=True,
                              timeout=120, check=False)
        return done.returncode, done.stdout

    def facts_of_process(self):
        done = podman("exec", self.name, "cat", "/proc/1/status")
        return dict(line.split(":\t", 1) for line in done.splitlines() if ":\t" in line)

    def stop(self):
        """What podman run answers, which is the daemon's own exit code."""
        if self.process.is_running():
            podman("stop", "--ignore", self.name)
        return self.process.wait()


def test_it_says_what_it_is_and_runs_as_nobody(facts):
    settings = facts["Config"]
    assert settings["User"] == f"{USER}:{USER}"  # a number: Kubernetes' runAsNonRoot asks for one
    assert (settings["Entrypoint"], settings["Cmd"]) == (["/usr/bin/orderwatch"], ["run"])
    assert settings["StopSignal"] == "SIGTERM" and list(settings["Volumes"]) == ["/var/lib/orderwatch"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in settings["Labels"].items()}
    assert labels["title"] == "orderwatch" and labels["licenses"] == "Apache-2.0" and labels["description"]
    assert f"orderwatch {labels['version']}\n" == inside("orderwatch", "--version")


def test_it_is_small_and_holds_nothing_of_an_operator(facts, tree):
    assert facts["Size"] < SIZE_MAX
    assert [line.split("=")[0] for line in facts["Config"]["Env"]] == ["PATH"]
    assert not [path for path in tree if path.startswith(("/etc/orderwatch/", "/var/lib/orderwatch/", "/orderwatch"))]
    assert not [path for path in tree if path.endswith((".git", ".key", ".secret"))]


def test_only_what_runs_is_in_it(tree):
    packages = inside("dpkg-query", "-W", "-f", "${Package}\n").split()
    assert not [name for name in packages if re.search(r"-dev$|^gcc(-\d+)?$|^cpp|^make$|^python3|^binutils", name)]
    assert not [path for path, facts in tree.items() if stat.S_ISREG(facts.st_mode) and facts.st_mode & 0o6000]
    assert [path for path, facts in tree.items() if facts.st_uid == USER] == ["/var/lib/orderwatch"]
    assert "not found" not in inside("ldd", "/usr/bin/orderwatch", "/usr/bin/orderwatch-sim")


def test_its_bill_of_materials_is_what_is_in_it():
    listed = json.loads(inside("cat", "/usr/share/doc/orderwatch/sbom.spdx.json"))
    installed = dict(line.split() for line in inside("dpkg-query", "-W", "-f", "${Package} ${Version}\n").splitlines())
    bought = {package["name"]: package["versionInfo"] for package in listed["packages"]
              if package["name"] != "orderwatch" and package["comment"] != "header only, compiled in"}
    assert len(bought) > 20
    assert {name: installed.get(name) for name in bought} == bought


def test_it_checks_the_example(operator):
    etc, _ = operator
    shutil.copy(ROOT / "conf/orderwatch.yaml", etc)
    for name in ("orange.secret", "orange.key", "smtp.password", "mqtt.password", "tickets.secret"):
        (etc / name).write_text("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", encoding="ascii")
        (etc / name).chmod(0o400)
        os.chown(etc / name, USER, USER)
    variables = ["-e", "CREDENTIALS_DIRECTORY=/etc/orderwatch", "-e", "ORANGE_CLIENT_ID=example", "-e",
                 "TICKETS_TOKEN=example"]
    output = inside("orderwatch", "check", options=[*mounts(operator), *variables])
    assert output == "/etc/orderwatch/orderwatch.yaml: valid; 1 source, 3 sinks, 2 routes\n"
    assert inside("orderwatch", "check", options=mounts(operator), code=78) == ""  # without its variables


def test_it_watches_and_ends_when_it_is_told_to(operator, tmp_path):
    etc, state = operator
    simulator, receiver = Simulator(tmp_path, {"orders": ORDERS}), Webhook()
    settings = configuration(tmp_path, simulator, sinks=[webhook_sink(receiver)])
    settings["state"]["database"] = "/var/lib/orderwatch/state.db"
    (etc / "orderwatch.yaml").write_text(harness.to_yaml(settings), encoding="utf-8")
    container = Container(operator, tmp_path)
    try:
        wait_until(lambda: container.command("status")[0] == 0 or not container.process.is_running(), container.process.text)
        assert container.command("status", "--alive") == (0, "alive\n")
        about = container.facts_of_process()
        assert about["Uid"].split() == [str(USER)] * 4 and int(about["CapEff"], 16) == int(about["CapBnd"], 16) == 0
        assert about["NoNewPrivs"] == "1" and about["Seccomp"] == "2"
        simulator.step(order={"id": "1", "status": "Held"})
        wait_until(lambda: receiver.deliveries, container.process.text)
        database = (state / "state.db").stat()
        assert (database.st_uid, database.st_mode & 0o777) == (USER, 0o600)
        assert container.stop() == 0
        assert "level=error" not in container.process.text()
    finally:
        container.stop()
        simulator.stop()
        receiver.stop()


def test_an_older_state_is_taken_over_where_nothing_else_is_writable(operator, tmp_path):
    """It is made anew for that, by SQLite, with a temporary file where it is larger than the memory for it."""
    etc, state = operator
    old = sqlite3.connect(state / "state.db")
    old.executescript((ROOT / "tests/edge/state/1.sql").read_text(encoding="utf-8"))
    with old:
        old.executemany("INSERT INTO records VALUES(?, zeroblob(100000), x'')", [(number,) for number in range(1000, 1200)])
    old.close()
    os.chown(state / "state.db", USER, USER)
    simulator = Simulator(tmp_path, {"orders": ORDERS})
    settings = configuration(tmp_path, simulator, sinks=[], routes=[])
    settings["state"]["database"] = "/var/lib/orderwatch/state.db"
    (etc / "orderwatch.yaml").write_text(harness.to_yaml(settings), encoding="utf-8")
    container = Container(operator, tmp_path)
    try:
        wait_until(lambda: "event=state_migrated" in container.process.text() or not container.process.is_running(),
                   container.process.text)
        wait_until(lambda: container.command("status", "--alive")[0] == 0 or not container.process.is_running(),
                   container.process.text)
        assert container.stop() == 0
    finally:
        container.stop()
        simulator.stop()
    assert sqlite3.connect(state / "state.db").execute("PRAGMA auto_vacuum").fetchone() == (2,)
