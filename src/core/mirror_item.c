#include "core/mirror_item.h"

#include "core/arena.h"
#include "core/hash.h"
#include "core/home_assistant.h"
#include "core/mirror.h"
#include "core/mqtt_topic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Among the topics of an order: it is announced to Home Assistant; then its prefix. And: it has
 * topics below this prefix of ours. And: what the announcement says, as a number; or that this is
 * not sure, for another one is on its way. No id has them. */
#define ANNOUNCED '+'
#define BELOW '='
#define ANNOUNCEMENT '#'
#define ANNOUNCEMENT_UNSURE "#?"

#define TOPIC_BYTES_MAX ((size_t)65535)

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

/* record NULL: all is taken away. */
static void compose(const struct mirror_item *item, const struct sink_config *sink,
                    const char *discovery_prefix, const struct record *record,
                    struct home_assistant_message messages[static HOME_ASSISTANT_MESSAGES])
{
    const struct home_assistant_order order = {.sink = sink,
                                               .discovery_prefix = discovery_prefix,
                                               .source_name = item->source_name,
                                               .order_id = item->order_id,
                                               .record = record};
    home_assistant_compose(&order, item->arena, messages);
}

static void publish_messages(struct mirror_item *item, const struct home_assistant_message *first,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_publication(item, RETAINED_DISCOVERY, NULL, first[i].payload);
        item->publications[item->publication_count - 1].retained.topic = first[i].topic;
    }
}

static void take_back_announcement(struct mirror_item *item, const struct sink_config *sink,
                                   const char *discovery_prefix)
{
    struct home_assistant_message messages[HOME_ASSISTANT_MESSAGES];
    compose(item, sink, discovery_prefix, NULL, messages);
    publish_messages(item, messages, HOME_ASSISTANT_MESSAGES);
}

/* --- another prefix ------------------------------------------------------------------------- */

static bool shares_broker(const struct mqtt_config *one, const struct mqtt_config *other)
{
    for (size_t i = 0; i < one->broker_count * other->broker_count; i++) {
        const struct mqtt_broker *broker = &one->brokers[i / other->broker_count];
        const struct mqtt_broker *another = &other->brokers[i % other->broker_count];
        if (broker->port == another->port && text_equal(broker->host, another->host)) {
            return true;
        }
    }
    return false;
}

/* Another sink has its own state there now. */
static bool is_of_another(const struct mirror_options *options, const char *prefix)
{
    for (size_t i = 0; options->config != NULL && i < options->config->sink_count; i++) {
        const struct sink_config *other = &options->config->sinks[i];
        if (other != options->sink && other->kind == SINK_MQTT && other->mqtt.has_state &&
            text_equal(other->mqtt.prefix, prefix) &&
            shares_broker(&options->sink->mqtt, &other->mqtt)) {
            return true;
        }
    }
    return false;
}

/* No order has an empty id. */
static bool is_of_source(const struct mirror_item *item)
{
    return item->order_id[0] == '\0';
}

static void empty_earlier(struct mirror_item *item, const char *topic)
{
    add_publication(item, RETAINED_EARLIER, NULL, (struct span){0});
    item->publications[item->publication_count - 1].retained.topic = topic;
}

static void empty_earlier_of(struct mirror_item *item, const char *prefix, enum retained_kind kind,
                             const char *appointment_id)
{
    const struct retained retained = {.kind = kind,
                                      .source_name = item->source_name,
                                      .order_id = item->order_id,
                                      .appointment_id = appointment_id};
    struct text topic;
    text_init(&topic, TOPIC_BYTES_MAX);
    mqtt_topic_retained(prefix, &retained, &topic);
    empty_earlier(item, arena_text(item->arena, text_span(&topic)));
    text_fini(&topic);
}

/* The announcements have the prefix in their names. */
static void take_back_earlier(struct mirror_item *item, const struct sink_config *sink,
                              const char *prefix, const char *discovery_prefix)
{
    struct sink_config earlier = *sink;
    earlier.mqtt.prefix = prefix;
    take_back_announcement(item, &earlier, discovery_prefix);
}

