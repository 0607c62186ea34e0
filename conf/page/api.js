// Asks the daemon. Where it wants a token, the reader is asked for it once; it lives in this tab only.

const KEY = 'orderwatch-token';
let token = sessionStorage.getItem(KEY);
let asked = null; // the question that is open
let askForToken = () => Promise.reject(new Error('no token'));

export class Problem extends Error {
    constructor(code, detail) {
        super(detail);
        this.code = code;
    }
}

export function onTokenNeeded(ask) {
    askForToken = ask;
}

export function authorization() {
    return token ? {Authorization: `Bearer ${token}`} : {};
}

// Many requests may be refused at once; the reader gets one question.
export function renewToken(refused) {
    if (refused !== token) {
        return Promise.resolve();
    }
    asked ??= askForToken(token !== null).then(given => {
        token = given;
        sessionStorage.setItem(KEY, given);
    }).finally(() => {
        asked = null;
    });
    return asked;
}

export function currentToken() {
    return token;
}

async function problemOf(answer) {
    let detail = `${answer.status} ${answer.statusText}`;
    try {
        detail = (await answer.json()).detail || detail;
    } catch {
        // not a problem document: the code is all there is
    }
    return new Problem(answer.status, detail);
}

async function call(path, options) {
    for (;;) {
        const used = token;
        const answer = await fetch(path, {...options, cache: 'no-store', credentials: 'omit',
                                          headers: {Accept: 'application/json', ...options.headers, ...authorization()}});
        if (answer.status === 401) {
            await renewToken(used);
        } else if (answer.ok) {
            return answer.json();
        } else {
            throw await problemOf(answer);
        }
    }
}

// Parameters without a value are left out.
export function get(path, parameters = {}, signal) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== undefined && value !== null && value !== '') {
            query.set(name, value);
        }
    }
    return call(query.size ? `${path}?${query}` : path, {signal});
}

export function post(path, body = {}) {
    return call(path, {method: 'POST', body: JSON.stringify(body),
                       headers: {'Content-Type': 'application/json', 'X-Orderwatch': '1'}});
}

export function each(...parts) {
    return parts.map(encodeURIComponent).join('/');
}
