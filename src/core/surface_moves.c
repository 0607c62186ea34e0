/* How far the dates of an order, and of its appointments, are from what was promised first. */
#include "core/slip.h"

#include "surface_internal.h"

struct move {
    const char *field, *appointment_id; /* NULL: of the order itself */
    const char *first, *now;            /* NULL: it never had one, it has none any more */
    uint32_t count;
};

static void add_move(struct json_writer *writer, const struct source_config *source,
                     const struct move *move)
{
    if (move->first == NULL) {
        return;
    }
    struct slip total = {.direction = SLIP_UNKNOWN};
    if (source != NULL) {
        total = slip_between(move->first, move->now, source);
    }
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "field", move->field);
    json_write_text(writer, "appointment", move->appointment_id);
    json_write_text(writer, "first", move->first);
    json_write_text(writer, "now", move->now);
    json_write_integer(writer, "count", move->count);
    if (total.direction != SLIP_UNKNOWN) {
        json_write_integer(writer, "total_days", total.days);
    }
    json_write_close(writer, '}');
}

void item_add_moves(struct json_writer *writer, const struct source_config *source,
                    const struct record *record, struct history *history)
{
    item_add_wall(writer, "status_since", history->status_since_wall_ms);
    json_write_open(writer, "moves", '[');
    for (int i = 0; i < ORDER_FIELD_COUNT; i++) {
        enum order_field field = (enum order_field)i;
        const struct date_history *date = &history->dates[i];
        add_move(writer, source,
                 &(struct move){.field = order_field_name(field),
                                .first = order_field_is_date(field) ? date->first : NULL,
                                .now = record->fields[i],
                                .count = date->move_count});
    }
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        const struct appointment_history *known = history_appointment(history, appointment->id);
        if (known != NULL) {
            add_move(writer, source,
                     &(struct move){.field = "start",
                                    .appointment_id = appointment->id,
                                    .first = known->first_start,
                                    .now = appointment->fields[APPOINTMENT_START],
                                    .count = known->move_count});
        }
    }
    json_write_close(writer, ']');
}
