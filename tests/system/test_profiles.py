"""Profiles: the schema for editors, every paging style against a server of its own, and an API that nobody foresaw."""
import json
import pathlib

import jsonschema
import pytest
import yaml

from api_server import Api
from harness import ROOT, configuration, kinds, run_command, to_yaml, wait_until, webhook_sink

PROFILES = sorted((ROOT / "conf/profiles").glob("*.yaml"))


class Texts(yaml.SafeLoader):
    """YAML as editors read it: dates are texts."""


Texts.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def problems(document):
    schema = json.loads((ROOT / "conf/orderwatch-profile.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return list(jsonschema.Draft202012Validator(schema).iter_errors(document))


def is_refused(folder, document):
    """What the program says of it."""
    path = pathlib.Path(folder) / "profile.yaml"
    path.write_text(to_yaml(document))
    sample = pathlib.Path(folder) / "sample.json"
    sample.write_text('[{"id": "1", "status": "x"}]')
    code, _, errors = run_command("check", "--profile", path, "--sample", sample)
    return code == 78 and errors.startswith(str(path))


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_every_shipped_profile_fits_the_schema(path):
    assert problems(yaml.load(path.read_text(), Texts)) == []


MISTAKES = {
    "a key that does not exist": {"orders": {"list": "/o", "field": {}}},
    "no orders": {"description": "x"},
    "no list": {"orders": {"id": "/id"}},
    "a path without its slash": {"orders": {"list": "orders"}},
    "a place holder in the list": {"orders": {"list": "/orders/{id}"}},
    "a detail without id": {"orders": {"list": "/o", "detail": "/o/id"}},
    "a pointer without its slash": {"orders": {"list": "/o", "fields": {"status": "status"}}},
    "a tilde alone": {"orders": {"list": "/o", "fields": {"status": ["/a", "/b~c"]}}},
    "a field that does not exist": {"orders": {"list": "/o", "fields": {"state": "/state"}}},
    "a paging style that does not exist": {"orders": {"list": "/o", "paging": {"style": "pages"}}},
    "paging without a style": {"orders": {"list": "/o", "paging": {"limit": "limit"}}},
    "a cursor without its place": {"orders": {"list": "/o", "paging": {"style": "cursor"}}},
    "a page of nothing": {"orders": {"list": "/o", "paging": {"style": "none", "size": 0}}},
    "a first page of 2": {"orders": {"list": "/o", "paging": {"style": "page", "first": 2}}},
    "a kind that does not exist": {"orders": {"list": "/o", "statuses": {"done": "Done"}}},
    "a watch with a capital": {"orders": {"list": "/o", "watch": {"Priority": "/priority"}}},
    "nested and list": {"orders": {"list": "/o"}, "appointments": {"nested": "/a", "list": "/a", "order": "/o"}},
    "a list without order": {"orders": {"list": "/o"}, "appointments": {"list": "/a"}},
    "not a parameter": {"orders": {"list": "/o", "paging": {"style": "page", "parameter": "a=b"}}},
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_typical_mistake_fits_neither_schema_nor_program(tmp_path, name):
    assert problems(MISTAKES[name])
    assert is_refused(tmp_path, MISTAKES[name])


def keys_of(schema):
    found = set(schema.get("properties", {}))
    for part in [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]:
        found |= keys_of(part)
    return found


def test_every_key_is_in_the_man_page_and_in_the_reference():
    """orderwatch-profile(5), and the comment that begins the first of the shipped profiles."""
    keys = keys_of(json.loads((ROOT / "conf/orderwatch-profile.schema.json").read_text()))
    assert {"nested", "total_header", "committed_date", "missed"} <= keys
    page = (ROOT / "packaging/man/orderwatch-profile.5").read_text().replace(",", " ").split()
    reference = (ROOT / "conf/profiles/orange-order-tracking.yaml").read_text()
    assert [key for key in sorted(keys) if key not in page] == []
    assert [key for key in sorted(keys) if key not in reference] == []


# --- paging ------------------------------------------------------------------------------------------------

def paged(style, **more):
    return {"orders": {"list": "/things?kind=order", "items": "/data/things", "fields": {"status": "/status"},
                       "statuses": {"open": ["going"], "held": ["stuck"]},
                       "paging": {"style": style, **more}}}


STYLES = {
    "offset": (paged("offset", parameter="start", limit="max"), "?kind=order&start=0&max=4"),
    "page": (paged("page", parameter="p", limit="n", first=0), "?kind=order&p=0&n=4"),
    "page from 1": (paged("page", limit="n"), "?kind=order&page=1&n=4"),
    "link": (paged("link", limit="per_page"), "?kind=order&per_page=4"),
    "cursor": (paged("cursor", parameter="after", cursor="/meta/next"), "?kind=order"),
    "none": (paged("none"), "?kind=order"),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_paging_style_reads_the_whole_list_and_tells_its_change(world, style):
    profile, first = STYLES[style]
    api = world.keep(Api(style.split()[0], 4, profile["orders"]["paging"]))
    api.things = [{"id": f"T-{i}", "status": "going"} for i in range(11)]
    path = world.folder / "profile.yaml"
    path.write_text(to_yaml(profile))
    webhook = world.webhook()
    daemon = world.daemon(api.configuration(world.folder, [webhook_sink(webhook)], profile=str(path), page=4)).start()
    api.wait_sweeps(1)
    assert first in api.queries[0] and len(api.queries[0]) == len("/v7/things" + first)
    api.things[9]["status"] = "stuck"
    wait_until(lambda: webhook.deliveries, daemon.log)
    assert kinds(webhook.deliveries) == [("T-9", "order.status.held")]
    assert daemon.stop() == 0


# --- known bytes -------------------------------------------------------------------------------------------

def counters(daemon):
    """What the daemon says of how it read."""
    import urllib.request
    url = f"http://{daemon.configuration['http']['listen']}/metrics"
    text = urllib.request.urlopen(url, timeout=30).read().decode()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
            if line.startswith(("orderwatch_pages_total", "orderwatch_elements_parsed_total"))}


def test_only_what_changed_is_parsed_and_a_known_page_not_even_cut(world):
    """The API offers no validators: it is the bytes that tell."""
    api = world.keep(Api("offset", 10, {"parameter": "start", "limit": "max"}))
    api.things = [{"id": f"T-{i}", "status": "going"} for i in range(45)]
    path = world.folder / "profile.yaml"
    path.write_text(to_yaml(STYLES["offset"][0]))
    webhook = world.webhook()
    daemon = world.daemon(api.configuration(world.folder, [webhook_sink(webhook)], profile=str(path), page=10)).start()
    api.wait_sweeps(2)
    parsed = 'orderwatch_elements_parsed_total{source="orange"}'
    cut = 'orderwatch_pages_total{source="orange",read="cut"}'
    known = 'orderwatch_pages_total{source="orange",read="known"}'
    settled = wait_until(lambda: (lambda now: now if now[known] >= 10 else None)(counters(daemon)), daemon.log)
    assert settled[parsed] == 45
    for number in 14, 15, 33:
        api.things[number]["status"] = "stuck"
    wait_until(lambda: len(webhook.deliveries) == 3, daemon.log)
    changed = wait_until(lambda: (lambda now: now if now[known] >= settled[known] + 15 else None)(counters(daemon)),
                         daemon.log)
    assert changed[parsed] == settled[parsed] + 3
    assert settled[cut] + 2 <= changed[cut] <= settled[cut] + 8  # the two pages, until they are known again
    # One more at the front shifts every page by one: they are cut again, and one element is parsed.
    api.things.insert(0, {"id": "T-new", "status": "going"})
    wait_until(lambda: len(webhook.deliveries) == 4, daemon.log)
    shifted = counters(daemon)
    assert shifted[parsed] == changed[parsed] + 1
    assert shifted[cut] >= changed[cut] + 5
    assert daemon.stop() == 0


# --- an API that nobody foresaw ----------------------------------------------------------------------------

INVENTED = {
    "description": "A yacht chandler's deliveries: German names, epoch seconds, a list three levels down",
    "accept": "application/vnd.chandler+json",
    "orders": {
        "list": "/lieferungen?sicht=alle", "detail": "/lieferungen/{id}", "items": "/antwort/posten",
        "paging": {"style": "cursor", "parameter": "weiter", "limit": "anzahl", "cursor": "/antwort/weiter",
                   "total": "/antwort/summe"},
        "id": "/kopf/nummer",
        "fields": {"status": ["/kopf/lage/wort", "/kopf/lage"], "reference": "/kopf/a~1z",
                   "site": "/ziel/hafen", "committed_date": "/kopf/zugesagt"},
        "notes": {"list": "/vermerke", "id": "/nr", "date": "/am", "author": "/von", "text": "/wort"},
        "statuses": {"open": ["unterwegs"], "held": ["im Zoll"], "completed": ["übergeben"], "cancelled": ["storniert"]},
        "watch": {"ship": "/ziel/schiff"}},
    "appointments": {
        "nested": "/liegeplaetze", "id": "/platz",
        "fields": {"status": "/lage", "start": "/von", "end": "/bis"},
        "statuses": {"confirmed": "fest", "cancelled": "frei", "new": "angefragt"}},
    "ignore": ["pegel"],
}


def parcel(number, status, **more):
    return {"kopf": {"nummer": number, "lage": {"wort": status}, "a/z": f"AZ {number}", "zugesagt": 1798761600},
            "ziel": {"hafen": "Kiel", "schiff": "Albatros"}, "pegel": 3.2,
            "liegeplaetze": {"platz": "7b", "lage": "fest", "von": "2027-03-01T06:00:00Z", "bis": "2027-03-01T09:00:00Z"},
            **more}


def test_a_new_api_needs_no_c(world):
    assert problems(INVENTED) == []
    api = world.keep(Api("cursor", 2, INVENTED["orders"]["paging"]))
    api.wrap = lambda page, cursor: {"antwort": {"summe": len(api.things), "posten": page, "weiter": cursor}}
    api.things = [parcel(f"00{i}/ß", "unterwegs") for i in range(5)]
    path = world.folder / "chandler.yaml"
    path.write_text(to_yaml(INVENTED))
    assert not is_refused(world.folder, INVENTED)
    path.write_text(to_yaml(INVENTED))
    webhook = world.webhook()
    daemon = world.daemon(api.configuration(world.folder, [webhook_sink(webhook)], profile=str(path), page=2)).start()
    api.wait_sweeps(1)
    assert {headers["Accept"] for headers in api.headers} == {"application/vnd.chandler+json"}
    api.things[3]["kopf"]["lage"] = "Im  ZOLL"
    api.things[3]["vermerke"] = [{"nr": 1, "am": "2026-12-01", "von": "Hafen", "wort": "Papiere fehlen"}]
    api.things[1]["liegeplaetze"]["von"] = "2027-03-02T06:00:00Z"
    api.things[1]["liegeplaetze"]["bis"] = "2027-03-02T09:00:00Z"
    api.things[2]["ziel"]["schiff"] = "Seeadler"
    api.things[4]["pegel"] = 9.9
    wait_until(lambda: len(webhook.deliveries) >= 4, daemon.log)
    api.wait_sweeps(1)
    assert sorted(kinds(webhook.deliveries)) == [
        ("001/ß", "appointment.rescheduled"), ("002/ß", "order.updated"), ("003/ß", "order.note.added"),
        ("003/ß", "order.status.held")]
    held = next(event for event in webhook.deliveries if event["type"].endswith("held"))
    assert held["subject"] == "orders/003%2F%C3%9F"
    order = held["data"]["order"]
    assert (order["reference"], order["site"], order["extra"]["ship"]) == ("AZ 003/ß", "Kiel", "Albatros")
    assert daemon.stop() == 0
