// Puts the page together: which view is shown, what the daemon's state is, what happens now.

import {get, onTokenNeeded, Problem} from './api.js';
import {announce, badge, field, h, icon, notify, show} from './dom.js';
import {follow} from './stream.js';
import {kindOf, subjectOf} from './tell.js';
import {HERE, learnZones, when} from './times.js';
import {choose, language, name, otherLanguage, t} from './words.js';
import * as calendar from './calendar.js';
import * as deliveries from './deliveries.js';
import * as events from './events.js';
import * as order from './order.js';
import * as orders from './orders.js';
import * as overview from './overview.js';
import * as silences from './silences.js';

const STATUS_EVERY_MS = 10000;
const NEWS_PAUSE_MS = 400; // what happens together is shown together,
const NEWS_EVERY_MS = 2000; // and what keeps happening no faster than a reader follows
const views = {'': overview, orders, order, calendar, events, deliveries, silences};
const main = document.getElementById('main');

// What the views know of the daemon. status is null until it first answered.
const app = {status: null, asked_ms: 0, failure: null, refreshStatus, sources: () => app.status?.sources ?? []};
let view = null;
let timer = null;

// --- where we are: #/page/…?filters, so that every state can be kept as a bookmark

function location() {
    const [path, query = ''] = window.location.hash.replace(/^#\/?/, '').split('?');
    let parts = path.split('/');
    try {
        parts = parts.map(decodeURIComponent);
    } catch {
        parts = ['?'];
    }
    return {parts, query: new URLSearchParams(query)};
}

// Filters go into the address without a new entry in the history.
app.keep = (page, values) => {
    const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
    history.replaceState(null, '', `#/${page}${query.size ? `?${query}` : ''}`);
};

function route(isFirst) {
    const {parts, query} = location();
    const module = Object.hasOwn(views, parts[0]) ? views[parts[0]] : null;
    view?.close?.();
    main.replaceChildren();
    view = null;
    for (const link of document.querySelectorAll('nav a')) {
        const page = {'': 'overview', order: 'orders'}[parts[0]] ?? parts[0];
        link.toggleAttribute('aria-current', link.dataset.page === page);
        if (link.dataset.page === page) {
            link.setAttribute('aria-current', 'page');
        }
    }
    if (!module) {
        main.append(h('h1', {}, t('not_found')), h('p', {}, h('a', {href: '#/'}, t('back_home'))));
    } else {
        view = module.open(main, {app, parts: parts.slice(1), query});
        view.status?.();
    }
    document.title = title();
    if (!isFirst) {
        window.scrollTo(0, 0);
        main.focus({preventScroll: true});
        announce(main.querySelector('h1')?.textContent ?? '');
    }
}

function title() {
    const heading = main.querySelector('h1')?.textContent;
    const trouble = app.status?.reasons.length ?? 0;
    return `${trouble ? `(${trouble}) ` : ''}${heading ? `${heading} · ` : ''}orderwatch`;
}

// --- what the daemon says of itself

async function refreshStatus() {
    clearTimeout(timer);
    try {
        app.status = await get('api/v1/status');
        app.asked_ms = Date.now();
        app.failure = null;
        learnZones(app.status.sources);
    } catch (problem) {
        app.failure = problem instanceof Problem ? problem.message : t('unreachable');
    }
    showFoot();
    view?.status?.();
    document.title = title();
    clearTimeout(timer);
    timer = setTimeout(refreshStatus, STATUS_EVERY_MS);
}

function showFoot() {
    const status = app.status;
    show(document.getElementById('version'), [language(), status?.version, status?.started], () => status
        ? [t('version', {version: status.version, since: ''}), when(status.started)] : []);
    show(document.getElementById('zone'), [language()], () => t('zone_here', {zone: HERE}));
}

// --- what happens

let live = 'connecting';
let wasLive = false;
let news = [];
let newsTimer = null;
let newsTold_ms = 0;

function showLive(state, seconds) {
    const element = document.getElementById('live');
    const kind = {live: 'good', waiting: 'warn', connecting: 'pending', hidden: 'paused'}[state];
    if (state === 'connecting' && live === 'waiting') {
        return; // the try itself is not worth a word
    }
    if (state === 'live' && live !== 'live' && wasLive) {
        announce(t('live.back'));
        refreshStatus();
        view?.news?.([]);
    }
    wasLive ||= state === 'live';
    live = state;
    element.dataset.state = state;
    show(element, [state, seconds, language()], () => badge(kind, t(`live.${state}`, {count: seconds})));
    if (state === 'waiting') {
        refreshStatus();
    }
}

function tellNews() {
    const told = news;
    news = [];
    newsTimer = null;
    newsTold_ms = Date.now();
    view?.news?.(told);
    refreshStatus();
    const latest = told[told.length - 1];
    const kind = name('event', kindOf(latest));
    const about = latest.data.order ? [latest.data.order.id, latest.data.order.site].filter(Boolean).join(', ') : subjectOf(latest);
    announce(t('update', {summary: `${kind}. ${about}`}));
}

function onEvents(events) {
    news.push(...events);
    newsTimer ??= setTimeout(tellNews, Math.max(NEWS_PAUSE_MS, newsTold_ms + NEWS_EVERY_MS - Date.now()));
}

// --- words, token

function showWords() {
    document.documentElement.lang = language();
    for (const element of document.querySelectorAll('[data-word]')) {
        element.textContent = t(element.dataset.word);
    }
    for (const element of document.querySelectorAll('[data-label]')) {
        element.setAttribute('aria-label', t(element.dataset.label));
    }
    const other = document.getElementById('language');
    other.textContent = t('language');
    other.lang = otherLanguage();
    showFoot();
}

onTokenNeeded(isAgain => new Promise(resolve => {
    const input = h('input', {type: 'password', name: 'token', autocomplete: 'off', required: true, spellcheck: 'false'});
    const dialog = h('dialog', {class: 'token', 'aria-labelledby': 'token-title'},
                     h('h1', {id: 'token-title'}, t('token.title')),
                     h('p', {}, t('token.detail')),
                     isAgain ? h('p', {class: 'problem', role: 'alert'}, icon('bad'), t('token.wrong')) : null,
                     h('form', {onsubmit: event => {
                         event.preventDefault();
                         dialog.close();
                         dialog.remove();
                         resolve(input.value.trim());
                     }}, field(t('token.label'), input), h('p', {class: 'actions'},
                                                           h('button', {class: 'primary'}, t('token.go')))));
    dialog.addEventListener('cancel', event => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
}));

document.getElementById('language').addEventListener('click', () => {
    choose(otherLanguage());
    showWords();
    showLive(live);
    route(true);
    refreshStatus();
});
document.getElementById('skip').addEventListener('click', () => main.focus());
window.addEventListener('hashchange', () => route(false));
window.addEventListener('unhandledrejection', event => {
    event.preventDefault();
    if (event.reason?.name !== 'AbortError') {
        notify(t('failed', {detail: event.reason?.message ?? String(event.reason)}), 'bad');
    }
});

showWords();
await refreshStatus(); // the zones of the sources, before any of their times is shown
route(true);
follow({onEvents, onState: showLive});
