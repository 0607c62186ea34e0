#include "message_parts.h"

#include "core/date.h"
#include "core/utf8.h"
#include "core/words.h"
#include "core/zone.h"

#include <inttypes.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define VALUE_BYTES_MAX 400
#define ID_BYTES_MAX 64
#define SITE_BYTES_MAX 60
#define NOTE_BYTES_MAX 60
#define NEAR_MS (183 * DAY_MS) /* so near, a day and its month say which year */

enum status story_open(const struct telling *telling, const struct event *event, struct story *out,
                       struct failure *why)
{
    struct text json;
    text_init(&json, (size_t)2 * EVENT_BYTES_MAX);
    enum status status = event_add_filtered(event, &telling->sink->fields, &json, why);
    struct story story = {.event = event};
    if (status == STATUS_OK) {
        status = json_parse(text_span(&json), &story.root, why);
    }
    text_fini(&json);
    if (status != STATUS_OK) {
        return fail(why, STATUS_CORRUPT, "event %s: cannot be read back", event->id);
    }
    story.data = json_member(story.root, "data");
    story.order = json_member(story.data, "order");
    story.appointment = json_member(story.data, "appointment");
    story.changes = json_member(story.data, "changes");
    *out = story;
    return STATUS_OK;
}

void story_close(struct story *story)
{
    json_destroy(story->root);
    story->root = NULL;
}

/* --- pieces of text ------------------------------------------------------------------------- */

static const char *keep(const struct telling *telling, struct text *text)
{
    const char *copy = arena_text(telling->arena, text_span(text));
    text_fini(text);
    return copy;
}

static int64_t local_ms_of(const struct telling *telling, struct date date)
{
    return date.kind == DATE_INSTANT
               ? date.ms + (int64_t)zone_at(telling->zone, date.ms).offset_s * 1000
               : date.ms;
}

const char *telling_date(const struct telling *telling, struct date date, bool with_zone)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    int64_t away_ms = date.ms - telling->now_wall_ms;
    bool is_near = away_ms > -NEAR_MS && away_ms < NEAR_MS;
    int64_t year_of_ms = is_near ? local_ms_of(telling, date) : telling->now_wall_ms;
    words_add_date(&text, date, telling->zone, telling->language, civil_of(year_of_ms).year);
    if (with_zone && date.kind == DATE_INSTANT) {
        text_addf(&text, " %s", zone_at(telling->zone, date.ms).abbreviation);
    }
    return keep(telling, &text);
}

const char *telling_clean(const struct telling *telling, const char *text, size_t bytes_max)
{
    struct text clean;
    text_init(&clean, bytes_max + 8);
    utf8_add_clean_line(&clean, span_of(text), bytes_max);
    return keep(telling, &clean);
}

/* Only these are dates; a reference that looks like one stays as it is. */
static bool is_date_field(const char *field)
{
    size_t size = strlen(field);
    return text_equal(field, "start") || text_equal(field, "end") ||
           text_equal(field, "first_start") || strncmp(field, "extra.", 6) == 0 ||
           (size >= 4 && strcmp(field + size - 4, "date") == 0);
}

const char *telling_value(const struct telling *telling, const char *field, const char *value)
{
    if (value == NULL) {
        return "-";
    }
    struct date date = is_date_field(field) ? date_of(value) : (struct date){.kind = DATE_NONE};
    return date.kind != DATE_NONE ? telling_date(telling, date, true)
                                  : telling_clean(telling, value, VALUE_BYTES_MAX);
}

const char *telling_field(const struct telling *telling, const char *field)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    words_add_field(&text, strncmp(field, "extra.", 6) == 0 ? field + 6 : field, telling->language);
    const char *words = keep(telling, &text);
    return telling_clean(telling, words, ID_BYTES_MAX);
}

const char *telling_phrase(const struct telling *telling, enum phrase phrase, const char *first,
                           const char *second)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    const struct phrase_arguments arguments = {.values = {first, second}};
    words_add_phrase(&text, phrase, telling->language, &arguments);
    return keep(telling, &text);
}

