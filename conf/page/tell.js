// What an event says, in one line of its reader's language: made of its facts, since the daemon's own line is in English.

import {h, said} from './dom.js';
import {parse, wordsOf, zoneOf} from './times.js';
import {name, t} from './words.js';

const CHANGES_TOLD = 3;

export function kindOf(event) {
    return event.type.replace(/^orderwatch\./, '');
}

export function sourceOf(event) {
    return event.source.split(':')[2] ?? '';
}

// The source or receiver that an event is about which is about no order.
export function subjectOf(event) {
    return event.data.order ? null : event.data.sink?.name ?? sourceOf(event);
}

// "+5 days", of a date that moved.
export function moveWords(event) {
    const days = (event.data.reschedule ?? event.data.date_change)?.days;
    return days ? t('days', {sign: days > 0 ? '+' : '−', count: Math.abs(days)}) : null;
}

function valueWords(text, zone) {
    const date = parse(typeof text === 'string' ? text : '');
    return date ? wordsOf(date, zone, false) : typeof text === 'string' ? text : t('absent');
}

function changeWords(event) {
    const zone = zoneOf(sourceOf(event));
    const changes = event.data.changes.slice(0, CHANGES_TOLD).map(change => [
        change.field.startsWith('extra.') ? said(change.field.slice(6)) : name('field', change.field), ' ',
        said(valueWords(change.from, zone)), ' → ', said(valueWords(change.to, zone))]);
    return [changes.map((change, index) => [index ? ', ' : null, change]),
            moveWords(event) ? [' (', moveWords(event), ')'] : null];
}

// What a server or receiver answered, and the daemon's words about it.
function answer(text) {
    return text ? h('span', {lang: 'en'}, said(text)) : null;
}

function since(text, zone) {
    return parse(text ?? '') ? t('tell.since', {time: valueWords(text, zone)}) : null;
}

const orderStatus = ({order}) => [order?.status ? said(order.status) : null];

// Of each type that has no changes to show. A fact that an older event lacks is left out.
const tellers = {
    'order.created': orderStatus,
    'order.closed': orderStatus,
    'order.disappeared': orderStatus,
    'order.reappeared': orderStatus,
    'order.date.overdue': ({overdue, order}, zone) => [
        t('tell.overdue', {date: valueWords(overdue?.date ?? order?.committed_date, zone)})],
    'order.stalled': ({stalled}, zone) => [since(stalled?.since, zone)],
    'appointment.reminder': ({appointment, late}, zone) => [said(valueWords(appointment?.start, zone)), late ? t('tell.late') : null],
    'source.unreachable': ({failure}, zone) => [since(failure?.first, zone), answer(failure?.detail)],
    'source.rejected': ({failure}) => [answer(failure?.detail)],
    'source.recovered': () => [t('tell.source_back')],
    'source.schema_changed': ({novelty}) => novelty ? [name('novelty', novelty.kind), said(novelty.key),
                                                       novelty.sample && !novelty.key.includes(novelty.sample) ? said(novelty.sample) : null] : [],
    'source.change_held': ({hold}, zone) => hold ? [t('tell.held', hold), t('tell.held_until', {time: valueWords(hold.until, zone)})] : [],
    'source.credential_expiring': ({credential}, zone, event) => credential ? [
        name('credential', credential.name),
        t(Date.parse(credential.expires) <= Date.parse(event.time) ? 'tell.expired' : 'tell.expires',
          {time: valueWords(credential.expires, zone)})] : [],
    'sink.failing': ({sink}) => [since(sink?.failing_since), answer(sink?.detail)],
    'sink.recovered': () => [t('tell.sink_back')],
    'sink.parked': ({sink}) => sink?.parked ? [t('tell.parked', {count: sink.parked}), t('tell.parked_in_all', {number: sink.parked_in_all}),
                                               answer(sink.detail)] : [],
};

function appointmentWords({appointment}, zone) {
    return [appointment?.start ? said(valueWords(appointment.start, zone)) : null];
}

export function summaryOf(event) {
    if (event.data.note?.text) {
        return said(event.data.note.text);
    }
    if (event.data.changes?.length) {
        return changeWords(event);
    }
    const kind = kindOf(event);
    const teller = tellers[kind] ?? (kind.startsWith('appointment.') ? appointmentWords : () => []);
    const words = teller(event.data, zoneOf(sourceOf(event)), event).filter(Boolean);
    return words.length ? words.map((one, index) => [index ? ' · ' : null, one]) : answer(event.data.summary);
}
