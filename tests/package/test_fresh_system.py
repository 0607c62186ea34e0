"""The Debian package on a Debian that has nothing else: made by debootstrap, installed with its dependencies by apt, run
as the unit would run it (its user, its system call filter), and every command used as somebody new would.

Run by `make deb-check` with the package in $DEB. The mirror is the one that this machine's apt is configured for.
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))
import harness  # noqa: E402
from harness import Process, Simulator, Webhook, configuration, listens, wait_until, webhook_sink  # noqa: E402

DEB = pathlib.Path(os.environ["DEB"]).resolve()
FILTER = ROOT / "tests/support/unit_filter.py"
# The mounts live as long as the command.
STAGE = 'mount --rbind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec "$@"'
ORDERS = {"list": [{"id": str(number), "customerReference": f"PO-{number}", "status": "InProgress",
                    "site": {"name": "Lyon"}, "committedDate": "2027-01-12",
                    "appointments": [{"id": "A-1", "status": "Confirmed", "start": "2027-01-12T09:00:00+01:00",
                                      "end": "2027-01-12T11:00:00+01:00"}]} for number in range(1, 6)]}


def apt_lines(*arguments):
    return subprocess.run(["apt-get", "indextargets", *arguments, "Created-By: Packages"], capture_output=True, text=True,
                          check=True).stdout.splitlines()


def mirror():
    """(address, suite) of Debian itself in the configuration of apt."""
    suite = subprocess.run(["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME"], capture_output=True, text=True,
                           check=True).stdout.strip()
    for line in apt_lines("--format", "$(SITE) $(RELEASE) $(COMPONENT)"):
        site, release, component = (line.split() + ["", "", ""])[:3]
        if release == suite and component == "main":
            return site, suite
    return None, suite


def proxies():
    """What apt goes through, as programs that know no apt read it."""
    shell = subprocess.run(["apt-config", "shell", "http", "Acquire::http::Proxy"], capture_output=True, text=True,
                           check=True).stdout
    found = re.search(r"http='(.*)'", shell)
    return {"http_proxy": found.group(1)} if found and found.group(1) not in ("", "DIRECT") else {}


class Fresh:
    """The system, seen from outside and from inside."""

    def __init__(self, folder):
        self.root = folder / "root"
        self.folder = folder

    def command(self, *arguments, user=None):
        inside = (["chroot", str(self.root)] if user is None else
                  [str(FILTER), "--kill", "--root", str(self.root), "--user", user])
        return ["unshare", "-m", "sh", "-c", STAGE, str(self.root), *inside, *map(str, arguments)]

    def run(self, *arguments, user=None, code=0, **more):
        done = subprocess.run(self.command(*arguments, user=user), capture_output=True, text=True, timeout=600, check=False,
                              env={"PATH": os.environ["PATH"], "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8",
                                   **proxies()}, **more)
        assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout


def files_of(system):
    """Every file but what apt, dpkg and their kind write down about themselves."""
    return set(system.run("find", "/", "-xdev", "-not", "-type", "d", "-not", "-path", "/var/lib/dpkg/*", "-not", "-path",
                          "/var/lib/apt/*", "-not", "-path", "/var/cache/*", "-not", "-path", "/var/log/*").splitlines())


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    pytest.importorskip("seccomp", reason="python3-seccomp is not installed")
    if os.getuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and debootstrap")
    address, suite = mirror()
    if address is None:
        pytest.skip("apt is not configured for a mirror of Debian")
    system = Fresh(tmp_path_factory.mktemp("fresh"))
    system.folder.chmod(0o755)
    for parent in system.folder.parents:
        if parent.stat().st_uid == os.getuid() and str(parent).startswith("/tmp/"):
            parent.chmod(0o755)  # the daemon's user has to get through
    made = subprocess.run(["debootstrap", "--variant=minbase", suite, system.root, address], capture_output=True, text=True,
                          timeout=1200, check=False, env={**os.environ, **proxies()})
    assert made.returncode == 0, made.stdout[-2000:] + made.stderr[-2000:]
    shutil.copy("/etc/resolv.conf", system.root / "etc/resolv.conf")
    proxy = proxies().get("http_proxy")
    if proxy:
        (system.root / "etc/apt/apt.conf.d/90proxy").write_text(f'Acquire::http::Proxy "{proxy}";\n', encoding="ascii")
    shutil.copy(DEB, system.root / "package.deb")
    system.run("apt-get", "update", "-qq")
    system.run("sh", "-c", "apt-get satisfy -y -qq --no-install-recommends \"$(dpkg-deb -f /package.deb Depends)\"")
    system.before = files_of(system)
    system.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/package.deb")
    yield system
    shutil.rmtree(system.root)


@pytest.fixture(scope="module")
def running(fresh):
    """The daemon there, its receivers and its source here: loopback is the same."""
    simulator, receiver = Simulator(fresh.folder, {"orders": ORDERS}), Webhook()
    settings = configuration(fresh.folder, simulator, sinks=[webhook_sink(receiver)])
    settings["state"]["database"] = "/var/lib/orderwatch/state.db"
    (fresh.root / "etc/orderwatch/orderwatch.yaml").write_text(harness.to_yaml(settings), encoding="utf-8")
    fresh.run("install", "-d", "-o", "orderwatch", "-g", "orderwatch", "-m", "0700", "/var/lib/orderwatch")
    port = int(settings["http"]["listen"].rsplit(":", 1)[1])
    daemon = Process(fresh.command("/usr/bin/orderwatch", "run", user="orderwatch"), fresh.folder, "daemon")
    try:
        wait_until(lambda: listens(port) or not daemon.is_running(), daemon.text)
        assert daemon.is_running(), daemon.text()
        wait_until(lambda: fresh.run("orderwatch", "status", code=None).find("not healthy") < 0, daemon.text)
        simulator.step(order={"id": "1", "status": "Held"})
        wait_until(lambda: receiver.deliveries, daemon.text)
        fresh.simulator, fresh.receiver, fresh.daemon = simulator, receiver, daemon
        yield fresh
        assert daemon.stop() == 0
        assert "level=error" not in daemon.text()
    finally:
        if daemon.is_running():
            daemon.stop()
        simulator.stop()
        receiver.stop()


def test_the_example_is_valid_once_its_secrets_are_there(fresh):
    assert "orderwatch" in fresh.run("orderwatch", "--version")
    assert fresh.run("orderwatch", "check", code=78) == ""  # there are none yet
    programs = fresh.run("sh", "-c", "ldd /usr/bin/orderwatch /usr/bin/orderwatch-sim")
    assert "not found" not in programs


def test_what_it_links_is_in_its_bill_of_materials(fresh):
    """Against the loader itself, on the system where it runs."""
    folder = fresh.root / "usr/share/doc/orderwatch"  # where Debian compresses what is large
    with gzip.open(folder / "sbom.spdx.json.gz", "rt", encoding="utf-8") as file:
        listed = json.load(file)
    names = {package["name"] for package in listed["packages"]}
    files = re.findall(r"=> (/\S+)", fresh.run("sh", "-c", "ldd /usr/bin/orderwatch /usr/bin/orderwatch-sim"))
    assert len(files) > 10
    for file in sorted(set(files)):
        place = fresh.run("sh", "-c", f"readlink -f {file}").strip()
        owner = fresh.run("sh", "-c", f"dpkg -S '*/{pathlib.Path(place).name}'").split(":")[0]
        assert any(owner == name or owner.startswith(name) or name.startswith(owner) for name in names), (file, owner)


def test_files_are_nobody_elses_business(running):
    modes = running.run("sh", "-c", "stat -c '%n %U %a' /var/lib/orderwatch /var/lib/orderwatch/state.db /etc/orderwatch")
    assert "/var/lib/orderwatch orderwatch 700" in modes and "/var/lib/orderwatch/state.db orderwatch 600" in modes


def test_every_command_works_for_somebody_new(running):
    event = running.receiver.deliveries[0]["id"]
    other = running.root / "etc/orderwatch/other.yaml"
    other.write_text((running.root / "etc/orderwatch/orderwatch.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    uses = {
        "check": [(["--connect"], 0)], "status": [([], None)], "orders": [([], 0), (["1"], 0), (["77"], 1)],
        "appointments": [([], 0)], "events": [([], 0), (["--json"], 0)], "deliveries": [([], 0)], "why": [([event], 0)],
        "retry": [(["1"], 1)], "drop": [(["1"], 1)], "release": [(["orange"], 1)], "pause": [(["orange"], 0)],
        "resume": [(["orange"], 0)], "test": [(["tickets"], 0)],
        "silence": [(["list"], 0), (["add", "--for", "1h", "--author", "A. Tester", "--comment", "c", "--order", "1"], 0),
                    (["add", "--for", "1h", "--author", "A. Tester", "--comment", "c"], 2)],
        "replay": [(["--from", "1h", "--config", "/etc/orderwatch/other.yaml"], 0)],
        "backup": [(["/root/copy.db"], 0), (["/root/copy.db"], 2)],
        "forget": [(["2", "--yes"], 0), (["77", "--yes"], 1)],
        "reload": [([], None)],
    }
    listed = re.findall(r"^  ([a-z-]+) ", running.run("orderwatch", "--help").split("commands:")[1], re.MULTILINE)
    for command in listed:
        assert running.run("orderwatch", command, "--help").startswith("usage:"), command
        if command != "run":
            assert command in uses, f"{command} is used here by nobody"
        for arguments, code in uses.get(command, []):
            try:
                running.run("orderwatch", command, *arguments, code=code)
            except AssertionError as error:
                raise AssertionError(running.run("orderwatch", "orders") + running.daemon.text()[-3000:]) from error
    assert running.run("stat", "-c", "%U %a", "/root/copy.db") == "root 600\n"
    assert "state.db.backup" not in running.run("ls", "/var/lib/orderwatch")
    assert not running.run("orderwatch", "backup", "/tmp/copy.db", user="nobody", code=None)  # it may not read the state
    assert running.daemon.is_running()


def test_a_change_reaches_its_receiver_after_all_that(running):
    count = len(running.receiver.deliveries)
    running.simulator.step(order={"id": "3", "status": "Held"})
    wait_until(lambda: len(running.receiver.deliveries) > count, running.daemon.text)


def test_a_purge_leaves_the_system_as_it_was(running):
    """After a time at work. The user stays, as Debian wants it, and so does what is the operator's own."""
    assert running.daemon.stop() == 0
    assert running.run("ls", "/var/lib/orderwatch").strip()
    running.run("apt-get", "purge", "-y", "-qq", "orderwatch")
    left = files_of(running) - running.before
    assert left == {"/etc/orderwatch/other.yaml", "/root/copy.db"}
    assert running.run("sh", "-c", "ls -d /var/lib/orderwatch /var/lib/private/orderwatch 2>&1", code=2)
    assert running.run("id", "-un", "orderwatch") == "orderwatch\n"
