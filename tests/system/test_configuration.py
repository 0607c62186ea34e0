"""The shipped example and its schema, and `orderwatch check` as a process."""
import base64
import json
import pathlib
import re
import subprocess

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "orderwatch"
EXAMPLE = ROOT / "conf" / "orderwatch.yaml"
CORPUS = ROOT / "tests" / "edge" / "config"


class Loader(yaml.SafeLoader):
    """YAML as editors read it: dates are texts."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def schema():
    return json.loads((ROOT / "conf" / "orderwatch.schema.json").read_text())


def check(*arguments, **environment):
    return subprocess.run([PROGRAM, "check", *map(str, arguments)], capture_output=True, text=True,
                          timeout=30, env={"PATH": "/usr/bin:/bin", **environment}, check=False)


@pytest.fixture
def credentials(tmp_path):
    """The secret files that the example names."""
    key = base64.b64encode(bytes(range(32))).decode()
    for name, content in {"orange.secret": "canary-a", "orange.key": "canary-b",
                          "smtp.password": "canary-c", "mqtt.password": "canary-d",
                          "tickets.secret": "whsec_" + key}.items():
        (tmp_path / name).write_text(content + "\n")
        (tmp_path / name).chmod(0o600)
    return {"CREDENTIALS_DIRECTORY": str(tmp_path), "ORANGE_CLIENT_ID": "id",
            "TICKETS_TOKEN": "canary-e"}


def test_the_example_is_valid_once_its_variables_are_set(credentials):
    result = check("-c", EXAMPLE, **credentials)
    assert (result.returncode, result.stderr) == (0, "")
    result = check("-c", EXAMPLE, "--print", **credentials)
    assert result.returncode == 0
    assert "canary" not in result.stdout + result.stderr and "whsec_" not in result.stdout
    assert yaml.load(result.stdout, Loader)["sinks"][2]["webhook"]["secret"] == "<secret>"


def test_the_example_tells_which_variables_and_files_are_missing():
    result = check("-c", EXAMPLE)
    assert result.returncode == 78
    lines = result.stderr.splitlines()
    assert any("ORANGE_CLIENT_ID is not set: the client id of" in line for line in lines)
    assert any("/etc/orderwatch/orange.secret: cannot be read" in line for line in lines)
    assert all(re.match(r"\S+:\d+:\d+: \S+: .+; accepted: .+", line) for line in lines)


def has_another(lines, number):
    """The key of a commented line is there already, in the same map: it shows another way to write it."""
    indent, key = re.match(r"( *)# ([a-z_]+):|()()", lines[number]).group(1, 2)
    for line in reversed(lines[:number]):
        if key is None or len(line) - len(line.lstrip()) < len(indent):
            return False
        if line.startswith(f"{indent}{key}:"):
            return True
    return False


def test_every_commented_key_of_the_example_is_one(credentials, tmp_path):
    """Taking the # away from `# key: value` gives a valid file too."""
    lines = EXAMPLE.read_text().splitlines()
    lines = [line for number, line in enumerate(lines) if not has_another(lines, number)]
    start = next(number for number, line in enumerate(lines) if line.startswith("state:"))
    text = "\n".join(re.sub(r"^( *)# (?=[a-z_]+: *\S|guard:|maintenance:|  +(changed|vanished|hold|policy):|  +- \{)",
                            r"\1", line) for line in lines[start:])
    text = text.replace("client.pem", "/dev/null").replace("client.key", "/dev/null")
    text = text.replace("/etc/ssl/private-ca.pem", "/dev/null")
    for name in "http.token", "hub.token", "tickets.next", "orange.calendar":
        (tmp_path / name).write_text((tmp_path / "tickets.secret").read_text())
        (tmp_path / name).chmod(0o600)
    text = text.replace(": /etc/orderwatch/", ": ")
    (tmp_path / "all.yaml").write_text(text)
    result = check("-c", tmp_path / "all.yaml", **credentials)
    assert (result.returncode, result.stderr) == (0, "")
    printed = check("-c", tmp_path / "all.yaml", "--print", **credentials).stdout
    for key in "policy: hold", "fallback: noc", "next_secret: <secret>", "holidays: [2026-12-24]":
        assert key in printed
    jsonschema.validate(yaml.load(text, Loader), schema())


@pytest.mark.parametrize("path", [EXAMPLE, CORPUS / "everything.yaml", CORPUS / "minimal.yaml"],
                         ids=lambda path: path.name)
def test_what_is_valid_fits_the_schema(path):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(yaml.load(path.read_text(), Loader), schema())


