// What happened, newest first.

import {each, get} from './api.js';
import {badge, field, h, said, select, show} from './dom.js';
import {kindOf, sourceOf, subjectOf, summaryOf} from './tell.js';
import {when} from './times.js';
import {language, name, t} from './words.js';

const PAGE_ITEMS = 50;
const SEVERITIES = ['info', 'notice', 'warning', 'critical'];
const TYPES = ['order.*', 'appointment.*', 'source.*', 'sink.*'];

export function eventRow(event) {
    const order = event.data.order;
    return h('li', {class: 'row', 'data-event': event.id},
             h('span', {class: 'row-when'}, when(event.time)),
             h('span', {class: 'row-what'},
               order ? h('a', {href: `#/order/${each(sourceOf(event), order.id)}`}, name('event', kindOf(event)))
                   : h('strong', {}, name('event', kindOf(event))),
               h('small', {}, said(order?.id ?? subjectOf(event)), order?.site ? [' · ', said(order.site)] : null, ' · ', summaryOf(event))),
             badge(event.severity, t(`severity.${event.severity}`)));
}

// A list with filters in the address and pages by cursor; only one page is ever on the screen.
export function pagedList({app, page, path, filters, values, render, root, limit = PAGE_ITEMS, parameters}) {
    const cursors = [null];
    const list = h('div', {class: 'list', 'aria-busy': 'true'});
    const where = h('span', {class: 'where', role: 'status'});
    const back = h('button', {type: 'button', 'data-focus': 'back'}, t('previous_page'));
    const forward = h('button', {type: 'button', 'data-focus': 'forward'}, t('next_page'));
    let controller = null;
    let next = null;
    let shown = [];

    async function load() {
        controller?.abort();
        controller = new AbortController();
        const own = controller;
        list.setAttribute('aria-busy', 'true');
        try {
            const asked = {...values, ...parameters, limit, after: cursors[cursors.length - 1]};
            const answer = await get(path, asked, own.signal);
            next = answer.next;
            shown = answer.items;
            const first = (cursors.length - 1) * limit;
            show(list, [answer.items, language(), app.status?.sources.length], () => render(answer.items));
            where.textContent = answer.items.length
                ? t('orders.count', {from: first + 1, to: first + answer.items.length}) : '';
        } catch (problem) {
            if (problem.name === 'AbortError') {
                return;
            }
            show(list, ['problem', problem.message, language()], () => h('p', {class: 'problem', role: 'alert'}, t('failed', {detail: problem.message}), ' ',
                                                         h('button', {type: 'button', onclick: load}, t('again'))));
        }
        if (own === controller) {
            list.setAttribute('aria-busy', 'false');
            back.disabled = cursors.length === 1;
            forward.disabled = !next;
        }
    }

    function restart() {
        cursors.length = 1;
        app.keep(page, values);
        return load();
    }

    back.addEventListener('click', () => {
        cursors.pop();
        load();
    });
    forward.addEventListener('click', async () => {
        cursors.push(next);
        await load();
        window.scrollTo(0, 0);
    });
    let typing = null;
    for (const [key, control] of Object.entries(filters)) {
        control.addEventListener(control.tagName === 'INPUT' ? 'input' : 'change', () => {
            values[key] = control.value.trim();
            clearTimeout(typing);
            typing = setTimeout(restart, control.tagName === 'INPUT' ? 250 : 0);
        });
    }
    root.append(list, h('p', {class: 'pager'}, back, where, forward));
    load();
    return {load, isFirst: () => cursors.length === 1, items: () => shown, close: () => {
        clearTimeout(typing);
        controller?.abort();
    }};
}

export function sourceFilter(app, value) {
    const names = new Set([...app.sources().map(one => one.name), ...(value ? [value] : [])]);
    return select([['', t('any')], ...[...names].map(one => [one, one])], value ?? '');
}

// The sources come with the first status; a filter made before that learns of them then.
export function fillSources(control, app) {
    const known = new Set([...control.options].map(one => one.value));
    for (const source of app.sources()) {
        if (!known.has(source.name)) {
            control.append(h('option', {value: source.name}, source.name));
        }
    }
}

export function searchField(value) {
    return h('input', {type: 'search', autocomplete: 'off', spellcheck: 'false', maxlength: '200', value: value ?? ''});
}

export function open(root, {app, query}) {
    const values = {q: query.get('q'), severity: query.get('severity'), type: query.get('type'), source: query.get('source')};
    const filters = {
        q: searchField(values.q),
        severity: select([['', t('any')], ...SEVERITIES.slice(1).map(one => [one, t('at_least', {severity: t(`severity.${one}`)})])],
                         values.severity ?? ''),
        type: select([['', t('any')], ...TYPES.map(one => [one, t(`types.${one}`)])], values.type ?? ''),
        source: sourceFilter(app, values.source),
    };
    root.append(h('h1', {}, t('events')),
                h('form', {class: 'filters', role: 'search', onsubmit: event => event.preventDefault()},
                  field(t('search'), filters.q), field(t('severity'), filters.severity), field(t('type'), filters.type),
                  field(t('source'), filters.source)));
    const list = pagedList({app, page: 'events', path: 'api/v1/events', filters, values, root,
                            render: items => items.length ? h('ol', {class: 'rows', 'aria-label': t('events.list')}, items.map(eventRow))
                                : h('p', {class: 'empty'}, t('events.none'))});
    return {
        news: () => list.isFirst() && list.load(),
        status: () => fillSources(filters.source, app),
        close: list.close,
    };
}
