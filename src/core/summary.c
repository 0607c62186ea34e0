#include "core/summary.h"

#include "core/date.h"
#include "core/utf8.h"
#include "core/words.h"
#include "core/zone.h"

#include <string.h>

#define ID_SHOWN_BYTES_MAX 80
#define VALUE_SHOWN_BYTES_MAX 80
#define NAME_BYTES_MAX 512
#define NOTE_SHOWN_BYTES_MAX 160

static int year_of(const struct summary_context *context)
{
    int64_t offset_ms = (int64_t)zone_at(context->zone, context->now_wall_ms).offset_s * 1000;
    return civil_of(context->now_wall_ms + offset_ms).year;
}

/* A date as people read it, any other value as it is. */
static void add_value(const struct summary_context *context, const char *value, struct text *out)
{
    struct date date = date_of(value);
    if (date.kind != DATE_NONE) {
        words_add_date(out, date, context->zone, LANGUAGE_EN, year_of(context));
        return;
    }
    utf8_add_clean_line(out, span_of(value), VALUE_SHOWN_BYTES_MAX);
}

static void add_in_brackets(const struct summary_context *context, const char *before,
                            const char *value, struct text *out)
{
    if (value != NULL) {
        text_addf(out, " (%s", before);
        add_value(context, value, out);
        text_add_char(out, ')');
    }
}

static void add_move(const struct summary_context *context, const struct slip *slip,
                     const struct change *change, struct text *out)
{
    text_add_text(out, " moved");
    if (slip->days != 0) {
        bool is_one = slip->days == 1 || slip->days == -1;
        text_addf(out, " by %+lld day%s", (long long)slip->days, is_one ? "" : "s");
    }
    text_add_text(out, ": ");
    add_value(context, change->from, out);
    text_add_text(out, " to ");
    add_value(context, change->to, out);
}

/* " committed date moved by +5 days: …", or whatever else became of one value. */
static void add_change(const struct summary_context *context, const struct slip *slip,
                       const struct change *change, struct text *out)
{
    if (change->from == NULL) {
        text_add_text(out, " is ");
        add_value(context, change->to, out);
    } else if (change->to == NULL) {
        text_add_text(out, " was ");
        add_value(context, change->from, out);
        text_add_text(out, ", now there is none");
    } else if (slip->direction != SLIP_UNKNOWN) {
        add_move(context, slip, change, out);
    } else {
        text_add_text(out, " changed: ");
        add_value(context, change->from, out);
        text_add_text(out, " to ");
        add_value(context, change->to, out);
    }
}

static void add_field_name(const char *field, struct text *out)
{
    struct text name;
    text_init(&name, NAME_BYTES_MAX);
    words_add_field(&name, field, LANGUAGE_EN);
    if (name.size != 0 && name.data[0] >= 'A' && name.data[0] <= 'Z') {
        name.data[0] = (char)(name.data[0] - 'A' + 'a');
    }
    utf8_add_clean_line(out, text_span(&name), VALUE_SHOWN_BYTES_MAX);
    text_fini(&name);
}

/* --- the order --- */

static void add_status(const struct summary_context *context, const struct finding *finding,
                       struct text *out)
{
    const struct change *status = change_list_find(&finding->changes, "status");
    const struct change *step = change_list_find(&finding->changes, "step");
    if (status == NULL && step != NULL) {
        text_add_text(out, ", step");
        add_change(context, &(struct slip){0}, step, out);
        return;
    }
    if (status != NULL && status->to == NULL) {
        text_add_text(out, " has no status any more");
    } else if (status != NULL) {
        text_add_text(out, " is now ");
        add_value(context, status->to, out);
    }
    add_in_brackets(context, "was ", status != NULL ? status->from : NULL, out);
    if (step != NULL && step->to != NULL) {
        text_add_text(out, ", step ");
        add_value(context, step->to, out);
    }
    if (finding->follower_count != 0) {
        text_addf(out, ", and so %s",
                  finding->follower_count == 1 ? "is its appointment" : "are its appointments");
    }
}

static void add_date_change(const struct summary_context *context, const struct finding *finding,
                            struct text *out)
{
    const struct change *change = &finding->changes.items[0];
    text_add_text(out, ", ");
    add_field_name(change->field, out);
    add_change(context, &finding->slip, change, out);
}

