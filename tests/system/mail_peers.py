"""Mail servers of others, each an instance of its own that relays all that it takes to a mailbox of the test.

Both want root to start and folders that their own users can read, so their files live outside pytest's.
"""
import pathlib
import shutil
import socketserver
import subprocess
import tempfile
import threading

from harness import ROOT, Process, free_port, listens, wait_until

MASTER = pathlib.Path("/usr/lib/postfix/sbin/master")

# The services that receiving and relaying need, and the log in a file instead of syslog.
SERVICES = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """One instance; it relays all that it takes to the mailbox. Further settings override these."""

    has_tls = True

    def __init__(self, mailbox, tls, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="orderwatch-postfix-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.log = self.folder / "mail.log"
        self.process = None
        for name in ("queue", "data", "config"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        self.settings = {
            "compatibility_level": "3.6",
            "queue_directory": self.folder / "queue",
            "data_directory": self.folder / "data",
            "maillog_file": self.log,
            "maillog_file_prefixes": self.folder,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "mail.example.com",
            "mydestination": "",
            "local_recipient_maps": "",
            "alias_maps": "",
            "mynetworks": "127.0.0.0/8",
            "relayhost": f"[127.0.0.1]:{mailbox.port}",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_cert_file": tls[0],
            "smtpd_tls_key_file": tls[1],
            "smtpd_tls_loglevel": "1",
            "smtp_tls_security_level": "none",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject",
            **settings,
        }

    def start(self):
        config = self.folder / "config"
        lines = [f"{name} = {value}" for name, value in self.settings.items()]
        (config / "main.cf").write_text("\n".join([*lines, ""]))
        (config / "master.cf").write_text(SERVICES.format(port=self.port))
        subprocess.run(["/usr/sbin/postfix", "-c", config, "check"], check=True, capture_output=True)
        self.process = Process([str(MASTER), "-c", str(config)], self.folder, "master")
        wait_until(lambda: listens(self.port) or not self.process.is_running(), self.text)
        assert self.process.is_running(), self.text()
        return self

    def text(self):
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        return self.process.text() + log

    def has_taken(self, message_id):
        return "TLS connection established" in self.text() and f"message-id={message_id}" in self.text()

    def stop(self):
        if self.process is not None and self.process.is_running():
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Greylist:
    """Postfix' policy protocol: whom delays names is told to come again, as often as it says."""

    def __init__(self, delays):
        self.delays = dict(delays)
        policy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                facts = {}
                for line in self.rfile:
                    name, _, value = line.decode().strip().partition("=")
                    if name:
                        facts[name] = value
                        continue
                    self.wfile.write(f"action={policy.judge(facts)}\n\n".encode())
                    facts = {}

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, facts):
        recipient = facts.get("recipient")
        if self.delays.get(recipient, 0) == 0:
            return "DUNNO"
        self.delays[recipient] -= 1
        return "DEFER_IF_PERMIT greylisted, come again"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class OpenSmtpd:
    """Debian's package conflicts with Postfix, so it is unpacked below build and runs in a mount namespace of its
    own, where its users, its spool and its helpers are where it wants them. In clear: linked with OpenSSL 3, Debian
    12's cannot accept TLS (github.com/OpenSMTPD/OpenSMTPD issue 1171)."""

    has_tls = False
    package = ROOT / "build/opensmtpd"

    def __init__(self, mailbox, _tls, filters=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="orderwatch-opensmtpd-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        self.process = None
        self.mailbox = mailbox
        self.filters = list(filters)

    @classmethod
    def unpack(cls):
        if (cls.package / "usr/sbin/smtpd").exists():
            return
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", "-qq", "opensmtpd"], cwd=folder, check=True, capture_output=True)
            package, = pathlib.Path(folder).glob("opensmtpd_*.deb")
            subprocess.run(["dpkg-deb", "-x", package, cls.package], check=True)

    def start(self):
        self.unpack()
        names = [line.split()[1].strip('"') for line in self.filters if line.startswith("filter ")]
        chain = [f"filter all chain {{ {', '.join(names)} }}"] if names else []
        (self.folder / "smtpd.conf").write_text("\n".join([
            *self.filters, *chain,
            f"listen on 127.0.0.1 port {self.port} hostname mail.example.com" + (" filter all" if names else ""),
            f"action out relay host smtp://127.0.0.1:{self.mailbox.port}", "match from any for any action out", ""]))
        for name, number in (("opensmtpd", 64001), ("opensmtpq", 64002)):
            self.add_user(name, number)
        self.process = Process(["unshare", "--mount", "sh", "-ec", self.script()], self.folder, "smtpd")
        wait_until(lambda: listens(self.port) or not self.process.is_running(), self.text)
        assert self.process.is_running(), self.text()
        return self

    def add_user(self, name, number):
        for table, line in (("passwd", f"{name}:x:{number}:{number}::/var/lib/opensmtpd/empty:/usr/sbin/nologin"),
                            ("group", f"{name}:x:{number}:")):
            path = self.folder / table
            rows = (path if path.exists() else pathlib.Path("/etc") / table).read_text().splitlines()
            path.write_text("\n".join([*(row for row in rows if not row.startswith(f"{name}:")), line, ""]))

    def script(self):
        package, folder = self.package, self.folder
        return f"""
            mount --bind {folder}/passwd /etc/passwd
            mount --bind {folder}/group /etc/group
            mount -t overlay overlay -o lowerdir={package}/usr/libexec:/usr/libexec /usr/libexec
            mount -t overlay overlay -o lowerdir={package}/var/lib:/var/lib /var/lib
            mount -t tmpfs tmpfs /var/spool && mkdir -m 711 /var/spool/smtpd
            mount -t tmpfs tmpfs /run
            exec {package}/usr/sbin/smtpd -d -v -f {folder}/smtpd.conf"""

    def has_taken(self, _message_id):
        return " smtp message " in self.text()  # its log has no Message-ID

    def text(self):
        return self.process.text()

    def stop(self):
        if self.process is not None and self.process.is_running():
            self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
