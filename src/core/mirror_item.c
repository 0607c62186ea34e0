#include "core/mirror_item.h"

#include "core/arena.h"

#include <stdlib.h>
#include <string.h>

/* The topics of an order: ids percent-encoded, separated by spaces, so no id can break the list. */
#define PUBLISHED_BYTES_MAX ((size_t)6 * RECORD_ID_MAX * APPOINTMENT_COUNT_MAX)

static const char *encode_id(struct arena *arena, const char *id)
{
    struct text text;
    text_init(&text, (size_t)3 * RECORD_TEXT_MAX);
    text_add_percent(&text, span_of(id));
    const char *encoded = arena_text(arena, text_span(&text));
    text_fini(&text);
    return encoded;
}

static bool list_has(const char *list, const char *encoded)
{
    size_t size = strlen(encoded);
    for (const char *entry = list; *entry != '\0';) {
        size_t entry_size = strcspn(entry, " ");
        if (entry_size == size && memcmp(entry, encoded, size) == 0) {
            return true;
        }
        entry += entry_size;
        entry += *entry == ' ';
    }
    return false;
}

static void list_add(struct text *list, const char *encoded)
{
    if (list->size != 0) {
        text_add_char(list, ' ');
    }
    text_add_text(list, encoded);
}

static int hex_value(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'A' + 10;
}

static const char *decode_id(struct arena *arena, const char *encoded, size_t size)
{
    char *id = arena_alloc(arena, size + 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (encoded[i] == '%' && i + 2 < size) {
            id[length++] = (char)(hex_value(encoded[i + 1]) * 16 + hex_value(encoded[i + 2]));
            i += 2;
        } else {
            id[length++] = encoded[i];
        }
    }
    return id;
}

static void add_publication(struct mirror_item *item, enum retained_kind kind,
                            const char *appointment_id, struct span payload)
{
    item->publications[item->publication_count++].retained =
        (struct retained){.kind = kind,
                          .source_name = item->source_name,
                          .order_id = item->order_id,
                          .appointment_id = appointment_id,
                          .payload = payload};
}

static struct span payload_of_order(struct arena *arena, const struct record *record,
                                    const struct field_filter *fields)
{
    struct text text;
    text_init(&text, (size_t)4 * EVENT_BYTES_MAX);
    record_add_order(record, fields, &text);
    struct span payload = {.data = arena_text(arena, text_span(&text)), .size = text.size};
    text_fini(&text);
    return payload;
}

static struct span payload_of_appointment(struct arena *arena,
                                          const struct appointment *appointment)
{
    struct text text;
    text_init(&text, (size_t)4 * EVENT_BYTES_MAX);
    record_add_appointment(appointment, &text);
    struct span payload = {.data = arena_text(arena, text_span(&text)), .size = text.size};
    text_fini(&text);
    return payload;
}

static void publish_record(struct mirror_item *item, const struct record *record,
                           const struct field_filter *fields, struct text *after, struct text *all)
{
    add_publication(item, RETAINED_ORDER, NULL, payload_of_order(item->arena, record, fields));
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        const char *encoded = encode_id(item->arena, appointment->id);
        if (!list_has(text_cstr(all), encoded)) {
            list_add(all, encoded);
        }
        list_add(after, encoded);
        add_publication(item, RETAINED_APPOINTMENT, appointment->id,
                        payload_of_appointment(item->arena, appointment));
    }
}

static void empty_those_gone(struct mirror_item *item, const char *before, const char *after)
{
    for (const char *entry = before; *entry != '\0';) {
        size_t size = strcspn(entry, " ");
        struct span encoded = {.data = entry, .size = size};
        if (!list_has(after, arena_text(item->arena, encoded))) {
            add_publication(item, RETAINED_APPOINTMENT, decode_id(item->arena, entry, size),
                            (struct span){0});
        }
        entry += size;
        entry += *entry == ' ';
    }
}

static size_t list_count(const char *list)
{
    size_t count = 0;
    for (; *list != '\0'; list++) {
        count += *list == ' ';
    }
    return count + 1;
}

static void plan(struct mirror_item *item, const struct stale_state *state,
                 const struct record *record, const struct field_filter *fields)
{
    item->publications =
        arena_array(item->arena, 1 + record->appointment_count + list_count(state->published),
                    sizeof *item->publications);
    struct text after;
    struct text all;
    text_init(&after, PUBLISHED_BYTES_MAX);
    text_init(&all, 2 * PUBLISHED_BYTES_MAX);
    text_add_text(&all, state->published);
    if (state->has_left) {
        add_publication(item, RETAINED_ORDER, NULL, (struct span){0});
    } else {
        publish_record(item, record, fields, &after, &all);
    }
    empty_those_gone(item, state->published, text_cstr(&after));
    item->published_after = arena_text(item->arena, text_span(&after));
    item->published_all = arena_text(item->arena, text_span(&all));
    item->step = text_equal(text_cstr(&all), state->published) ? ITEM_PUBLISHING : ITEM_NOTING;
    text_fini(&after);
    text_fini(&all);
}

enum status mirror_item_create(struct mirror *mirror, const struct stale_state *state,
                               const struct field_filter *fields, struct mirror_item **out,
                               struct failure *why)
{
    struct arena *arena = arena_create();
    struct record record = {0};
    if (!state->has_left) {
        enum status status = record_decode(state->canonical, arena, &record, why);
        if (status != STATUS_OK) {
            arena_destroy(arena);
            return status;
        }
    }
    struct mirror_item *item = alloc(sizeof *item);
    item->arena = arena;
    item->source_name = arena_text(arena, span_of(state->source_name));
    item->order_id = arena_text(arena, span_of(state->order_id));
    item->version = state->version;
    plan(item, state, &record, fields);
    for (size_t i = 0; i < item->publication_count; i++) {
        item->publications[i].mirror = mirror;
        item->publications[i].item = item;
    }
    *out = item;
    return STATUS_OK;
}

void mirror_item_destroy(struct mirror_item *item)
{
    if (item == NULL) {
        return;
    }
    arena_destroy(item->arena);
    free(item);
}
