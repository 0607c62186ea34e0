#include "mail_compose.h"

#include "edge/calendar.h"
#include "edge/mime.h"

#include <stdlib.h>

#define CALENDAR_BYTES_MAX ((size_t)64 << 10)

struct calendars {
    struct text texts[MESSAGE_APPOINTMENTS_MAX];
    struct mime_calendar parts[MESSAGE_APPOINTMENTS_MAX];
    size_t count;
};

static enum calendar_method choose_method(enum calendar_mode mode,
                                          const struct message_appointment *appointment)
{
    if (appointment->is_cancelled) {
        return CALENDAR_METHOD_CANCEL;
    }
    return mode == CALENDAR_REQUEST ? CALENDAR_METHOD_REQUEST : CALENDAR_METHOD_PUBLISH;
}

/* One body for each appointment: a body has one method, and a request one UID. */
static void make_calendars(const struct mail_facts *facts, const struct message *message,
                           struct calendars *out)
{
    const struct email_config *email = &facts->sink->email;
    bool has_attendees = email->calendar == CALENDAR_REQUEST;
    for (size_t i = 0; email->calendar != CALENDAR_OFF && i < message->appointment_count; i++) {
        struct calendar_facts calendar = {
            .method = choose_method(email->calendar, &message->appointments[i]),
            .appointments = &message->appointments[i],
            .appointment_count = 1,
            .zone = message->zone,
            .organizer = facts->from,
            .attendees = facts->to,
            .attendee_count = has_attendees ? email->to_count : 0,
            .stamp_wall_ms = facts->now_wall_ms,
        };
        struct text *text = &out->texts[out->count];
        text_init(text, CALENDAR_BYTES_MAX + email->to_count * 300);
        calendar_add(&calendar, text);
        CHECK(text->status == STATUS_OK);
        out->parts[out->count++] = (struct mime_calendar){
            .body = text_span(text), .method = calendar_method_name(calendar.method)};
    }
}

/* The same for every attempt of a mail; run --once sends digests before they are due. */
static int64_t mail_date_wall_ms(const struct mail_facts *facts)
{
    int64_t due_wall_ms = facts->delivery->first_due_wall_ms;
    return due_wall_ms < facts->now_wall_ms ? due_wall_ms : facts->now_wall_ms;
}

static enum status write_mime(const struct mail_facts *facts, const struct message *message,
                              struct text *out, struct failure *why)
{
    struct calendars *calendars = alloc(sizeof *calendars);
    make_calendars(facts, message, calendars);
    const struct mime_facts mime = {.message = message,
                                    .sink = facts->sink,
                                    .date_wall_ms = mail_date_wall_ms(facts),
                                    .calendars = calendars->parts,
                                    .calendar_count = calendars->count};
    enum status status = mime_compose(&mime, out, why);
    for (size_t i = 0; i < calendars->count; i++) {
        text_fini(&calendars->texts[i]);
    }
    free(calendars);
    return status;
}

enum status mail_compose(const struct mail_facts *facts, struct text *out, struct failure *why)
{
    struct message message;
    message_init(&message);
    enum status status = message_compose(facts->sink, facts->config, facts->delivery,
                                         facts->now_wall_ms, &message, why);
    if (status == STATUS_OK) {
        status = write_mime(facts, &message, out, why);
    }
    message_fini(&message);
    return status;
}
