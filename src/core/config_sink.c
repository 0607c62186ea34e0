/* The keys that all kinds of sinks share. */
#include "core/config_shape.h"

#include "core/arena.h"

#include <string.h>

#define IN_FLIGHT_MAX 100

const char *field_fault(const char *text)
{
    static const char *const others[] = {"id", "status_kind", "contact", "notes", "extra"};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (strcmp(text, others[i]) == 0) {
            return NULL;
        }
    }
    for (int field = 0; field < ORDER_FIELD_COUNT; field++) {
        if (strcmp(text, order_field_name((enum order_field)field)) == 0) {
            return NULL;
        }
    }
    return strncmp(text, "extra.", 6) == 0 && text[6] != '\0' ? NULL : "not a field of orders";
}

/* --- retry ---------------------------------------------------------------------------------- */

static const struct key retry_keys[] = {
    {.name = "first",
     .kind = KEY_DURATION,
     .offset = offsetof(struct retry_policy, first_ms),
     .min = 1000,
     .initial = "5s"},
    {.name = "cap",
     .kind = KEY_DURATION,
     .offset = offsetof(struct retry_policy, cap_ms),
     .min = 1000,
     .initial = "1h"},
    {.name = "give_up",
     .kind = KEY_DURATION,
     .offset = offsetof(struct retry_policy, give_up_ms),
     .min = 1000,
     .initial = "7d"},
};

static void finish_retry(struct walker *walker, const struct node *map, void *target)
{
    const struct retry_policy *retry = target;
    bool is_whole = retry->first_ms != 0 && retry->cap_ms != 0 && retry->give_up_ms != 0;
    if (is_whole && retry->cap_ms < retry->first_ms) {
        problem_add(walker->problems, map, walker->path,
                    "first is longer than cap; accepted: first up to cap");
    }
}

static const struct shape retry_shape = {.keys = retry_keys,
                                         .count = ARRAY_COUNT(retry_keys),
                                         .size = sizeof(struct retry_policy),
                                         .finish = finish_retry};

/* --- the sink ------------------------------------------------------------------------------- */

static bool email_is_set(const void *field)
{
    return ((const struct email_config *)field)->server_host != NULL;
}

static bool mqtt_is_set(const void *field)
{
    return ((const struct mqtt_config *)field)->broker_count != 0;
}

static bool webhook_is_set(const void *field)
{
    return ((const struct webhook_config *)field)->url != NULL;
}

static const struct key sink_keys[] = {
    {.name = "name",
     .kind = KEY_TEXT,
     .offset = offsetof(struct sink_config, name),
     .is_required = true,
     .fault = name_fault,
     .accepted = NAME_ACCEPTED},
    {.name = "email",
     .kind = KEY_MAP,
     .offset = offsetof(struct sink_config, email),
     .shape = &email_shape,
     .is_set = email_is_set},
    {.name = "mqtt",
     .kind = KEY_MAP,
     .offset = offsetof(struct sink_config, mqtt),
     .shape = &mqtt_shape,
     .is_set = mqtt_is_set},
    {.name = "webhook",
     .kind = KEY_MAP,
     .offset = offsetof(struct sink_config, webhook),
     .shape = &webhook_shape,
     .is_set = webhook_is_set},
    {.name = "fields",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct sink_config, fields) + offsetof(struct field_filter, names),
     .count_offset = offsetof(struct sink_config, fields) + offsetof(struct field_filter, count),
     .min = 1,
     .max = FIELD_COUNT_MAX,
     .fault = field_fault,
     .accepted = FIELDS_ACCEPTED},
    {.name = "in_flight",
     .kind = KEY_COUNT,
     .offset = offsetof(struct sink_config, in_flight_max),
     .min = 1,
     .max = IN_FLIGHT_MAX},
    {.name = "rate", .kind = KEY_RATE, .offset = offsetof(struct sink_config, rate)},
    {.name = "retry",
     .kind = KEY_MAP,
     .offset = offsetof(struct sink_config, retry),
     .shape = &retry_shape,
     .initial = "{}"},
    {.name = "failing_after",
     .kind = KEY_DURATION,
     .offset = offsetof(struct sink_config, failing_after_ms),
     .initial = "60s"},
    {.name = "fallback",
     .kind = KEY_TEXT,
     .offset = offsetof(struct sink_config, fallback),
     .fault = name_fault,
     .accepted = "the name of another sink"},
};

static void finish_sink(struct walker *walker, const struct node *map, void *target)
{
    static const struct {
        const char *key;
        enum sink_kind kind;
        uint32_t in_flight; /* mail goes one by one; a broker takes a window */
    } kinds[] = {{"email", SINK_EMAIL, 1}, {"mqtt", SINK_MQTT, 20}, {"webhook", SINK_WEBHOOK, 4}};
    struct sink_config *sink = target;
    size_t count = 0;
    uint32_t in_flight = 0;
    for (size_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        if (node_member(map, kinds[i].key) != NULL) {
            sink->kind = kinds[i].kind;
            in_flight = kinds[i].in_flight;
            count++;
        }
    }
    if (count != 1) {
        problem_add(walker->problems, map, walker->path,
                    "is %s; accepted: exactly one of email, mqtt and webhook",
                    count == 0 ? "no sink of any kind" : "a sink of several kinds");
    }
    if (sink->in_flight_max == 0) {
        sink->in_flight_max = in_flight;
    }
}

const struct shape sink_shape = {.keys = sink_keys,
                                 .count = ARRAY_COUNT(sink_keys),
                                 .size = sizeof(struct sink_config),
                                 .finish = finish_sink};
