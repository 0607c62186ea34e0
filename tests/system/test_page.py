"""The status page in a real browser: what a person does with it, and what hostile data must not do."""
import datetime
import json
import pathlib
import re
import urllib.parse

import pytest
from browser import Browser, Keys

from harness import configuration, email_sink, wait_until, webhook_sink
from test_surface import Served

HOSTILE = ('<img src=x onerror="window.hacked=1">', "</script><script>window.hacked=1</script>", "\u202egnp.exe\u202c",
           "W" * 300, "' OR \"1\"='1", "javascript:window.hacked=1", "&lt;b&gt;")


def quoted(text):
    return urllib.parse.quote(text, safe="")


def day(offset):
    return (datetime.date.today() + datetime.timedelta(days=offset)).isoformat()


def orders():
    return {"generate": {"first_id": 1000, "count": 120, "seed": 5},
            "list": [{"id": "00/12 3", "customerReference": "PO-7781", "status": "InProgress", "step": "Survey",
                      "offer": "Business VPN 1G", "site": {"name": "Lyon Perrache"}, "committedDate": day(20),
                      "contact": {"name": "Site reception", "phone": "+33 1 99 00 00 01"},
                      "appointments": [{"id": "A-1", "status": "Confirmed", "start": f"{day(5)}T09:00:00+01:00",
                                        "end": f"{day(5)}T11:00:00+01:00"}]}]}


def moved(offset):
    return {"order": "00/12 3", "id": "A-1", "start": f"{day(offset)}T09:00:00+01:00", "end": f"{day(offset)}T11:00:00+01:00"}


@pytest.fixture(scope="module")
def chromium():
    browser = Browser()
    yield browser
    browser.stop()


@pytest.fixture
def parts(world):
    world.receiver = world.webhook()
    world.source = world.simulator(orders=orders())
    world.settings = configuration(world.folder, world.source, sinks=[webhook_sink(world.receiver)])
    return world


@pytest.fixture
def served(parts):
    one = Served(parts, parts.settings)
    one.world = parts
    one.base = f"http://127.0.0.1:{one.port}"
    one.swept()
    return one


@pytest.fixture
def page(served, chromium):
    """A visit to a daemon that works; ends with the proof that the browser had nothing to complain of."""
    chromium.begin(served.base)
    yield chromium
    assert chromium.complaints() == []
    assert {url for url, _ in chromium.requests() if not url.startswith((served.base + "/", "about:", "chrome"))} == set()


ORDER = "#/order/orange/00%2F12%203"


# --- what a person does ---------------------------------------------------------------------------

def test_somebody_finds_an_order_and_sees_what_happens_to_it(served, page):
    page.open().sees("All well").sees("1 source read within its time")
    page.press("Orders", "nav a").sees("121", ".known")
    page.fill("Search orders", "perrache")
    page.until(lambda: len(page.all("tbody tr")) == 1)
    assert page.address() == "#/orders?q=perrache"
    page.press("00/12 3", "tbody a").sees("Lyon Perrache").sees("No date has moved")
    assert "reception" not in page.text("body") and "+33" not in page.text("body")
    served.world.source.step(appointment=moved(9))
    page.until(lambda: page.all(".step[data-event]"), "the live event")
    page.sees("Appointment moved", ".steps").sees("delivered", ".sents").sees("tickets", ".sents")
    page.until(lambda: "Appointment moved" in page.announced(), "the announcement")
    served.world.source.step(appointment=moved(12))
    page.until(lambda: len(page.all(".slip-steps li")) == 2, "two moves, drawn")
    assert page.texts(".slip-days") == ["+4 days", "+3 days"] and "moved 2 times · +7 days in all" in page.text(".slip")
    assert page.run("return [...document.querySelectorAll('.slip-to')].map(one => parseFloat(one.getAttribute('cx')))") == [
        pytest.approx(3 + 94 * 4 / 7, abs=1), 97]
    page.press("Every try", "summary").sees("HTTP 204", ".tries")


