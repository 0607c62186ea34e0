// Dates as the daemon writes them: a day ("2027-01-12"), an instant in UTC, or, where the operator's date could not be
// read, the text as it is.

import {h, said} from './dom.js';
import {locale, t} from './words.js';

export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zones = new Map(); // of each source
const formats = new Map();

export function learnZones(sources) {
    for (const source of sources) {
        zones.set(source.name, source.time_zone);
    }
}

export function zoneOf(source) {
    return zones.get(source) || HERE;
}

function format(zone, options) {
    const key = JSON.stringify([locale(), zone, options]);
    if (!formats.has(key)) {
        let known = zone;
        try {
            new Intl.DateTimeFormat('en', {timeZone: zone});
        } catch {
            known = 'UTC'; // a zone that this browser does not know; its name is shown beside
        }
        formats.set(key, new Intl.DateTimeFormat(locale(), {timeZone: known, ...options}));
    }
    return formats.get(key);
}

export function parse(text) {
    if (/^\d{4}-\d\d-\d\d$/.test(text)) {
        return {isDay: true, ms: Date.parse(`${text}T00:00:00Z`), day: text};
    }
    if (/^\d{4}-\d\d-\d\dT/.test(text || '') && !Number.isNaN(Date.parse(text))) {
        return {isDay: false, ms: Date.parse(text)};
    }
    return null;
}

const DAY = {weekday: 'short', day: 'numeric', month: 'short'};
const TIME = {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'};

function yearFor(ms) {
    return Math.abs(ms - Date.now()) > 180 * 86400000 ? {year: 'numeric'} : {};
}

// The day in the zone, as 2027-01-12.
export function dayIn(date, zone) {
    if (date.isDay) {
        return date.day;
    }
    const parts = Object.fromEntries(format(zone, {year: 'numeric', month: '2-digit', day: '2-digit'})
        .formatToParts(date.ms).map(part => [part.type, part.value]));
    return `${parts.year}-${parts.month}-${parts.day}`;
}

export function clockOf(date, zone) {
    return date.isDay ? '' : format(zone, TIME).format(date.ms);
}

// CET, CEST, UTC: as the mails say it, in every language.
export function zoneName(ms, zone) {
    try {
        return new Intl.DateTimeFormat('en-GB', {timeZone: zone, timeZoneName: 'short'}).formatToParts(ms)
            .find(part => part.type === 'timeZoneName').value;
    } catch {
        return 'UTC';
    }
}

// "Tue 12 Jan, 09:00 CET", with the zone's name unless the caller says it elsewhere.
export function wordsOf(date, zone = HERE, withZone = true) {
    if (date.isDay) {
        return format('UTC', {...DAY, ...yearFor(date.ms)}).format(date.ms);
    }
    const words = format(zone, {...DAY, ...yearFor(date.ms), ...TIME}).format(date.ms);
    return withZone ? `${words} ${zoneName(date.ms, zone)}` : words;
}

export function when(text, zone = HERE, withZone = true) {
    const date = parse(text);
    if (!date) {
        return text ? said(text) : '–';
    }
    return h('time', {datetime: text, title: date.isDay ? text : `${text} · ${zone}`}, wordsOf(date, zone, withZone));
}

export function dayWords(day, options = DAY) {
    return format('UTC', options).format(Date.parse(`${day}T00:00:00Z`));
}

const UNITS = [['day', 86400000], ['hour', 3600000], ['minute', 60000], ['second', 1000]];

// "3 minutes ago", "in 2 hours".
export function ago(text, now = Date.now()) {
    const date = parse(text);
    if (!date) {
        return t('never');
    }
    const away = date.ms - now;
    const [unit, size] = UNITS.find(([, one]) => Math.abs(away) >= one) || UNITS[3];
    return new Intl.RelativeTimeFormat(locale(), {numeric: 'auto', style: 'short'}).format(Math.round(away / size), unit);
}

// "since 3 min": how long, without a direction.
export function span(ms) {
    const [unit, size] = UNITS.find(([, one]) => ms >= one) || UNITS[3];
    return new Intl.NumberFormat(locale(), {style: 'unit', unit, unitDisplay: 'short'})
        .format(Math.max(0, Math.round(ms / size)));
}

export function addDays(day, count) {
    return new Date(Date.parse(`${day}T00:00:00Z`) + count * 86400000).toISOString().slice(0, 10);
}

export function mondayOf(day) {
    const weekday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
    return addDays(day, -weekday);
}

export function today(zone = HERE) {
    return dayIn({isDay: false, ms: Date.now()}, zone);
}

// ISO week number of a Monday.
export function weekOf(monday) {
    const thursday = new Date(`${addDays(monday, 3)}T00:00:00Z`);
    const first = Date.UTC(thursday.getUTCFullYear(), 0, 1);
    return 1 + Math.floor((thursday.getTime() - first) / (7 * 86400000));
}
