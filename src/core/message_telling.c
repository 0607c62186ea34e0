#include "message_telling.h"

#include "core/text.h"
#include "core/utf8.h"
#include "core/words.h"
#include "core/zone.h"

#include <string.h>

#define LINE_BYTES_MAX 4096
#define VALUE_BYTES_MAX 400
#define FIELD_BYTES_MAX 64
#define NEAR_MS (183 * DAY_MS) /* so near, a day and its month say which year */

static const char *keep(const struct telling *telling, struct text *text)
{
    const char *copy = arena_text(telling->arena, text_span(text));
    text_fini(text);
    return copy;
}

static int64_t local_ms_of(const struct telling *telling, struct date date)
{
    return date.kind == DATE_INSTANT
               ? date.ms + (int64_t)zone_at(telling->zone, date.ms).offset_s * 1000
               : date.ms;
}

const char *telling_date(const struct telling *telling, struct date date, bool with_zone)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    int64_t away_ms = date.ms - telling->now_wall_ms;
    bool is_near = away_ms > -NEAR_MS && away_ms < NEAR_MS;
    int64_t year_of_ms = is_near ? local_ms_of(telling, date) : telling->now_wall_ms;
    words_add_date(&text, date, telling->zone, telling->language, civil_of(year_of_ms).year);
    if (with_zone && date.kind == DATE_INSTANT) {
        text_addf(&text, " %s", zone_at(telling->zone, date.ms).abbreviation);
    }
    return keep(telling, &text);
}

const char *telling_clean(const struct telling *telling, const char *text, size_t bytes_max)
{
    struct text clean;
    text_init(&clean, bytes_max + 8);
    utf8_add_clean_line(&clean, span_of(text), bytes_max);
    return keep(telling, &clean);
}

/* Only these are dates; a reference that looks like one stays as it is. */
static bool is_date_field(const char *field)
{
    size_t size = strlen(field);
    return text_equal(field, "start") || text_equal(field, "end") ||
           text_equal(field, "first_start") || strncmp(field, "extra.", 6) == 0 ||
           (size >= 4 && strcmp(field + size - 4, "date") == 0);
}

const char *telling_value(const struct telling *telling, const char *field, const char *value)
{
    if (value == NULL) {
        return "-";
    }
    struct date date =
        is_date_field(field) ? date_of_wall(value) : (struct date){.kind = DATE_NONE};
    return date.kind != DATE_NONE ? telling_date(telling, date, true)
                                  : telling_clean(telling, value, VALUE_BYTES_MAX);
}

const char *telling_field(const struct telling *telling, const char *field)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    words_add_field(&text, strncmp(field, "extra.", 6) == 0 ? field + 6 : field, telling->language);
    const char *words = keep(telling, &text);
    return telling_clean(telling, words, FIELD_BYTES_MAX);
}

const char *telling_phrase(const struct telling *telling, enum phrase phrase, const char *first,
                           const char *second)
{
    struct text text;
    text_init(&text, LINE_BYTES_MAX);
    const struct phrase_arguments arguments = {.values = {first, second}};
    words_add_phrase(&text, phrase, telling->language, &arguments);
    return keep(telling, &text);
}

const char *telling_count(const struct telling *telling, enum phrase one, enum phrase many,
                          size_t count)
{
    const char *number = arena_format(telling->arena, "%zu", count);
    return telling_phrase(telling, words_is_one(count, telling->language) ? one : many, number,
                          NULL);
}

const char *telling_titled(const struct telling *telling, const char *title, const char *words)
{
    return arena_format(telling->arena, "%s%s %s", title,
                        words_phrase(PHRASE_COLON, telling->language), words);
}

const char *telling_page(const struct telling *telling, const char *source_name,
                         const char *order_id)
{
    const char *url = telling->sink->email.status_url;
    if (url == NULL || order_id[0] == '\0' || strchr(url, '#') != NULL) {
        return url;
    }
    struct text text;
    text_init(&text, LINE_BYTES_MAX + 3 * RECORD_ID_MAX);
    text_addf(&text, "%s#/order/", url);
    text_add_percent(&text, span_of(source_name));
    text_add_char(&text, '/');
    text_add_percent(&text, span_of(order_id));
    return keep(telling, &text);
}
