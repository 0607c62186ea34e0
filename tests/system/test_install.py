"""`make install` into a folder: the installed program finds its own data, and uninstall leaves nothing."""
import base64
import os
import pathlib
import subprocess
import urllib.request

import pytest
from harness import Process, free_port, listens, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def make(target, folder, prefix):
    subprocess.run(["make", "-s", target, f"DESTDIR={folder}", f"PREFIX={prefix}"], cwd=ROOT, check=True,
                   timeout=600, env={key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ})


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    make("install", folder, "/usr/local")
    return folder / "usr/local"


@pytest.fixture
def example_needs(tmp_path):
    """What the example configuration asks of its surroundings: secrets in files, names in variables."""
    whsec = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    for name in ("orange.secret", "orange.key", "smtp.password", "mqtt.password", "tickets.secret"):
        path = tmp_path / name
        path.write_text(whsec + "\n")
        path.chmod(0o400)
    return {"PATH": "/usr/bin:/bin", "CREDENTIALS_DIRECTORY": str(tmp_path), "ORANGE_CLIENT_ID": "example",
            "TICKETS_TOKEN": "example"}


def run(program, *arguments, **environment):
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env=environment or {"PATH": "/usr/bin:/bin"}, check=False)


def test_installed_program_accepts_installed_example(installed, example_needs):
    example = installed / "share/doc/orderwatch/examples/orderwatch.yaml"
    result = run(installed / "bin/orderwatch", "check", "-c", example, **example_needs)
    assert (result.returncode, result.stderr) == (0, "")


def test_installed_program_reads_installed_profiles(installed, example_needs, tmp_path):
    """A profile that only the installed folder has: it is not the source tree's that was read."""
    shipped = installed / "share/orderwatch/profiles/orange-order-tracking.yaml"
    (shipped.parent / "only-here.yaml").write_text(shipped.read_text())
    example = installed / "share/doc/orderwatch/examples/orderwatch.yaml"
    changed = tmp_path / "orderwatch.yaml"
    changed.write_text(example.read_text().replace("profile: orange-order-tracking ", "profile: only-here "))
    try:
        result = run(installed / "bin/orderwatch", "check", "-c", changed, **example_needs)
        assert (result.returncode, result.stderr) == (0, "")
    finally:
        (shipped.parent / "only-here.yaml").unlink()


def test_everything_is_there_with_its_mode(installed):
    for name in ("bin/orderwatch", "bin/orderwatch-sim"):
        assert (installed / name).stat().st_mode & 0o777 == 0o755
    expected = ["lib/systemd/system/orderwatch.service", "lib/sysusers.d/orderwatch.conf",
                "share/doc/orderwatch/examples/orderwatch.yaml"]
    expected += [f"share/orderwatch/{path.relative_to(ROOT / 'conf')}" for pattern in (
        "*.json", "profiles/*.yaml", "formats/*.jq", "scenarios/*.yaml", "page/*") for path in (ROOT / "conf").glob(pattern)]
    expected += [f"share/man/man{path.suffix[1:]}/{path.name}" for path in (ROOT / "packaging/man").iterdir()]
    for name in expected:
        assert (installed / name).stat().st_mode & 0o777 == 0o644, name


def test_unit_starts_the_installed_program(installed):
    unit = (installed / "lib/systemd/system/orderwatch.service").read_text()
    assert "ExecStart=/usr/local/bin/orderwatch run\n" in unit
    assert "ExecStartPre=/usr/local/bin/orderwatch check\n" in unit
    assert "=/usr/bin/orderwatch" not in unit


def test_installed_program_serves_the_installed_page(installed, tmp_path):
    port = free_port()
    config = tmp_path / "orderwatch.yaml"
    config.write_text(f"""{{state: {{database: {tmp_path}/state.db}}, http: {{listen: "127.0.0.1:{port}"}}, routes: [],
        sources: [{{name: here, profile: tmf622, base_url: "http://127.0.0.1:9/"}}]}}""")
    page = installed / "share/orderwatch/page"
    (page / "words_fr.js").write_text((page / "words_fr.js").read_text() + "// only here")
    daemon = Process([installed / "bin/orderwatch", "run", "-c", config], tmp_path, "orderwatch")
    try:
        wait_until(lambda: listens(port) or not daemon.is_running(), daemon.text)
        for path in page.iterdir():
            address = f"http://127.0.0.1:{port}/" + ("" if path.name == "index.html" else f"page/{path.name}")
            with urllib.request.urlopen(address, timeout=60) as answer:
                assert answer.read() == path.read_bytes(), address
    finally:
        daemon.stop()


def test_no_file_is_installed_below_etc(installed):
    assert not (installed.parents[1] / "etc").exists()


def test_uninstall_leaves_what_it_did_not_install(tmp_path):
    make("install", tmp_path, "/usr/local")
    assert files_below(tmp_path)
    own = tmp_path / "usr/local/share/orderwatch/profiles/own.yaml"
    own.write_text("description: the operator's\n")
    make("uninstall", tmp_path, "/usr/local")
    assert files_below(tmp_path) == ["usr/local/share/orderwatch/profiles/own.yaml"]


def test_a_folder_may_have_spaces_but_a_prefix_may_not(tmp_path):
    folder = tmp_path / "the root"
    make("install", folder, "/usr")
    assert "tmf622" in run(folder / "usr/bin/orderwatch", "check", "--profile", "no such", "--sample", "/dev/null").stderr
    assert len(files_below(folder)) == len(files_below(tmp_path)) > 40
    make("uninstall", folder, "/usr")
    assert files_below(tmp_path) == []
    refused = subprocess.run(["make", "-s", "install", f"DESTDIR={folder}", "PREFIX=/opt/order watch"], cwd=ROOT,
                             capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0 and "a path without spaces" in refused.stderr
    assert files_below(tmp_path) == []


def test_uninstall_takes_its_folders(tmp_path):
    make("install", tmp_path, "/usr")
    make("uninstall", tmp_path, "/usr")
    assert not [path for path in tmp_path.rglob("orderwatch*")]
