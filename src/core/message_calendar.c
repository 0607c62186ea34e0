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

/* One appointment as a story tells of it: its own, or one that a cancelled order takes with it. */
struct visit {
    const struct story *story;
    const struct json *appointment, *changes, *calendar;
    const char *id;
    bool is_follower;
};

static struct visit visit_of(const struct story *story)
{
    return (struct visit){.story = story,
                          .appointment = story->appointment,
                          .changes = story->changes,
                          .calendar = json_member(story->data, "calendar"),
                          .id = story->event->appointment_id};
}

static struct visit follower_of(const struct story *story, const struct json *follower)
{
    const struct json *appointment = json_member(follower, "appointment");
    const char *id = json_member_text(appointment, "id");
    return (struct visit){.story = story,
                          .appointment = appointment,
                          .changes = json_member(follower, "changes"),
                          .calendar = json_member(follower, "calendar"),
                          .id = id != NULL ? id : "",
                          .is_follower = true};
}

static const struct json *first_follower(const struct story *story)
{
    return json_first(json_member(story->data, "appointments"));
}

/* It had a start that calendars know of, and has none any more. */
static bool has_lost_start(const struct visit *visit)
{
    for (const struct json *change = json_first(visit->changes); change != NULL;
         change = json_next(change)) {
        if (text_equal(json_member_text(change, "field"), "start") &&
            date_of(json_member_text(change, "from")).kind != DATE_NONE) {
            return date_of(json_member_text(visit->appointment, "start")).kind == DATE_NONE;
        }
    }
    return false;
}

static bool is_cancelled(const struct visit *visit)
{
    enum event_type type = visit->story->event->type;
    return visit->is_follower || type == EVENT_APPOINTMENT_CANCELLED ||
           type == EVENT_APPOINTMENT_REMOVED ||
           text_equal(json_member_text(visit->appointment, "status_kind"), "cancelled") ||
           has_lost_start(visit);
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
    text_add_text(&text, telling_page(telling, story->event->source_name, story->event->order_id));
    const char *description = arena_text(telling->arena, text_span(&text));
    text_fini(&text);
    return description;
}

static const char *find_location(const struct telling *telling, const struct visit *visit)
{
    const char *location = json_member_text(visit->appointment, "location");
    location = location != NULL ? location : json_member_text(visit->story->order, "site");
    return location != NULL ? telling_clean(telling, location, TEXT_BYTES_MAX) : NULL;
}

/* An appointment without a start gets no entry, unless there may be one to take away. */
static bool make_entry(const struct message *message, const struct telling *telling,
                       const struct visit *visit, struct message_appointment *out)
{
    const struct story *story = visit->story;
    int64_t sequence = json_member_integer(visit->calendar, "sequence", -1);
    if (visit->id[0] == '\0' || sequence < 0 || sequence > INT32_MAX) {
        return false;
    }
    *out = (struct message_appointment){
        .source_name = copy(message, story->event->source_name),
        .order_id = copy(message, story->event->order_id),
        .appointment_id = copy(message, visit->id),
        .sequence = (uint32_t)sequence,
        .is_cancelled = is_cancelled(visit),
        .is_confirmed =
            text_equal(json_member_text(visit->appointment, "status_kind"), "confirmed"),
        .start = copy_date(message, json_member_text(visit->appointment, "start")),
        .end = copy_date(message, json_member_text(visit->appointment, "end")),
        .summary = copy(message, telling_titled(telling, story_title(telling, story),
                                                words_phrase(PHRASE_VISIT, telling->language))),
        .location = copy(message, find_location(telling, visit)),
        .description = copy(message, describe(telling, story)),
    };
    return out->start != NULL || out->is_cancelled;
}

static bool tells_of(const struct story *story, const char *appointment_id)
{
    if (text_equal(story->event->appointment_id, appointment_id)) {
        return true;
    }
    for (const struct json *follower = first_follower(story); follower != NULL;
         follower = json_next(follower)) {
        if (text_equal(follower_of(story, follower).id, appointment_id)) {
            return true;
        }
    }
    return false;
}

static bool is_told_later(const struct story *stories, size_t count, size_t index,
                          const char *appointment_id)
{
    const struct event *event = stories[index].event;
    for (size_t i = index + 1; i < count; i++) {
        const struct event *later = stories[i].event;
        if (text_equal(later->source_name, event->source_name) &&
            text_equal(later->order_id, event->order_id) && tells_of(&stories[i], appointment_id)) {
            return true;
        }
    }
    return false;
}

struct diary {
    struct message *message;
    const struct telling *telling;
    const struct story *stories;
    size_t count;
    struct message_appointment *entries;
};

static void add_visit(struct diary *diary, const struct visit *visit)
{
    struct message *message = diary->message;
    size_t index = (size_t)(visit->story - diary->stories);
    if (message->appointment_count < MESSAGE_APPOINTMENTS_MAX &&
        !is_told_later(diary->stories, diary->count, index, visit->id) &&
        make_entry(message, diary->telling, visit, &diary->entries[message->appointment_count])) {
        message->appointment_count++;
    }
}

void message_add_appointments(struct message *message, const struct telling *telling,
                              const struct story *stories, size_t count)
{
    struct diary diary = {
        .message = message,
        .telling = telling,
        .stories = stories,
        .count = count,
        .entries = arena_array(message->arena, MESSAGE_APPOINTMENTS_MAX, sizeof *diary.entries)};
    message->appointments = diary.entries;
    for (size_t i = 0; i < count; i++) {
        struct visit visit = visit_of(&stories[i]);
        add_visit(&diary, &visit);
        for (const struct json *node = first_follower(&stories[i]); node != NULL;
             node = json_next(node)) {
            struct visit follower = follower_of(&stories[i], node);
            add_visit(&diary, &follower);
        }
    }
}