/* With each order the statuses that stood beside it, too: what was published before sources were
 * noted knows that prefix by its orders alone. */
static void empty_below(struct mirror_item *item, const struct sink_config *sink, const char *list,
                        const char *prefix)
{
    empty_earlier(item, arena_format(item->arena, "%s/status", prefix));
    empty_earlier_of(item, prefix, RETAINED_SOURCE, NULL);
    if (is_of_source(item)) {
        return;
    }
    empty_earlier_of(item, prefix, RETAINED_ORDER, NULL);
    for (const char *entry = list; *entry != '\0';) {
        size_t size = strcspn(entry, " ");
        if (entry[0] == ANNOUNCED) {
            take_back_earlier(item, sink, prefix, decode_id(item->arena, entry + 1, size - 1));
        } else if (entry[0] != BELOW && entry[0] != ANNOUNCEMENT) {
            empty_earlier_of(item, prefix, RETAINED_APPOINTMENT,
                             decode_id(item->arena, entry, size));
        }
        entry += size;
        entry += *entry == ' ';
    }
}

/* --- what is and what was -------------------------------------------------------------------- */

static void note_topic(const char *encoded, struct text *after, struct text *all)
{
    if (!list_has(text_cstr(all), encoded)) {
        list_add(all, encoded);
    }
    list_add(after, encoded);
}

static void note_prefix(struct mirror_item *item, const struct sink_config *sink,
                        struct text *after, struct text *all)
{
    note_topic(arena_format(item->arena, "%c%s", BELOW, encode_id(item->arena, sink->mqtt.prefix)),
               after, all);
}

static const char *announcement_of(struct arena *arena,
                                   const struct home_assistant_message *messages)
{
    struct text words;
    text_init(&words, (size_t)1 << 20);
    for (size_t i = 0; i < HOME_ASSISTANT_ENTITIES; i++) {
        text_addf(&words, "%s\n", messages[i].topic);
        text_add(&words, messages[i].payload);
    }
    uint64_t hash = hash64(text_span(&words));
    text_fini(&words);
    return arena_format(arena, "%c%016" PRIx64, ANNOUNCEMENT, hash);
}

/* The receiver has this announcement: no other may be there, and it did not refuse it. */
static bool is_announced(const struct stale_state *state, const char *announcement)
{
    return !state->is_whole && !state->was_refused && list_has(state->published, announcement) &&
           !list_has(state->published, ANNOUNCEMENT_UNSURE);
}

/* Whoever sees an announcement makes its entities anew: it is sent when it says something new. */
static void announce(struct mirror_item *item, const struct stale_state *state,
                     const struct record *record, const struct sink_config *sink,
                     struct text *after)
{
    const char *discovery_prefix = sink->mqtt.home_assistant.discovery_prefix;
    struct home_assistant_message messages[HOME_ASSISTANT_MESSAGES];
    compose(item, sink, discovery_prefix, record, messages);
    const char *announcement = announcement_of(item->arena, messages);
    if (!is_announced(state, announcement)) {
        publish_messages(item, messages, HOME_ASSISTANT_ENTITIES);
    }
    publish_messages(item, &messages[HOME_ASSISTANT_ENTITIES], 1);
    list_add(after, announcement);
}

static void publish_record(struct mirror_item *item, const struct stale_state *state,
                           const struct record *record, const struct sink_config *sink,
                           struct text *after, struct text *all)
{
    note_prefix(item, sink, after, all);
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
        announce(item, state, record, sink, after);
    }
}

/* The topic that the announcement points to has the prefix of now: while it is announced at
 * another place, it stays. */
static void take_back(struct mirror_item *item, const struct sink_config *sink,
                      const char *discovery_prefix)
{
    take_back_announcement(item, sink, discovery_prefix);
    if (sink->mqtt.home_assistant.discovery_prefix != NULL && item->has_record) {
        item->publication_count--;
    }
}