def test_the_address_keeps_what_is_shown(served, page):
    page.expect("404").open("#/orders?q=lyon&status=open").until(lambda: page.all("tbody tr"))
    assert page.labelled("Search orders").get_attribute("value") == "lyon"
    assert all("Lyon" in row for row in page.texts("tbody tr"))
    page.open("#/events?severity=warning&type=appointment.*").sees("No event is like that")
    page.open("#/nowhere").sees("This page does not exist")
    page.open("#/order/orange/77").sees("has no order 77")


def test_an_order_is_opened_whatever_its_id_is(world, chromium):
    ids = [".", "..", "a/../b", "%2E", "%", "?", "#/orders", "&id=1", "a b"]
    source = world.simulator(orders={"list": [{"id": one, "status": "InProgress", "site": {"name": f"Site {index}"}}
                                              for index, one in enumerate(ids)]})
    served = Served(world, configuration(world.folder, source, sinks=[webhook_sink(world.webhook())]))
    served.swept()
    page = chromium.begin(f"http://127.0.0.1:{served.port}")
    for index, one in enumerate(ids):
        page.open("#/orders").until(lambda: len(page.all("tbody tr")) == len(ids))
        row = next(row for row in page.all("tbody tr") if f"Site {index}" in row.text)
        row.find_element("css selector", "a").click()
        page.sees(f"Site {index}", ".facts").sees(one, "h1").sees("Nothing has changed since")
    source.step(order={"id": "..", "status": "Held"})
    page.open(f"#/order/orange/{quoted('..')}").until(lambda: page.all(".step[data-event]"), "its event")
    assert page.complaints() == []


def test_appointments_are_a_calendar_in_the_time_of_their_place(served, page):
    page.open("#/calendar").until(lambda: page.all(f'[data-day="{day(5)}"] .visit'))
    assert len(page.all(".week")) == 4 and len(page.all(".day")) == 28
    visit = next(text for text in page.texts(f'[data-day="{day(5)}"] .visit') if "Lyon Perrache" in text)
    assert "09:00–11:00" in visit and "confirmed" in visit
    page.sees("Europe/Paris", ".zones").press("Later").until(lambda: not page.all(".today"))
    assert re.fullmatch(r"#/calendar\?week=\d{4}-\d\d-\d\d", page.address())
    page.press("Today").until(lambda: page.all(".today"))
    served.world.source.step(appointment=moved(6))
    page.until(lambda: any("Lyon Perrache" in text for text in page.texts(f'[data-day="{day(6)}"] .visit')))


def test_the_visit_of_a_cancelled_order_is_not_awaited(served, page):
    page.open().sees("Lyon Perrache", '[aria-labelledby="coming"]')
    served.world.source.step(order={"id": "00/12 3", "status": "Cancelled"})
    page.misses("Lyon Perrache", '[aria-labelledby="coming"]')
    page.open("#/calendar").until(lambda: page.all(f'[data-day="{day(5)}"] .visit.cancelled'))
    page.open("#/orders?q=perrache").until(lambda: len(page.all("tbody tr")) == 1)
    assert page.texts("tbody td")[-1] == "–"
    page.open(ORDER).sees("cancelled", '[aria-labelledby="visits"] .badge')
    assert "Cancelled" not in served.json("/api/v1/appointments?q=perrache")["items"][0]["status"]


def test_nothing_is_counted_as_nothing(served, page):
    """French has the singular for none as well as for one."""
    page.begin(served.base, language="fr-FR,fr").open("#/calendar?week=2020-01-06").until(lambda: len(page.all(".week")) == 4)
    assert all(words.endswith(" · 0 rendez-vous") for words in page.texts(".week h2 small")), page.texts(".week h2 small")


