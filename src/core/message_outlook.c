#include "message_outlook.h"

#include "core/date.h"

#include <inttypes.h>

#define ID_BYTES_MAX 64
#define SITE_BYTES_MAX 60

/* Order 123456 (Lyon Part-Dieu) */
static const char *title_of(const struct telling *telling, const struct outlook_item *item)
{
    const char *id = telling_clean(telling, item->order_id, ID_BYTES_MAX);
    const char *title = telling_phrase(telling, PHRASE_ORDER, id, NULL);
    return item->site != NULL ? arena_format(telling->arena, "%s (%s)", title,
                                             telling_clean(telling, item->site, SITE_BYTES_MAX))
                              : title;
}

static const char *visit_line(const struct telling *telling, const struct outlook_item *item)
{
    const char *line =
        telling_titled(telling, telling_date(telling, item->date, true), title_of(telling, item));
    return item->status != NULL ? arena_format(telling->arena, "%s, %s", line,
                                               telling_clean(telling, item->status, ID_BYTES_MAX))
                                : line;
}

static const char *overdue_line(const struct telling *telling, const struct outlook_item *item)
{
    struct date now = {.kind = DATE_INSTANT, .ms = telling->now_wall_ms};
    int64_t days = date_day_number(now, telling->zone) - date_day_number(item->date, telling->zone);
    const char *committed = telling_phrase(telling, PHRASE_COMMITTED_FOR,
                                           telling_date(telling, item->date, false), NULL);
    const char *late = telling_phrase(telling, PHRASE_DAYS_LATE,
                                      arena_format(telling->arena, "%" PRId64, days), NULL);
    const char *words =
        days > 0 ? arena_format(telling->arena, "%s, %s", committed, late) : committed;
    return telling_titled(telling, title_of(telling, item), words);
}

typedef const char *line_fn(const struct telling *telling, const struct outlook_item *item);

static void write_list(struct sheet *sheet, const struct telling *telling,
                       const struct outlook_list *list, line_fn *line_of, enum phrase none)
{
    if (list->total == 0) {
        sheet_add(sheet, BLOCK_PARAGRAPH, words_phrase(none, telling->language));
        return;
    }
    struct table table = table_create(telling);
    for (size_t i = 0; i < list->count; i++) {
        table_add(&table, NULL, NULL, line_of(telling, &list->items[i]));
    }
    if (list->total > list->count) {
        table_add(
            &table, NULL, NULL,
            telling_count(telling, PHRASE_UNLISTED, PHRASE_UNLISTED, list->total - list->count));
    }
    sheet_add_table(sheet, BLOCK_STEPS, &table);
}

static const char *source_line(const struct telling *telling, const struct outlook_source *source)
{
    static const enum phrase states[] = {
        [OUTLOOK_OK] = PHRASE_SOURCE_OK,
        [OUTLOOK_FAILING] = PHRASE_SOURCE_FAILING,
        [OUTLOOK_REFUSED] = PHRASE_SOURCE_REFUSED,
        [OUTLOOK_MAINTENANCE] = PHRASE_SOURCE_MAINTENANCE,
        [OUTLOOK_HELD] = PHRASE_SOURCE_HELD,
    };
    if (source->complete_wall_ms == 0) {
        return telling_titled(telling, source->name,
                              words_phrase(PHRASE_SOURCE_NEVER, telling->language));
    }
    struct date complete = {.kind = DATE_INSTANT, .ms = source->complete_wall_ms};
    return telling_titled(telling, source->name,
                          telling_phrase(telling, states[source->state],
                                         telling_date(telling, complete, true), NULL));
}

static void write_sources(struct sheet *sheet, const struct telling *telling,
                          const struct outlook *outlook)
{
    struct table table = table_create(telling);
    for (size_t i = 0; i < outlook->source_count; i++) {
        table_add(&table, NULL, NULL, source_line(telling, &outlook->sources[i]));
    }
    if (table.count != 0) {
        sheet_add(sheet, BLOCK_HEADING, words_phrase(PHRASE_DATA_AS_OF, telling->language));
        sheet_add_table(sheet, BLOCK_STEPS, &table);
    }
}

void sheet_write_outlook(struct sheet *sheet, const struct telling *telling,
                         const struct outlook *outlook)
{
    if (outlook->is_known) {
        sheet_add(sheet, BLOCK_HEADING, words_phrase(PHRASE_UPCOMING, telling->language));
        write_list(sheet, telling, &outlook->upcoming, visit_line, PHRASE_NO_UPCOMING);
        sheet_add(sheet, BLOCK_HEADING, words_phrase(PHRASE_OVERDUE, telling->language));
        write_list(sheet, telling, &outlook->overdue, overdue_line, PHRASE_NO_OVERDUE);
    }
    write_sources(sheet, telling, outlook);
}
