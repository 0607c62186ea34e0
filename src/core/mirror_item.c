#include "core/mirror_item.h"

#include "core/arena.h"
#include "core/home_assistant.h"

#include <stdlib.h>
#include <string.h>

/* Among the topics of an order: it is announced to Home Assistant; then its prefix. No id has it.
 */
#define ANNOUNCED '+'

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

/* record NULL: what was announced is taken back. */
static void announce(struct mirror_item *item, const struct sink_config *sink,
                     const char *discovery_prefix, const struct record *record)
{
    struct home_assistant_message messages[HOME_ASSISTANT_MESSAGES];
    const struct home_assistant_order order = {.sink = sink,
                                               .discovery_prefix = discovery_prefix,
                                               .source_name = item->source_name,
                                               .order_id = item->order_id,
                                               .record = record};
    home_assistant_compose(&order, item->arena, messages);
    for (size_t i = 0; i < HOME_ASSISTANT_MESSAGES; i++) {
        add_publication(item, RETAINED_DISCOVERY, NULL, messages[i].payload);
        item->publications[item->publication_count - 1].retained.topic = messages[i].topic;
    }
}

static void note_topic(const char *encoded, struct text *after, struct text *all)
{
    if (!list_has(text_cstr(all), encoded)) {
        list_add(all, encoded);
    }
    list_add(after, encoded);
}

static void publish_record(struct mirror_item *item, const struct record *record,
                           const struct sink_config *sink, struct text *after, struct text *all)
{
    add_publication(item, RETAINED_ORDER, NULL,
                    payload_of_order(item->arena, record, &sink->fields));
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *appointment = &record->appointments[i];
        note_topic(encode_id(item->arena, appointment->id), after, all);
        add_publication(item, RETAINED_APPOINTMENT, appointment->id,
                        payload_of_appointment(item->arena, appointment));
    }
    const char *discovery_prefix = sink->mqtt.home_assistant.discovery_prefix;
    if (discovery_prefix != NULL) {
        note_topic(
            arena_format(item->arena, "%c%s", ANNOUNCED, encode_id(item->arena, discovery_prefix)),
            after, all);
        announce(item, sink, discovery_prefix, record);
    }
}

/* The topic that the announcement points to has the prefix of now: while it is announced at
 * another place, it stays. */
static void take_back(struct mirror_item *item, const struct sink_config *sink,
                      const char *discovery_prefix)
{
    announce(item, sink, discovery_prefix, NULL);
    if (sink->mqtt.home_assistant.discovery_prefix != NULL && item->has_record) {
        item->publication_count--;
    }
}

static void empty_those_gone(struct mirror_item *item, const struct sink_config *sink,
                             const char *before, const char *after)
{
    for (const char *entry = before; *entry != '\0';) {
        size_t size = strcspn(entry, " ");
        struct span encoded = {.data = entry, .size = size};
        bool is_gone = !list_has(after, arena_text(item->arena, encoded));
        if (is_gone && entry[0] == ANNOUNCED) {
            take_back(item, sink, decode_id(item->arena, entry + 1, size - 1));
        } else if (is_gone) {
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
                 const struct record *record, const struct sink_config *sink)
{
    /* Any entry of the list may be an announcement. */
    size_t count_max = 1 + record->appointment_count +
                       (1 + list_count(state->published)) * HOME_ASSISTANT_MESSAGES;
    item->publications = arena_array(item->arena, count_max, sizeof *item->publications);
    item->has_record = !state->has_left;
    struct text after;
    struct text all;
    text_init(&after, PUBLISHED_BYTES_MAX);
    text_init(&all, 2 * PUBLISHED_BYTES_MAX);
    text_add_text(&all, state->published);
    if (state->has_left) {
        add_publication(item, RETAINED_ORDER, NULL, (struct span){0});
    } else {
        publish_record(item, record, sink, &after, &all);
    }
    empty_those_gone(item, sink, state->published, text_cstr(&after));
    item->published_after = arena_text(item->arena, text_span(&after));
    item->published_all = arena_text(item->arena, text_span(&all));
    item->step = text_equal(text_cstr(&all), state->published) ? ITEM_PUBLISHING : ITEM_NOTING;
    text_fini(&after);
    text_fini(&all);
}

enum status mirror_item_create(struct mirror *mirror, const struct stale_state *state,
                               const struct sink_config *sink, struct mirror_item **out,
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
    plan(item, state, &record, sink);
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
