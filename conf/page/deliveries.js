// What was sent, waits, or is parked; parked ones are sent again or given up here.

import {each, post} from './api.js';
import {ask, badge, field, h, notify, said, select, table} from './dom.js';
import {pagedList, searchField} from './events.js';
import {when} from './times.js';
import {name, t} from './words.js';

const STATES = ['parked', 'pending', 'delivered', 'dropped'];

export function open(root, {app, query}) {
    const values = {status: query.get('status') ?? 'parked', sink: query.get('sink'), q: query.get('q')};
    const sinks = app.status?.sinks.map(one => one.name) ?? [];
    const filters = {
        status: select([...STATES.map(one => [one, t(`delivery.${one}`)]), ['', t('any')]], values.status),
        sink: select([['', t('any')], ...new Set([...sinks, ...(values.sink ? [values.sink] : [])])].map(one => Array.isArray(one) ? one : [one, one]),
                     values.sink ?? ''),
        q: searchField(values.q),
    };
    let list = null;

    async function repair(delivery, action) {
        try {
            await post(`api/v1/deliveries/${each(delivery.id, action)}`);
            notify(t(action === 'retry' ? 'retried' : 'dropped'));
        } catch (problem) {
            notify(problem.message, 'bad');
        }
        await list.load();
        app.refreshStatus();
    }

    async function drop(delivery) {
        const detail = t('drop_do', {sink: delivery.sink, type: name('event', delivery.type), order: delivery.order ?? delivery.source ?? ''});
        if (await ask(t('drop_ask'), detail, t('drop'), t('cancel'))) {
            repair(delivery, 'drop');
        }
    }

    async function retryAll() {
        let count = 0;
        for (const delivery of list.items().filter(one => one.status === 'parked')) {
            try {
                await post(`api/v1/deliveries/${each(delivery.id, 'retry')}`);
                count++;
            } catch (problem) {
                if (problem.code !== 404) { // it went with another of its message
                    notify(problem.message, 'bad');
                }
            }
        }
        notify(t('retried_all', {count}));
        await list.load();
        app.refreshStatus();
    }

    function cells(delivery) {
        const words = `${name('event', delivery.type)}, ${delivery.sink}`;
        const button = (action, onclick) => h('button', {type: 'button', 'data-focus': `${action}/${delivery.id}`,
                                                         'aria-label': `${t(action)}: ${words}`, onclick}, t(action));
        return [
            [badge(delivery.status, t(`delivery.${delivery.status}`)),
             h('small', {}, when(delivery.ended ?? delivery.due ?? delivery.created))],
            [h('strong', {}, delivery.sink), h('small', {}, t('attempts', {count: delivery.attempts}))],
            [delivery.order ? h('a', {href: `#/order/${each(delivery.source, delivery.order)}`}, name('event', delivery.type)) : name('event', delivery.type),
             delivery.order || delivery.source ? h('small', {}, said(delivery.order || delivery.source)) : null],
            delivery.detail ? said(delivery.detail) : '–',
            delivery.status === 'parked' ? h('span', {class: 'actions'}, button('retry', () => repair(delivery, 'retry')), button('drop', () => drop(delivery))) : '–',
        ];
    }

    const columns = [t('status'), t('sink'), t('event'), t('answer'), t('actions')];
    root.append(h('h1', {}, t('deliveries')),
                h('form', {class: 'filters', role: 'search', onsubmit: event => event.preventDefault()},
                  field(t('status'), filters.status), field(t('sink'), filters.sink), field(t('search'), filters.q)));
    list = pagedList({app, page: 'deliveries', path: 'api/v1/deliveries', filters, values, root, render: items => {
        if (!items.length) {
            return h('p', {class: 'empty'}, values.status === 'parked' && !values.sink && !values.q ? t('deliveries.good') : t('deliveries.none'));
        }
        return [items.some(one => one.status === 'parked') ? h('p', {class: 'actions'}, h('button', {type: 'button', 'data-focus': 'all', onclick: retryAll}, t('retry_all'))) : null,
                table(t('deliveries.list'), columns, items.map(cells))];
    }});
    return {
        news: () => list.isFirst() && list.load(),
        status: () => list.isFirst() && list.load(),
        close: list.close,
    };
}
