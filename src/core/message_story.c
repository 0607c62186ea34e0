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

const struct net_change *net_find(const struct net *net, const char *appointment_id,
                                  const char *field)
{
    for (size_t i = 0; i < net->count; i++) {
        if (text_equal(net->changes[i].field, field) &&
            text_equal(net->changes[i].appointment_id, appointment_id)) {
            return &net->changes[i];
        }
    }
    return NULL;
}

/* What a field was, and what it is: NULL where it was or is nothing. */
struct sides {
    const char *from, *to;
    bool is_changed;
};

static struct sides find_sides(const struct story *story, const char *field)
{
    const struct net_change *net =
        story->net != NULL ? net_find(story->net, story->event->appointment_id, field) : NULL;
    if (net != NULL) {
        return (struct sides){.from = net->from, .to = net->to, .is_changed = true};
    }
    const struct json *change = json_first(story->changes);
    while (change != NULL && !text_equal(json_member_text(change, "field"), field)) {
        change = json_next(change);
    }
    return (struct sides){.from = json_member_text(change, "from"),
                          .to = json_member_text(change, "to"),
                          .is_changed = change != NULL};
}

static bool is_same_day(const struct telling *telling, struct date left, struct date right)
{
    return date_day_number(left, telling->zone) == date_day_number(right, telling->zone);
}

static void add_words(const struct telling *telling, enum phrase phrase, const char *argument,
                      struct text *out)
{
    text_addf(out, ", %s", telling_phrase(telling, phrase, argument, NULL));
}

/* " +5 d" of data.reschedule or data.date_change, of several steps as the days between both ends;
 * nothing for moves within a day. */
static void add_days(const struct telling *telling, const struct story *story,
                     const struct json *move, const struct sides *sides, struct text *out)
{
    int64_t days = json_member_integer(move, "days", 0);
    struct date from = date_of(sides->from);
    struct date to = date_of(sides->to);
    if (story->net != NULL && from.kind != DATE_NONE && to.kind != DATE_NONE) {
        days = date_day_number(to, telling->zone) - date_day_number(from, telling->zone);
    }
    if (days != 0) {
        const char *number = arena_format(telling->arena, "%+" PRId64, days);
        text_addf(out, " %s", telling_phrase(telling, PHRASE_DAYS, number, NULL));
    }
}

/* was: how a date that is gone is named. */
static void add_dates(const struct telling *telling, const struct sides *sides, enum phrase was,
                      struct text *out)
{
    struct date from = date_of(sides->from);
    struct date to = date_of(sides->to);
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
        add_words(telling, was, telling_date(telling, from, false), out);
    }
}

static void add_move(const struct telling *telling, const struct story *story, struct text *out)
{
    struct sides sides = find_sides(story, "start");
    add_days(telling, story, json_member(story->data, "reschedule"), &sides, out);
    add_dates(telling, &sides, PHRASE_WAS, out);
}

static void add_appointment_start(const struct telling *telling, const struct story *story,
                                  struct text *out)
{
    struct sides sides = {.to = json_member_text(story->appointment, "start")};
    add_dates(telling, &sides, PHRASE_WAS, out);
}

static void add_appointment_past(const struct telling *telling, const struct story *story,
                                 struct text *out)
{
    struct sides sides = {.from = json_member_text(story->appointment, "start")};
    add_dates(telling, &sides, PHRASE_WAS, out);
}

static void add_reminder(const struct telling *telling, const struct story *story, struct text *out)
{
    add_appointment_start(telling, story, out);
    struct date start = date_of(json_member_text(story->appointment, "start"));
    int64_t left_ms = start.ms - telling->now_wall_ms;
    if (start.kind != DATE_INSTANT || left_ms < MINUTE_MS) {
        return;
    }
    enum phrase unit = PHRASE_IN_MINUTES;
    int64_t count = left_ms / MINUTE_MS;
    if (left_ms >= 3 * DAY_MS) {
        unit = PHRASE_IN_DAYS;
        count = (left_ms + DAY_MS / 2) / DAY_MS;
    } else if (left_ms >= 2 * HOUR_MS) {
        unit = PHRASE_IN_HOURS;
        count = (left_ms + HOUR_MS / 2) / HOUR_MS;
    }
    add_words(telling, unit, arena_format(telling->arena, "%" PRId64, count), out);
}

/* "InProgress > Held", and the step when only that moved. */
static void add_status(const struct telling *telling, const struct story *story, struct text *out)
{
    struct sides sides = find_sides(story, story_main_field(story));
    if (sides.to == NULL) {
        return;
    }
    const char *to = telling_clean(telling, sides.to, ID_BYTES_MAX);
    if (sides.from == NULL) {
        text_addf(out, ", %s", to);
    } else {
        text_addf(out, ", %s > %s", telling_clean(telling, sides.from, ID_BYTES_MAX), to);
    }
}

