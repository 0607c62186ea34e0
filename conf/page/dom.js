// Elements from data. Text is only ever text: nothing here, and nothing anywhere else in this page, takes markup.

const SVG = 'http://www.w3.org/2000/svg';
// Controls, and what turns the direction of text: they change how other text reads, and say nothing.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g;

export function clean(text) {
    return String(text).replace(UNSEEN, '');
}

function append(parent, children) {
    for (const child of children.flat(Infinity)) {
        if (child === null || child === undefined || child === false) {
            continue;
        }
        parent.append(child instanceof Node ? child : document.createTextNode(clean(child)));
    }
}

function fill(element, properties, children) {
    for (const [name, value] of Object.entries(properties || {})) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);
        } else if (name === 'value') {
            element.value = value;
        } else {
            element.setAttribute(name, value === true ? '' : clean(value));
        }
    }
    append(element, children);
    return element;
}

export function h(name, properties, ...children) {
    return fill(document.createElement(name), properties, children);
}

export function svg(name, properties, ...children) {
    return fill(document.createElementNS(SVG, name), properties, children);
}

// Text of the operator: it stays in its own direction and breaks anywhere rather than widen the page.
export function said(text, className) {
    return h('bdi', {class: className ? `said ${className}` : 'said'}, text);
}

// Replaces what is in element, unless it is the same already. Who had the focus keeps it.
export function show(element, key, build) {
    const now = JSON.stringify(key);
    if (element.shownKey === now) {
        return;
    }
    element.shownKey = now;
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    const open = new Set([...element.querySelectorAll('details[open]')].map(one => one.dataset.focus));
    element.replaceChildren();
    append(element, [build()]);
    for (const details of element.querySelectorAll('details')) {
        if (open.has(details.dataset.focus)) {
            details.open = true;
        }
    }
    if (focused) {
        element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    }
}

const SHAPES = {
    good: 'M3.5 8.5l3 3 6-7', ok: 'M3.5 8.5l3 3 6-7', confirmed: 'M3.5 8.5l3 3 6-7', completed: 'M3.5 8.5l3 3 6-7', delivered: 'M3.5 8.5l3 3 6-7',
    bad: 'M4 4l8 8M12 4l-8 8', cancelled: 'M4 4l8 8M12 4l-8 8', failed: 'M4 4l8 8M12 4l-8 8', parked: 'M4 4l8 8M12 4l-8 8',
    missed: 'M8 3v6M8 12v.5', warn: 'M8 3v6M8 12v.5', critical: 'M8 3v6M8 12v.5', warning: 'M8 3v6M8 12v.5',
    held: 'M5.5 4v8M10.5 4v8', paused: 'M5.5 4v8M10.5 4v8', pending: 'M8 4v4l2.5 2',
    open: 'M5 3.5l6 4.5-6 4.5z', new: 'M4 8h8', unknown: 'M4 8h8', info: 'M8 7v5M8 4v.5', notice: 'M8 7v5M8 4v.5',
    dropped: 'M4 8h8', idle: 'M4 8h8',
};

export function icon(kind) {
    return svg('svg', {class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false'},
               svg('path', {d: SHAPES[kind] || SHAPES.unknown}));
}

const TONES = {
    good: 'good', ok: 'good', completed: 'good', confirmed: 'good', delivered: 'good',
    bad: 'bad', failed: 'bad', cancelled: 'bad', critical: 'bad', missed: 'bad', parked: 'bad', rejected: 'bad',
    warn: 'warn', held: 'warn', warning: 'warn', paused: 'warn', failing: 'warn',
    open: 'info', pending: 'info', notice: 'info', new: 'info',
};

// What a state is, by shape, word and colour: never by colour alone.
export function badge(kind, words) {
    return h('span', {class: `badge ${TONES[kind] || 'calm'}`}, icon(kind), h('span', {}, words));
}

// rows: [{cells, key}]; the roles keep it a table where the style makes cards of its rows.
export function table(caption, columns, rows) {
    return h('table', {role: 'table'},
             h('caption', {class: 'unseen'}, caption),
             h('thead', {role: 'rowgroup'},
               h('tr', {role: 'row'}, columns.map(name => h('th', {role: 'columnheader', scope: 'col'}, name)))),
             h('tbody', {role: 'rowgroup'},
               rows.map(cells => h('tr', {role: 'row'}, cells.map((cell, index) =>
                   h('td', {role: 'cell', 'data-column': columns[index]}, cell))))));
}

let fieldCount = 0;

export function field(label, control, hint) {
    control.id = control.id || `field-${++fieldCount}`;
    const note = hint ? h('small', {id: `${control.id}-hint`}, hint) : null;
    if (note) {
        control.setAttribute('aria-describedby', note.id);
    }
    return h('p', {class: 'field'}, h('label', {for: control.id}, label), control, note);
}

export function select(choices, value, properties) {
    const element = h('select', properties, choices.map(([choice, words]) => h('option', {value: choice}, words)));
    element.value = value;
    return element;
}

// Asks before what cannot be undone. Resolves to whether it was agreed.
export function ask(question, detail, agree, refuse) {
    return new Promise(resolve => {
        const dialog = h('dialog', {'aria-labelledby': 'question'});
        const close = answer => {
            dialog.close();
            dialog.remove();
            resolve(answer);
        };
        append(dialog, [
            h('h2', {id: 'question'}, question), h('p', {}, detail),
            h('p', {class: 'actions'},
              h('button', {type: 'button', class: 'primary', onclick: () => close(true)}, agree),
              h('button', {type: 'button', onclick: () => close(false)}, refuse))]);
        dialog.addEventListener('cancel', () => close(false));
        document.body.append(dialog);
        dialog.showModal();
    });
}

export function announce(text) {
    document.getElementById('announcer').textContent = clean(text);
}

// What became of something that the reader did.
export function notify(text, tone) {
    const notice = h('p', {class: `toast ${tone || 'good'}`}, icon(tone === 'bad' ? 'bad' : 'good'), h('span', {}, text));
    document.getElementById('notices').append(notice);
    setTimeout(() => notice.remove(), tone === 'bad' ? 15000 : 6000);
}
