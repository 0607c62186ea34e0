#include "core/classify.h"

#include "core/keep.h"

#define EXTRA_BYTES_MAX ((size_t)1024 * 1024)
#define BYTES_MAX ((size_t)16 * 1024 * 1024) /* of all appointments of one order */

static struct finding_list list_create(const struct classify_context *context)
{
    /* The order's own event, status, each date, notes and the rest; then each appointment. */
    size_t count_max = 4 + ORDER_FIELD_COUNT + context->diff->appointment_count;
    return (struct finding_list){
        .items = arena_array(context->arena, count_max, sizeof(struct finding))};
}

static struct finding *add(struct finding_list *list, enum event_type type,
                           struct change_list changes)
{
    struct finding *finding = &list->items[list->count++];
    *finding = (struct finding){
        .type = type,
        .severity = event_type_severity(type),
        .changes = changes,
    };
    return finding;
}

static struct change_list one_change(struct change *change)
{
    return (struct change_list){.items = change, .count = 1};
}

/* --- status --- */

static enum event_type status_event(const struct classify_context *context)
{
    enum order_kind was = context->before->kind;
    enum order_kind is = context->after->kind;
    if (!context->diff->is_status_moved || is == was) {
        return EVENT_ORDER_STATUS_CHANGED;
    }
    switch (is) {
    case ORDER_COMPLETED:
        return EVENT_ORDER_STATUS_COMPLETED;
    case ORDER_CANCELLED:
        return EVENT_ORDER_STATUS_CANCELLED;
    case ORDER_FAILED:
        return EVENT_ORDER_STATUS_FAILED;
    case ORDER_HELD:
        return EVENT_ORDER_STATUS_HELD;
    case ORDER_OPEN:
        return was == ORDER_HELD ? EVENT_ORDER_STATUS_RESUMED : EVENT_ORDER_STATUS_CHANGED;
    case ORDER_UNKNOWN:
        return EVENT_ORDER_STATUS_CHANGED;
    }
    CHECK(!"an order kind that does not exist");
}

static void find_status(const struct classify_context *context, struct finding_list *out)
{
    if (context->diff->status.count != 0) {
        (void)add(out, status_event(context), context->diff->status);
    }
}

/* --- dates --- */

static enum order_field field_of(const char *name)
{
    enum order_field field = ORDER_REFERENCE;
    while (!text_equal(order_field_name(field), name)) {
        field++;
    }
    return field;
}

static enum severity date_severity(const struct change *change, const struct slip *slip)
{
    bool is_taken_away = change->to == NULL;
    return slip->direction == SLIP_LATER || is_taken_away
               ? SEVERITY_WARNING
               : event_type_severity(EVENT_ORDER_DATE_CHANGED);
}

static void find_date(const struct classify_context *context, struct change *change,
                      struct finding_list *out)
{
    enum order_field field = field_of(change->field);
    const struct date_history *history = &context->history->dates[field];
    if (field == ORDER_COMMITTED_DATE && change->from == NULL && history->move_count == 0) {
        (void)add(out, EVENT_ORDER_DATE_COMMITTED, one_change(change));
        return;
    }
    struct finding *finding = add(out, EVENT_ORDER_DATE_CHANGED, one_change(change));
    finding->slip = slip_between(change->from, change->to, context->source);
    finding->severity = date_severity(change, &finding->slip);
    struct slip_story story = {
        .field = change->field,
        .slip = finding->slip,
        .move_count = history->move_count,
        .first_name = "first_date",
        .first = history->first,
        .now = change->to,
    };
    struct text json;
    text_init(&json, EXTRA_BYTES_MAX);
    struct json_writer writer = {.out = &json};
    slip_write(&writer, "date_change", &story, context->source);
    finding->extra_json = keep_text(&json, context->arena);
}

/* --- notes and the rest --- */

static void write_note(struct json_writer *writer, const struct note *note)
{
    json_write_open(writer, "note", '{');
    json_write_text(writer, "id", note->id);
    json_write_text(writer, "date", note->date);
    json_write_text(writer, "author", note->author);
    json_write_text(writer, "text", note->text);
    json_write_close(writer, '}');
}

