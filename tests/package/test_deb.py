"""The Debian package on a system of its own: this one with a layer over it that takes every write.

Run by `make deb-check` with the package in $DEB.
"""
import os
import pathlib
import subprocess

import pytest

DEB = pathlib.Path(os.environ["DEB"]).resolve()
# The layer lives as long as the shell: the mounts are its own. The package is seen at /package.deb.
STAGE = """set -eu
mount -t tmpfs none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
cp "$2" "$1/root/package.deb"
exec chroot "$1/root" /bin/sh -eu -c "$3"
"""


def can_layer(folder):
    return subprocess.run(["unshare", "-m", "sh", "-c", STAGE, "sh", folder, DEB, "true"], capture_output=True,
                          timeout=60, check=False).returncode == 0


@pytest.fixture
def system(tmp_path):
    """Runs a shell script on a system of its own; its standard output."""
    if os.getuid() != 0 or not can_layer(tmp_path):
        pytest.skip("layers need root and overlayfs")

    def run(script):
        result = subprocess.run(["unshare", "-m", "sh", "-c", STAGE, "sh", tmp_path, DEB, script], capture_output=True,
                                text=True, timeout=300, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


INSTALL = "export DEBIAN_FRONTEND=noninteractive; dpkg -i /package.deb >/dev/null; "
SECRETS = """
install -d -o orderwatch -m 700 /run/secrets
for name in orange.secret orange.key smtp.password mqtt.password; do echo example >/run/secrets/$name; done
echo whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8= >/run/secrets/tickets.secret
chown orderwatch /run/secrets/*
chmod 400 /run/secrets/*
"""
AS_DAEMON = ("setpriv --reuid=orderwatch --regid=orderwatch --clear-groups env CREDENTIALS_DIRECTORY=/run/secrets "
             "ORANGE_CLIENT_ID=example TICKETS_TOKEN=example ")


def test_daemons_user_can_check_the_configuration(system):
    output = system(f"{INSTALL}{SECRETS}{AS_DAEMON} orderwatch check")
    assert output == "/etc/orderwatch/orderwatch.yaml: valid; 1 source, 3 sinks, 2 routes\n"


def test_nothing_is_enabled_or_started(system):
    output = system(f"{INSTALL}find /etc/systemd -name 'orderwatch*'; systemctl is-enabled orderwatch || true; "
                    "for process in /proc/[0-9]*; do [ \"$(readlink $process/exe)\" != /usr/bin/orderwatch ] || "
                    "echo runs; done")
    assert output == "disabled\n"


def test_upgrade_keeps_a_changed_configuration(system):
    output = system(f"{INSTALL}echo '# changed' >>/etc/orderwatch/orderwatch.yaml; echo A=b >>/etc/default/orderwatch; "
                    "dpkg -i --force-confold /package.deb >/dev/null </dev/null; "
                    "tail -n 1 /etc/orderwatch/orderwatch.yaml /etc/default/orderwatch")
    assert "# changed" in output and "A=b" in output


# The package as it was before: the same files under an earlier version.
EARLIER = """
dpkg-deb -R /package.deb /earlier
sed -i 's/^Version: .*/Version: 0.0.9/' /earlier/DEBIAN/control
dpkg-deb --root-owner-group -b /earlier /earlier.deb >/dev/null
dpkg -i /earlier.deb >/dev/null
"""
CONFIGURATION = """
cat >/etc/orderwatch/orderwatch.yaml <<END
sources: [{name: orange, profile: tmf622, base_url: "http://127.0.0.1:9/"}]
routes: []
http: {listen: "off"}
END
"""
OLD_STATE = """
install -d -o orderwatch -g orderwatch -m 700 /var/lib/orderwatch
python3 -c 'import sqlite3, sys
sqlite3.connect("/var/lib/orderwatch/state.db").executescript(sys.stdin.read())' </1.sql
chown orderwatch: /var/lib/orderwatch/*
"""
LOOK = """
python3 -c 'import sqlite3
state = sqlite3.connect("/var/lib/orderwatch/state.db")
print(state.execute("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM events)").fetchone())'
"""


def test_upgrade_from_an_earlier_version_keeps_state_and_configuration(system):
    """The state is of the earliest schema; the daemon of the new version takes it over."""
    schema = (pathlib.Path(__file__).parents[1] / "edge/state/1.sql").read_text()
    output = system("export DEBIAN_FRONTEND=noninteractive\n"
                    f"cat >/1.sql <<'END'\n{schema}\nEND\n{EARLIER}{CONFIGURATION}{OLD_STATE}{LOOK}"
                    "dpkg -i /package.deb </dev/null >/dev/null\n"
                    "dpkg-query -W -f '${Version}\\n' orderwatch\n"
                    f"{AS_DAEMON} orderwatch run --once 2>&1 || echo ended with $?\n{LOOK}"
                    "cat /etc/orderwatch/orderwatch.yaml")
    before, version, *log = output.splitlines()
    assert version != "0.0.9" and before != "(0, 0)" and log.count(before) == 1
    assert any("event=state_migrated" in line and "from=1" in line for line in log), output
    assert "ended with 69" in log and "routes: []" in log  # there is no such API


def test_removal_keeps_configuration_and_state(system):
    output = system(f"{INSTALL}install -d -o orderwatch /var/lib/orderwatch; touch /var/lib/orderwatch/state.db; "
                    "dpkg -r orderwatch >/dev/null; ls /etc/orderwatch /etc/default/orderwatch /var/lib/orderwatch; "
                    "ls /usr/bin/orderwatch 2>&1 || true")
    assert "orderwatch.yaml" in output and "state.db" in output and "cannot access '/usr/bin/orderwatch'" in output


def test_purge_leaves_nothing(system):
    """Nothing but the user, which Debian keeps, and what dpkg and sysusers write down about themselves."""
    output = system(f"{INSTALL}install -d /var/lib/private/orderwatch; touch /var/lib/private/orderwatch/state.db; "
                    "ln -s private/orderwatch /var/lib/orderwatch; "
                    "dpkg -P orderwatch >/dev/null </dev/null; id -un orderwatch; "
                    "find /etc /usr /var/lib /lib /run -xdev -name '*orderwatch*' -not -path '/usr/local/*'")
    assert output == "orderwatch\n"
