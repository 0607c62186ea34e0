// The page's words. A language is one file; a word that it lacks is said in English.

import {en} from './words_en.js';
import {fr} from './words_fr.js';

const tables = {en, fr};
const KEY = 'orderwatch-language';
let chosen = pick();
let plurals = new Intl.PluralRules(chosen);

function remembered() {
    try {
        return localStorage.getItem(KEY);
    } catch {
        return null; // not allowed to remember: the browser's language it is
    }
}

function pick() {
    const wanted = [remembered(), ...(navigator.languages || [navigator.language])];
    return wanted.map(one => (one || '').slice(0, 2).toLowerCase()).find(one => one in tables) || 'en';
}

export function language() {
    return chosen;
}

// How numbers and dates are written: as the reader's country does, in the chosen language.
export function locale() {
    const own = (navigator.languages || [navigator.language]).find(one => one?.toLowerCase().startsWith(`${chosen}-`));
    return own ?? {en: 'en-GB', fr: 'fr-FR'}[chosen];
}

export function otherLanguage() {
    return chosen === 'fr' ? 'en' : 'fr';
}

export function choose(name) {
    chosen = name;
    plurals = new Intl.PluralRules(name);
    try {
        localStorage.setItem(KEY, name);
    } catch {
        // for this visit only
    }
}

// t('sources_read', {count: 3}): {count} in the words is replaced; {one, other} are chosen by count.
export function t(key, values = {}) {
    let words = tables[chosen][key] ?? en[key];
    if (words === undefined) {
        return key;
    }
    if (typeof words === 'object') {
        words = words[plurals.select(values.count)] ?? words.other;
    }
    return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] === undefined ? whole
        : typeof values[name] === 'number' ? values[name].toLocaleString(chosen) : values[name]);
}

// What the daemon may add tomorrow is shown by its own name.
export function name(group, value) {
    const words = t(`${group}.${value}`);
    return words === `${group}.${value}` ? value : words;
}