def test_a_parked_delivery_is_sent_again_and_another_dropped(served, page):
    receiver = served.world.receiver
    receiver.answer = lambda event: 400
    for offset in (7, 8):
        served.world.source.step(appointment=moved(offset))
        wait_until(lambda: len(receiver.attempts) >= offset - 6, served.daemon.log)
    page.open().sees("2 deliveries are parked", "[data-health=warn]").press("2 deliveries are parked", "a")
    page.until(lambda: len(page.all("tbody tr")) == 2)
    assert all("HTTP 400" in row for row in page.texts("tbody tr"))
    receiver.answer = lambda event: 204
    page.press("Retry", "tbody button").until(lambda: len(page.all("tbody tr")) == 1)
    wait_until(lambda: len(receiver.deliveries) == 1, served.daemon.log)
    page.press("Drop", "tbody button").press("Cancel", "dialog button")
    assert len(page.all("tbody tr")) == 1
    page.press("Drop", "tbody button").press("Drop", "dialog button").sees("Nothing is parked")
    states = sorted(one["status"] for one in served.json("/api/v1/deliveries")["items"])
    assert states == ["delivered", "dropped"]


def test_a_silence_needs_an_author_and_ends(served, page):
    page.expect("400").open("#/silences").sees("Nothing is silenced")
    page.fill("Your name", "Ann").fill("Why", "Works on the site").press("Silence them")
    page.until(lambda: page.text(".silence-form .problem"), "the daemon's refusal")
    page.labelled("Why").clear()
    page.fill("Site", "Lyon*").press("Silence them")
    assert page.run("return document.querySelector('form.silence-form').checkValidity()") is False
    page.fill("Why", "Works on the site").fill("For how long", "1 day").press("Silence them").sees("Lyon*", ".silence")
    silence, = served.json("/api/v1/silences")["items"]
    assert silence["author"] == "Ann" and silence["comment"] == "Works on the site" and silence["where"] == {"site": "Lyon*"}
    served.world.source.step(appointment=moved(9))
    page.press("Events", "nav a").sees("Appointment moved")
    assert served.world.receiver.attempts == []
    page.press("Silences", "nav a").press("End now", ".silence button").press("End now", "dialog button").sees("Ended", ".silence")
    served.world.source.step(appointment=moved(10))
    wait_until(lambda: len(served.world.receiver.deliveries) == 1, served.daemon.log)


def test_sources_and_receivers_are_paused_resumed_and_tried(served, page):
    page.open().press("Send a test").sees("took the test message", "#notices")
    page.press("Pause", '[data-focus="sink/tickets/pause"]').press("Pause", "dialog button")
    page.sees("paused", ".card .badge")
    served.world.source.step(appointment=moved(9))
    wait_until(lambda: served.json("/api/v1/sinks")["items"][0]["pending"] == 1, served.daemon.log)
    page.press("Resume", '[data-focus="sink/tickets/pause"]')
    wait_until(lambda: served.json("/api/v1/sinks")["items"][0]["delivered"] == 1, served.daemon.log)
    page.press("Pause", '[data-focus="source/orange/pause"]').press("Pause", "dialog button")
    wait_until(lambda: served.json("/api/v1/sources")["items"][0]["paused"], served.daemon.log)
    page.press("Resume", '[data-focus="source/orange/pause"]')
    wait_until(lambda: not served.json("/api/v1/sources")["items"][0]["paused"], served.daemon.log)


def test_a_pause_that_a_receiver_asked_for_is_shown_with_its_end(served, page):
    receiver = served.world.receiver
    receiver.headers = {"Retry-After": "1200"}
    receiver.answer = lambda event: 429
    served.world.source.step(appointment=moved(9))
    wait_until(lambda: "asked_to_wait_until" in served.json("/api/v1/sinks")["items"][0], served.daemon.log)
    page.open().sees("All well").sees("Pause that it asked for ends", ".card").sees("HTTP 429", ".card")
    page.until(lambda: re.search(r"asked for ends\s+in (19|20) min", page.text("main")), "its end")


def test_trouble_is_said_with_its_remedy(served, page):
    served.world.source.stop()
    wait_until(lambda: served.ask("/-/ready")[0].status == 503, served.daemon.log)
    page.open().sees("1 thing needs attention", "[data-health=bad]").sees("Source orange was not read completely in time")
    page.sees("It is tried again by itself").sees("no complete sweep for", ".why")
    assert page.run("return document.title").startswith("(1) ")


