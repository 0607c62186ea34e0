#include "store_internal.h"

static const char *text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* The row of the new event; 0: it is known already, or the transaction has failed. */
static int64_t add_row(struct database *database, const struct new_event *event)
{
    const struct event *facts = &event->event;
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_EVENT_ADD);
    bind_text(statement, 1, facts->id);
    bind_text(statement, 2, text_or_empty(facts->source_name));
    bind_text(statement, 3, text_or_empty(facts->order_id));
    bind_text(statement, 4, text_or_empty(facts->appointment_id));
    bind_text(statement, 5, event_type_name(facts->type));
    bind_number(statement, 6, (int64_t)facts->severity);
    bind_number(statement, 7, (int64_t)facts->sequence);
    bind_number(statement, 8, facts->wall_ms);
    bind_number(statement, 9, (int64_t)facts->sweep);
    bind_bytes(statement, 10, facts->json);
    bind_bytes(statement, 11, facts->personal);
    bind_text(statement, 12, event->silence_id);
    return database_run(database, statement) != 0 ? database_last_row(database) : 0;
}

void intake_add_delivery(struct database *database, const struct planned_delivery *planned,
                         int64_t event_row, enum severity severity, int64_t created_wall_ms)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_DELIVERY_ADD);
    bind_text(statement, 1, planned->sink_name);
    bind_text(statement, 2, planned->lane);
    bind_text(statement, 3, planned->bundle);
    bind_number(statement, 4, event_row);
    bind_number(statement, 5, (int64_t)severity);
    bind_number(statement, 6, planned->due_wall_ms);
    bind_number(statement, 7, created_wall_ms);
    (void)database_run(database, statement);
    counts_add(database, planned->sink_name, (struct count_change){.observed = 1, .pending = 1});
}

void intake_add_event(struct database *database, const struct new_event *event, int64_t at_wall_ms)
{
    int64_t row = add_row(database, event);
    if (row == 0) {
        return; /* a replay: its deliveries were planned with it */
    }
    for (size_t i = 0; i < event->delivery_count; i++) {
        const struct planned_delivery *planned = &event->deliveries[i];
        if (event->silence_id != NULL) {
            counts_add(database, planned->sink_name,
                       (struct count_change){.observed = 1, .silenced = 1});
            continue;
        }
        bool is_late = planned->if_late != NULL && planned->due_wall_ms <= at_wall_ms;
        intake_add_delivery(database, is_late ? planned->if_late : planned, row,
                            event->event.severity, event->event.wall_ms);
    }
}
