"""The commands as a person sees them: tables that fit the terminal, colour only there, --json and one clear line."""
import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import sqlite3
import struct
import subprocess
import termios
import threading
import unicodedata
import urllib.error
import urllib.request

import pytest

from harness import ORDERWATCH, configuration, free_port, listens, run_command, to_yaml, wait_until, webhook_sink

ORDERS = [{"id": f"O-{number}", "status": "InProgress", "customerReference": f"PO-\u00e9-{number}" * 6,
           "site": {"name": "Lyon Part-Dieu, behind the station"},
           "appointments": [{"id": f"A-{number}", "status": "Confirmed", "start": "2027-01-12T09:00:00+01:00",
                             "end": "2027-01-12T11:00:00+01:00"}]} for number in range(4)]
TABLES = ["status", "orders", "appointments", "events", "deliveries"]


@pytest.fixture
def served(world):
    simulator = world.simulator(orders={"list": ORDERS})
    receiver = world.webhook()
    receiver.answer = lambda event: 204 if event["data"]["order"]["id"] == "O-1" else 400
    settings = configuration(world.folder, simulator, sinks=[webhook_sink(receiver)])
    daemon = world.daemon(settings).start()
    port = int(settings["http"]["listen"].rsplit(":", 1)[1])
    wait_until(lambda: listens(port) or not daemon.process.is_running(), daemon.log)
    wait_until(lambda: json.loads(run_command("orders", "-c", daemon.path, "--json")[1])["items"], daemon.log)
    for number in (1, 2):
        simulator.step(order={"id": f"O-{number}", "status": "Completed"})
    wait_until(lambda: len(receiver.attempts) == 2, daemon.log)
    wait_until(lambda: len(json.loads(run_command("deliveries", "-c", daemon.path, "--status", "parked", "--json")[1])
                           ["items"]) == 1, daemon.log)
    daemon.receiver, daemon.simulator = receiver, simulator
    return daemon


