"""The unit's exposure, the man pages' form, and that the pages name everything that the code has."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
PAGES = sorted((PACKAGING / "man").iterdir())
EXPOSURE_MAX = 11  # tenths


def run(*arguments, **more):
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, timeout=600, check=False, **more)


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


# --- the unit -----------------------------------------------------------------------------------------------------

@needs("systemd-analyze")
def test_unit_is_hardened():
    result = run("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}",
                 PACKAGING / "systemd/orderwatch.service")
    assert result.returncode == 0, result.stdout.splitlines()[-1]


@needs("systemd-sysusers")
def test_user_and_leftovers_are_said_in_forms_that_systemd_reads(tmp_path):
    result = run("systemd-sysusers", "--dry-run", f"--root={tmp_path}", PACKAGING / "orderwatch.sysusers")
    assert result.returncode == 0 and "Creating user 'orderwatch' (orderwatch daemon)" in result.stdout + result.stderr
    state = tmp_path / "var/lib/orderwatch"
    state.mkdir(parents=True)
    for name in ("state.db", "state.db.backup", "state.db.backup.part"):
        (state / name).touch()
    result = run("systemd-tmpfiles", "--create", "--remove", "--boot", f"--root={tmp_path}", PACKAGING / "orderwatch.tmpfiles")
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
    assert [path.name for path in state.iterdir()] == ["state.db"]


@needs("systemd-analyze")
def test_unit_verifies_as_installed(tmp_path):
    """The programs are installed first: verify looks for them. It says an unknown key without failing, so that any
    output is a failure."""
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    subprocess.run(["make", "-s", "install", f"DESTDIR={tmp_path}", "PREFIX=/usr"], cwd=ROOT, check=True, timeout=600,
                   env=environment)
    unit = tmp_path / "usr/lib/systemd/system/orderwatch.service"
    unit.write_text(unit.read_text().replace("=/usr/bin/", f"={tmp_path}/usr/bin/"))
    result = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


# --- the programs -------------------------------------------------------------------------------------------------

@needs("readelf")
@pytest.mark.parametrize("name", ["orderwatch", "orderwatch-sim"])
def test_program_is_hardened(name):
    program = ROOT / "build" / name
    facts = run("readelf", "-hldW", program).stdout
    assert re.search(r"Type: +DYN \(Position-Independent Executable", facts)
    assert "GNU_RELRO" in facts and re.search(r"\(FLAGS\).*BIND_NOW", facts)
    assert re.search(r"GNU_STACK .* RW  0x", facts) and " RWE " not in facts
    called = run("readelf", "--dyn-syms", "-W", program).stdout
    assert "__stack_chk_fail@" in called and "__memcpy_chk@" in called


# --- man pages ----------------------------------------------------------------------------------------------------

@needs("mandoc")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_well_formed(page):
    result = run("mandoc", "-Tlint", "-W", "warning", page)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def words_of(page):
    """Every word of the page that is more than running text."""
    return set(re.findall(r"[A-Za-z0-9_.-]+", "\n".join(
        re.sub(r"^\.It (Li|Cm|Fl|Ev|Pa) |^\.(Cm|Li|Op|Fl|Ev|Pa) |\b(Cm|Li|Fl|Ar|Ns|Ta|Pq|Brq)\b", " ", line)
        for line in (PACKAGING / "man" / page).read_text().splitlines() if line.startswith("."))))


def sources():
    return {path: path.read_text() for path in (ROOT / "src").rglob("*.c")}


def test_page_lists_every_log_event():
    section = (PACKAGING / "man/orderwatch.8").read_text().split(".Ss Log\n")[1].split("\n.S")[0]
    listed = set(re.findall(r"^\.It Li (\S+) Ta (?:error|warn|info|debug)\b", section, re.MULTILINE))
    logged = {name: path.name for path, text in sources().items() if path.name != "log.c"
              for name in re.findall(r'(?:LOG_[A-Z]+\(|log_write\([^"]*?)\s*"(\w+)"', text)}
    assert not {name: place for name, place in logged.items() if name not in listed}, "not in orderwatch.8"
    assert not listed - set(logged) - {"repeated"}, "in orderwatch.8 only"  # written by log.c itself


def test_page_lists_every_event_type_with_its_severity():
    page = (PACKAGING / "man/orderwatch.8").read_text()
    rows = re.findall(r'= \{"([a-z._]+)", SEVERITY_([A-Z]+)\}', (ROOT / "src/core/event_type.c").read_text())
    assert len(rows) > 30
    assert not [name for name, severity in rows if name != "test" and f".It Li {name} Ta {severity.lower()}" not in page]


def test_page_describes_every_command():
    page = (PACKAGING / "man/orderwatch.8").read_text()
    help_text = run(ROOT / "build/orderwatch", "--help").stdout
    for command in re.findall(r"^  ([a-z-]+) ", help_text.split("commands:")[1], re.MULTILINE):
        assert re.search(rf"^\.It Cm {command}\b", page, re.MULTILINE), command
        usage = run(ROOT / "build/orderwatch", command, "--help").stdout
        for option in re.findall(r"^ +(?:-\w, )?--([a-z-]+)", usage, re.MULTILINE):
            assert option in ("config", "help", "json") or f"Fl Fl {option}" in page, f"{command} --{option}"


def test_page_lists_every_key_of_the_configuration():
    keys = set()

    def collect(schema):
        if isinstance(schema, dict):
            keys.update(schema.get("properties", {}))
            for value in schema.values():
                collect(value)
        elif isinstance(schema, list):
            for value in schema:
                collect(value)

    collect(json.loads((ROOT / "conf/orderwatch.schema.json").read_text()))
    assert len(keys) > 60
    words = words_of("orderwatch.yaml.5")
    secrets = {key for key in keys if key.endswith("_file") and key.removesuffix("_file") in keys}
    missing = keys - secrets - words
    assert not missing


def test_page_lists_every_key_of_a_profile():
    text = (ROOT / "src/core/profile_shape.c").read_text()
    keys = set(re.findall(r'(?:\.name = |CANDIDATES\(|CANDIDATES_OR\(|WORDS\(|SECTION\()"(\w+)"', text))
    assert len(keys) > 30
    assert not keys - words_of("orderwatch-profile.5")


def test_pages_list_every_shipped_file():
    for folder, page in (("profiles", "orderwatch-profile.5"), ("formats", "orderwatch-format.5"),
                         ("scenarios", "orderwatch-sim.1")):
        shipped = {path.stem for path in (ROOT / "conf" / folder).iterdir() if path.is_file()}
        missing = shipped - words_of(page)
        assert shipped and not missing, folder


def test_page_lists_every_step_and_fault_of_a_scenario():
    words = words_of("orderwatch-sim.1")
    steps = set(re.findall(r'\{"(\w+)", (?:true|false), act_', (ROOT / "src/simulator/scenario.c").read_text()))
    faults = set(re.findall(r'\[FAULT_\w+\] = "(\w+)"', (ROOT / "src/simulator/fault.c").read_text()))
    assert steps and faults
    assert not (steps | faults) - words
    help_text = run(ROOT / "build/orderwatch-sim", "--help").stdout
    options = set(re.findall(r"--([a-z-]+)", help_text))
    page = (PACKAGING / "man/orderwatch-sim.1").read_text()
    assert not [option for option in options if f"Fl Fl {option}" not in page]


# --- what it is made of -------------------------------------------------------------------------------------------

def sbom():
    return json.loads((PACKAGING / "sbom.spdx.json").read_text())


def linked(document):
    """The packages that the programs name themselves."""
    return {relation["relatedSpdxElement"].removeprefix("SPDXRef-") for relation in document["relationships"]
            if relation["relationshipType"] in ("DYNAMIC_LINK", "STATIC_LINK")}


def test_sbom_lists_what_the_programs_load():
    """Versions are those of the day it was made; `make sbom` makes it anew."""
    result = run(PACKAGING / "sbom", ROOT / "build/orderwatch", ROOT / "build/orderwatch-sim")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert linked(document) == linked(sbom()), "make sbom"
    listed, loaded = [{package["name"] for package in one["packages"]} for one in (sbom(), document)]
    assert listed == loaded, "make sbom"


def test_sbom_is_the_same_each_time():
    programs = [ROOT / "build/orderwatch", ROOT / "build/orderwatch-sim"]
    assert run(PACKAGING / "sbom", *programs).stdout == run(PACKAGING / "sbom", *programs).stdout


def test_sbom_is_spdx():
    """The members that SPDX 2.3 demands, in the form that it demands (clauses 6, 7 and 11)."""
    document = sbom()
    assert (document["spdxVersion"], document["dataLicense"], document["SPDXID"]) == ("SPDX-2.3", "CC0-1.0",
                                                                                      "SPDXRef-DOCUMENT")
    assert document["name"] and re.fullmatch(r"https://[^\s#]+", document["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"])
    assert all(re.match(r"(Tool|Organization|Person): \S", creator) for creator in document["creationInfo"]["creators"])
    names = [package["SPDXID"] for package in document["packages"]]
    assert len(set(names)) == len(names)
    for package in document["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"])
        assert package["name"] and package["versionInfo"] and package["downloadLocation"] == "NOASSERTION"
        assert package["filesAnalyzed"] is False
        for reference in package.get("externalRefs", []):
            assert set(reference) == {"referenceCategory", "referenceType", "referenceLocator"}
            assert re.fullmatch(r"pkg:deb/debian/[^@\s]+@[^?\s]+\?arch=\w+&distro=debian-12", reference["referenceLocator"])
    for relation in document["relationships"]:
        assert {relation["spdxElementId"], relation["relatedSpdxElement"]} <= {"SPDXRef-DOCUMENT", *names}
    assert {relation["relatedSpdxElement"] for relation in document["relationships"]} == set(names)


def test_sbom_declares_licenses_that_spdx_has():
    """Names as of SPDX's own list; most of Debian's copyright files can be read by machines."""
    known = {"AND", "OR", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "EPL-2.0", "MIT", "MPL-2.0", "OLDAP-2.8", "Zlib", "curl",
             "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "LGPL-2.0-only", "LGPL-2.0-or-later",
             "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"}
    declared = {package["name"]: package["licenseDeclared"] for package in sbom()["packages"]}
    assert declared["orderwatch"] == "Apache-2.0" and declared["libuv1"] == declared["libcjson1"] == "MIT"
    assert declared["libical3"] == "LGPL-2.1-only OR MPL-2.0" and declared["libssl3"] == "Apache-2.0"
    stated = [license for license in declared.values() if license != "NOASSERTION"]
    assert len(stated) > len(declared) / 2
    assert not set(" ".join(stated).split()) - known


def test_image_has_what_the_programs_link():
    recipe = (PACKAGING / "Containerfile").read_text()
    wanted = {name for name in linked(sbom()) if not name.endswith("-dev")} - {"libc6", "libgcc-s1", "libglib2.0-0"}
    installed = set(recipe.split("FROM debian\n")[1].split())
    assert not wanted - installed


def test_package_builds_with_what_is_installed_to_build():
    text = (PACKAGING / "install-deps").read_text()
    build = set(re.search(r'^build="([^"]*)"', text, re.MULTILINE).group(1).split())
    control = (PACKAGING / "debian/control").read_text()
    declared = set(re.findall(r"[a-z0-9.+-]+-dev\b", control.split("Build-Depends:")[1].split("\nPackage:")[0]))
    assert declared == {name for name in build if name.endswith("-dev")}


def test_package_has_the_version_of_the_program():
    version = run(ROOT / "build/orderwatch", "--version").stdout.split()[1]
    assert (PACKAGING / "debian/changelog").read_text().startswith(f"orderwatch ({version}) ")