def test_a_paused_source_is_not_said_to_be_tried_again(served, page):
    served.post("/api/v1/sources/orange/pause")
    ready = wait_until(lambda: served.ask("/-/ready")[0].status == 503 and json.loads(served.ask("/-/ready")[1]), served.daemon.log)
    assert ready["reasons"][0]["code"] == "paused" and "orderwatch resume orange" in ready["reasons"][0]["reason"]
    assert "next_sweep" not in served.json("/api/v1/sources")["items"][0]
    page.open().sees("Source orange is paused").sees("until somebody resumes it", "[data-health=bad]")
    page.press("Resume", '[data-focus="source/orange/pause"]').sees("All well")


def test_a_mail_leads_to_the_order_it_tells_of(world, chromium):
    world.source, mailbox = world.simulator(orders=orders()), world.mailbox()
    settings = configuration(world.folder, world.source)
    base = f"http://{settings['http']['listen']}"
    settings["sinks"] = [email_sink(mailbox, digest="0", status_url=base + "/")]
    settings["routes"] = [{"types": ["appointment.*"], "sinks": ["project-managers"]}]
    served = Served(world, settings)
    served.swept()
    world.source.step(appointment=moved(9))
    wait_until(lambda: mailbox.mails, served.daemon.log)
    link, = re.findall(r"http://\S+", mailbox.mails[0][2].get_body(("plain",)).get_content())
    assert link == f"{base}/{ORDER}"
    page = chromium.begin(base)
    page.driver.get(link)
    page.sees("Lyon Perrache").sees("Appointment moved", ".steps")
    assert page.complaints() == []


# --- languages, keyboard, sizes -------------------------------------------------------------------

def test_french_by_the_browser_and_english_by_choice(served, page):
    page.begin(served.base, language="fr-FR,fr,en").open().sees("Tout va bien").sees("1 source lue à temps")
    assert page.run("return document.documentElement.lang") == "fr"
    page.press("Commandes", "nav a").sees("Rechercher des commandes").press("English").sees("Search orders")
    page.open("#/silences").sees("New silence").press("Français").sees("Nouveau silence")
    page.begin(served.base, language="de-DE,de").open().sees("All well")


def rows_of(page, kind):
    """Of the events on the page, what the newest one of this kind says."""
    return page.until(lambda: next((row for row in page.texts("li[data-event]") if row.split("\n")[1] == kind), None), kind)


def test_what_happens_to_sources_and_receivers_is_told_in_the_readers_language(served, page):
    """Made of the facts; what a server or receiver answered is left as it is, and marked as English."""
    source, receiver = served.world.source, served.world.receiver
    receiver.answer = lambda event: 400
    source.step(appointment=moved(9))
    page.begin(served.base, language="fr-FR,fr").open("#/events")
    parked = rows_of(page, "Envoi mis de côté")
    assert "tickets · 1 envoi · 1 en tout · " in parked and "HTTP 400" in parked
    source.step(order={"id": "1000", "status": "Zorglub"})
    shape = rows_of(page, "Les données de la source ont changé de forme")
    assert "orange · un statut que son profil ne connaît pas · " in shape and "Zorglub" in shape
    source.steps([{"order": {"id": str(one), "status": "Held"}} for one in range(1000, 1100)])
    held = rows_of(page, "Changement massif retenu")
    assert "orange · 100 commandes sur 121 modifiées et 0 disparues d’un coup · annoncé le " in held
    source.stop()
    gone = rows_of(page, "Source injoignable")
    assert re.search(r"orange · depuis \w+\. \d+ ", gone), gone
    english = page.texts('li[data-event] [lang="en"]')
    assert not any(words in " ".join(page.texts("li[data-event]")) for words in ("Sink ", "The source", "known orders"))
    assert all("HTTP" in words or "source orange" in words for words in english), english
    page.press("English").sees("told on").sees("100 of 121 orders changed and 0 vanished at once")


