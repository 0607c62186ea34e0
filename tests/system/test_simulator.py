"""orderwatch-sim shows what its scenario and its steps say, and nothing twice."""
import base64
import json
import urllib.request


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


def test_notes_of_the_scenario_and_of_steps_are_one_list(world):
    simulator = world.simulator(orders={"list": [{"id": "1", "notes": [{"id": "first", "text": "given"}]}]})
    simulator.step(note={"order": "1", "text": "added"})
    assert [note["text"] for note in order(simulator)["notes"]] == ["given", "added"]
    simulator.step(order={"id": "1", "notes": []})
    simulator.step(note={"order": "1", "text": "alone"})
    assert [note["text"] for note in order(simulator)["notes"]] == ["alone"]
