#include "core/ticket_memory.h"

#include "core/arena.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "ticket/"
#define VALUE_BYTES_MAX (TICKET_ID_BYTES_MAX * 6 + 64) /* every byte of an id may be escaped */

struct ticket_memory {
    struct ticket_book *book;
    char *prefix; /* ticket/SINK/ */
};

static void restore(void *arg, const struct stored_value *value)
{
    struct ticket_memory *memory = arg;
    size_t size = strlen(memory->prefix);
    if (strncmp(value->key, memory->prefix, size) == 0) {
        /* What cannot be read is a ticket that is not known: its next event opens one. */
        (void)ticket_book_restore(memory->book, value->key + size, value->value);
    }
}

enum status ticket_memory_open(const char *sink_name, const struct store_port *store,
                               struct ticket_memory **out, struct failure *why)
{
    struct ticket_memory *memory = alloc(sizeof *memory);
    struct text prefix;
    text_init(&prefix, 256);
    text_addf(&prefix, PREFIX "%s/", sink_name);
    CHECK(prefix.status == STATUS_OK);
    memory->prefix = text_take(&prefix);
    memory->book = ticket_book_create();
    if (store != NULL) {
        enum status status = store->visit_values(store->self, restore, memory, why);
        if (status != STATUS_OK) {
            ticket_memory_close(memory);
            return status;
        }
    }
    *out = memory;
    return STATUS_OK;
}

void ticket_memory_close(struct ticket_memory *memory)
{
    if (memory == NULL) {
        return;
    }
    ticket_book_destroy(memory->book);
    free(memory->prefix);
    free(memory);
}

const struct ticket_book *ticket_memory_book(const struct ticket_memory *memory)
{
    return memory != NULL ? memory->book : NULL;
}

static void add_news(const struct ticket_memory *memory, const char *key, struct span value,
                     struct arena *arena, struct ticket_news *news)
{
    if (news->count == news->capacity) {
        news->capacity = news->capacity == 0 ? 4 : news->capacity * 2;
        struct stored_value *values = arena_array(arena, news->capacity, sizeof *values);
        if (news->count != 0) {
            memcpy(values, news->values, news->count * sizeof *values);
        }
        news->values = values;
    }
    news->values[news->count++] =
        (struct stored_value){.key = arena_format(arena, "%s%s", memory->prefix, key),
                              .value = {.data = arena_text(arena, value), .size = value.size}};
}

void ticket_memory_note(struct ticket_memory *memory, const struct ticket *ticket, const char *id,
                        struct arena *arena, struct ticket_news *news)
{
    const struct ticket_entry entry = {.key = ticket->key,
                                       .id = ticket->id != NULL ? ticket->id : id,
                                       .is_open = ticket->action != TICKET_CLOSE};
    ticket_book_set(memory->book, &entry);
    if (ticket_book_find(memory->book, ticket->key) == NULL) {
        return; /* the book is full */
    }
    struct text value;
    text_init(&value, VALUE_BYTES_MAX);
    ticket_entry_add(&value, &entry);
    CHECK(value.status == STATUS_OK);
    add_news(memory, ticket->key, text_span(&value), arena, news);
    text_fini(&value);
}

bool ticket_memory_lose(struct ticket_memory *memory, const struct ticket *ticket,
                        struct arena *arena, struct ticket_news *news)
{
    if (memory == NULL || ticket->id == NULL) {
        return false;
    }
    ticket_book_forget(memory->book, ticket->key);
    add_news(memory, ticket->key, span_of(""), arena, news);
    return true;
}

void ticket_memory_forget(struct ticket_memory *memory, const char *order_prefix,
                          struct arena *arena, struct ticket_news *news)
{
    const struct ticket_entry *entry = NULL;
    while ((entry = ticket_book_next(memory->book, order_prefix, NULL)) != NULL) {
        const char *key = arena_text(arena, span_of(entry->key));
        ticket_book_forget(memory->book, key);
        add_news(memory, key, span_of(""), arena, news);
    }
}

void ticket_memory_erase(struct ticket_memory *memory, const char *source_name,
                         const char *order_id)
{
    struct arena *arena = arena_create();
    struct ticket_news news = {.count = 0};
    const struct event event = {.source_name = source_name, .order_id = order_id};
    if (memory != NULL) {
        ticket_memory_forget(memory, ticket_order_prefix(&event, arena), arena, &news);
    }
    arena_destroy(arena);
}
