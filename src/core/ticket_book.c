#include "core/json.h"
#include "core/json_write.h"
#include "core/text.h"
#include "core/ticket.h"

#include <stdlib.h>
#include <string.h>

/* An entry and its own texts, in one piece of memory. */
struct page {
    struct ticket_entry entry;
    char texts[];
};

/* Sorted by key: the tickets of one order stand together. */
struct ticket_book {
    struct page **pages;
    size_t count, capacity;
};

struct ticket_book *ticket_book_create(void)
{
    return alloc(sizeof(struct ticket_book));
}

static struct page *page_create(const struct ticket_entry *entry)
{
    size_t key_size = strlen(entry->key) + 1;
    size_t id_size = strlen(entry->id) + 1;
    struct page *page = alloc(sizeof *page + key_size + id_size);
    memcpy(page->texts, entry->key, key_size);
    memcpy(page->texts + key_size, entry->id, id_size);
    page->entry = (struct ticket_entry){
        .key = page->texts, .id = page->texts + key_size, .is_open = entry->is_open};
    return page;
}

void ticket_book_destroy(struct ticket_book *book)
{
    if (book == NULL) {
        return;
    }
    for (size_t i = 0; i < book->count; i++) {
        free(book->pages[i]);
    }
    free(book->pages);
    free(book);
}

/* The first place whose key is not before this one. */
static size_t place_of(const struct ticket_book *book, const char *key)
{
    size_t from = 0;
    size_t to = book->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (strcmp(book->pages[middle]->entry.key, key) < 0) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

static bool is_at(const struct ticket_book *book, size_t place, const char *key)
{
    return place < book->count && strcmp(book->pages[place]->entry.key, key) == 0;
}

const struct ticket_entry *ticket_book_find(const struct ticket_book *book, const char *key)
{
    size_t place = place_of(book, key);
    return is_at(book, place, key) ? &book->pages[place]->entry : NULL;
}

const struct ticket_entry *ticket_book_next(const struct ticket_book *book, const char *prefix,
                                            const char *after)
{
    size_t place = place_of(book, after != NULL ? after : prefix);
    if (after != NULL && is_at(book, place, after)) {
        place++;
    }
    bool is_one =
        place < book->count && strncmp(book->pages[place]->entry.key, prefix, strlen(prefix)) == 0;
    return is_one ? &book->pages[place]->entry : NULL;
}

void ticket_book_set(struct ticket_book *book, const struct ticket_entry *entry)
{
    size_t place = place_of(book, entry->key);
    bool is_known = is_at(book, place, entry->key);
    if (!is_known && book->count == TICKET_BOOK_COUNT_MAX) {
        return;
    }
    struct page *page = page_create(entry); /* before the old one goes: entry may be in it */
    if (is_known) {
        free(book->pages[place]);
        book->pages[place] = page;
        return;
    }
    if (book->count == book->capacity) {
        book->capacity = book->capacity == 0 ? 16 : book->capacity * 2;
        book->pages = alloc_resize(book->pages, book->capacity, sizeof(struct page *));
    }
    memmove(book->pages + place + 1, book->pages + place,
            (book->count - place) * sizeof(struct page *));
    book->pages[place] = page;
    book->count++;
}

void ticket_book_forget(struct ticket_book *book, const char *key)
{
    size_t place = place_of(book, key);
    if (!is_at(book, place, key)) {
        return;
    }
    free(book->pages[place]);
    book->count--;
    memmove(book->pages + place, book->pages + place + 1,
            (book->count - place) * sizeof(struct page *));
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
