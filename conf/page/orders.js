// The orders that are known: found by the daemon, a page at a time, however many there are.

import {each} from './api.js';
import {visitKind} from './calendar.js';
import {badge, field, h, said, select, table} from './dom.js';
import {fillSources, pagedList, searchField, sourceFilter} from './events.js';
import {dayIn, parse, today, when, zoneOf} from './times.js';
import {locale, t} from './words.js';

const STATUSES = ['open', 'held', 'completed', 'cancelled', 'failed', 'unknown'];
const GONE = ['cancelled', 'completed', 'missed'];

export function statusBadge(order) {
    const kind = order.status_kind;
    return [badge(kind, t(`status.${kind}`)), order.left ? [' ', badge('idle', t('left'))] : null];
}

export function isOverdue(order) {
    const date = parse(order.committed_date ?? '');
    return date !== null && ['open', 'held', 'unknown'].includes(order.status_kind) && !order.left &&
        dayIn(date, zoneOf(order.source)) < today(zoneOf(order.source));
}

function nextVisit(order) {
    const coming = order.appointments.filter(one => parse(one.start ?? '') && !GONE.includes(visitKind(one, order.status_kind)))
        .sort((left, right) => parse(left.start).ms - parse(right.start).ms);
    const now = Date.now();
    return coming.find(one => parse(one.start).ms + (parse(one.start).isDay ? 86400000 : 0) >= now);
}

function cells(order) {
    const zone = zoneOf(order.source);
    const visit = nextVisit(order);
    return [
        [h('a', {class: 'main', href: `#/order/${each(order.source, order.id)}`}, said(order.id)),
         order.reference ? h('small', {}, said(order.reference)) : null],
        [order.site ? said(order.site) : '–', order.offer ? h('small', {}, said(order.offer)) : null],
        [statusBadge(order), order.status ? h('small', {}, said(order.status), order.step ? [' · ', said(order.step)] : null) : null],
        [when(order.committed_date, zone, false), isOverdue(order) ? [' ', badge('missed', t('overdue'))] : null],
        visit ? [when(visit.start, zone), ' ', badge(visit.status_kind, t(`visit.${visit.status_kind}`))] : '–',
    ];
}

export function open(root, {app, query}) {
    const values = {q: query.get('q'), status: query.get('status'), source: query.get('source')};
    const filters = {
        q: searchField(values.q),
        status: select([['', t('any')], ...STATUSES.map(one => [one, t(`status.${one}`)])], values.status ?? ''),
        source: sourceFilter(app, values.source),
    };
    const known = h('span', {class: 'known'});
    root.append(h('h1', {}, t('orders'), ' ', known),
                h('form', {class: 'filters', role: 'search', onsubmit: event => event.preventDefault()},
                  field(t('orders.search'), filters.q, t('orders.hint')), field(t('orders.status'), filters.status),
                  field(t('source'), filters.source)));
    const columns = [t('order'), t('site'), t('status'), t('committed'), t('next_visit')];
    const list = pagedList({app, page: 'orders', path: 'api/v1/orders', filters, values, root,
                            render: items => items.length ? table(t('orders.list'), columns, items.map(cells))
                                : h('p', {class: 'empty'}, Object.values(values).some(Boolean) ? t('orders.none') : t('orders.empty'))});
    return {
        // An order on the screen changed, or one came to the end of a list that is not full.
        news: () => list.load(),
        status() {
            fillSources(filters.source, app);
            const count = app.sources().reduce((sum, source) => sum + source.orders, 0);
            known.textContent = app.status ? count.toLocaleString(locale()) : '';
        },
        close: list.close,
    };
}
