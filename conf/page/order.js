// One order: what it is, which dates moved, and its time line with every delivery.

import {each, get} from './api.js';
import {badge, h, icon, said, show} from './dom.js';
import {isOverdue, statusBadge} from './orders.js';
import {slips} from './slip.js';
import {kindOf, moveWords, sourceOf, summaryOf} from './tell.js';
import {parse, span, when, zoneOf} from './times.js';
import {language, name, t} from './words.js';
import {visitKind, visitWhen} from './calendar.js';

const FIELDS = ['reference', 'site', 'offer', 'step', 'requested_date', 'committed_date', 'completed_date'];
const EVENTS_MAX = 200;

// A link of the operator's is followed only if it is one of the web.
function safeLink(text) {
    try {
        const url = new URL(text);
        return ['https:', 'http:'].includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

function value(field, text, zone) {
    return parse(text) && (field.endsWith('date') || ['start', 'end'].includes(field) || field.startsWith('extra.'))
        ? when(text, zone) : said(typeof text === 'string' ? text : JSON.stringify(text));
}

function facts(order) {
    const zone = zoneOf(order.source);
    const link = order.url ? safeLink(order.url) : null;
    const rows = FIELDS.filter(field => order[field] !== undefined).map(field => [
        h('dt', {}, t(`field.${field}`)),
        h('dd', {}, value(field, order[field], zone),
          field === 'committed_date' && isOverdue(order) ? [' ', badge('missed', t('overdue'))] : null)]);
    const extra = Object.entries(order.extra ?? {}).map(([key, text]) => [
        h('dt', {}, said(key)), h('dd', {}, value(`extra.${key}`, text, zone))]);
    return h('section', {class: 'panel', 'aria-label': t('details')},
             h('p', {class: 'badges'}, statusBadge(order), ' ', order.status ? said(order.status) : null,
               order.status_since ? h('small', {}, t('status_since', {span: span(Date.now() - parse(order.status_since).ms)})) : null),
             h('dl', {class: 'facts'}, rows, extra, h('dt', {}, t('field.source')), h('dd', {}, order.source)),
             link ? h('p', {}, h('a', {href: link, rel: 'noopener noreferrer external', target: '_blank'}, t('open_at_operator'))) : null);
}

function visits(order) {
    const zone = zoneOf(order.source);
    if (!order.appointments.length) {
        return h('p', {class: 'empty'}, t('visits_none'));
    }
    return h('ul', {class: 'rows'}, order.appointments.map(visit => h('li', {class: 'row'},
        h('span', {class: 'row-when'}, visitWhen(visit, zone)),
        h('span', {class: 'row-what'}, said(visit.id),
          h('small', {}, visit.status ? said(visit.status) : null, visit.location ? [' · ', said(visit.location)] : null)),
        badge(visitKind(visit, order.status_kind), t(`visit.${visitKind(visit, order.status_kind)}`)))));
}

function notes(order) {
    return h('ol', {class: 'rows'}, [...order.notes].reverse().map(note => h('li', {class: 'note'},
        h('small', {}, note.date ? when(note.date, zoneOf(order.source)) : null, note.author ? [' · ', said(note.author)] : null),
        h('p', {}, said(note.text ?? '')))));
}

// --- the time line ---

function changeRow(change, zone) {
    const label = change.field.startsWith('extra.') ? said(change.field.slice(6)) : name('field', change.field);
    const side = text => text === undefined ? h('em', {}, t('absent')) : value(change.field, text, zone);
    return [h('dt', {}, label), h('dd', {}, h('span', {class: 'unseen'}, t('was'), ' '), side(change.from), h('span', {'aria-hidden': 'true'}, ' → '),
                                  h('span', {class: 'unseen'}, ' ', t('now'), ' '), side(change.to))];
}

function deliveryRow(delivery) {
    const time = delivery.ended ?? delivery.due ?? delivery.created;
    return h('li', {class: 'sent'}, badge(delivery.status, t(`delivery.${delivery.status}`)), ' ', h('strong', {}, delivery.sink), ' ',
             h('small', {}, delivery.status === 'pending' ? [t('due'), ' '] : null, when(time),
               delivery.attempts > 1 ? [' · ', t('attempts', {count: delivery.attempts})] : null,
               delivery.detail ? [' · ', said(delivery.detail)] : null));
}

async function showTries(details, id) {
    const story = await get(`api/v1/events/${each(id)}`);
    details.querySelector('ul')?.remove();
    details.append(h('ul', {class: 'tries'}, story.silence ? h('li', {}, said(t('not_sent'))) : null,
                     story.deliveries.flatMap(delivery => delivery.tries.map(one => h('li', {},
                         h('strong', {}, delivery.sink), ' ', when(one.time), ' · ', said(one.detail || t(`delivery.${delivery.status}`)))))));
}

// What the changes below do not say already.
function whatWords(event) {
    if (event.data.note?.text) {
        return h('p', {class: 'step-what'}, said(event.data.note.text));
    }
    const words = event.data.changes?.length ? moveWords(event) : summaryOf(event);
    return words ? h('p', {class: 'step-what'}, words) : null;
}

function eventItem(event, deliveries, zone) {
    const own = deliveries.filter(one => one.event === event.id).reverse();
    const kind = kindOf(event);
    const details = h('details', {'data-focus': `tries/${event.id}`, ontoggle: () => {
        if (details.open && !details.querySelector('ul')) {
            showTries(details, event.id);
        }
    }}, h('summary', {'data-focus': `open/${event.id}`}, t('tries')));
    return h('li', {class: `step ${event.severity}`, 'data-event': event.id},
             h('h3', {}, name('event', kind), ' ', badge(event.severity, t(`severity.${event.severity}`))),
             h('p', {class: 'step-when'}, when(event.time)),
             whatWords(event),
             event.data.changes?.length ? h('dl', {class: 'changes'}, event.data.changes.map(one => changeRow(one, zone))) : null,
             own.length ? [h('ul', {class: 'sents', 'aria-label': t('sent_to')}, own.map(deliveryRow)), details]
                 : h('p', {class: 'empty'}, t('not_sent')));
}

function story(order, deliveries) {
    if (!order.events.length) {
        return h('p', {class: 'empty'}, t('story_none'));
    }
    return [h('ol', {class: 'steps'}, order.events.map(event => eventItem(event, deliveries, zoneOf(order.source)))),
            order.events.length >= EVENTS_MAX ? h('p', {class: 'empty'}, t('story_cut')) : null];
}

function draw(order, deliveries) {
    return h('div', {class: 'order'},
             h('div', {class: 'order-side'},
               facts(order),
               h('section', {class: 'panel', 'aria-labelledby': 'visits'}, h('h2', {id: 'visits'}, t('visits')), visits(order)),
               h('section', {class: 'panel', 'aria-labelledby': 'slips'}, h('h2', {id: 'slips'}, t('slips')), slips(order)),
               order.notes?.length ? h('section', {class: 'panel', 'aria-labelledby': 'notes'}, h('h2', {id: 'notes'}, t('notes')), notes(order)) : null),
             h('section', {class: 'order-story', 'aria-labelledby': 'story'}, h('h2', {id: 'story'}, t('story')), story(order, deliveries)));
}

export function open(root, {app, parts}) {
    const [source, id] = [parts[0] ?? '', parts.slice(1).join('/')];
    const place = h('div', {}, h('p', {class: 'empty'}, t('loading')));
    root.append(h('p', {class: 'trail'}, h('a', {href: '#/orders'}, t('orders'))), h('h1', {}, t('order_title', {id: ''}), said(id)), place);

    async function load() {
        try {
            const [order, deliveries] = await Promise.all([get('api/v1/order', {source, id}),
                                                           get('api/v1/deliveries', {source, order: id, limit: 1000})]);
            show(place, [order, deliveries.items, app.sources().length, language()], () => draw(order, deliveries.items));
            return deliveries.items.some(one => one.status === 'pending');
        } catch (problem) {
            show(place, ['problem', problem.message], () => h('p', {class: 'problem', role: 'alert'}, icon('bad'), t('failed', {detail: problem.message})));
        }
        return false;
    }

    let isPending = load();
    return {
        news(events) {
            if (!events.length || events.some(one => sourceOf(one) === source && one.data.order?.id === id)) {
                isPending = load();
            }
        },
        // What is on its way arrives without an event: look again while there is some.
        async status() {
            if (await isPending) {
                isPending = load();
            }
        },
    };
}
