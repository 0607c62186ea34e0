#include "message_story.h"

#include "core/date.h"
#include "core/text.h"
#include "core/words.h"

#include <inttypes.h>
#include <string.h>

#define LINE_BYTES_MAX 4096
#define ID_BYTES_MAX 64
#define SITE_BYTES_MAX 60
#define NOTE_BYTES_MAX 60

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
    const char *headline = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return headline;
}
