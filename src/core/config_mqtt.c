/* The keys of an MQTT sink. */
#include "core/config_shape.h"

#include "core/address.h"
#include "core/arena.h"
#include "core/text.h"

#include <string.h>

#define BROKER_ACCEPTED "mqtts://HOST[:PORT] or mqtt://HOST[:PORT]"
#define PREFIX_ACCEPTED "levels such as orderwatch or site/orderwatch"
#define PORT_MQTT 1883
#define PORT_MQTTS 8883
#define PREFIX_BYTES_MAX 200
#define EXPIRY_MS_MAX ((int64_t)3650 * 86400000)

static const char *broker_fault(const char *text, struct url *url)
{
    if (!url_parse(text, url)) {
        return "not the URL of a broker";
    }
    if (!span_is(url->scheme, "mqtt") && !span_is(url->scheme, "mqtts")) {
        return "a URL of another scheme";
    }
    if (url->has_credentials) {
        return "a URL with credentials in it";
    }
    return url->path.size != 0 ? "a URL with a path, query or fragment" : NULL;
}

void mqtt_broker_add(const struct mqtt_broker *broker, struct text *out)
{
    bool is_ipv6 = strchr(broker->host, ':') != NULL;
    text_addf(out, "%s://%s%s%s:%u", broker->is_tls ? "mqtts" : "mqtt", is_ipv6 ? "[" : "",
              broker->host, is_ipv6 ? "]" : "", broker->port);
}

/* The latest one against those before it. */
static void check_twice(struct walker *walker, const struct node *node,
                        const struct mqtt_config *mqtt)
{
    const struct mqtt_broker *latest = &mqtt->brokers[mqtt->broker_count - 1];
    for (const struct mqtt_broker *other = mqtt->brokers; other < latest; other++) {
        if (other->port == latest->port && text_equal(other->host, latest->host)) {
            problem_add(walker->problems, node, walker->path,
                        "%s is there already; accepted: each broker once",
                        walker_shown(walker, node));
            return;
        }
    }
}

static void read_one_broker(struct walker *walker, const struct node *node,
                            struct mqtt_config *mqtt)
{
    struct url url;
    if (!walker_is_text(walker, node, BROKER_ACCEPTED)) {
        return;
    }
    const char *fault = broker_fault(node->text, &url);
    if (fault != NULL) {
        problem_add(walker->problems, node, walker->path, "%s is %s; accepted: %s",
                    walker_shown(walker, node), fault, BROKER_ACCEPTED);
        return;
    }
    struct mqtt_broker *broker = &mqtt->brokers[mqtt->broker_count++];
    broker->host = arena_text(walker->arena, url.host);
    broker->is_tls = span_is(url.scheme, "mqtts");
    broker->port = url.port;
    if (url.port == 0) {
        broker->port = broker->is_tls ? PORT_MQTTS : PORT_MQTT;
    }
    check_twice(walker, node, mqtt);
}

static void read_brokers(struct walker *walker, const struct node *node, void *target)
{
    size_t count = 0;
    if (!walker_list_size(walker, node, BROKER_ACCEPTED ", or a list of them", &count)) {
        return;
    }
    if (count == 0 || count > MQTT_BROKERS_MAX) {
        problem_add(walker->problems, node, walker->path, "%zu brokers; accepted: 1 to %d", count,
                    MQTT_BROKERS_MAX);
        return;
    }
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        read_one_broker(walker, entry, target);
        walker_leave(walker, path_size);
    }
}

static void print_brokers(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct mqtt_config *mqtt = source;
    bool is_list = mqtt->broker_count > 1;
    text_add_text(out, is_list ? "[" : "");
    for (size_t i = 0; i < mqtt->broker_count; i++) {
        struct text url;
        text_init(&url, 1024);
        mqtt_broker_add(&mqtt->brokers[i], &url);
        text_add_text(out, i != 0 ? ", " : "");
        print_yaml_scalar(out, text_cstr(&url));
        text_fini(&url);
    }
    text_add_text(out, is_list ? "]" : "");
}

static const char *prefix_fault(const char *text)
{
    size_t size = strlen(text);
    if (size == 0) {
        return "empty";
    }
    if (size > PREFIX_BYTES_MAX) {
        return "too long for a topic";
    }
    if (strpbrk(text, "+#") != NULL) {
        return "a topic with a wildcard";
    }
    if (text[0] == '$') {
        return "a topic that belongs to the broker ($)";
    }
    if (text[0] == '/' || text[size - 1] == '/' || strstr(text, "//") != NULL) {
        return "a topic with an empty level";
    }
    return strchr(text, ' ') != NULL ? "a topic with a blank" : NULL;
}

static const char *client_id_fault(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte <= 0x20 || (unsigned char)*byte >= 0x7f) {
            return "not a client id";
        }
    }
    return text[0] == '\0' || strlen(text) > 100 ? "not a client id" : NULL;
}

static const struct key home_assistant_keys[] = {
    {.name = "discovery_prefix",
     .kind = KEY_TEXT,
     .offset = offsetof(struct home_assistant_config, discovery_prefix),
     .fault = prefix_fault,
     .accepted = PREFIX_ACCEPTED,
     .initial = "homeassistant"},
};