static void add_notes(const struct summary_context *context, const struct finding *finding,
                      struct text *out)
{
    (void)context;
    size_t count = finding->changes.count;
    if (count + finding->unkept_count == 1) {
        text_add_text(out, " has a new note: ");
    } else if (finding->unkept_count == 0) {
        text_addf(out, " has %zu new notes, the latest: ", count);
    } else {
        text_addf(out, " has %zu new notes, of which the last %zu are told, the latest: ",
                  count + finding->unkept_count, count);
    }
    const char *latest = finding->changes.items[finding->changes.count - 1].to;
    utf8_add_clean_line(out, span_of(latest), NOTE_SHOWN_BYTES_MAX);
}

static bool is_contact(const char *field)
{
    return strncmp(field, "contact.", strlen("contact.")) == 0;
}

static void add_update(const struct summary_context *context, const struct finding *finding,
                       struct text *out)
{
    const struct change_list *changes = &finding->changes;
    text_add_text(out, ", ");
    if (changes->count == 1 && !is_contact(changes->items[0].field)) {
        add_field_name(changes->items[0].field, out);
        add_change(context, &(struct slip){0}, &changes->items[0], out);
        return;
    }
    text_add_text(out, "changed: ");
    for (size_t i = 0; i < changes->count && i < 8; i++) {
        text_add_text(out, i != 0 ? ", " : "");
        add_field_name(changes->items[i].field, out);
    }
}

static void add_presence(const struct summary_context *context, const char *words, struct text *out)
{
    text_add_text(out, words);
    add_in_brackets(context, "", context->order->fields[ORDER_STATUS], out);
}

static void add_created(const struct summary_context *context, const struct finding *finding,
                        struct text *out)
{
    (void)finding;
    add_presence(context, " is new", out);
    if (context->order->fields[ORDER_SITE] != NULL) {
        text_add_text(out, ": ");
        add_value(context, context->order->fields[ORDER_SITE], out);
    }
}

static void add_overdue(const struct summary_context *context, const struct finding *finding,
                        struct text *out)
{
    (void)finding;
    text_add_text(out, " is overdue: committed date ");
    add_value(context, context->order->fields[ORDER_COMMITTED_DATE], out);
    text_add_text(out, " has passed");
}

static void add_stalled(const struct summary_context *context, const struct finding *finding,
                        struct text *out)
{
    text_add_text(out, " has not moved for ");
    int64_t still_ms = context->now_wall_ms - finding->since_wall_ms;
    duration_add(out, still_ms > MINUTE_MS ? still_ms / MINUTE_MS * MINUTE_MS : MINUTE_MS);
    add_in_brackets(context, "", context->order->fields[ORDER_STATUS], out);
}

/* --- appointments --- */

static const char *appointment_value(const struct finding *finding, enum appointment_field field)
{
    return finding->appointment != NULL ? finding->appointment->fields[field] : NULL;
}

static void add_slot(const struct summary_context *context, const char *words,
                     const struct finding *finding, struct text *out)
{
    const char *start = appointment_value(finding, APPOINTMENT_START);
    text_add_text(out, words);
    if (start != NULL) {
        text_add_text(out, ": ");
        add_value(context, start, out);
    }
}

static void add_new_slot(const struct summary_context *context, const struct finding *finding,
                         struct text *out)
{
    add_slot(context, ", new appointment", finding, out);
    add_in_brackets(context, "", appointment_value(finding, APPOINTMENT_STATUS), out);
}

static void add_rescheduled(const struct summary_context *context, const struct finding *finding,
                            struct text *out)
{
    const struct change *change = change_list_find(&finding->changes, "start");
    text_add_text(out, ", appointment");
    if (change != NULL) {
        add_change(context, &finding->slip, change, out);
    }
}

static void add_appointment_update(const struct summary_context *context,
                                   const struct finding *finding, struct text *out)
{
    add_slot(context, ", appointment", finding, out);
    add_update(context, finding, out);
}

