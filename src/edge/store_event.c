#include "store_internal.h"

#include <string.h>

const char *column_copy(struct arena *arena, struct sqlite3_stmt *row, int column)
{
    return arena_text(arena, column_bytes(row, column));
}

static struct span copy_bytes(struct arena *arena, struct sqlite3_stmt *row, int column)
{
    struct span bytes = column_bytes(row, column);
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

void event_read(struct database *database, struct arena *arena, struct sqlite3_stmt *row,
                int first_column, struct event *out)
{
    const char *id = column_text(row, first_column);
    if (id == NULL || strlen(id) >= sizeof out->id ||
        !event_type_parse(column_text(row, first_column + 4), &out->type)) {
        (void)database_fail(database, STATUS_CORRUPT, "event %s has a type that is not known", id);
        return;
    }
    memcpy(out->id, id, strlen(id) + 1);
    out->source_name = column_copy(arena, row, first_column + 1);
    out->order_id = column_copy(arena, row, first_column + 2);
    out->appointment_id = column_copy(arena, row, first_column + 3);
    out->severity = (enum severity)column_number(row, first_column + 5);
    out->sequence = (uint64_t)column_number(row, first_column + 6);
    out->wall_ms = column_number(row, first_column + 7);
    out->sweep = (uint64_t)column_number(row, first_column + 8);
    out->json = copy_bytes(arena, row, first_column + 9);
    out->personal = copy_bytes(arena, row, first_column + 10);
}
