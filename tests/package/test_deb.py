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
