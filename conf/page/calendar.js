// The appointments of four weeks, each on the day and at the time of its place.

import {currentToken, each, get} from './api.js';
import {badge, field, h, icon, said, show} from './dom.js';
import {fillSources, searchField, sourceFilter} from './events.js';
import {addDays, clockOf, dayIn, dayWords, mondayOf, parse, today, weekOf, when, wordsOf, zoneName, zoneOf} from './times.js';
import {language, t} from './words.js';

const WEEKS = 4;
const PAGES_MAX = 5;
const DAY_MAX = 8; // of one day until more are asked for

// What becomes of a visit: the technician does not come for an order that is cancelled.
export function visitKind(visit, orderKind) {
    return orderKind === 'cancelled' && !['completed', 'missed'].includes(visit.status_kind) ? 'cancelled' : visit.status_kind;
}

// The appointments that a page of the list has, as they will be.
export function listedVisits(items) {
    return items.map(visit => ({...visit, status_kind: visitKind(visit, visit.order_status_kind)}));
}

// "09:00–11:00", or with the day of its end if that is another one.
export function visitTimes(visit, zone) {
    const start = parse(visit.start ?? '');
    const end = parse(visit.end ?? '');
    if (!start || start.isDay) {
        return '';
    }
    if (!end || end.isDay || end.ms <= start.ms) {
        return clockOf(start, zone);
    }
    const sameDay = dayIn(start, zone) === dayIn(end, zone);
    return `${clockOf(start, zone)}–${sameDay ? clockOf(end, zone) : wordsOf(end, zone, false)}`;
}

// "Tue 12 Jan, 09:00–11:00 CET".
export function visitWhen(visit, zone) {
    const start = parse(visit.start ?? '');
    const end = parse(visit.end ?? '');
    if (!start || start.isDay || !end || end.isDay || end.ms <= start.ms || dayIn(start, zone) !== dayIn(end, zone)) {
        return when(visit.start, zone);
    }
    return h('time', {datetime: visit.start, title: zone}, `${wordsOf(start, zone, false)}–${clockOf(end, zone)} ${zoneName(start.ms, zone)}`);
}

function card(visit) {
    const zone = zoneOf(visit.source);
    const times = visitTimes(visit, zone);
    return h('li', {class: `visit ${visit.status_kind}`},
             h('a', {href: `#/order/${each(visit.source, visit.order)}`},
               h('span', {class: 'visit-when'}, icon(visit.status_kind), times ? ` ${times}` : null),
               said(visit.site ?? visit.location ?? visit.order, 'visit-where'),
               h('small', {}, said(visit.order)),
               h('span', {class: 'unseen'}, ' ', t(`visit.${visit.status_kind}`))));
}

function dayCell(day, visits, key) {
    const isToday = day === today();
    const list = h('ul', {}, visits.slice(0, DAY_MAX).map(card));
    const rest = visits.slice(DAY_MAX);
    const more = rest.length ? h('button', {type: 'button', class: 'plain', 'data-focus': `more/${day}`, onclick: () => {
        more.replaceWith();
        list.append(...rest.map(card));
        list.children[DAY_MAX]?.querySelector('a').focus();
    }}, t('more', {count: rest.length})) : null;
    return h('li', {class: `day${isToday ? ' today' : ''}${visits.length ? '' : ' free'}${key >= 5 ? ' weekend' : ''}`, 'data-day': day},
             h('h3', {'aria-current': isToday ? 'date' : null}, h('span', {class: 'weekday'}, dayWords(day, {weekday: 'short'})), ' ',
               h('span', {class: 'date'}, dayWords(day, {day: 'numeric', month: 'short'}))),
             list, more);
}

function week(monday, byDay) {
    const days = [0, 1, 2, 3, 4, 5, 6].map(index => addDays(monday, index));
    const count = days.reduce((sum, day) => sum + (byDay.get(day)?.length ?? 0), 0);
    const id = `week-${monday}`;
    return h('section', {class: 'week', 'aria-labelledby': id},
             h('h2', {id}, t('calendar.week', {number: weekOf(monday)}), ' ',
               h('small', {}, `${dayWords(days[0], {day: 'numeric', month: 'short'})} – ${dayWords(days[6], {day: 'numeric', month: 'short', year: 'numeric'})}`,
                 ' · ', t('calendar.count', {count}))),
             h('ol', {class: 'days'}, days.map((day, index) => dayCell(day, byDay.get(day) ?? [], index))));
}

