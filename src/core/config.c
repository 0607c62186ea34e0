#include "core/config.h"

#include "core/address.h"
#include "core/arena.h"
#include "core/config_shape.h"
#include "core/log.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

/* --- what several sections share ------------------------------------------------------------ */

const char *name_fault(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *byte) == NULL) {
            return "not a name";
        }
    }
    return text[0] == '\0' || strlen(text) > 64 ? "not a name" : NULL;
}

static const struct key tls_keys[] = {
    {.name = "ca_file", .kind = KEY_FILE, .offset = offsetof(struct tls_config, ca_file)},
    {.name = "cert_file", .kind = KEY_FILE, .offset = offsetof(struct tls_config, cert_file)},
    {.name = "key_file", .kind = KEY_FILE, .offset = offsetof(struct tls_config, key_file)},
};

static void finish_tls(struct walker *walker, const struct node *map, void *target)
{
    (void)target;
    bool has_certificate = node_member(map, "cert_file") != NULL;
    bool has_key = node_member(map, "key_file") != NULL;
    if (has_certificate != has_key) {
        problem_add(walker->problems, map, walker->path,
                    "%s is missing; accepted: cert_file and key_file together",
                    has_key ? "cert_file" : "key_file");
    }
}

const struct shape tls_shape = {.keys = tls_keys,
                                .count = ARRAY_COUNT(tls_keys),
                                .size = sizeof(struct tls_config),
                                .finish = finish_tls};

/* --- state, log, http ----------------------------------------------------------------------- */

static const struct key state_keys[] = {
    {.name = "database",
     .kind = KEY_PATH,
     .offset = offsetof(struct config, database_path),
     .initial = "/var/lib/orderwatch/state.db"},
    {.name = "keep_events",
     .kind = KEY_DURATION,
     .offset = offsetof(struct config, keep_events_ms),
     .min = 1000,
     .initial = "400d"},
};
static const struct shape state_shape = {.keys = state_keys, .count = ARRAY_COUNT(state_keys)};

static const struct word level_words[] = {{"error", LOG_LEVEL_ERROR},
                                          {"warn", LOG_LEVEL_WARN},
                                          {"info", LOG_LEVEL_INFO},
                                          {"debug", LOG_LEVEL_DEBUG},
                                          {NULL, 0}};
static const struct word log_format_words[] = {{"logfmt", 0}, {"json", 1}, {NULL, 0}};

static const struct key log_keys[] = {
    {.name = "level",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct config, log_level),
     .words = level_words,
     .initial = "info"},
    {.name = "format",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct config, is_log_json),
     .words = log_format_words,
     .initial = "logfmt"},
};
static const struct shape log_shape = {.keys = log_keys, .count = ARRAY_COUNT(log_keys)};

#define LISTEN_ACCEPTED "ADDRESS:PORT such as 127.0.0.1:9475 or [::1]:9475, unix:/PATH, or off"

static bool parse_listen(struct walker *walker, const char *text, struct url *out)
{
    return url_parse(arena_format(walker->arena, "http://%s", text), out) && out->port != 0 &&
           out->path.size == 0 && !out->has_credentials;
}

static bool is_unix_listen(const char *text)
{
    return strncmp(text, "unix:/", 6) == 0;
}

static void read_listen(struct walker *walker, const struct node *node, void *target)
{
    struct config *config = target;
    struct url url;
    if (!walker_is_text(walker, node, LISTEN_ACCEPTED) || strcmp(node->text, "off") == 0) {
        return;
    }
    if (!is_unix_listen(node->text) && !parse_listen(walker, node->text, &url)) {
        problem_add(walker->problems, node, walker->path, "%s is not an address; accepted: %s",
                    walker_shown(walker, node), LISTEN_ACCEPTED);
        return;
    }
    config->http_listen = arena_text(walker->arena, span_of(node->text));
}

static void print_listen(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct config *config = source;
    print_yaml_scalar(out, config->http_listen != NULL ? config->http_listen : "off");
}

static bool hub_is_set(const void *field)
{
    return ((const struct hub_config *)field)->callback_count != 0;
}

