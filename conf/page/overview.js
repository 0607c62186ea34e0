// How it stands, in words; sources and receivers; what comes next and what was last.

import {each, get, post} from './api.js';
import {ask, badge, h, icon, notify, said, show} from './dom.js';
import {eventRow} from './events.js';
import {addDays, ago, parse, span, today, wordsOf, zoneOf} from './times.js';
import {language, locale, name, t} from './words.js';
import {listedVisits, visitWhen} from './calendar.js';

const COMING_DAYS = 14;
const COMING_MAX = 12;
const LATEST_MAX = 12;

// --- health ---

function troubles(status) {
    const list = status.reasons.map(reason => ({
        what: t(`why.${reason.code}`, {name: reason.source ?? reason.sink ?? ''}),
        why: reason.reason, remedy: t(`do.${reason.code}`)}));
    for (const source of status.sources.filter(one => one.held)) {
        list.push({what: t('health.held', {name: source.name}), remedy: t('health.held_do'), tone: 'warn'});
    }
    return list;
}

function wellWords(status) {
    const waits = status.sinks.reduce((sum, sink) => sum + (sink.pending ?? 0), 0);
    return [t('health.read', {count: status.sources.length}), t('health.sent', {count: status.sinks.length}),
            ...(waits ? [t('health.waits', {count: waits})] : [])].join(' · ');
}

function health(app) {
    if (!app.status || app.failure) {
        const time = app.asked_ms ? wordsOf({isDay: false, ms: app.asked_ms}) : t('never');
        return h('section', {class: app.failure ? 'health bad' : 'health', 'data-health': app.failure ? 'gone' : 'unknown'},
                 app.failure ? icon('bad') : null,
                 h('div', {}, h('h1', {}, app.failure ? t('unreachable') : t('loading')),
                   app.failure ? h('p', {}, t('unreachable_detail', {time})) : null));
    }
    const status = app.status;
    const list = troubles(status);
    const parked = status.sinks.reduce((sum, sink) => sum + (sink.parked ?? 0), 0);
    const tone = !status.ready ? 'bad' : list.length || parked ? 'warn' : 'good';
    return h('section', {class: `health ${tone}`, 'data-health': tone}, icon(tone),
             h('div', {},
               h('h1', {}, list.length + (parked ? 1 : 0) === 0 ? t('health.good') : t('health.bad', {count: list.length + (parked ? 1 : 0)})),
               h('p', {class: 'sentence'}, list.length === 0 ? wellWords(status) : null),
               list.length || parked ? h('ul', {class: 'troubles'}, list.map(one => h('li', {},
                   h('strong', {}, one.what), one.why ? h('span', {class: 'why'}, said(one.why)) : null,
                   h('span', {class: 'remedy'}, one.remedy))),
                   parked ? h('li', {}, h('strong', {}, h('a', {href: '#/deliveries?status=parked'}, t('health.parked', {count: parked}))),
                              h('span', {class: 'remedy'}, t('health.parked_do'))) : null) : null));
}

// --- sources, sinks ---

async function act(app, path, done) {
    try {
        const answer = await post(path);
        done(answer);
    } catch (problem) {
        notify(problem.message, 'bad');
    }
    app.refreshStatus();
}

function button(words, key, onclick) {
    return h('button', {type: 'button', 'data-focus': key, onclick}, words);
}

function fact(words, value, title) {
    return value === null || value === undefined ? null : [h('dt', {}, words), h('dd', {title}, value)];
}

function sourceActions(app, source) {
    const path = action => `api/v1/sources/${each(source.name, action)}`;
    const does = action => act(app, path(action), () => notify(t('done', {name: `${t(action)}, ${source.name}`})));
    const key = action => `source/${source.name}/${action}`;
    return h('p', {class: 'actions'},
             source.held ? button(t('release'), key('release'), async () => {
                 if (await ask(t('release_ask', {name: source.name}), t('release_do'), t('release'), t('cancel'))) {
                     does('release');
                 }
             }) : null,
             source.paused ? button(t('resume'), key('pause'), () => does('resume')) : button(t('pause'), key('pause'), async () => {
                 if (await ask(t('pause_source', {name: source.name}), t('pause_source_do'), t('pause'), t('cancel'))) {
                     does('pause');
                 }
             }),
             source.paused ? null : button(t('sweep'), key('sweep'), () => does('sweep')));
}

function sourceBadge(source) {
    const states = [badge(source.state, t(`state.${source.state}`))];
    if (source.paused) {
        states.push(badge('paused', t('state.paused')));
    }
    if (source.held) {
        states.push(badge('held', t('state.held')));
    }
    return states;
}

function sourceCard(app, source) {
    return h('li', {class: 'card'},
             h('h3', {}, source.name), h('p', {class: 'badges'}, sourceBadge(source)),
             h('dl', {},
               fact(t('source.last'), source.last_complete_sweep ? ago(source.last_complete_sweep) : t('never'),
                    source.last_complete_sweep && wordsOf(parse(source.last_complete_sweep))),
               fact(t('source.next'), source.sweeping ? t('state.reading') : source.next_sweep ? ago(source.next_sweep) : null),
               fact(t('source.every'), span(source.every_seconds * 1000)),
               fact(t('source.orders'), h('a', {href: `#/orders?source=${encodeURIComponent(source.name)}`},
                                          source.orders.toLocaleString(locale()))),
               fact(t('source.budget'), `${source.budget.left.toLocaleString(locale())} / ${source.budget.limit.toLocaleString(locale())}`),
               fact(t('source.zone'), source.time_zone),
               source.state === 'ok' ? null : fact(t('source.failure'), source.last_failure ? said(source.last_failure) : null)),
             sourceActions(app, source));
}