static void add_created(const struct telling *telling, const struct story *story, struct text *out)
{
    const char *status = json_member_text(story->order, "status");
    if (status != NULL) {
        text_addf(out, ", %s", telling_clean(telling, status, ID_BYTES_MAX));
    }
}

static void add_order_date(const struct telling *telling, const struct story *story,
                           struct text *out)
{
    struct sides sides = find_sides(story, story_main_field(story));
    add_days(telling, story, json_member(story->data, "date_change"), &sides, out);
    add_dates(telling, &sides, PHRASE_DATE_WAS, out);
}

static void add_overdue(const struct telling *telling, const struct story *story, struct text *out)
{
    struct date date = date_of(json_member_text(story->order, "committed_date"));
    if (date.kind != DATE_NONE) {
        add_words(telling, PHRASE_COMMITTED_FOR, telling_date(telling, date, false), out);
    }
}

/* ", since Mon 23 Nov 09:00" of a date in data. */
static void add_since(const struct telling *telling, const struct json *object, const char *name,
                      struct text *out)
{
    struct date since = date_of_wall(json_member_text(object, name));
    if (since.kind != DATE_NONE) {
        add_words(telling, PHRASE_SINCE, telling_date(telling, since, false), out);
    }
}

static void add_stalled(const struct telling *telling, const struct story *story, struct text *out)
{
    add_since(telling, json_member(story->data, "stalled"), "since", out);
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

/* --- sources and sinks --- */

static void add_failing(const struct telling *telling, const struct story *story, struct text *out)
{
    add_since(telling, json_member(story->data, "failure"), "first", out);
    add_since(telling, json_member(story->data, "sink"), "failing_since", out);
}

static void add_novelty(const struct telling *telling, const struct story *story, struct text *out)
{
    static const struct {
        const char *kind;
        enum phrase words;
    } kinds[] = {{"status", PHRASE_NEW_STATUS},     {"type", PHRASE_NEW_TYPE},
                 {"missing", PHRASE_FIELD_MISSING}, {"alike", PHRASE_LOOKS_WATCHED},
                 {"profile", PHRASE_NEW_PROFILE},   {"locale", PHRASE_NEW_LOCALE},
                 {"total", PHRASE_FALSE_TOTAL},     {"unreadable", PHRASE_UNREADABLE}};
    const char *kind = json_member_text(json_member(story->data, "novelty"), "kind");
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (text_equal(kinds[i].kind, kind)) {
            text_addf(out, "%s %s", words_phrase(PHRASE_COLON, telling->language),
                      words_phrase(kinds[i].words, telling->language));
        }
    }
}

static const char *count_of(const struct telling *telling, const struct json *object,
                            const char *name)
{
    return arena_format(telling->arena, "%" PRId64, json_member_integer(object, name, 0));
}

static void add_hold(const struct telling *telling, const struct story *story, struct text *out)
{
    const struct json *hold = json_member(story->data, "hold");
    if (hold == NULL) {
        return;
    }
    const struct phrase_arguments counts = {.values = {count_of(telling, hold, "changed"),
                                                       count_of(telling, hold, "known"),
                                                       count_of(telling, hold, "vanished")}};
    text_addf(out, "%s ", words_phrase(PHRASE_COLON, telling->language));
    words_add_phrase(out, PHRASE_HELD_BACK, telling->language, &counts);
}

typedef void headline_fn(const struct telling *telling, const struct story *story,
                         struct text *out);

/* What follows the event's own words. */
static headline_fn *const details[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER_CREATED] = add_created,
    [EVENT_ORDER_STATUS_CHANGED] = add_status,
    [EVENT_ORDER_STATUS_HELD] = add_status,
    [EVENT_ORDER_STATUS_RESUMED] = add_status,
    [EVENT_ORDER_DATE_COMMITTED] = add_order_date,
    [EVENT_ORDER_DATE_CHANGED] = add_order_date,
    [EVENT_ORDER_DATE_OVERDUE] = add_overdue,
    [EVENT_ORDER_STALLED] = add_stalled,
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
    [EVENT_APPOINTMENT_REMINDER] = add_reminder,
    [EVENT_SOURCE_UNREACHABLE] = add_failing,
    [EVENT_SOURCE_SCHEMA_CHANGED] = add_novelty,
    [EVENT_SOURCE_CHANGE_HELD] = add_hold,
    [EVENT_SINK_FAILING] = add_failing,
};