static void find_notes(const struct classify_context *context, struct finding_list *out)
{
    const struct diff *diff = context->diff;
    if (diff->new_note_count == 0) {
        return;
    }
    struct change_list changes = {
        .items = arena_array(context->arena, diff->new_note_count, sizeof(struct change))};
    for (size_t i = 0; i < diff->new_note_count; i++) {
        changes.items[changes.count++] =
            (struct change){.field = "notes", .to = diff->new_notes[i]->text};
    }
    struct finding *finding = add(out, EVENT_ORDER_NOTE_ADDED, changes);
    finding->unkept_count = diff->unkept_note_count;
    struct text json;
    text_init(&json, EXTRA_BYTES_MAX);
    struct json_writer writer = {.out = &json};
    write_note(&writer, diff->new_notes[diff->new_note_count - 1]);
    finding->extra_json = keep_text(&json, context->arena);
}

static void find_rest(const struct classify_context *context, struct finding_list *out)
{
    if (context->diff->rest.count != 0) {
        (void)add(out, EVENT_ORDER_UPDATED, context->diff->rest);
    }
}

/* --- appointments --- */

/* NULL unless both sides are there and it had a start that is another now, or none any more. */
static const struct change *moved_start(const struct appointment_diff *diff)
{
    const struct change *change = change_list_find(&diff->changes, "start");
    bool is_on_both_sides = diff->before != NULL && diff->after != NULL;
    return is_on_both_sides && change != NULL && change->from != NULL ? change : NULL;
}

static bool is_start_set(const struct appointment_diff *diff)
{
    const struct change *change = change_list_find(&diff->changes, "start");
    return change != NULL && change->from == NULL;
}

/* An end outweighs a move, and a move outweighs any other word: who plans a visit reads that one
 * word first. */
static enum event_type appointment_event(const struct appointment_diff *diff)
{
    if (diff->before == NULL) {
        return EVENT_APPOINTMENT_CREATED;
    }
    if (diff->after == NULL) {
        return EVENT_APPOINTMENT_REMOVED;
    }
    enum appointment_kind is = diff->after->kind;
    bool is_new_kind = diff->is_status_moved && is != diff->before->kind;
    if (is_new_kind && is == APPOINTMENT_CANCELLED) {
        return EVENT_APPOINTMENT_CANCELLED;
    }
    if (is_new_kind && is == APPOINTMENT_COMPLETED) {
        return EVENT_APPOINTMENT_COMPLETED;
    }
    if (is_new_kind && is == APPOINTMENT_MISSED) {
        return EVENT_APPOINTMENT_MISSED;
    }
    if (moved_start(diff) != NULL) {
        return EVENT_APPOINTMENT_RESCHEDULED;
    }
    return is_new_kind && is == APPOINTMENT_CONFIRMED ? EVENT_APPOINTMENT_CONFIRMED
                                                      : EVENT_APPOINTMENT_UPDATED;
}

void classify_write_calendar(const struct classify_context *context, const char *appointment_id,
                             struct json_writer *writer)
{
    const struct appointment_history *known = history_appointment(context->history, appointment_id);
    json_write_open(writer, "calendar", '{');
    json_write_integer(writer, "sequence", known != NULL ? known->calendar_sequence : 0);
    json_write_close(writer, '}');
}

static void write_reschedule(const struct classify_context *context,
                             const struct appointment_diff *diff, const struct slip *slip,
                             struct json_writer *writer)
{
    const struct appointment_history *known =
        history_appointment(context->history, diff->after->id);
    struct slip_story story = {
        .slip = *slip,
        .move_count = known != NULL ? known->move_count : 1,
        .first_name = "first_start",
        .first = known != NULL ? known->first_start : diff->before->fields[APPOINTMENT_START],
        .now = diff->after->fields[APPOINTMENT_START],
    };
    slip_write(writer, "reschedule", &story, context->source);
}

static void find_appointment(const struct classify_context *context,
                             const struct appointment_diff *diff, struct finding_list *out)
{
    struct finding *finding = add(out, appointment_event(diff), diff->changes);
    finding->appointment = diff->after != NULL ? diff->after : diff->before;
    struct text json;
    text_init(&json, EXTRA_BYTES_MAX);
    struct json_writer writer = {.out = &json};
    const struct change *move = moved_start(diff);
    if (move != NULL) {
        finding->slip = slip_between(move->from, move->to, context->source);
        write_reschedule(context, diff, &finding->slip, &writer);
    }
    if (finding->type == EVENT_APPOINTMENT_UPDATED && is_start_set(diff)) {
        finding->severity = SEVERITY_NOTICE; /* now it is known when: no mere detail */
    }
    classify_write_calendar(context, finding->appointment->id, &writer);
    finding->extra_json = keep_text(&json, context->arena);
}

