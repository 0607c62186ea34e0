/* The history of an order as the store keeps it: packed, as the record is (record_bytes.c). Earlier
 * versions kept JSON, which is read, too. */
#include "core/history.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/pack.h"
#include "core/text.h"

#define FORM 1 /* the first byte; of JSON it is a brace */

static void pack_dates(struct text *out, const struct history *history)
{
    pack_number(out, ORDER_FIELD_COUNT);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        pack_text(out, history->dates[i].first);
        if (history->dates[i].first != NULL) {
            pack_number(out, history->dates[i].move_count);
        }
    }
}

static void pack_pending(struct text *out, const struct pending_status *pending)
{
    pack_number(out, pending->since_wall_ms);
    if (pending->since_wall_ms != 0) {
        pack_text(out, order_kind_name(pending->kind));
        pack_text(out, pending->status);
        pack_text(out, pending->step);
        pack_text(out, pending->completed_date);
    }
}

static void pack_appointment(struct text *out, const struct appointment_history *appointment)
{
    pack_text(out, appointment->id);
    pack_text(out, appointment->first_start);
    pack_number(out, appointment->move_count);
    pack_number(out, appointment->calendar_sequence);
    pack_number(out, appointment->since_wall_ms);
    pack_number(out, appointment->is_removed);
    pack_number(out, (int64_t)appointment->reminded_count);
    for (size_t i = 0; i < appointment->reminded_count; i++) {
        pack_number(out, appointment->reminded_ms[i]);
    }
}

void history_encode(const struct history *history, struct text *out)
{
    text_add_char(out, FORM);
    pack_number(out, history->status_since_wall_ms);
    pack_number(out, history->is_stall_told);
    pack_number(out, history->baseline_wall_ms);
    pack_pending(out, &history->pending);
    pack_dates(out, history);
    pack_number(out, (int64_t)history->overdue_told_count);
    for (size_t i = 0; i < history->overdue_told_count; i++) {
        pack_text(out, history->overdue_told[i]);
    }
    pack_number(out, (int64_t)history->appointment_count);
    for (size_t i = 0; i < history->appointment_count; i++) {
        pack_appointment(out, &history->appointments[i]);
    }
}

/* --- reading back ----------------------------------------------------------------------------- */

static uint32_t unpack_small(struct pack_reader *reader)
{
    int64_t number = pack_read_number(reader);
    reader->is_broken |= number < 0 || number > UINT32_MAX;
    return (uint32_t)number;
}

static void unpack_pending(struct pack_reader *reader, struct pending_status *out)
{
    out->since_wall_ms = pack_read_number(reader);
    if (out->since_wall_ms != 0) {
        out->kind = order_kind_named(pack_read_text(reader));
        out->status = pack_read_text(reader);
        out->step = pack_read_text(reader);
        out->completed_date = pack_read_text(reader);
    }
}

static void unpack_dates(struct pack_reader *reader, struct history *out)
{
    size_t count = pack_read_count(reader);
    reader->is_broken |= count > ORDER_FIELD_COUNT;
    for (size_t i = 0; i < count && i < ORDER_FIELD_COUNT; i++) {
        out->dates[i].first = pack_read_text(reader);
        out->dates[i].move_count = out->dates[i].first != NULL ? unpack_small(reader) : 0;
    }
}

static void unpack_appointment(struct pack_reader *reader, struct appointment_history *out)
{
    out->id = pack_read_text(reader);
    out->first_start = pack_read_text(reader);
    out->move_count = unpack_small(reader);
    out->calendar_sequence = unpack_small(reader);
    out->since_wall_ms = pack_read_number(reader);
    out->is_removed = pack_read_number(reader) != 0;
    size_t count = pack_read_count(reader);
    for (size_t i = 0; i < count; i++) {
        history_tell_reminder(out, pack_read_number(reader));
    }
    reader->is_broken |= out->id == NULL;
}

static void unpack_history(struct pack_reader *reader, struct arena *arena, struct history *out)
{
    out->status_since_wall_ms = pack_read_number(reader);
    out->is_stall_told = pack_read_number(reader) != 0;
    out->baseline_wall_ms = pack_read_number(reader);
    unpack_pending(reader, &out->pending);
    unpack_dates(reader, out);
    size_t told_count = pack_read_count(reader);
    for (size_t i = 0; i < told_count; i++) {
        const char *told = pack_read_text(reader);
        if (told != NULL) {
            history_tell_overdue(out, told);
        }
    }
    out->appointment_count = pack_read_count(reader);
    out->appointments = arena_array(arena, out->appointment_count, sizeof *out->appointments);
    for (size_t i = 0; i < out->appointment_count; i++) {
        unpack_appointment(reader, &out->appointments[i]);
    }
}

