#include "message_calendar.h"

#include "core/date.h"

#define TEXT_BYTES_MAX 400

static const char *copy(const struct message *message, const char *text)
{
    return text != NULL ? arena_text(message->arena, span_of(text)) : NULL;
}

/* Only a date is a date: an unreadable one must not become an entry. */
static const char *copy_date(const struct message *message, const char *text)
{
    return date_of(text).kind != DATE_NONE ? copy(message, text) : NULL;
}

/* It had a start that calendars know of, and has none any more. */
static bool has_lost_start(const struct story *story)
{
    for (const struct json *change = json_first(story->changes); change != NULL;
         change = json_next(change)) {
        if (text_equal(json_member_text(change, "field"), "start") &&
            date_of(json_member_text(change, "from")).kind != DATE_NONE) {
            return date_of(json_member_text(story->appointment, "start")).kind == DATE_NONE;
        }
    }
    return false;
}

static bool is_cancelled(const struct story *story)
{
    return story->event->type == EVENT_APPOINTMENT_CANCELLED ||
           story->event->type == EVENT_APPOINTMENT_REMOVED ||
           text_equal(json_member_text(story->appointment, "status_kind"), "cancelled") ||
           has_lost_start(story);
}

static const char *describe(const struct telling *telling, const struct story *story)
{
    static const char *const fields[] = {"reference", "offer", "status", "step"};
    struct text text;
    text_init(&text, (size_t)4 * TEXT_BYTES_MAX + 1024);
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        const char *value = json_member_text(story->order, fields[i]);
        if (value != NULL) {
            text_addf(&text, "%s\n",
                      telling_titled(telling, telling_field(telling, fields[i]),
                                     telling_clean(telling, value, TEXT_BYTES_MAX)));
        }
    }
    text_add_text(&text, telling->sink->email.status_url);
    const char *description = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return description;
}

static const char *find_location(const struct telling *telling, const struct story *story)
{
    const char *location = json_member_text(story->appointment, "location");
    location = location != NULL ? location : json_member_text(story->order, "site");
    return location != NULL ? telling_clean(telling, location, TEXT_BYTES_MAX) : NULL;
}

/* An appointment without a start gets no entry, unless there may be one to take away. */
static bool make_entry(const struct message *message, const struct telling *telling,
                       const struct story *story, struct message_appointment *out)
{
    const struct json *calendar = json_member(story->data, "calendar");
    int64_t sequence = json_member_integer(calendar, "sequence", -1);
    if (story->event->appointment_id[0] == '\0' || sequence < 0 || sequence > INT32_MAX) {
        return false;
    }
    *out = (struct message_appointment){
        .source_name = copy(message, story->event->source_name),
        .order_id = copy(message, story->event->order_id),
        .appointment_id = copy(message, story->event->appointment_id),
        .sequence = (uint32_t)sequence,
        .is_cancelled = is_cancelled(story),
        .is_confirmed =
            text_equal(json_member_text(story->appointment, "status_kind"), "confirmed"),
        .start = copy_date(message, json_member_text(story->appointment, "start")),
        .end = copy_date(message, json_member_text(story->appointment, "end")),
        .summary = copy(message, telling_titled(telling, story_title(telling, story),
                                                words_phrase(PHRASE_VISIT, telling->language))),
        .location = copy(message, find_location(telling, story)),
        .description = copy(message, describe(telling, story)),
    };
    return out->start != NULL || out->is_cancelled;
}

static bool is_told_later(const struct story *stories, size_t count, size_t index)
{
    const struct event *event = stories[index].event;
    for (size_t i = index + 1; i < count; i++) {
        const struct event *later = stories[i].event;
        if (text_equal(later->source_name, event->source_name) &&
            text_equal(later->order_id, event->order_id) &&
            text_equal(later->appointment_id, event->appointment_id)) {
            return true;
        }
    }
    return false;
}

void message_add_appointments(struct message *message, const struct telling *telling,
                              const struct story *stories, size_t count)
{
    struct message_appointment *all =
        arena_array(message->arena, MESSAGE_APPOINTMENTS_MAX, sizeof *all);
    message->appointments = all;
    for (size_t i = 0; i < count && message->appointment_count < MESSAGE_APPOINTMENTS_MAX; i++) {
        bool is_latest = !is_told_later(stories, count, i);
        if (is_latest &&
            make_entry(message, telling, &stories[i], &all[message->appointment_count])) {
            message->appointment_count++;
        }
    }
}