const char *telling_count(const struct telling *telling, enum phrase one, enum phrase many,
                          size_t count)
{
    const char *number = arena_format(telling->arena, "%zu", count);
    return telling_phrase(telling, count == 1 ? one : many, number, NULL);
}

const char *telling_titled(const struct telling *telling, const char *title, const char *words)
{
    return arena_format(telling->arena, "%s%s %s", title,
                        words_phrase(PHRASE_COLON, telling->language), words);
}

/* --- titles and headlines ------------------------------------------------------------------- */

const char *story_title(const struct telling *telling, const struct story *story)
{
    const struct event *event = story->event;
    if (event->type == EVENT_TEST) {
        return words_phrase(PHRASE_TEST, telling->language);
    }
    if (event->order_id[0] == '\0') {
        const char *sink = json_member_text(json_member(story->data, "sink"), "name");
        const char *name = sink != NULL ? sink : event->source_name;
        return telling_phrase(telling, sink != NULL ? PHRASE_SINK : PHRASE_SOURCE,
                              telling_clean(telling, name, ID_BYTES_MAX), NULL);
    }
    const char *id = telling_clean(telling, event->order_id, ID_BYTES_MAX);
    const char *title = telling_phrase(telling, PHRASE_ORDER, id, NULL);
    const char *site = json_member_text(story->order, "site");
    if (site == NULL) {
        return title;
    }
    return arena_format(telling->arena, "%s (%s)", title,
                        telling_clean(telling, site, SITE_BYTES_MAX));
}

static const struct json *find_change(const struct story *story, const char *field)
{
    const struct json *change = json_first(story->changes);
    while (change != NULL && !text_equal(json_member_text(change, "field"), field)) {
        change = json_next(change);
    }
    return change;
}

static struct date change_date(const struct story *story, const char *field, const char *side)
{
    const char *value = json_member_text(find_change(story, field), side);
    return date_of(value);
}

static bool is_same_day(const struct telling *telling, struct date left, struct date right)
{
    return date_day_number(left, telling->zone) == date_day_number(right, telling->zone);
}

/* " +5 d" of data.reschedule or data.date_change; nothing for moves within a day. */
static void add_days(const struct telling *telling, const struct json *move, struct text *out)
{
    int64_t days = json_member_integer(move, "days", 0);
    if (days != 0) {
        const char *number = arena_format(telling->arena, "%+" PRId64, days);
        text_addf(out, " %s", telling_phrase(telling, PHRASE_DAYS, number, NULL));
    }
}

static void add_dates(const struct telling *telling, struct date from, struct date to,
                      struct text *out)
{
    if (from.kind != DATE_NONE && to.kind != DATE_NONE) {
        const char *after = telling_date(telling, to, false);
        if (is_same_day(telling, from, to) && to.kind == DATE_INSTANT) {
            after += strlen(after) - strlen("00:00");
        }
        text_addf(
            out, ", %s",
            telling_phrase(telling, PHRASE_FROM_TO, telling_date(telling, from, false), after));
    } else if (to.kind != DATE_NONE) {
        text_addf(out, ", %s", telling_date(telling, to, false));
    } else if (from.kind != DATE_NONE) {
        text_addf(out, ", %s",
                  telling_phrase(telling, PHRASE_WAS, telling_date(telling, from, false), NULL));
    }
}

static void add_move(const struct telling *telling, const struct story *story, struct text *out)
{
    add_days(telling, json_member(story->data, "reschedule"), out);
    add_dates(telling, change_date(story, "start", "from"), change_date(story, "start", "to"), out);
}

static void add_appointment_start(const struct telling *telling, const struct story *story,
                                  struct text *out)
{
    struct date start = date_of(json_member_text(story->appointment, "start"));
    add_dates(telling, (struct date){.kind = DATE_NONE}, start, out);
}