function sinkActions(app, sink) {
    const path = action => `api/v1/sinks/${each(sink.name, action)}`;
    const does = action => act(app, path(action), () => notify(t('done', {name: `${t(action)}, ${sink.name}`})));
    const key = action => `sink/${sink.name}/${action}`;
    return h('p', {class: 'actions'},
             sink.paused || sink.state === 'disabled' ? button(t('resume'), key('pause'), () => does('resume'))
                 : button(t('pause'), key('pause'), async () => {
                     if (await ask(t('pause_sink', {name: sink.name}), t('pause_sink_do'), t('pause'), t('cancel'))) {
                         does('pause');
                     }
                 }),
             button(t('test'), key('test'), () => act(app, path('test'), answer => answer.accepted
                 ? notify(t('test_good', {name: sink.name, detail: answer.detail ?? ''}))
                 : notify(t('test_bad', {name: sink.name, outcome: answer.outcome, detail: answer.detail ?? ''}), 'bad'))));
}

function sinkCard(app, sink) {
    const number = value => value?.toLocaleString(locale());
    return h('li', {class: 'card'},
             h('h3', {}, sink.name, ' ', h('small', {}, name('kind', sink.kind))),
             h('p', {class: 'badges'}, badge(sink.state === 'disabled' ? 'bad' : sink.state, t(`state.${sink.state}`)),
               sink.paused ? badge('paused', t('state.paused')) : null),
             h('dl', {},
               fact(t('sink.delivered'), sink.delivered === undefined ? null
                   : [number(sink.delivered), ' ', h('small', {}, t('sink.observed', {count: sink.observed}))]),
               fact(t('sink.pending'), number(sink.pending)),
               fact(t('sink.oldest'), sink.oldest_pending ? ago(sink.oldest_pending) : null),
               fact(t('sink.parked'), sink.parked ? h('a', {href: `#/deliveries?status=parked&sink=${encodeURIComponent(sink.name)}`},
                                                      badge('parked', number(sink.parked))) : number(sink.parked)),
               fact(t('sink.since'), sink.failing_since ? ago(sink.failing_since) : null),
               fact(t('sink.asked'), sink.asked_to_wait_until ? ago(sink.asked_to_wait_until) : null,
                    sink.asked_to_wait_until && wordsOf(parse(sink.asked_to_wait_until))),
               sink.state === 'ok' && !sink.asked_to_wait_until ? null : fact(t('sink.failure'), sink.last_failure ? said(sink.last_failure) : null)),
             sinkActions(app, sink));
}

// --- what comes, what was ---

function visitRow(visit) {
    const zone = zoneOf(visit.source);
    return h('li', {class: 'row'},
             h('span', {class: 'row-when'}, visitWhen(visit, zone)),
             h('span', {class: 'row-what'},
               h('a', {href: `#/order/${each(visit.source, visit.order)}`}, said(visit.site ?? visit.order)),
               h('small', {}, said(visit.order), visit.reference ? [' · ', said(visit.reference)] : null)),
             badge(visit.status_kind, t(`visit.${visit.status_kind}`)));
}

async function loadComing() {
    const since = new Date().toISOString();
    const until = addDays(today(), COMING_DAYS);
    const page = await get('api/v1/appointments', {since, until, limit: 200});
    return listedVisits(page.items).filter(one => !['cancelled', 'completed', 'missed'].includes(one.status_kind))
        .sort((left, right) => parse(left.start).ms - parse(right.start).ms).slice(0, COMING_MAX);
}

export function open(root, {app}) {
    const top = h('div', {class: 'health-place'});
    const sources = h('ul', {class: 'cards'});
    const sinks = h('ul', {class: 'cards'});
    const coming = h('ul', {class: 'rows'});
    const latest = h('ol', {class: 'rows'});
    root.append(top, h('div', {class: 'overview'},
        h('section', {'aria-labelledby': 'sources'}, h('h2', {id: 'sources'}, t('sources')), sources),
        h('section', {'aria-labelledby': 'sinks'}, h('h2', {id: 'sinks'}, t('sinks')), sinks),
        h('section', {'aria-labelledby': 'coming'}, h('h2', {id: 'coming'}, t('coming')), coming,
          h('p', {class: 'further'}, h('a', {href: '#/calendar'}, t('coming_all')))),
        h('section', {'aria-labelledby': 'latest'}, h('h2', {id: 'latest'}, t('latest')), latest,
          h('p', {class: 'further'}, h('a', {href: '#/events'}, t('latest_all'))))));

    async function load() {
        const [visits, events] = await Promise.all([loadComing(), get('api/v1/events', {limit: LATEST_MAX})]);
        show(coming, [visits, language()], () => visits.length ? visits.map(visitRow) : h('li', {class: 'empty'}, t('coming_none')));
        show(latest, [events.items, language()],
             () => events.items.length ? events.items.map(eventRow) : h('li', {class: 'empty'}, t('latest_none')));
    }

    load();
    return {
        news: load,
        status() {
            const minute = Math.floor(Date.now() / 10000);
            show(top, [app.failure, app.status?.reasons, app.status?.sinks, app.status?.sources.map(one => one.held), language()],
                 () => health(app));
            show(sources, [app.status?.sources, minute], () => app.status?.sources.map(one => sourceCard(app, one)) ?? []);
            show(sinks, [app.status?.sinks, minute], () => app.status?.sinks.map(one => sinkCard(app, one)) ?? []);
        },
    };
}