static void add_reminder(const struct summary_context *context, const struct finding *finding,
                         struct text *out)
{
    int64_t left_ms = finding->lead_ms;
    struct date start = date_of(appointment_value(finding, APPOINTMENT_START));
    if (finding->is_late && start.kind == DATE_INSTANT) {
        int64_t exact_ms = start.ms - context->now_wall_ms;
        left_ms = exact_ms > MINUTE_MS ? exact_ms / MINUTE_MS * MINUTE_MS : MINUTE_MS;
    }
    text_add_text(out, ", appointment in ");
    duration_add(out, left_ms);
    text_add_text(out, finding->is_late ? " (late reminder): " : ": ");
    add_value(context, appointment_value(finding, APPOINTMENT_START), out);
}

static void add_closed(const struct summary_context *context, const struct finding *finding,
                       struct text *out)
{
    (void)finding;
    add_presence(context, " is closed", out);
}

static void add_disappeared(const struct summary_context *context, const struct finding *finding,
                            struct text *out)
{
    (void)finding;
    add_presence(context, " has disappeared from the list", out);
}

static void add_reappeared(const struct summary_context *context, const struct finding *finding,
                           struct text *out)
{
    (void)finding;
    add_presence(context, " is back on the list", out);
}

static void add_confirmed(const struct summary_context *context, const struct finding *finding,
                          struct text *out)
{
    add_slot(context, ", appointment confirmed", finding, out);
}

static void add_cancelled(const struct summary_context *context, const struct finding *finding,
                          struct text *out)
{
    add_slot(context, ", appointment cancelled", finding, out);
}

static void add_completed(const struct summary_context *context, const struct finding *finding,
                          struct text *out)
{
    add_slot(context, ", appointment completed", finding, out);
}

static void add_missed(const struct summary_context *context, const struct finding *finding,
                       struct text *out)
{
    add_slot(context, ", appointment missed", finding, out);
}

static void add_removed(const struct summary_context *context, const struct finding *finding,
                        struct text *out)
{
    add_slot(context, ", appointment removed", finding, out);
}

typedef void add_fn(const struct summary_context *context, const struct finding *finding,
                    struct text *out);

/* What happens to sources and sinks is summed up where it is found. */
static add_fn *const sentences[EVENT_TYPE_COUNT] = {
    [EVENT_ORDER_CREATED] = add_created,
    [EVENT_ORDER_STATUS_CHANGED] = add_status,
    [EVENT_ORDER_STATUS_COMPLETED] = add_status,
    [EVENT_ORDER_STATUS_CANCELLED] = add_status,
    [EVENT_ORDER_STATUS_FAILED] = add_status,
    [EVENT_ORDER_STATUS_HELD] = add_status,
    [EVENT_ORDER_STATUS_RESUMED] = add_status,
    [EVENT_ORDER_STATUS_REVERTED] = add_status,
    [EVENT_ORDER_DATE_COMMITTED] = add_date_change,
    [EVENT_ORDER_DATE_CHANGED] = add_date_change,
    [EVENT_ORDER_DATE_OVERDUE] = add_overdue,
    [EVENT_ORDER_STALLED] = add_stalled,
    [EVENT_ORDER_NOTE_ADDED] = add_notes,
    [EVENT_ORDER_UPDATED] = add_update,
    [EVENT_ORDER_CLOSED] = add_closed,
    [EVENT_ORDER_DISAPPEARED] = add_disappeared,
    [EVENT_ORDER_REAPPEARED] = add_reappeared,
    [EVENT_APPOINTMENT_CREATED] = add_new_slot,
    [EVENT_APPOINTMENT_CONFIRMED] = add_confirmed,
    [EVENT_APPOINTMENT_RESCHEDULED] = add_rescheduled,
    [EVENT_APPOINTMENT_CANCELLED] = add_cancelled,
    [EVENT_APPOINTMENT_COMPLETED] = add_completed,
    [EVENT_APPOINTMENT_MISSED] = add_missed,
    [EVENT_APPOINTMENT_UPDATED] = add_appointment_update,
    [EVENT_APPOINTMENT_REMOVED] = add_removed,
    [EVENT_APPOINTMENT_REMINDER] = add_reminder,
};

void summary_add(const struct summary_context *context, const struct finding *finding,
                 struct text *out)
{
    CHECK(finding->type < EVENT_TYPE_COUNT && sentences[finding->type] != NULL);
    text_add_text(out, "Order ");
    utf8_add_clean_line(out, span_of(context->order->id), ID_SHOWN_BYTES_MAX);
    sentences[finding->type](context, finding, out);
}
