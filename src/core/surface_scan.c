#include "surface_scan.h"

#include <stdlib.h>

#define SCANS_ASKING_MAX 4

static void destroy(struct inquiry *inquiry)
{
    struct scan *scan = (struct scan *)inquiry;
    arena_destroy(scan->arena);
    text_fini(&scan->body);
    text_fini(&scan->item);
    free(scan);
}

static void give_up(struct inquiry *inquiry)
{
    answer_store_problem(inquiry->surface, inquiry_take(inquiry), STATUS_UNAVAILABLE,
                         "it takes too long");
}

struct scan *scan_create(const struct call *call, const char *const *names)
{
    struct arena *arena = arena_create();
    struct filter filter;
    if (!filter_read(call, names, arena, &filter)) {
        arena_destroy(arena);
        return NULL;
    }
    struct scan *scan = (struct scan *)inquiry_create(call, sizeof *scan);
    scan->inquiry.give_up = give_up;
    scan->inquiry.destroy = destroy;
    scan->arena = arena;
    scan->filter = filter;
    text_init(&scan->body, ANSWER_BYTES_MAX);
    text_init(&scan->item, ANSWER_BYTES_MAX);
    scan->writer.out = &scan->body;
    json_write_open(&scan->writer, NULL, '{');
    json_write_open(&scan->writer, "items", '[');
    return scan;
}

static void proceed(struct inquiry *inquiry);

/* A page of the store is large: what asks beyond waits for the answers of the others. */
static void ask_in_turn(struct scan *scan)
{
    struct surface *surface = scan->inquiry.surface;
    if (surface->scan_count == SCANS_ASKING_MAX) {
        scan->inquiry.proceed = proceed;
        return;
    }
    surface->scan_count++;
    scan->ask(scan);
}

void scan_begin(struct scan *scan, void (*ask)(struct scan *scan))
{
    scan->ask = ask;
    ask_in_turn(scan);
}

bool scan_has_room(const struct scan *scan)
{
    return scan->item_count < scan->filter.limit;
}

size_t scan_page_size(const struct scan *scan)
{
    bool is_sparse = scan->filter.text != NULL || scan->filter.status != NULL ||
                     scan->filter.since_wall_ms != 0 || scan->filter.until_wall_ms != 0;
    return is_sparse ? SPARSE_PAGE_ITEMS : scan->filter.limit - scan->item_count;
}

void scan_keep_item(struct scan *scan)
{
    if (filter_has_text(&scan->filter, text_span(&scan->item))) {
        json_write_raw(&scan->writer, NULL, text_span(&scan->item));
        scan->item_count++;
    }
}

static void finish(struct scan *scan)
{
    json_write_close(&scan->writer, ']');
    if (scan->cursor != NULL) {
        json_write_text(&scan->writer, "next", scan->cursor);
    } else {
        json_write_raw(&scan->writer, "next", span_of("null"));
    }
    json_write_close(&scan->writer, '}');
    answer_json(scan->inquiry.surface, inquiry_take(&scan->inquiry), 200, text_span(&scan->body));
}

static void proceed(struct inquiry *inquiry)
{
    ask_in_turn((struct scan *)inquiry);
}

void scan_page_done(struct scan *scan, enum status status, const char *detail)
{
    scan->inquiry.surface->scan_count--;
    if (!inquiry_is_open(&scan->inquiry)) {
        inquiry_end(&scan->inquiry);
        return;
    }
    if (status != STATUS_OK) {
        answer_store_problem(scan->inquiry.surface, inquiry_take(&scan->inquiry), status, detail);
    } else if (scan->cursor != NULL && scan_has_room(scan) && scan->row_count < SCAN_ROWS_MAX) {
        scan->inquiry.proceed = proceed;
        return;
    } else {
        finish(scan);
    }
    inquiry_end(&scan->inquiry);
}

void scan_refuse_cursor(struct scan *scan)
{
    answer_problem(scan->inquiry.surface, inquiry_take(&scan->inquiry), 400,
                   "parameter after: not a cursor; accepted: what an earlier answer gave as next");
    inquiry_end(&scan->inquiry);
}