function group(visits) {
    const byDay = new Map();
    for (const visit of visits) {
        const date = parse(visit.start ?? '');
        if (date) {
            const day = dayIn(date, zoneOf(visit.source));
            byDay.set(day, [...(byDay.get(day) ?? []), visit]);
        }
    }
    for (const list of byDay.values()) {
        list.sort((left, right) => parse(left.start).ms - parse(right.start).ms);
    }
    return byDay;
}

export function open(root, {app, query}) {
    const asked = /^\d{4}-\d\d-\d\d$/.test(query.get('week') ?? '') && parse(query.get('week'));
    const values = {week: mondayOf(asked && !Number.isNaN(asked.ms) ? query.get('week') : today()), q: query.get('q'), source: query.get('source')};
    const filters = {q: searchField(values.q), source: sourceFilter(app, values.source)};
    const place = h('div', {class: 'weeks', 'aria-busy': 'true'});
    const note = h('p', {class: 'empty', role: 'status'});
    const zones = h('p', {class: 'zones'});
    let controller = null;
    let timer = null;

    async function fetchAll(signal) {
        const visits = [];
        let after = null;
        for (let page = 0; page < PAGES_MAX; page++) {
            const answer = await get('api/v1/appointments', {
                q: values.q, source: values.source, limit: 1000, after,
                since: addDays(values.week, -1), until: addDays(values.week, 7 * WEEKS + 1)}, signal);
            visits.push(...listedVisits(answer.items));
            after = answer.next;
            if (!after) {
                break;
            }
        }
        return {visits, isCut: after !== null};
    }

    async function load() {
        controller?.abort();
        controller = new AbortController();
        place.setAttribute('aria-busy', 'true');
        try {
            const {visits, isCut} = await fetchAll(controller.signal);
            show(place, [values.week, visits, today(), app.sources().length, language()], () => {
                const byDay = group(visits);
                return [...Array(WEEKS).keys()].map(index => week(addDays(values.week, 7 * index), byDay));
            });
            note.textContent = isCut ? t('calendar.cut') : '';
            place.setAttribute('aria-busy', 'false');
        } catch (problem) {
            if (problem.name !== 'AbortError') {
                note.textContent = t('failed', {detail: problem.message});
            }
        }
    }

    function go(monday) {
        values.week = monday;
        app.keep('calendar', values);
        load();
    }

    for (const [key, control] of Object.entries(filters)) {
        control.addEventListener(key === 'q' ? 'input' : 'change', () => {
            values[key] = control.value.trim();
            clearTimeout(timer);
            timer = setTimeout(() => go(values.week), key === 'q' ? 250 : 0);
        });
    }
    const step = (words, monday) => h('button', {type: 'button', onclick: () => go(monday())}, words);
    root.append(h('h1', {}, t('calendar')),
                h('form', {class: 'filters', role: 'search', onsubmit: event => event.preventDefault()},
                  field(t('search'), filters.q), field(t('source'), filters.source),
                  h('p', {class: 'actions'}, step(t('calendar.earlier'), () => addDays(values.week, -7 * WEEKS)),
                    step(t('calendar.today'), () => mondayOf(today())), step(t('calendar.later'), () => addDays(values.week, 7 * WEEKS)))),
                h('p', {class: 'legend'}, ['confirmed', 'new', 'completed', 'missed', 'cancelled'].map(kind => [badge(kind, t(`visit.${kind}`)), ' '])),
                note, place, zones);
    load();
    return {
        news: load,
        status() {
            fillSources(filters.source, app);
            show(zones, [app.sources().map(one => [one.name, one.time_zone]), language()], () =>
                [t('calendar.zone', {zone: [...new Set(app.sources().map(one => one.time_zone))].join(', ')}),
                 // With a token an address of its own is needed, which the page does not know.
                 currentToken() ? null : app.sources().map(one => [' · ', h('a', {href: `calendar/${each(one.name)}.ics`, type: 'text/calendar'},
                                                                            t('calendar.feed', {name: one.name}))])]);
        },
        close: () => controller?.abort(),
    };
}