static const struct shape home_assistant_shape = {.keys = home_assistant_keys,
                                                  .count = ARRAY_COUNT(home_assistant_keys),
                                                  .size = sizeof(struct home_assistant_config)};

static bool home_assistant_is_set(const void *field)
{
    return ((const struct home_assistant_config *)field)->discovery_prefix != NULL;
}

static const struct word protocol_words[] = {{"5", 5}, {"3.1.1", 4}, {NULL, 0}};

static const struct key mqtt_keys[] = {
    {.name = "broker",
     .kind = KEY_CUSTOM,
     .read = read_brokers,
     .print = print_brokers,
     .is_required = true,
     .accepted = BROKER_ACCEPTED},
    {.name = "return_after",
     .kind = KEY_DURATION,
     .offset = offsetof(struct mqtt_config, return_after_ms),
     .min = 1000,
     .max = (int64_t)7 * 86400000,
     .initial = "5m"},
    {.name = "protocol",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct mqtt_config, protocol),
     .words = protocol_words,
     .initial = "5"},
    {.name = "client_id",
     .kind = KEY_TEXT,
     .offset = offsetof(struct mqtt_config, client_id),
     .fault = client_id_fault,
     .accepted = "up to 100 visible ASCII characters",
     .initial = "orderwatch"},
    {.name = "username", .kind = KEY_TEXT, .offset = offsetof(struct mqtt_config, username)},
    {.name = "password", .kind = KEY_SECRET, .offset = offsetof(struct mqtt_config, password)},
    {.name = "prefix",
     .kind = KEY_TEXT,
     .offset = offsetof(struct mqtt_config, prefix),
     .fault = prefix_fault,
     .accepted = PREFIX_ACCEPTED,
     .initial = "orderwatch"},
    {.name = "state",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct mqtt_config, has_state),
     .initial = "on"},
    {.name = "state_rate",
     .kind = KEY_RATE,
     .offset = offsetof(struct mqtt_config, state_rate),
     .initial = "1000/s"},
    {.name = "message_limit",
     .kind = KEY_SIZE,
     .offset = offsetof(struct mqtt_config, message_bytes_max),
     .min = 1024,
     .max = (int64_t)256 << 20},
    {.name = "expiry",
     .kind = KEY_DURATION,
     .offset = offsetof(struct mqtt_config, expiry_ms),
     .max = EXPIRY_MS_MAX,
     .initial = "0"},
    {.name = "tls",
     .kind = KEY_MAP,
     .offset = offsetof(struct mqtt_config, tls),
     .shape = &tls_shape},
    {.name = "home_assistant",
     .kind = KEY_MAP,
     .offset = offsetof(struct mqtt_config, home_assistant),
     .shape = &home_assistant_shape,
     .is_set = home_assistant_is_set},
};

static void complain(struct walker *walker, const struct node *map, const char *key,
                     const char *words)
{
    size_t path_size = walker_enter(walker, key);
    problem_add(walker->problems, node_member(map, key), walker->path, "%s", words);
    walker_leave(walker, path_size);
}

static bool has_secure_broker(const struct mqtt_config *mqtt)
{
    for (size_t i = 0; i < mqtt->broker_count; i++) {
        if (mqtt->brokers[i].is_tls) {
            return true;
        }
    }
    return false;
}

static bool has_clear_broker(const struct mqtt_config *mqtt)
{
    for (size_t i = 0; i < mqtt->broker_count; i++) {
        const struct mqtt_broker *broker = &mqtt->brokers[i];
        if (!broker->is_tls && !host_is_loopback(span_of(broker->host))) {
            return true;
        }
    }
    return false;
}

static void finish_mqtt(struct walker *walker, const struct node *map, void *target)
{
    const struct mqtt_config *mqtt = target;
    bool has_password =
        node_member(map, "password") != NULL || node_member(map, "password_file") != NULL;
    bool has_username = node_member(map, "username") != NULL;
    if (has_password && !has_username) {
        problem_add(walker->problems, map, walker->path,
                    "username is missing; accepted: username and password together");
    }
    if ((has_password || has_username) && has_clear_broker(mqtt)) {
        complain(walker, map, "broker",
                 "the password would travel in clear text; accepted: mqtts://, or a loopback "
                 "host");
    }
    if (node_member(map, "tls") != NULL && mqtt->broker_count != 0 && !has_secure_broker(mqtt)) {
        complain(walker, map, "tls", "has no meaning with mqtt://; accepted: mqtts:// with it");
    }
    if (mqtt->home_assistant.discovery_prefix != NULL && !mqtt->has_state) {
        complain(walker, map, "home_assistant",
                 "shows the retained state, but state is off; accepted: state: on with it");
    }
    if (mqtt->expiry_ms != 0 && mqtt->protocol != 5) {
        complain(walker, map, "expiry", "has no meaning with protocol: 3.1.1; accepted: 5 with it");
    }
}

const struct shape mqtt_shape = {.keys = mqtt_keys,
                                 .count = ARRAY_COUNT(mqtt_keys),
                                 .size = sizeof(struct mqtt_config),
                                 .finish = finish_mqtt};
