"""orderwatch-sim shows what its scenario and its steps say, and nothing twice."""
import base64
import json
import subprocess
import urllib.request

import pytest

from harness import SIMULATOR


def order(simulator):
    login = base64.b64encode(b"client:client-secret").decode()
    ask = urllib.request.Request(simulator.url + "/oauth/v3/token", b"grant_type=client_credentials",
                                 {"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(ask, timeout=30) as answer:
        token = json.load(answer)["access_token"]
    request = urllib.request.Request(simulator.url + "/order-tracking/b2b/v1/orders/1",
                                     headers={"Authorization": f"Bearer {token}", "X-Api-Key": "key"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read().decode()
    assert body.count('"notes"') == 1, body
    return json.loads(body)


@pytest.mark.parametrize("arguments, word", [(["--foo"], "--foo"), (["a", "b"], "b: unexpected"),
                                             (["--listen"], "--listen"), (["--tls-cert", "x"], "--tls-key")])
def test_wrong_usage_is_one_line(arguments, word):
    done = subprocess.run([SIMULATOR, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and not done.stdout
    assert word in done.stderr and "--help" in done.stderr and done.stderr.count("\n") == 1


def test_notes_of_the_scenario_and_of_steps_are_one_list(world):
    simulator = world.simulator(orders={"list": [{"id": "1", "notes": [{"id": "first", "text": "given"}]}]})
    simulator.step(note={"order": "1", "text": "added"})
    assert [note["text"] for note in order(simulator)["notes"]] == ["given", "added"]
    simulator.step(order={"id": "1", "notes": []})
    simulator.step(note={"order": "1", "text": "alone"})
    assert [note["text"] for note in order(simulator)["notes"]] == ["alone"]