static void add_appointment_past(const struct telling *telling, const struct story *story,
                                 struct text *out)
{
    struct date start = date_of(json_member_text(story->appointment, "start"));
    add_dates(telling, start, (struct date){.kind = DATE_NONE}, out);
}

/* "InProgress to Held", and the step when only that moved. */
static void add_status(const struct telling *telling, const struct story *story, struct text *out)
{
    const char *field = find_change(story, "status") != NULL ? "status" : "step";
    const struct json *change = find_change(story, field);
    const char *from = json_member_text(change, "from");
    const char *to = json_member_text(change, "to");
    if (to == NULL) {
        return;
    }
    to = telling_clean(telling, to, ID_BYTES_MAX);
    if (from == NULL) {
        text_addf(out, ", %s", to);
        return;
    }
    from = telling_clean(telling, from, ID_BYTES_MAX);
    text_addf(out, ", %s", arena_format(telling->arena, "%s > %s", from, to));
}

static void add_committed_date(const struct telling *telling, const struct story *story,
                               struct text *out)
{
    const struct json *move = json_member(story->data, "date_change");
    const char *field = json_member_text(move, "field");
    field = field != NULL ? field : "committed_date";
    add_days(telling, move, out);
    add_dates(telling, change_date(story, field, "from"), change_date(story, field, "to"), out);
}

static void add_overdue(const struct telling *telling, const struct story *story, struct text *out)
{
    struct date date = date_of(json_member_text(story->order, "committed_date"));
    add_dates(telling, date, (struct date){.kind = DATE_NONE}, out);
}

static void add_note(const struct telling *telling, const struct story *story, struct text *out)
{
    const char *text = json_member_text(json_member(story->data, "note"), "text");
    if (text != NULL) {
        text_addf(out, "%s %s", words_phrase(PHRASE_COLON, telling->language),
                  telling_clean(telling, text, NOTE_BYTES_MAX));
    }
}

static void add_fields(const struct telling *telling, const struct story *story, struct text *out)
{
    const char *separator = words_phrase(PHRASE_COLON, telling->language);
    int left = 3;
    for (const struct json *change = json_first(story->changes); change != NULL && left > 0;
         change = json_next(change), left--) {
        const char *field = json_member_text(change, "field");
        text_addf(out, "%s %s", separator, telling_field(telling, field != NULL ? field : ""));
        separator = ",";
    }
}

typedef void headline_fn(const struct telling *telling, const struct story *story,
                         struct text *out);

/* What follows the event's own words. */
static headline_fn *const details[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER_STATUS_CHANGED] = add_status,
    [EVENT_ORDER_STATUS_HELD] = add_status,
    [EVENT_ORDER_STATUS_RESUMED] = add_status,
    [EVENT_ORDER_DATE_COMMITTED] = add_committed_date,
    [EVENT_ORDER_DATE_CHANGED] = add_committed_date,
    [EVENT_ORDER_DATE_OVERDUE] = add_overdue,
    [EVENT_ORDER_NOTE_ADDED] = add_note,
    [EVENT_ORDER_UPDATED] = add_fields,
    [EVENT_APPOINTMENT_CREATED] = add_appointment_start,
    [EVENT_APPOINTMENT_CONFIRMED] = add_appointment_start,
    [EVENT_APPOINTMENT_RESCHEDULED] = add_move,
    [EVENT_APPOINTMENT_CANCELLED] = add_appointment_past,
    [EVENT_APPOINTMENT_COMPLETED] = add_appointment_start,
    [EVENT_APPOINTMENT_MISSED] = add_appointment_past,
    [EVENT_APPOINTMENT_UPDATED] = add_appointment_start,
    [EVENT_APPOINTMENT_REMOVED] = add_appointment_past,
    [EVENT_APPOINTMENT_REMINDER] = add_appointment_start,
};

const char *story_headline(const struct telling *telling, const struct story *story)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    words_add_event(&text, story->event->type, telling->language);
    if (details[story->event->type] != NULL) {
        details[story->event->type](telling, story, &text);
    }
    return keep(telling, &text);
}