def test_every_type_of_event_is_told_in_both_languages(served, page):
    """None falls back to the daemon's own line, which is in English; nor does one that lacks its facts break the page."""
    page.open()
    told = page.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        const facts = {order: {id: '1', status: 'Open', committed_date: '2027-01-12'},
                       appointment: {id: 'A', start: '2027-01-12T09:00:00Z'}, late: true,
                       changes: [{field: 'status', from: 'A', to: 'B'}], note: {text: 'A note'},
                       overdue: {date: '2027-01-12'}, stalled: {since: '2027-01-12T09:00:00Z'},
                       failure: {first: '2027-01-12T09:00:00Z', detail: 'HTTP 503'}, novelty: {kind: 'status', key: 'x'},
                       hold: {changed: 1, known: 2, vanished: 3, until: '2027-01-12T09:00:00Z'},
                       credential: {name: 'api_key', expires: '2027-01-12T09:00:00Z', days_left: 7},
                       sink: {name: 'tickets', parked: 2, parked_in_all: 3, failing_since: '2027-01-12T09:00:00Z', detail: 'no'}};
        const WITH_CHANGES = /status|date\\.c|updated|rescheduled/;
        Promise.all(['words_en', 'words', 'tell'].map(one => import(`./page/${one}.js`))).then(([{en}, words, {summaryOf}]) => {
            const types = Object.keys(en).filter(key => /^event\\.[a-z_]+\\./.test(key)).map(key => key.slice(6));
            const says = (type, data) => {
                const about = type.startsWith('sink.') ? {} : {order: facts.order};
                const event = {type: `orderwatch.${type}`, source: 'urn:orderwatch:orange', time: '2026-12-01T00:00:00Z',
                               data: {summary: 'ENGLISH', ...about, ...data}};
                const place = document.createElement('p');
                place.append(...[summaryOf(event)].flat(Infinity).filter(Boolean));
                return place.textContent;
            };
            const all = language => {
                words.choose(language);
                return Object.fromEntries(types.map(type => {
                    const {changes, note, ...others} = facts;
                    return [type, [says(type, {...others, ...(WITH_CHANGES.test(type) ? {changes} : {}),
                                               ...(type === 'order.note.added' ? {note} : {})}), says(type, {})]];
                }));
            };
            done([all('fr'), all('en')]);
        }, problem => done(String(problem)));""")
    french, english = told
    assert len(french) >= 34 and french.keys() == english.keys()
    same = {kind for kind in french if french[kind][0] == english[kind][0]}
    assert not any("ENGLISH" in told[0] for told in (*french.values(), *english.values())), french
    assert all(told[1] for told in (*french.values(), *english.values()))
    # Where both say the same, there is nothing but what the operator wrote.
    assert same <= {"order.created", "order.closed", "order.disappeared", "order.reappeared", "order.note.added",
                    "source.rejected"}, {kind: french[kind] for kind in same}


def test_every_word_is_there_in_both_languages(served, page):
    page.open()
    tables = page.driver.execute_async_script("""
        const done = arguments[arguments.length - 1];
        Promise.all([import('./page/words_en.js'), import('./page/words_fr.js')]).then(([a, b]) => done([a.en, b.fr]));""")
    english, french = tables
    assert english.keys() == french.keys()
    for key, words in english.items():
        if isinstance(words, dict):
            assert words.keys() == french[key].keys() == {"one", "other"}, key
        slots = [set(re.findall(r"\{\w+\}", json.dumps(table[key]))) for table in tables]
        assert slots[0] == slots[1], key
    document = served.json("/api/v1/openapi.json")
    for code in document["components"]["schemas"]["Reason"]["properties"]["code"]["enum"]:
        assert f"why.{code}" in english and f"do.{code}" in english
    for kind in document["components"]["schemas"]["Event"]["properties"]["type"].get("enum", []):
        assert f"event.{kind.removeprefix('orderwatch.')}" in english


def test_all_of_it_by_keyboard(served, page):
    page.open().sees("All well")
    page.type(Keys.TAB)
    assert page.focused() == "Skip to the content"
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.type(Keys.ENTER)
    assert page.run("return document.activeElement.id") == "main"
    page.open().sees("All well")
    for name in ("Skip to the content", "orderwatch", "Overview", "Orders"):
        page.type(Keys.TAB)
        assert page.focused() == name
    page.type(Keys.ENTER).sees("121", ".known")
    assert page.run("return document.activeElement.id") == "main" and page.announced().startswith("Orders")
    page.type(Keys.TAB, "perrache").until(lambda: len(page.all("tbody tr")) == 1)
    page.type(Keys.TAB, Keys.TAB, Keys.TAB)
    assert page.focused() == "00/12 3"
    page.type(Keys.ENTER).sees("Lyon Perrache").sees("Time line")
    page.open().press("Pause", '[data-focus="sink/tickets/pause"]').find("dialog[open]")
    assert page.run("return document.querySelector('dialog').contains(document.activeElement)")
    page.type(Keys.ESCAPE).until(lambda: not page.all("dialog"))
    assert served.json("/api/v1/sinks")["items"][0]["paused"] is False


def test_what_a_screen_reader_meets(served, page):
    served.world.source.step(appointment=moved(9))
    for where in ("#/", "#/orders", ORDER, "#/calendar", "#/events", "#/deliveries", "#/silences"):
        page.open(where).until(lambda: page.all("main h1"))
        page.until(lambda: not page.all("[aria-busy=true]"))
        faults = page.run("""
            const faults = [];
            const named = one => one.innerText?.trim() || one.getAttribute('aria-label') || one.labels?.length
                || one.getAttribute('aria-labelledby');
            for (const one of document.querySelectorAll('a, button, input, select, summary')) {
                if (!named(one)) { faults.push('without a name: ' + one.outerHTML); }
            }
            const ids = [...document.querySelectorAll('[id]')].map(one => one.id);
            if (new Set(ids).size !== ids.length) { faults.push('an id twice'); }
            if (document.querySelectorAll('h1').length !== 1) { faults.push('not one h1'); }
            for (const name of ['header', 'nav', 'main', 'footer']) {
                if (document.querySelectorAll(name).length !== 1) { faults.push('not one ' + name); }
            }
            let level = 0;
            for (const one of document.querySelectorAll('main h1, main h2, main h3')) {
                const own = Number(one.tagName[1]);
                if (own > level + 1) { faults.push('a level is left out before ' + one.innerText); }
                level = own;
            }
            for (const one of document.querySelectorAll('.badge')) {
                if (!one.innerText.trim()) { faults.push('a state without a word'); }
            }
            return faults;""")
        assert faults == [], where


CONTRAST = """
    const rgb = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const ground = one => { for (; one; one = one.parentElement) { const c = rgb(getComputedStyle(one).backgroundColor);
        if (c.length === 3 || c[3] > 0) { return c; } } return [255, 255, 255]; };
    const faults = [];
    for (const one of document.querySelectorAll('body *')) {
        const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
        if (!own || !one.checkVisibility() || one.closest('.unseen, .skip, :disabled, noscript, option')) { continue; }
        const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
        if ((a + .05) / (b + .05) < 4.5) { faults.push([one.innerText.slice(0, 30), ((a + .05) / (b + .05)).toFixed(2)]); }
    }
    return faults;"""


def test_a_phone_a_desk_and_a_wall_light_and_dark(served, page):
    served.world.source.step(appointment=moved(9))
    wait_until(lambda: served.json("/api/v1/events")["items"], served.daemon.log)
    for where in ("#/", "#/orders", ORDER, "#/calendar", "#/events", "#/deliveries?status=delivered", "#/silences"):
        page.open(where).until(lambda: page.all("main h1"))
        page.until(lambda: not page.all("[aria-busy=true]"))
        for width in (320, 800, 1920):
            for dark in (False, True):
                page.look(width, 900, dark)
                assert page.overflow() <= 0, (where, width)
                if width == 800:
                    assert page.run(CONTRAST) == [], (where, dark)


# --- what must not happen -------------------------------------------------------------------------

def test_hostile_text_stays_text_in_every_field(world, chromium):
    """In the order, its appointments and notes, the receiver's answer, a silence, and the address."""
    hostile = [{"id": text, "customerReference": text, "status": text[:40], "step": text, "offer": text, "site": {"name": text},
                "url": "javascript:window.hacked=1",
                "committedDate": text[:60], "appointments": [{"id": text, "status": text[:40], "location": text,
                                                              "start": f"{day(2)}T09:00:00+01:00"}]} for text in HOSTILE]
    world.receiver = world.webhook()
    world.source = world.simulator(orders={"list": hostile})
    served = Served(world, configuration(world.folder, world.source, sinks=[webhook_sink(world.receiver)],
                                         source={"guard": {"policy": "tell"}}))
    served.swept()
    page = chromium.begin(f"http://127.0.0.1:{served.port}", width=320)
    for text in HOSTILE:
        world.source.step(order={"id": text, "step": "moved " + text}, note={"order": text, "author": text, "text": "new " + text})
    wait_until(lambda: len(world.receiver.deliveries) >= 2 * len(HOSTILE), served.daemon.log)
    body = {"order": HOSTILE[0], "author": HOSTILE[1], "comment": HOSTILE[0], "end": f"{day(2)}T00:00:00Z"}
    headers = {"Content-Type": "application/json", "X-Orderwatch": "1"}
    assert served.ask("/api/v1/silences", "POST", headers, json.dumps(body))[0].status == 200
    places = ["#/", "#/orders", "#/calendar", "#/events", "#/deliveries?status=delivered", "#/silences",
              "#/order/orange/" + HOSTILE[0], "#/orders?q=" + HOSTILE[0], "#/" + HOSTILE[0], "#/%E0%A4%A"]
    places += [f"#/order/orange/{quoted(one['id'])}" for one in hostile]
    for place in places:
        page.open(place).until(lambda: page.all("main h1"))
        page.until(lambda: not page.all("[aria-busy=true]") and "Loading" not in page.text())
        assert page.run("return window.hacked") is None
        assert page.run("return document.querySelectorAll('script, iframe, object').length") == 1
        assert page.run("return document.querySelectorAll('img').length") == 1
        assert page.run("""return [...document.querySelectorAll('a')].filter(one => !['http:', 'https:'].includes(one.protocol)).length""") == 0
        assert page.overflow() <= 0, place
        assert "\u202e" not in page.text("body")
    page.open(f"#/order/orange/{quoted(HOSTILE[0])}").sees(HOSTILE[0], "h1").sees("new " + HOSTILE[0], ".order-story")
    assert page.expect("404").complaints() == []