def on_terminal(columns, *arguments, **environment):
    """What a terminal of that width is sent."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    child = subprocess.Popen([ORDERWATCH, *map(str, arguments)], stdin=slave, stdout=slave, stderr=slave,
                             env={**clean, "TERM": "xterm", **environment}, close_fds=True)
    os.close(slave)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    child.wait(60)
    os.close(master)
    return b"".join(chunks).decode()


def plain(text):
    return re.sub("\x1b\\[[0-9;]*m", "", text)


def width(line):
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


@pytest.mark.parametrize("columns", [40, 80, 132, 250])
def test_tables_fit_the_terminal(served, columns):
    for command in TABLES:
        lines = plain(on_terminal(columns, command, "-c", served.path)).splitlines()
        table = [line for line in lines if not line.startswith(("orderwatch ", "  "))]
        assert len(table) >= 2, (command, lines)
        assert not [line for line in table if width(line) > columns], (command, columns, lines)
        text = "\n".join(lines)
        assert {"orders": "O-1", "status": "tickets", "deliveries": "parked", "appointments": "2027-01-12 08:00:00",
                "events": "Order"}[command] in text, text


def test_colour_is_for_terminals_only(served):
    for command in ("status", "deliveries"):
        shown = on_terminal(132, command, "-c", served.path)
        assert "\x1b[3" in shown
        assert "\x1b" not in on_terminal(132, command, "-c", served.path, NO_COLOR="1")
        code, out, err = run_command(command, "-c", served.path)
        assert "\x1b" not in out + err and "\u2026" not in out


def test_json_everywhere(served):
    event = json.loads(run_command("events", "-c", served.path, "--json")[1])["items"][0]
    parked = json.loads(run_command("deliveries", "-c", served.path, "--status", "parked", "--json")[1])["items"][0]["id"]
    served.receiver.answer = lambda event: 204
    asks = [("status",), ("orders",), ("orders", "O-1"), ("appointments",), ("events",), ("deliveries",),
            ("why", event["id"]), ("silence", "list"), ("pause", "orange"), ("resume", "orange"), ("pause", "tickets"),
            ("resume", "tickets"), ("test", "tickets"), ("retry", parked), ("reload",)]
    for ask in asks:
        code, out, err = run_command(ask[0], *ask[1:], "-c", served.path, "--json")
        assert code in (0, 1) and err == "", (ask, code, err)
        assert isinstance(json.loads(out), (dict, list)), ask


def test_a_follower_misses_nothing_over_a_restart(served):
    child = subprocess.Popen([ORDERWATCH, "events", "--follow", "--json", "-c", str(served.path)],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = []
    reader = threading.Thread(target=lambda: [lines.append(line) for line in child.stdout])
    reader.start()
    try:
        statuses = itertools.cycle(["Held", "InProgress"])

        def came():
            served.simulator.step(order={"id": "O-3", "status": next(statuses)})
            served.simulator.sweeps_after(2)
            return lines
        wait_until(came, served.log)
        served.stop()
        served.simulator.step(order={"id": "O-0", "status": "Completed"})
        served.start()
        wait_until(lambda: [line for line in lines if json.loads(line)["subject"] == "orders/O-0"], served.log)
        known = [item["id"] for item in json.loads(run_command("events", "-c", served.path, "--json")[1])["items"]]
        seen = [json.loads(line)["id"] for line in lines]
        assert seen == known[::-1][-len(seen):]
    finally:
        child.terminate()
        child.wait(60)
        reader.join()


def test_one_clear_line_when_no_daemon_answers(tmp_path):
    path = tmp_path / "orderwatch.yaml"
    path.write_text(to_yaml({"http": {"listen": f"127.0.0.1:{free_port()}"}}))
    for ask in (("status",), ("orders",), ("orders", "O-1"), ("appointments",), ("events",), ("events", "--follow"),
                ("deliveries",), ("why", "x"), ("retry", "1"), ("drop", "1"), ("release", "orange"), ("pause", "orange"),
                ("resume", "orange"), ("silence", "list"), ("test", "tickets"), ("reload",)):
        code, out, err = run_command(ask[0], *ask[1:], "-c", path)
        assert (code, out) == (69, "") and err.count("\n") == 1, (ask, code, out, err)
        assert "no daemon answers" in err and "orderwatch run" in err, err


REFUSED = {  # (code, words that help)
    ("orders", "O-1x"): (1, ["O-1x", "did you mean O-1"]), ("orders", "O-1", "--source", "blue"): (1, ["blue", "orange"]),
    ("why", "abc"): (2, ["abc", "4 characters"]), ("why", "abcz"): (1, ["orderwatch events"]),
    ("why", ""): (2, ["empty", "orderwatch why --help"]), ("orders", ""): (2, ["empty", "orderwatch orders --help"]),
    ("retry", ""): (2, ["empty"]), ("orders", "--sink", "tickets"): (2, ["--sink", "orderwatch orders --help"]),
    ("events", "--since", "soon"): (2, ["--since", "soon", "24h"]), ("deliveries", "--limit", "0"): (2, ["--limit", "1 to 1000"]),
    ("events", "--follow", "--until", "2027-01-01"): (2, ["--until", "--follow"]),
    ("events", "--follow", "--limit", "3"): (2, ["--limit", "--since"]), ("why", "0123456789abcdef" * 2 + "0"): (1, ["orderwatch events"]), ("retry", "999"): (1, ["999", "orderwatch deliveries --status parked"]),
    ("drop", "abc"): (1, ["abc", "orderwatch deliveries --status parked"]),
    ("pause", "blue"): (1, ["blue", "source", "orange", "sink", "tickets"]),
    ("silence", "end", "abc"): (1, ["abc", "orderwatch silence list"]),
    ("silence", "add", "--order", "1", "--author", "Ann", "--comment", "c"): (2, ["--for", "--until"]),
    ("silence", "add", "--author", "Ann", "--comment", "c", "--for", "1h"): (2, ["--all"]),
    ("silence", "add", "--source", "blue", "--author", "Ann", "--comment", "c", "--for", "1h"): (2, ["blue", "orange"]),
    ("silence", "add", "--order", "1", "--author", "Ann", "--comment", "c", "--until", "2020-01-01"): (2, [": --until: 2020"]),
    ("silence", "add", "--order", "1", "--author", "Ann", "--comment", "c", "--for", "0"): (2, [": --for: must be after"]),
    ("silence", "add", "--type", "x", "--author", "Ann", "--comment", "c", "--for", "1h"): (2, [": --type: x matches"]),
    ("replay", "--from", "soon"): (2, [": --from: ", "soon"]), ("replay", "--from", "1h", "--to", "2h"): (2, [": --to: "]),
    ("check", "--route", "/nowhere/event.json"): (2, ["/nowhere/event.json: cannot be read"]),
    ("backup", "/nowhere/state.db"): (74, ["/nowhere/state.db", "folder must exist"]),
}


def test_what_is_refused_says_what_there_is_on_one_line(served):
    for arguments, (code, words) in REFUSED.items():
        refused, out, err = run_command(arguments[0], "-c", served.path, *arguments[1:])
        lines = [line for line in err.splitlines() if "warning:" not in line]
        assert refused == code and out == "" and len(lines) == 1, (arguments, refused, out, err)
        assert all(word in lines[0] for word in words), (arguments, lines)
        assert lines[0].startswith(f"orderwatch: {arguments[0]}: "), lines
        assert not any(word in lines[0] for word in ("/api/", "HTTP", "parameter")), lines
        assert not re.search(r"(/nowhere/\S+): \1", lines[0]), lines


def test_times_say_their_zone(served):
    code, out, err = run_command("appointments", "-c", served.path)
    assert "2027-01-12 08:00:00Z" in out, out + err


def test_a_slip_of_the_pen_is_understood():
    for arguments, words in {("statsu",): "did you mean status;", ("help", "oders"): "did you mean orders;",
                             ("orders", "--surce", "orange"): "did you mean --source;",
                             ("frobnicate",): "no such command; `orderwatch --help`"}.items():
        code, out, err = run_command(*arguments)
        assert code == 2 and out == "" and words in err and len(err.splitlines()) == 1, (arguments, err)
    for command in ("orders", "run", "silence"):
        assert run_command("help", command) == run_command(command, "--help") != run_command("help")


@pytest.mark.parametrize("columns", [40, 80, 132])
def test_what_another_command_needs_is_never_cut(served, columns):
    """A silence's id whole; of an event's so much that why finds it."""
    code, silence, err = run_command("silence", "add", "-c", served.path, "--order", "O-9*", "--author", "Ann of the network team",
                                     "--comment", "Works on the site until the end of the week", "--for", "1h")
    assert silence.strip() in plain(on_terminal(columns, "silence", "list", "-c", served.path)), err
    def parked():  # the last of them: no other comes between the two questions
        latest = json.loads(run_command("events", "-c", served.path, "--json")[1])["items"][0]
        return latest["type"] == "orderwatch.sink.parked" and latest["id"]
    event = wait_until(parked, served.log)
    shown = plain(on_terminal(columns, "events", "-c", served.path, "--limit", "1"))
    beginning = next(event[:size] for size in range(32, 0, -1) if event[:size] in shown)
    code, out, err = run_command("why", "-c", served.path, beginning)
    assert code == 0 and event in out, (shown, err)
    assert run_command("why", "-c", served.path, event + "0")[0] == 1


def test_why_says_what_keeps_an_event(served):
    run_command("silence", "add", "-c", served.path, "--order", "O-3", "--author", "Ann", "--comment", "c", "--for", "1h")
    served.simulator.step(order={"id": "O-3", "status": "Completed"})

    def silenced():
        items = json.loads(run_command("events", "-c", served.path, "--json")[1])["items"]
        return next((one["id"] for one in items if one["subject"] == "orders/O-3"), None)
    out = run_command("why", "-c", served.path, wait_until(silenced, "the event"))[1]
    assert "no deliveries: its silence" in out, out


def test_a_follower_keeps_to_its_filters(served):
    """What can be asked of the list can be followed: neither the events of all, nor silence for ever."""
    served.simulator.step(order={"id": "O-3", "status": "Held"})
    wait_until(lambda: "orders/O-3" in run_command("events", "-c", served.path, "--json")[1], served.log)
    for filters in (("--order", "O-3", "--since", "1h"), ("--search", "o-3", "--after", "0"),
                    ("--type", "*.held", "--since", "2020-01-01")):
        child = subprocess.Popen([ORDERWATCH, "events", "--follow", "--json", "-c", str(served.path), *filters],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert json.loads(child.stdout.readline())["subject"] == "orders/O-3", filters
        child.terminate()
        child.wait(60)


def test_what_cannot_be_written_is_no_success(served):
    for ask in (("status",), ("status", "--json"), ("orders",), ("orders", "O-1"), ("events", "--json"), ("deliveries",),
                ("why", json.loads(run_command("events", "-c", served.path, "--json")[1])["items"][0]["id"]),
                ("silence", "list"), ("check", "--print"), ("events", "--follow", "--since", "1h")):
        with open("/dev/full", "w") as full:
            done = subprocess.run([ORDERWATCH, ask[0], "-c", str(served.path), *ask[1:]], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        lines = [line for line in done.stderr.splitlines() if "warning:" not in line]
        assert done.returncode == 74, (ask, done)
        assert lines == [f"orderwatch: {ask[0]}: standard output cannot be written"], (ask, lines)


def test_a_follower_ends_with_its_reader(served):
    """As `orderwatch events --follow | head -1`: not only at the next event, which may be tomorrow's."""
    child = subprocess.Popen([ORDERWATCH, "events", "--follow", "-c", str(served.path), "--since", "1h", "--order", "O-1"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "O-1" in child.stdout.readline()
    child.stdout.close()
    assert child.wait(60) == 0 and child.stderr.read() == ""
    child.stderr.close()


def test_why_names_those_that_begin_alike(served):
    """The ids of two events are made to begin alike, in the state file of a stopped daemon."""
    events = json.loads(run_command("events", "-c", served.path, "--json")[1])["items"]
    served.stop()
    alike = ["abcd" + event["id"][4:] for event in events]
    with contextlib.closing(sqlite3.connect(served.configuration["state"]["database"])) as state, state:
        for event, identity in zip(events, alike):
            state.execute("UPDATE events SET event_id = ?, json = CAST(replace(json, ?, ?) AS BLOB) WHERE event_id = ?",
                          (identity, event["id"], identity, event["id"]))
    served.start()
    port = int(served.configuration["http"]["listen"].rsplit(":", 1)[1])
    wait_until(lambda: listens(port), served.log)
    code, out, err = run_command("why", "-c", served.path, "abcd")
    assert code == 1 and out == "" and len(alike) >= 2 and all(identity in err for identity in alike), err
    unique = next(alike[0][:size] for size in range(5, 33) if alike[0][:size] != alike[1][:size])
    code, out, err = run_command("why", "-c", served.path, unique)
    assert code == 0 and alike[0] in out, err


def test_help_names_what_the_list_has(served):
    """No filter is offered that the daemon does not have, and none of its own is kept back."""
    port = served.configuration["http"]["listen"]
    for command in ("orders", "appointments", "events", "deliveries"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{port}/api/v1/{command}?nonsense=1", timeout=60)
        accepted = set(json.load(refused.value)["detail"].split("accepted: ")[1].split(", ")) - {"id"}
        offered = set(re.findall("^ +--([a-z]+) [A-Z]", run_command(command, "--help")[1], re.MULTILINE))
        assert {"q" if name == "search" else name for name in offered} == accepted, command
