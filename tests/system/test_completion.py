"""bash and zsh complete every command of `orderwatch --help`, its options, and the names of the configuration."""
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "packaging/completion"
PROGRAM = str(ROOT / "build/orderwatch")
SIMULATOR = str(ROOT / "build/orderwatch-sim")
CONFIG = """
sources:
  - {name: north, profile: tmf622, base_url: "http://127.0.0.1:1/"}
  - {name: south, profile: tmf622, base_url: "http://127.0.0.1:1/"}
sinks:
  - {name: broker, mqtt: {broker: "mqtt://127.0.0.1:1"}}
routes:
  - {sinks: [broker]}
"""
# What zsh's completion system gives a function, as far as ours uses it.
ZSH_STAGE = "compdef() {}; _files() { print -l -- '<files>' }; compadd() { shift; print -l -- $@ }; "


def bash(words):
    script = FOLDER / (pathlib.Path(words[0]).name + ".bash")
    function = "_" + pathlib.Path(words[0]).name.replace("-", "_")
    return (f". {shlex.quote(str(script))}; COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}; {function}; "
            "printf '%s\\n' \"${COMPREPLY[@]}\""), ["bash", "--norc", "-c"]


def zsh(words):
    return (f"{ZSH_STAGE} words=({shlex.join(words)}); CURRENT={len(words)}; "
            f". {shlex.quote(str(FOLDER / '_orderwatch'))}"), ["zsh", "-f", "-c"]


@pytest.fixture(params=[bash, zsh])
def complete(request, tmp_path):
    """Completes the last of the words; zsh itself narrows to what was typed."""
    if shutil.which(request.param.__name__) is None:
        pytest.skip(f"{request.param.__name__} is not installed")

    def run(*words):
        script, shell = request.param(words)
        result = subprocess.run([*shell, script], capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False)
        assert result.stderr == ""
        return set(filter(None, result.stdout.splitlines()))

    return run


def commands():
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([a-z-]+) ", text.split("commands:")[1], re.MULTILINE))


def help_of(command):
    return subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True, check=True).stdout


def test_every_command(complete):
    assert {"run", "check"} <= commands()
    assert complete(PROGRAM, "") == commands() | {"--help", "--version"}


def test_every_option_of_every_command(complete):
    for command in commands():
        options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", help_of(command), re.MULTILINE))
        assert options | {"--help"} <= complete(PROGRAM, command, "--"), command


def test_files_after_c(complete, tmp_path):
    (tmp_path / "own.yaml").touch()
    assert complete(PROGRAM, "check", "-c", "") & {"own.yaml", "<files>"}
    assert complete(PROGRAM, "check", "--config", "") & {"own.yaml", "<files>"}


def test_files_where_one_is_the_operand(complete, tmp_path):
    (tmp_path / "own.db").touch()
    assert complete(PROGRAM, "backup", "") & {"own.db", "<files>"}
    for command in "orders", "check", "replay":
        assert not complete(PROGRAM, command, "") & {"own.db", "<files>"}


def test_names_of_the_configuration(complete, tmp_path):
    (tmp_path / "own.yaml").write_text(CONFIG)
    names = {"SOURCE": {"north", "south"}, "SINK": {"broker"}}
    for command in commands():
        usage = help_of(command).split("\n\n")[0]
        for holder, expected in names.items():
            if re.search(rf"^usage:.*[ \[]{holder}\b", usage, re.MULTILINE):
                assert expected <= complete(PROGRAM, command, "-c", "own.yaml", ""), (command, holder)


def test_operands_that_a_usage_line_names(complete, tmp_path):
    """A program of the same manners, so that every kind of operand is there."""
    program = tmp_path / "orderwatch"
    program.write_text(f"""#!/bin/sh
case "$1 $2" in
"check --print") [ "$3 $4" != "-c own.yaml" ] || exec {PROGRAM} check --print -c own.yaml ;;
"one --help") echo "usage: orderwatch one [-c FILE] [--source SOURCE] SINK" ;;
"any --help") echo "usage: orderwatch any [-c FILE] SOURCE|SINK" ;;
"list --help") printf '%s\\n' "usage: orderwatch list [-c FILE]" "" "      --source NAME, --severity WORD" "" "--other: no" ;;
"word --help") echo "usage: orderwatch word add|list|end [-c FILE]" ;;
esac
""")
    program.chmod(0o755)
    (tmp_path / "own.yaml").write_text(CONFIG)
    program = str(program)
    assert complete(program, "one", "-c", "own.yaml", "") == {"broker"}
    assert complete(program, "one", "-c", "own.yaml", "--source", "") == {"north", "south"}
    assert complete(program, "list", "-c", "own.yaml", "--source", "") == {"north", "south"}
    assert complete(program, "list", "--severity", "") == {"info", "notice", "warning", "critical"}
    assert complete(program, "list", "--") == {"--source", "--severity", "--help"}
    assert complete(program, "any", "--config", "own.yaml", "") == {"north", "south", "broker"}
    assert complete(program, "any", "") == set()
    assert complete(program, "word", "") == {"add", "list", "end"}


def test_simulator(complete):
    assert {"--listen", "--port-file", "--verbose", "--help"} <= complete(SIMULATOR, "--")