def test_editors_know_each_language():
    tags = re.findall(r"X\([A-Z]+, ([a-z]+)\)", (ROOT / "include/core/language.h").read_text())
    lists = re.findall(r'"enum": (\[\s*"en"[^]]*\])', (ROOT / "conf/orderwatch.schema.json").read_text())
    assert len(tags) >= 2 and len(lists) == 2 and all(json.loads(one) == tags for one in lists)


@pytest.mark.parametrize("name", ["unknown_keys", "wrong_values", "no_sources"])
def test_what_is_wrong_does_not_fit_the_schema(name):
    document = yaml.load((CORPUS / f"{name}.yaml").read_text(), Loader)
    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(document))


def test_check_tells_usage_errors_in_one_line():
    for arguments in (["--frobnicate"], ["extra"], ["-c"]):
        result = check(*arguments)
        assert result.returncode == 2 and result.stdout == ""
        assert len(result.stderr.splitlines()) == 1 and "--help" in result.stderr
    result = check("--help")
    assert result.returncode == 0 and result.stdout.startswith("usage: orderwatch check")


def test_the_configuration_comes_from_the_environment_if_not_named(tmp_path):
    (tmp_path / "c.yaml").write_text((CORPUS / "minimal.yaml").read_text())
    result = check(ORDERWATCH_CONFIG=str(tmp_path / "c.yaml"))
    assert result.returncode == 0 and str(tmp_path / "c.yaml") in result.stdout
    result = check(ORDERWATCH_CONFIG=str(tmp_path / "none.yaml"))
    assert result.returncode == 78 and "none.yaml: cannot be read" in result.stderr


def test_a_secret_that_others_can_read_is_named_with_the_mode_wanted(credentials, tmp_path):
    (tmp_path / "orange.key").chmod(0o644)
    result = check("-c", EXAMPLE, **credentials)
    assert result.returncode == 78
    assert "orange.key" in result.stderr and "0644" in result.stderr and "0600" in result.stderr


# --- the program, the schema and the manual know the same keys -------------------------------------

def maps_of(node, whole, path=""):
    """(path, properties) of every map in the schema whose keys are known, with its alternatives joined."""
    node = whole["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    for other in node.get("oneOf", []) + node.get("anyOf", []):
        yield from maps_of(other, whole, path)
    if isinstance(node.get("items"), dict):
        yield from maps_of(node["items"], whole, path + "[0]")
    if "properties" in node:
        yield path, node["properties"]
        for key, child in node["properties"].items():
            yield from maps_of(child, whole, f"{path}.{key}".lstrip("."))


def with_a_wrong_key(paths):
    """A document that has each of these maps, with a key that nobody knows in it."""
    document = {}
    for path in paths:
        place = document
        for part in filter(None, path.split(".")):
            name, is_list = part.removesuffix("[0]"), part.endswith("[0]")
            place = place.setdefault(name, [{}] if is_list else {})
            place = place[0] if is_list else place
        place["wrong_key"] = 1
    return document


def test_the_program_accepts_the_keys_of_the_schema_and_no_others(tmp_path):
    maps = {}
    for path, properties in maps_of(schema(), schema()):
        maps.setdefault(path, set()).update(properties)
    assert len(maps) > 20 and {"", "sources[0].guard", "routes[0].quiet", "sinks[0].email.digest"} <= maps.keys()
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(with_a_wrong_key(maps)))
    result = check("-c", tmp_path / "wrong.yaml")
    said = re.findall(r"^\S+: (\S*)wrong_key: unknown key; .*?accepted: (.*)$", result.stderr, re.MULTILINE)
    accepted = {path.removesuffix("."): set(keys.split(", ")) for path, keys in said}
    assert accepted == maps


def test_the_manual_tells_of_every_key_and_of_no_others():
    keys = {key for _, properties in maps_of(schema(), schema()) for key in properties}
    manual = (ROOT / "packaging/man/orderwatch.yaml.5").read_text()
    words = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"^\.(?:It Cm|Cm|Ss) (.*)$", manual, re.MULTILINE))))
    # A secret has a second key, KEY_file, of which the manual tells once for all.
    told = words | {f"{word}_file" for word in words}
    assert keys <= told, keys - told
    entries = " , ".join(re.findall(r"^\.It Cm (.*?)(?: : Ar.*)?$", manual, re.MULTILINE))
    values = set(json.dumps(schema()).replace('"', " ").replace(",", " ").split())
    strangers = set(re.findall(r"\b[a-z_]{2,}\b", entries)) - keys - values
    assert not strangers, strangers
