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

static void read_broker(struct walker *walker, const struct node *node, void *target)
{
    struct mqtt_config *mqtt = target;
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
    mqtt->host = arena_text(walker->arena, url.host);
    mqtt->is_tls = span_is(url.scheme, "mqtts");
    mqtt->port = url.port;
    if (url.port == 0) {
        mqtt->port = mqtt->is_tls ? PORT_MQTTS : PORT_MQTT;
    }
}

static void print_broker(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct mqtt_config *mqtt = source;
    bool is_ipv6 = strchr(mqtt->host, ':') != NULL;
    struct text url;
    text_init(&url, 1024);
    text_addf(&url, "%s://%s%s%s:%u", mqtt->is_tls ? "mqtts" : "mqtt", is_ipv6 ? "[" : "",
              mqtt->host, is_ipv6 ? "]" : "", mqtt->port);
    print_yaml_scalar(out, text_cstr(&url));
    text_fini(&url);
}

static const char *prefix_fault(const char *text)
{
    size_t size = strlen(text);
    if (size == 0 || size > PREFIX_BYTES_MAX) {
        return "empty or too long for a topic";
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

static const struct word protocol_words[] = {{"5", 5}, {"3.1.1", 4}, {NULL, 0}};

static const struct key mqtt_keys[] = {
    {.name = "broker",
     .kind = KEY_CUSTOM,
     .read = read_broker,
     .print = print_broker,
     .is_required = true,
     .accepted = BROKER_ACCEPTED},
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
    {.name = "tls",
     .kind = KEY_MAP,
     .offset = offsetof(struct mqtt_config, tls),
     .shape = &tls_shape},
};

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
    if (mqtt->host == NULL || mqtt->is_tls) {
        return;
    }
    if ((has_password || has_username) && !host_is_loopback(span_of(mqtt->host))) {
        size_t path_size = walker_enter(walker, "broker");
        problem_add(walker->problems, node_member(map, "broker"), walker->path,
                    "the password would travel in clear text; accepted: mqtts://, or a loopback "
                    "host");
        walker_leave(walker, path_size);
    }
    if (node_member(map, "tls") != NULL) {
        size_t path_size = walker_enter(walker, "tls");
        problem_add(walker->problems, node_member(map, "tls"), walker->path,
                    "has no meaning with mqtt://; accepted: mqtts:// with it");
        walker_leave(walker, path_size);
    }
}

const struct shape mqtt_shape = {.keys = mqtt_keys,
                                 .count = ARRAY_COUNT(mqtt_keys),
                                 .size = sizeof(struct mqtt_config),
                                 .finish = finish_mqtt};