def test_ten_thousand_orders_stay_a_page(world, chromium):
    world.source = world.simulator(orders={"generate": {"first_id": 100000, "count": 10000, "seed": 3}},
                                   paging={"default": 1000, "max": 1000})
    served = Served(world, configuration(world.folder, world.source, source={"page": "1000", "every": "1h"}, routes=[]))
    served.swept()
    page = chromium.begin(f"http://127.0.0.1:{served.port}").open("#/orders").sees("10,000", ".known")
    page.until(lambda: len(page.all("tbody tr")) == 50)
    assert page.run("return document.querySelectorAll('*').length") < 3000
    page.fill("Search orders", "109999").until(lambda: page.texts("tbody a")[:1] == ["109999"])
    page.fill("Search orders", "").until(lambda: page.texts("tbody a")[:1] == ["100000"])
    page.press("Next").until(lambda: page.texts("tbody a")[:1] == ["100050"])
    page.press("Next").until(lambda: page.texts("tbody a")[:1] == ["100100"])
    page.press("Previous").until(lambda: page.texts("tbody a")[:1] == ["100050"])
    assert len(page.all("tbody tr")) == 50
    page.open("#/calendar").until(lambda: page.all(".visit"))
    page.until(lambda: not page.all("[aria-busy=true]"))
    assert page.run("return document.querySelectorAll('*').length") < 4000
    page.press("more", ".day button").until(lambda: len(page.all(".day .visit")) > 8)
    assert page.complaints() == []