static const struct key http_keys[] = {
    {.name = "listen",
     .kind = KEY_CUSTOM,
     .read = read_listen,
     .print = print_listen,
     .initial = "127.0.0.1:9475"},
    {.name = "token", .kind = KEY_SECRET, .offset = offsetof(struct config, http_token)},
    {.name = "hub",
     .kind = KEY_MAP,
     .offset = offsetof(struct config, hub),
     .shape = &hub_shape,
     .is_set = hub_is_set},
};

static void finish_http(struct walker *walker, const struct node *map, void *target)
{
    const struct config *config = target;
    struct url url;
    bool has_token = node_member(map, "token") != NULL || node_member(map, "token_file") != NULL;
    if (config->http_listen != NULL && !has_token && !is_unix_listen(config->http_listen) &&
        parse_listen(walker, config->http_listen, &url) && !host_is_loopback(url.host)) {
        size_t path_size = walker_enter(walker, "listen");
        problem_add(walker->problems, node_member(map, "listen"), walker->path,
                    "is beyond loopback without a token; accepted: a loopback address, or "
                    "http.token_file");
        walker_leave(walker, path_size);
    }
}

static const struct shape http_shape = {
    .keys = http_keys, .count = ARRAY_COUNT(http_keys), .finish = finish_http};

/* --- the whole document --------------------------------------------------------------------- */

/* Sections without a struct of their own fill struct config: their offset is 0. */
static const struct key config_keys[] = {
    {.name = "state", .kind = KEY_MAP, .shape = &state_shape, .initial = "{}"},
    {.name = "http", .kind = KEY_MAP, .shape = &http_shape, .initial = "{}"},
    {.name = "log", .kind = KEY_MAP, .shape = &log_shape, .initial = "{}"},
    {.name = "shutdown_grace",
     .kind = KEY_DURATION,
     .offset = offsetof(struct config, shutdown_grace_ms),
     .max = INT64_C(3600000),
     .initial = "10s"},
    {.name = "sources",
     .kind = KEY_MAPS,
     .offset = offsetof(struct config, sources),
     .count_offset = offsetof(struct config, source_count),
     .shape = &source_shape,
     .is_required = true,
     .min = 1,
     .max = CONFIG_LIST_MAX,
     .accepted = "sources, each with name, profile and base_url"},
    {.name = "sinks",
     .kind = KEY_MAPS,
     .offset = offsetof(struct config, sinks),
     .count_offset = offsetof(struct config, sink_count),
     .shape = &sink_shape,
     .max = CONFIG_LIST_MAX,
     .accepted = "sinks, each with name and one of email, mqtt and webhook"},
    {.name = "routes",
     .kind = KEY_MAPS,
     .offset = offsetof(struct config, routes),
     .count_offset = offsetof(struct config, route_count),
     .shape = &route_shape,
     .max = CONFIG_LIST_MAX,
     .accepted = "routes, each with types and sinks"},
};

const struct shape config_shape = {
    .keys = config_keys, .count = ARRAY_COUNT(config_keys), .size = sizeof(struct config)};

enum status config_create(const struct node *document, const struct config_loader *loader,
                          struct problem_list *problems, struct config **out)
{
    size_t errors_before = problems->error_count;
    struct arena *arena = arena_create();
    struct walker walker = {.problems = problems, .arena = arena, .loader = loader};
    struct config *config = arena_alloc(arena, sizeof *config);
    walker_read(&walker, &config_shape, document, config);
    config_check_references(&walker, document, config);
    if (problems->error_count != errors_before) {
        arena_destroy(arena);
        return STATUS_INVALID;
    }
    config->file = arena_text(arena, span_of(document->file));
    config->arena = arena;
    *out = config;
    return STATUS_OK;
}

void config_destroy(struct config *config)
{
    if (config != NULL) {
        struct arena *arena = config->arena; /* which config itself lives in */
        arena_wipe(arena);                   /* header values may hold tokens */
        arena_destroy(arena);
    }
}

void config_print(const struct config *config, struct text *out)
{
    walker_print(&config_shape, config, config, out);
}

const struct source_config *config_source(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->source_count; i++) {
        if (text_equal(config->sources[i].name, name)) {
            return &config->sources[i];
        }
    }
    return NULL;
}

const struct sink_config *config_sink(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->sink_count; i++) {
        if (text_equal(config->sinks[i].name, name)) {
            return &config->sinks[i];
        }
    }
    return NULL;
}
