// Silences: which are in force, by whom and why; a new one; the end of one.

import {each, get, post} from './api.js';
import {ask, badge, field, h, notify, said, select, show} from './dom.js';
import {fillSources, sourceFilter} from './events.js';
import {parse, wordsOf} from './times.js';
import {language, name, t} from './words.js';
import {en} from './words_en.js';

const HOURS = [1, 4, 12, 24, 72, 168];
const TYPES = ['order.*', 'appointment.*', 'source.*', 'sink.*'];
const SEVERITIES = ['info', 'notice', 'warning', 'critical'];

function matchWords(silence) {
    if (silence.is_all) {
        return t('silence.is_all');
    }
    const parts = [];
    for (const key of ['source', 'order', 'type']) {
        if (silence[key]) {
            parts.push([t(key), ' ', said(silence[key])]);
        }
    }
    for (const [key, pattern] of Object.entries(silence.where ?? {})) {
        parts.push([name('field', key), ' ', said(pattern)]);
    }
    if (silence.severity) {
        parts.push(t('silence.up_to', {severity: t(`severity.${silence.severity}`)}));
    }
    return parts.map((part, index) => [index ? ' · ' : null, part]);
}

function phaseOf(silence, now) {
    if (parse(silence.end).ms <= now) {
        return 'past';
    }
    return parse(silence.start).ms > now ? 'later' : 'now';
}

function row(silence, phase, end) {
    return h('li', {class: 'row silence'},
             h('span', {class: 'row-what'}, h('strong', {}, matchWords(silence)),
               h('small', {}, t('silence.range', {from: wordsOf(parse(silence.start)), to: wordsOf(parse(silence.end))})),
               h('small', {}, t('silence.by', {author: ''}), said(silence.author), ' · ', said(silence.comment))),
             phase === 'past' ? badge('idle', t('silence.past')) : h('span', {class: 'actions'},
                 h('button', {type: 'button', 'data-focus': `end/${silence.id}`, 'aria-label': `${t('silence.end')}: ${silence.comment}`,
                              onclick: () => end(silence)}, t('silence.end'))));
}

async function fetchAll() {
    const items = [];
    let after = null;
    do {
        const page = await get('api/v1/silences', {limit: 200, after});
        items.push(...page.items);
        after = page.next;
    } while (after);
    return items;
}

function eventTypes() {
    return [...TYPES, ...Object.keys(en).filter(key => key.startsWith('event.')).map(key => key.slice(6))];
}

function localNow(hours) {
    const date = new Date(Date.now() + hours * 3600000);
    date.setMinutes(date.getMinutes() - date.getTimezoneOffset());
    return date.toISOString().slice(0, 16);
}

function makeForm(app, done) {
    const controls = {
        source: sourceFilter(app, ''),
        order: h('input', {autocomplete: 'off', maxlength: '200'}),
        type: select([['', t('any')], ...eventTypes().map(one => [one, TYPES.includes(one) ? t(`types.${one}`) : name('event', one)])], ''),
        severity: select([['', t('any')], ...SEVERITIES.map(one => [one, t(`severity.${one}`)])], ''),
        site: h('input', {autocomplete: 'off', maxlength: '200'}),
        isAll: h('input', {type: 'checkbox'}),
        hours: select([...HOURS.map(one => [String(one), new Intl.NumberFormat(language(), {
            style: 'unit', unit: one < 24 ? 'hour' : 'day', unitDisplay: 'long'}).format(one < 24 ? one : one / 24)]),
                       ['0', t('silence.until_other')]], '4'),
        until: h('input', {type: 'datetime-local', value: localNow(4)}),
        author: h('input', {required: true, autocomplete: 'name', maxlength: '200'}),
        comment: h('input', {required: true, autocomplete: 'off', maxlength: '500'}),
    };
    const until = field(t('silence.until'), controls.until);
    until.hidden = true;
    controls.hours.addEventListener('change', () => {
        until.hidden = controls.hours.value !== '0';
    });
    const problem = h('p', {class: 'problem', role: 'alert'});

    function request() {
        const chosen = Number(controls.hours.value);
        const end = chosen ? new Date(Date.now() + chosen * 3600000) : new Date(controls.until.value);
        const body = {end: Number.isNaN(end.getTime()) ? '' : end.toISOString().replace(/\.\d+Z/, 'Z'),
                      author: controls.author.value.trim(), comment: controls.comment.value.trim()};
        for (const key of ['source', 'order', 'type', 'severity']) {
            const value = controls[key].value.trim();
            if (value) {
                body[key] = value;
            }
        }
        if (controls.site.value.trim()) {
            body.where = {site: controls.site.value.trim()};
        }
        return controls.isAll.checked ? {...body, is_all: true} : body;
    }

    const form = h('form', {class: 'panel silence-form', onsubmit: async event => {
        event.preventDefault();
        problem.textContent = '';
        try {
            await post('api/v1/silences', request());
        } catch (failure) {
            problem.textContent = failure.message;
            return;
        }
        notify(t('silence.added'));
        form.reset();
        until.hidden = true;
        done();
    }},
        h('h2', {}, t('silence.add')), h('p', {}, t('silence.note')),
        h('fieldset', {}, h('legend', {}, t('silence.what')),
          field(t('source'), controls.source), field(t('silence.order'), controls.order, t('silence.order_hint')),
          field(t('silence.site'), controls.site, t('silence.order_hint')), field(t('type'), controls.type),
          field(t('silence.severity'), controls.severity),
          h('p', {class: 'field check'}, h('label', {}, controls.isAll, ' ', t('silence.all')))),
        h('div', {class: 'fields'}, field(t('silence.how_long'), controls.hours), until),
        h('div', {class: 'fields'}, field(t('silence.author'), controls.author), field(t('silence.comment'), controls.comment)),
        problem, h('p', {class: 'actions'}, h('button', {class: 'primary'}, t('silence.start'))));
    return {form, status: () => fillSources(controls.source, app)};
}

export function open(root, {app}) {
    const place = h('div', {});

    async function end(silence) {
        if (!await ask(t('silence.end_ask'), silence.comment, t('silence.end'), t('cancel'))) {
            return;
        }
        try {
            await post(`api/v1/silences/${each(silence.id, 'end')}`);
            notify(t('silence.ended'));
        } catch (problem) {
            notify(problem.message, 'bad');
        }
        load();
    }

    async function load() {
        const items = await fetchAll();
        const now = Date.now();
        const phases = items.map(one => phaseOf(one, now));
        show(place, [items, phases, language()], () => ['now', 'later', 'past'].map(phase => {
            const own = items.filter((one, index) => phases[index] === phase);
            if (!own.length && phase !== 'now') {
                return null;
            }
            return h('section', {'aria-labelledby': `silences-${phase}`}, h('h2', {id: `silences-${phase}`}, t(`silence.${phase}`)),
                     own.length ? h('ul', {class: 'rows'}, own.map(one => row(one, phase, end))) : h('p', {class: 'empty'}, t('silence.none')));
        }));
    }

    const {form, status} = makeForm(app, load);
    root.append(h('h1', {}, t('silences')), h('div', {class: 'silences'}, place, form));
    load();
    return {news: load, status() {
        status();
        load();
    }};
}