def test_the_daemon_restarts_and_nothing_is_missed(served, chromium):
    page = chromium.begin(served.base)
    page.open("#/events").sees("Live", "#live")
    served.world.source.step(appointment=moved(9))
    page.until(lambda: len(page.all("[data-event]")) == 1)
    page.requests()
    served.daemon.stop()
    page.sees("Connection lost", "#live")
    page.run("window.stays = true")
    for offset in (10, 11):
        served.world.source.step(appointment=moved(offset))
    served.start()
    page.sees("Live", "#live").until(lambda: len(page.all("[data-event]")) == 2, "the net change of the time away")
    served.world.source.step(appointment=moved(12))
    page.until(lambda: len(page.all("[data-event]")) == 3)
    assert page.run("return window.stays") is True
    known = [event["id"] for event in served.json("/api/v1/events")["items"]]
    assert page.run("return [...document.querySelectorAll('[data-event]')].map(one => one.dataset.event)") == known
    again = [headers for url, headers in page.requests() if url.endswith("/events/stream")]
    assert again and all(headers.get("Last-Event-ID", "").isdigit() for headers in again)
    assert page.expect("ERR_").complaints() == []


def test_a_token_is_asked_for_and_kept_in_this_tab(world, chromium):
    world.receiver = world.webhook()
    world.source = world.simulator(orders=orders())
    settings = configuration(world.folder, world.source, sinks=[webhook_sink(world.receiver)])
    settings["http"]["token"] = "a-token-for-tests-0123456789"
    served = Served(world, settings)
    authorized = {"Authorization": "Bearer a-token-for-tests-0123456789"}
    wait_until(lambda: served.ask("/-/ready", headers=authorized)[0].status == 200, served.daemon.log)
    assert served.ask("/")[0].status == 200 and served.ask("/page/main.js")[0].status == 200
    for path in ("/api/v1/status", "/api/v1/openapi.json", "/metrics", "/api/v1/events/stream"):
        assert served.ask(path)[0].status == 401
    page = chromium.begin(f"http://127.0.0.1:{served.port}").open().sees("Token needed", "dialog")
    page.fill("Token", "wrong").press("Continue").sees("That was not the token", "dialog")
    page.fill("Token", "a-token-for-tests-0123456789").press("Continue").sees("All well").sees("Live", "#live")
    assert page.run("return [document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 1]
    world.source.step(appointment=moved(9))
    page.sees("Appointment moved")
    page.driver.refresh()
    page.sees("All well")
    page.press("Send a test").sees("took the test message", "#notices")
    assert "a-token" not in page.address() and page.expect("401").complaints() == []


def test_its_headers_allow_nothing_but_itself(served):
    page, content = served.ask("/")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy == {"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
                      "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
                      "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Referrer-Policy"] == "no-referrer"
    assert b"style=" not in content and not re.search(rb"<script(?![^>]*src=)", content) and b" on" not in re.findall(rb"<[^!>]*>", content)
    again, nothing = served.ask("/", headers={"If-None-Match": page.headers["ETag"]})
    assert again.status == 304 and nothing == b"" and again.headers["ETag"] == page.headers["ETag"]
    assert served.ask("/", headers={"If-None-Match": '"other"'})[0].status == 200
    assert served.ask("/", "POST")[0].status == 405
    assert served.ask("/", headers={"Host": "evil.example"})[0].status == 421
    for file in (pathlib.Path(__file__).parents[2] / "conf/page").iterdir():
        part, body = served.ask("/" if file.name == "index.html" else f"/page/{file.name}")
        assert part.status == 200 and body == file.read_bytes(), file
        assert part.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