const char *story_main_field(const struct story *story)
{
    enum event_type type = story->event->type;
    if (type == EVENT_APPOINTMENT_RESCHEDULED) {
        return "start";
    }
    if (type == EVENT_ORDER_DATE_CHANGED || type == EVENT_ORDER_DATE_COMMITTED) {
        const char *field = json_member_text(json_member(story->data, "date_change"), "field");
        return field != NULL ? field : "committed_date";
    }
    if (type >= EVENT_ORDER_STATUS_CHANGED && type <= EVENT_ORDER_STATUS_REVERTED) {
        const struct story alone = {.event = story->event, .changes = story->changes};
        return find_sides(&alone, "status").is_changed ? "status" : "step";
    }
    bool is_state = type == EVENT_APPOINTMENT_CONFIRMED || type == EVENT_APPOINTMENT_CANCELLED ||
                    type == EVENT_APPOINTMENT_COMPLETED || type == EVENT_APPOINTMENT_MISSED;
    return is_state ? "status" : NULL;
}

/* Which date of an order moved is said first of all. */
static const char *date_words(const struct telling *telling, const struct story *story)
{
    static const struct {
        const char *field;
        enum phrase set, moved, withdrawn;
    } dates[] = {{"requested_date", PHRASE_REQUESTED_SET, PHRASE_REQUESTED_MOVED,
                  PHRASE_REQUESTED_WITHDRAWN},
                 {"committed_date", PHRASE_COMMITTED_SET, PHRASE_COMMITTED_MOVED,
                  PHRASE_COMMITTED_WITHDRAWN},
                 {"completed_date", PHRASE_COMPLETED_SET, PHRASE_COMPLETED_MOVED,
                  PHRASE_COMPLETED_WITHDRAWN}};
    const char *field = story_main_field(story);
    struct sides sides = find_sides(story, field);
    for (size_t i = 0; i < ARRAY_COUNT(dates); i++) {
        if (!text_equal(dates[i].field, field) || !sides.is_changed) {
            continue;
        }
        enum phrase moved = sides.to != NULL ? dates[i].moved : dates[i].withdrawn;
        return words_phrase(sides.from != NULL ? moved : dates[i].set, telling->language);
    }
    return NULL;
}

/* "API key expires in 7 d, Mon 30 Nov 09:00" */
static const char *expiry_words(const struct telling *telling, const struct story *story)
{
    static const struct {
        const char *name;
        enum phrase words;
    } names[] = {{"api_key", PHRASE_API_KEY},
                 {"client_secret", PHRASE_CLIENT_SECRET},
                 {"certificate", PHRASE_CERTIFICATE},
                 {"client_certificate", PHRASE_CERTIFICATE},
                 {"token_certificate", PHRASE_CERTIFICATE}};
    const struct json *credential = json_member(story->data, "credential");
    struct date expires = date_of_wall(json_member_text(credential, "expires"));
    for (size_t i = 0; i < ARRAY_COUNT(names) && expires.kind != DATE_NONE; i++) {
        if (!text_equal(names[i].name, json_member_text(credential, "name"))) {
            continue;
        }
        bool is_over = expires.ms <= story->event->wall_ms;
        const char *left = telling_phrase(telling, PHRASE_IN_DAYS,
                                          count_of(telling, credential, "days_left"), NULL);
        const char *when = telling_date(telling, expires, false);
        const struct phrase_arguments arguments = {
            .values = {words_phrase(names[i].words, telling->language), is_over ? when : left,
                       when}};
        struct text text;
        text_init(&text, LINE_BYTES_MAX);
        words_add_phrase(&text, is_over ? PHRASE_EXPIRED : PHRASE_EXPIRES, telling->language,
                         &arguments);
        const char *words = arena_text(telling->arena, text_span(&text));
        text_fini(&text);
        return words;
    }
    return NULL;
}

/* Where the data says it better than the type alone. */
static const char *special_words(const struct telling *telling, const struct story *story)
{
    const struct json *sink = json_member(story->data, "sink");
    if (story->event->type == EVENT_ORDER_DATE_CHANGED) {
        return date_words(telling, story);
    }
    if (story->event->type == EVENT_SOURCE_CREDENTIAL_EXPIRING) {
        return expiry_words(telling, story);
    }
    if (story->event->type == EVENT_SINK_PARKED && json_member(sink, "parked") != NULL) {
        int64_t parked = json_member_integer(sink, "parked", 0);
        return telling_count(telling, PHRASE_PARKED_ONE, PHRASE_PARKED, (size_t)parked);
    }
    return NULL;
}

const char *story_headline(const struct telling *telling, const struct story *story)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    const char *words = special_words(telling, story);
    if (words != NULL) {
        text_add_text(&text, words);
    } else {
        words_add_event(&text, story->event->type, telling->language);
    }
    if (details[story->event->type] != NULL) {
        details[story->event->type](telling, story, &text);
    }
    const char *headline = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return headline;
}