/* --- of earlier versions ---------------------------------------------------------------------- */

static const char *copy(const char *text, struct arena *arena)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

static int64_t integer_of(const struct json *node)
{
    struct span digits = json_text(node);
    bool is_negative = digits.size != 0 && digits.data[0] == '-';
    int64_t value = 0;
    for (size_t i = is_negative ? 1 : 0; i < digits.size && i < 18; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    return is_negative ? -value : value;
}

static void read_pending(const struct json *node, struct arena *arena, struct pending_status *out)
{
    out->since_wall_ms = json_member_integer(node, "since", 0);
    out->kind = (enum order_kind)json_member_integer(node, "kind", ORDER_UNKNOWN);
    out->status = copy(json_member_text(node, "status"), arena);
    out->step = copy(json_member_text(node, "step"), arena);
    out->completed_date = copy(json_member_text(node, "completed_date"), arena);
}

static void read_appointment(const struct json *node, struct arena *arena,
                             struct appointment_history *out)
{
    out->id = copy(json_member_text(node, "id"), arena);
    out->first_start = copy(json_member_text(node, "first_start"), arena);
    out->move_count = (uint32_t)json_member_integer(node, "moves", 0);
    out->calendar_sequence = (uint32_t)json_member_integer(node, "sequence", 0);
    out->since_wall_ms = json_member_integer(node, "since", 0);
    out->is_removed = json_member_true(node, "removed");
    const struct json *lead = json_first(json_member(node, "reminded"));
    for (; lead != NULL; lead = json_next(lead)) {
        history_tell_reminder(out, integer_of(lead));
    }
}

static enum status read_appointments(const struct json *root, struct arena *arena,
                                     struct history *out, struct failure *why)
{
    const struct json *list = json_member(root, "appointments");
    out->appointments = arena_array(arena, json_count(list), sizeof *out->appointments);
    for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
        struct appointment_history *one = &out->appointments[out->appointment_count++];
        read_appointment(node, arena, one);
        if (one->id == NULL) {
            return fail(why, STATUS_CORRUPT, "stored history: an appointment has no id");
        }
    }
    return STATUS_OK;
}

static enum status read_history(const struct json *root, struct arena *arena, struct history *out,
                                struct failure *why)
{
    out->status_since_wall_ms = json_member_integer(root, "status_since", 0);
    out->is_stall_told = json_member_true(root, "stall_told");
    out->baseline_wall_ms = json_member_integer(root, "baseline", 0);
    const struct json *pending = json_member(root, "pending");
    if (pending != NULL) {
        read_pending(pending, arena, &out->pending);
    }
    const struct json *dates = json_member(root, "dates");
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        const struct json *date = json_member(dates, order_field_name((enum order_field)i));
        if (date != NULL) {
            out->dates[i].first = copy(json_member_text(date, "first"), arena);
            out->dates[i].move_count = (uint32_t)json_member_integer(date, "moves", 0);
        }
    }
    const struct json *told = json_first(json_member(root, "overdue_told"));
    for (; told != NULL; told = json_next(told)) {
        history_tell_overdue(out, arena_text(arena, json_text(told)));
    }
    return read_appointments(root, arena, out, why);
}

static enum status decode_json(struct span bytes, struct arena *arena, struct history *out,
                               struct failure *why)
{
    struct history history = {0};
    struct json *root = NULL;
    struct failure detail;
    if (json_parse(bytes, &root, &detail) != STATUS_OK) {
        return fail(why, STATUS_CORRUPT, "stored history: %s", detail.detail);
    }
    enum status status = read_history(root, arena, &history, why);
    json_destroy(root);
    if (status == STATUS_OK) {
        *out = history;
    }
    return status;
}

enum status history_decode(struct span bytes, struct arena *arena, struct history *out,
                           struct failure *why)
{
    struct history history = {0};
    if (bytes.size == 0) {
        *out = history;
        return STATUS_OK;
    }
    if (bytes.data[0] != FORM) {
        return decode_json(bytes, arena, out, why);
    }
    struct span kept = {.data = arena_text(arena, bytes) + 1, .size = bytes.size - 1};
    struct pack_reader reader = pack_reader(kept);
    unpack_history(&reader, arena, &history);
    if (!pack_is_whole(&reader)) {
        return fail(why, STATUS_CORRUPT, "stored history: its bytes are damaged");
    }
    *out = history;
    return STATUS_OK;
}
