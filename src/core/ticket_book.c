#include "core/json.h"
#include "core/json_write.h"
#include "core/text.h"
#include "core/ticket.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by key: the tickets of one order stand together. */
struct ticket_book {
    struct ticket_entry *entries;
    size_t count, capacity;
};

struct ticket_book *ticket_book_create(void)
{
    return alloc(sizeof(struct ticket_book));
}

static void release(struct ticket_entry *entry)
{
    free((void *)(uintptr_t)entry->key);
    free((void *)(uintptr_t)entry->id);
}

void ticket_book_destroy(struct ticket_book *book)
{
    if (book == NULL) {
        return;
    }
    for (size_t i = 0; i < book->count; i++) {
        release(&book->entries[i]);
    }
    free(book->entries);
    free(book);
}

/* The first place whose key is not before this one. */
static size_t place_of(const struct ticket_book *book, const char *key)
{
    size_t from = 0;
    size_t to = book->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(book->entries[middle].key, key) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static bool is_at(const struct ticket_book *book, size_t place, const char *key)
{
    return place < book->count && strcmp(book->entries[place].key, key) == 0;
}

const struct ticket_entry *ticket_book_find(const struct ticket_book *book, const char *key)
{
    size_t place = place_of(book, key);
    return is_at(book, place, key) ? &book->entries[place] : NULL;
}

const struct ticket_entry *ticket_book_next(const struct ticket_book *book, const char *prefix,
                                            const char *after)
{
    size_t place = place_of(book, after != NULL ? after : prefix);
    if (after != NULL && is_at(book, place, after)) {
        place++;
    }
    bool is_one =
        place < book->count && strncmp(book->entries[place].key, prefix, strlen(prefix)) == 0;
    return is_one ? &book->entries[place] : NULL;
}

void ticket_book_set(struct ticket_book *book, const struct ticket_entry *entry)
{
    size_t place = place_of(book, entry->key);
    struct ticket_entry copy = {
        .key = alloc_text(entry->key), .id = alloc_text(entry->id), .is_open = entry->is_open};
    if (is_at(book, place, entry->key)) {
        release(&book->entries[place]);
        book->entries[place] = copy;
        return;
    }
    if (book->count == TICKET_BOOK_COUNT_MAX) {
        release(&copy);
        return;
    }
    if (book->count == book->capacity) {
        book->capacity = book->capacity == 0 ? 16 : book->capacity * 2;
        book->entries = alloc_resize(book->entries, book->capacity, sizeof *book->entries);
    }
    memmove(book->entries + place + 1, book->entries + place,
            (book->count - place) * sizeof *book->entries);
    book->entries[place] = copy;
    book->count++;
}

void ticket_book_forget(struct ticket_book *book, const char *key)
{
    size_t place = place_of(book, key);
    if (!is_at(book, place, key)) {
        return;
    }
    release(&book->entries[place]);
    book->count--;
    memmove(book->entries + place, book->entries + place + 1,
            (book->count - place) * sizeof *book->entries);
}

void ticket_entry_add(struct text *out, const struct ticket_entry *entry)
{
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "id", entry->id);
    json_write_true(&writer, "open", entry->is_open);
    json_write_close(&writer, '}');
}

bool ticket_book_restore(struct ticket_book *book, const char *key, struct span value)
{
    struct json *json = NULL;
    if (json_parse(value, &json, NULL) != STATUS_OK) {
        return false;
    }
    const char *id = json_member_text(json, "id");
    if (id != NULL) {
        ticket_book_set(book, &(struct ticket_entry){
                                  .key = key, .id = id, .is_open = json_member_true(json, "open")});
    }
    json_destroy(json);
    return id != NULL;
}