/* What a cancelled order takes with it is a consequence, and no news of its own. */
static bool goes_with_order(const struct appointment_diff *diff, const struct finding_list *found)
{
    enum event_type type = appointment_event(diff);
    return found->count != 0 && found->items[0].type == EVENT_ORDER_STATUS_CANCELLED &&
           (type == EVENT_APPOINTMENT_CANCELLED || type == EVENT_APPOINTMENT_REMOVED);
}

static void find_appointments(const struct classify_context *context, struct finding_list *out)
{
    for (size_t i = 0; i < context->diff->appointment_count; i++) {
        if (!goes_with_order(&context->diff->appointments[i], out)) {
            find_appointment(context, &context->diff->appointments[i], out);
        }
    }
}

/* --- appointments that go with their order --- */

static void write_follower(const struct classify_context *context,
                           const struct appointment_diff *diff, struct json_writer *writer)
{
    const struct appointment *appointment = diff->after != NULL ? diff->after : diff->before;
    struct text type;
    struct text json;
    text_init(&type, 128);
    text_init(&json, EXTRA_BYTES_MAX);
    text_addf(&type, "orderwatch.%s", event_type_name(appointment_event(diff)));
    record_add_appointment(appointment, &json);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "type", text_cstr(&type));
    json_write_raw(writer, "appointment", text_span(&json));
    json_write_open(writer, "changes", '[');
    for (size_t i = 0; i < diff->changes.count; i++) {
        json_write_open(writer, NULL, '{');
        json_write_text(writer, "field", diff->changes.items[i].field);
        json_write_text(writer, "from", diff->changes.items[i].from);
        json_write_text(writer, "to", diff->changes.items[i].to);
        json_write_close(writer, '}');
    }
    json_write_close(writer, ']');
    classify_write_calendar(context, appointment->id, writer);
    json_write_close(writer, '}');
    text_fini(&type);
    text_fini(&json);
}

/* data.appointments of the order's cancellation: each with what its own event would have said. */
static void add_followers(const struct classify_context *context, struct finding_list *found)
{
    struct text json;
    text_init(&json, BYTES_MAX);
    struct json_writer writer = {.out = &json};
    size_t count = 0;
    for (size_t i = 0; i < context->diff->appointment_count; i++) {
        const struct appointment_diff *diff = &context->diff->appointments[i];
        if (!goes_with_order(diff, found)) {
            continue;
        }
        if (count++ == 0) {
            json_write_open(&writer, "appointments", '[');
        }
        write_follower(context, diff, &writer);
    }
    if (count == 0) {
        text_fini(&json);
        return;
    }
    json_write_close(&writer, ']');
    found->items[0].follower_count = count;
    found->items[0].extra_json = keep_text(&json, context->arena);
}

/* --- the whole order --- */

void classify_new(const struct classify_context *context, struct finding_list *out)
{
    CHECK(context->before == NULL);
    *out = list_create(context);
    (void)add(out, EVENT_ORDER_CREATED, context->diff->rest);
    find_appointments(context, out);
}

void classify_changed(const struct classify_context *context, struct finding_list *out)
{
    CHECK(context->before != NULL);
    *out = list_create(context);
    find_status(context, out);
    for (size_t i = 0; i < context->diff->dates.count; i++) {
        find_date(context, &context->diff->dates.items[i], out);
    }
    find_appointments(context, out);
    add_followers(context, out);
    find_notes(context, out);
    find_rest(context, out);
}

static bool is_ending(enum event_type type)
{
    return type == EVENT_ORDER_STATUS_COMPLETED || type == EVENT_ORDER_STATUS_CANCELLED ||
           type == EVENT_ORDER_STATUS_FAILED;
}

void classify_left(const struct classify_context *context, bool is_closed, struct span detail_json,
                   struct finding_list *out)
{
    CHECK(context->before != NULL);
    *out = list_create(context);
    struct diff others = *context->diff;
    if (is_closed && others.status.count != 0 && is_ending(status_event(context))) {
        find_status(context, out);
        others.status = (struct change_list){0};
    }
    struct finding *finding = add(out, is_closed ? EVENT_ORDER_CLOSED : EVENT_ORDER_DISAPPEARED,
                                  diff_all_changes(&others, context->arena));
    if (detail_json.size != 0) {
        struct text json;
        text_init(&json, EXTRA_BYTES_MAX);
        struct json_writer writer = {.out = &json};
        json_write_raw(&writer, "detail", detail_json);
        finding->extra_json = keep_text(&json, context->arena);
    }
}

void classify_reappeared(const struct classify_context *context, struct finding_list *out)
{
    CHECK(context->before != NULL);
    *out = list_create(context);
    (void)add(out, EVENT_ORDER_REAPPEARED, diff_all_changes(context->diff, context->arena));
}
