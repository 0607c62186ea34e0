// Events as they happen. Each has a place in the daemon's log; who comes back names the last one it saw, so that
// nothing is missed. Read with fetch: EventSource cannot send a token.

import {authorization, currentToken, renewToken} from './api.js';

const SILENCE_MS = 45000; // the daemon speaks every 15 s, if only to say nothing
const HIDDEN_MS = 10000; // a page that nobody looks at gives its connection back: a browser has six for one server
const WAITS_MS = [500, 1000, 2000, 4000, 8000, 15000];

// onEvents(events), onState(state, waitSeconds): connecting, live, waiting, hidden.
export function follow({onEvents, onState}) {
    let place = null;
    let tries = 0;
    let timer = null;
    let controller = null;
    let hideTimer = null;

    function take(block) {
        const data = [];
        for (const line of block.split('\n')) {
            if (line.startsWith('id:')) {
                place = line.slice(3).trim();
            } else if (line.startsWith('data:')) {
                data.push(line.slice(5).trim());
            }
        }
        return data.length ? [JSON.parse(data.join('\n'))] : [];
    }

    async function read(answer, own) {
        const decoder = new TextDecoder();
        const reader = answer.body.getReader();
        let text = '';
        let watchdog = null;
        try {
            for (;;) {
                clearTimeout(watchdog);
                watchdog = setTimeout(() => own.abort(), SILENCE_MS);
                const {value, done} = await reader.read();
                if (done) {
                    return;
                }
                text += decoder.decode(value, {stream: true});
                const blocks = text.split('\n\n');
                text = blocks.pop();
                const events = blocks.flatMap(take);
                if (events.length) {
                    onEvents(events);
                }
            }
        } finally {
            clearTimeout(watchdog);
        }
    }

    async function connect() {
        controller = new AbortController();
        const own = controller;
        const used = currentToken();
        onState('connecting');
        try {
            const answer = await fetch('api/v1/events/stream', {
                signal: own.signal, cache: 'no-store', credentials: 'omit',
                headers: {Accept: 'text/event-stream', ...authorization(), ...(place ? {'Last-Event-ID': place} : {})}});
            if (answer.status === 401) {
                await renewToken(used);
                tries = 0;
            } else if (answer.status === 400) {
                place = null; // of another log: begin with the present
            } else if (answer.ok) {
                tries = 0;
                onState('live');
                await read(answer, own);
            }
        } catch {
            // cut off, refused, or given up: it is tried again
        }
        if (own === controller) {
            wait();
        }
    }

    function wait() {
        controller = null;
        const wait_ms = WAITS_MS[Math.min(tries, WAITS_MS.length - 1)];
        tries++;
        onState('waiting', Math.ceil(wait_ms / 1000));
        timer = setTimeout(connect, wait_ms);
    }

    function stop() {
        clearTimeout(timer);
        const own = controller;
        controller = null;
        own?.abort();
    }

    function rest() {
        stop();
        onState('hidden');
    }

    function wake() {
        clearTimeout(hideTimer);
        if (controller === null) {
            clearTimeout(timer);
            tries = 0;
            connect();
        }
    }

    document.addEventListener('visibilitychange', () => {
        if (document.visibilityState === 'hidden') {
            hideTimer = setTimeout(rest, HIDDEN_MS);
        } else {
            wake();
        }
    });
    // A page that was left may be kept by the browser, with its connection, in case the reader comes back.
    window.addEventListener('pagehide', rest);
    window.addEventListener('pageshow', event => event.persisted && wake());
    window.addEventListener('online', wake);
    connect();
}
