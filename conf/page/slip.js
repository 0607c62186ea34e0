// How far a date slipped, drawn: one line a move, from where it was to where it went, on one scale of days.

import {h, said, svg} from './dom.js';
import {parse, when, zoneOf} from './times.js';
import {name, t} from './words.js';

// The moves of one date, oldest first, as the events told them.
function stepsOf(move, events) {
    const steps = [];
    for (const event of events) {
        const isSame = (event.data.appointment?.id ?? null) === (move.appointment ?? null);
        const change = isSame ? event.data.changes?.find(one => one.field === move.field) : null;
        if (change?.from && change?.to && parse(change.from) && parse(change.to)) {
            steps.unshift({time: event.time, from: change.from, to: change.to});
        }
    }
    return steps;
}

function signed(count) {
    return {sign: count > 0 ? '+' : count < 0 ? '−' : '', count: Math.abs(count)};
}

function daysBetween(from, to) {
    return Math.round((parse(to).ms - parse(from).ms) / 86400000);
}

function scaleOf(texts) {
    const times = texts.map(text => parse(text).ms);
    const first = Math.min(...times);
    const length = Math.max(...times) - first;
    return text => `${3 + 94 * (length ? (parse(text).ms - first) / length : 0.5)}%`;
}

function drawStep(step, at) {
    const isLater = parse(step.to).ms >= parse(step.from).ms;
    return svg('svg', {class: `slip-line ${isLater ? 'later' : 'earlier'}`, 'aria-hidden': 'true', focusable: 'false'},
               svg('line', {class: 'slip-scale', x1: '0', x2: '100%', y1: '9', y2: '9'}),
               svg('line', {class: 'slip-move', x1: at(step.from), x2: at(step.to), y1: '9', y2: '9'}),
               svg('circle', {class: 'slip-from', cx: at(step.from), cy: '9', r: '4'}),
               svg('circle', {class: 'slip-to', cx: at(step.to), cy: '9', r: '5.5'}));
}

function chart(order, move, steps) {
    const zone = zoneOf(order.source);
    const dates = [move.first, ...(move.now && parse(move.now) ? [move.now] : []), ...steps.flatMap(step => [step.from, step.to])];
    const at = scaleOf(dates);
    return h('ol', {class: 'slip-steps'}, steps.map(step => h('li', {},
        h('span', {class: 'slip-words'}, when(step.from, zone, false), ' → ', when(step.to, zone, false)),
        drawStep(step, at),
        h('span', {class: 'slip-days'}, t('days', signed(daysBetween(step.from, step.to)))))));
}

function titleOf(move) {
    const field = name('field', move.field);
    return move.appointment ? [t('visit_title', {id: ''}), said(move.appointment)] : field;
}

export function slips(order) {
    const moved = order.moves.filter(move => move.count > 0 && parse(move.first));
    if (!moved.length) {
        return h('p', {class: 'empty'}, t('slip_none'));
    }
    const zone = zoneOf(order.source);
    return moved.map(move => h('div', {class: 'slip'},
        h('h3', {}, titleOf(move)),
        h('p', {class: 'slip-summary'}, t('slip_first'), ' ', when(move.first, zone),
          move.now ? [' → ', t('slip_now'), ' ', when(move.now, zone)] : null, ' · ',
          t('slip_moves', {count: move.count}),
          move.total_days !== undefined ? [' · ', h('strong', {}, t('slip_total', signed(move.total_days)))] : null),
        chart(order, move, stepsOf(move, order.events))));
}
