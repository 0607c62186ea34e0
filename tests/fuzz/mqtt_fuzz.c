/* What reaches MQTT from outside: topics, the subject property, Home Assistant's announcements.
 * Each id stays one level, nothing is a wildcard, and what is announced is JSON that reads back. */
#include "core/arena.h"
#include "core/home_assistant.h"
#include "core/json.h"
#include "core/mqtt_topic.h"
#include "core/record.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_levels(const char *topic)
{
    size_t count = 1;
    for (; *topic != '\0'; topic++) {
        count += *topic == '/';
    }
    return count;
}

static void expect_topic(struct text *topic, size_t levels)
{
    const char *bytes = text_cstr(topic);
    CHECK(topic->status == STATUS_OK && strlen(bytes) == topic->size);
    CHECK(strpbrk(bytes, "+#$ ") == NULL && strstr(bytes, "//") == NULL);
    CHECK(count_levels(bytes) == levels);
    text_clear(topic);
}

static void try_topics(const char *id, const char *other)
{
    struct text topic;
    text_init(&topic, 65535);
    const struct event event = {.type = EVENT_ORDER_CREATED, .source_name = id, .order_id = other};
    mqtt_topic_event("orderwatch", &event, &topic);
    expect_topic(&topic, 6);
    struct retained retained = {.kind = RETAINED_ORDER, .source_name = "orange", .order_id = id};
    mqtt_topic_retained("orderwatch", &retained, &topic);
    expect_topic(&topic, 5);
    retained.kind = RETAINED_APPOINTMENT;
    retained.appointment_id = other;
    mqtt_topic_retained("orderwatch", &retained, &topic);
    expect_topic(&topic, 7);
    text_fini(&topic);
}

static void try_announcement(const char *id, const char *other)
{
    struct arena *arena = arena_create();
    const struct appointment appointment = {.id = other, .fields = {[APPOINTMENT_START] = other}};
    const struct record record = {.id = id,
                                  .fields = {[ORDER_REFERENCE] = other, [ORDER_URL] = other},
                                  .appointments = &appointment,
                                  .appointment_count = 1};
    const struct sink_config sink = {.mqtt = {.prefix = "orderwatch"}};
    const struct home_assistant_order order = {.sink = &sink,
                                               .discovery_prefix = "homeassistant",
                                               .source_name = "orange",
                                               .order_id = id,
                                               .record = &record};
    struct home_assistant_message messages[HOME_ASSISTANT_MESSAGES];
    home_assistant_compose(&order, arena, messages);
    for (size_t i = 0; i < HOME_ASSISTANT_MESSAGES; i++) {
        CHECK(strpbrk(messages[i].topic, "+#$ ") == NULL);
        CHECK(count_levels(messages[i].topic) == 5);
        struct json *json = NULL;
        if (json_parse(messages[i].payload, &json, NULL) == STATUS_OK) {
            json_destroy(json);
        }
    }
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1024) {
        return 0;
    }
    char *id = alloc(size + 1);
    memcpy(id, data, size);
    const char *other = id + strnlen(id, size) / 2;
    try_topics(id, other);
    if (id[0] != '\0') {
        try_announcement(id, other);
    }
    struct span subject =
        mqtt_event_subject((struct span){.data = (const char *)data, .size = size});
    CHECK(subject.size == 0 || memchr(subject.data, '"', subject.size) == NULL);
    free(id);
    return 0;
}