static void empty_gone(struct mirror_item *item, const struct mirror_options *options,
                       const char *before, struct span entry)
{
    if (entry.data[0] == ANNOUNCED) {
        take_back(item, options->sink, decode_id(item->arena, entry.data + 1, entry.size - 1));
    } else if (entry.data[0] == BELOW) {
        const char *prefix = decode_id(item->arena, entry.data + 1, entry.size - 1);
        if (!text_equal(prefix, options->sink->mqtt.prefix) && !is_of_another(options, prefix)) {
            empty_below(item, options->sink, before, prefix);
        }
    } else if (entry.data[0] != ANNOUNCEMENT) {
        add_publication(item, RETAINED_APPOINTMENT, decode_id(item->arena, entry.data, entry.size),
                        (struct span){0});
    }
}

static void empty_those_gone(struct mirror_item *item, const struct mirror_options *options,
                             const char *before, const char *after)
{
    for (const char *entry = before; *entry != '\0';) {
        struct span encoded = {.data = entry, .size = strcspn(entry, " ")};
        if (!list_has(after, arena_text(item->arena, encoded))) {
            empty_gone(item, options, before, encoded);
        }
        entry += encoded.size;
        entry += *entry == ' ';
    }
}

/* Until all is there: a part of another announcement may be. */
static void doubt_announcement(const char *before, const char *after, struct text *all)
{
    const char *had = strchr(before, ANNOUNCEMENT);
    const char *has = strchr(after, ANNOUNCEMENT);
    bool is_same = had != NULL && has != NULL && strcmp(had, has) == 0;
    if ((had != NULL || has != NULL) && !is_same && !list_has(before, ANNOUNCEMENT_UNSURE)) {
        list_add(all, ANNOUNCEMENT_UNSURE);
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

/* Any entry of the list may be an announcement, or a prefix below which all of the list was. */
static size_t count_max(const struct stale_state *state, const struct record *record)
{
    size_t entries = list_count(state->published);
    size_t prefixes = 0;
    for (const char *sign = state->published; *sign != '\0'; sign++) {
        prefixes += *sign == BELOW;
    }
    return 1 + record->appointment_count + (1 + entries) * HOME_ASSISTANT_MESSAGES +
           prefixes * (3 + entries * HOME_ASSISTANT_MESSAGES);
}

static void plan(struct mirror_item *item, const struct stale_state *state,
                 const struct record *record, const struct mirror_options *options)
{
    item->publications =
        arena_array(item->arena, count_max(state, record), sizeof *item->publications);
    item->has_record = !state->has_left;
    struct text after;
    struct text all;
    text_init(&after, PUBLISHED_BYTES_MAX);
    text_init(&all, 2 * PUBLISHED_BYTES_MAX);
    text_add_text(&all, state->published);
    if (state->has_left) {
        add_publication(item, is_of_source(item) ? RETAINED_SOURCE : RETAINED_ORDER, NULL,
                        (struct span){0});
    } else if (is_of_source(item)) { /* its status is published apart, whenever it changes */
        note_prefix(item, options->sink, &after, &all);
    } else {
        publish_record(item, state, record, options->sink, &after, &all);
    }
    doubt_announcement(state->published, text_cstr(&after), &all);
    empty_those_gone(item, options, state->published, text_cstr(&after));
    item->published_after = arena_text(item->arena, text_span(&after));
    item->published_all = arena_text(item->arena, text_span(&all));
    item->step = text_equal(text_cstr(&all), state->published) ? ITEM_PUBLISHING : ITEM_NOTING;
    text_fini(&after);
    text_fini(&all);
}

enum status mirror_item_create(struct mirror *mirror, const struct stale_state *state,
                               const struct mirror_options *options, struct mirror_item **out,
                               struct failure *why)
{
    struct arena *arena = arena_create();
    struct record record = {0};
    if (!state->has_left && state->order_id[0] != '\0') {
        enum status status = record_decode(state->canonical, arena, &record, why);
        if (status != STATUS_OK) {
            arena_destroy(arena);
            return status;
        }
    }
    struct mirror_item *item = alloc(sizeof *item);
    item->mirror = mirror;
    item->arena = arena;
    item->source_name = arena_text(arena, span_of(state->source_name));
    item->order_id = arena_text(arena, span_of(state->order_id));
    item->version = state->version;
    item->is_retried = state->is_whole && state->was_refused;
    plan(item, state, &record, options);
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
