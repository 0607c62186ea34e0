/* The keys of a webhook sink. */
#include "core/config_shape.h"

#include "core/address.h"
#include "core/address_block.h"
#include "core/arena.h"
#include "core/base64.h"
#include "core/header_name.h"
#include "core/secret.h"
#include "core/text.h"

#include <string.h>
#include <strings.h>

#define URL_ACCEPTED "https://HOST[:PORT][/PATH], or http:// to a loopback host"
#define HEADERS_ACCEPTED "header names, each with a text"
#define SECRET_ACCEPTED                                                                            \
    "whsec_ and the base64 of 24 to 64 random bytes, or whsk_ and that of an ed25519 key"
#define SHARED_PREFIX "whsec_"
#define PRIVATE_PREFIX "whsk_"
#define HEADER_COUNT_MAX 32
#define SETTINGS_ACCEPTED "names, each with a text: what the format reads as $settings"
#define SETTING_COUNT_MAX 32

/* --- url ------------------------------------------------------------------------------------ */

static void read_url(struct walker *walker, const struct node *node, void *target)
{
    struct webhook_config *webhook = target;
    if (!walker_is_text(walker, node, URL_ACCEPTED)) {
        return;
    }
    const char *fault = call_url_fault(node->text);
    if (fault != NULL) {
        problem_add(walker->problems, node, walker->path, "%s is %s; accepted: %s",
                    walker_shown(walker, node), fault, URL_ACCEPTED);
        return;
    }
    webhook->url = arena_text(walker->arena, span_of(node->text));
    webhook->is_url_secret = node->is_expanded;
}

static void print_url(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct webhook_config *webhook = source;
    struct url url;
    if (!webhook->is_url_secret || !url_parse(webhook->url, &url) || url.path.size == 0) {
        print_yaml_scalar(out, webhook->url);
        return;
    }
    struct text shown;
    text_init(&shown, strlen(webhook->url) + 16);
    text_add(&shown,
             (struct span){.data = webhook->url, .size = (size_t)(url.path.data - webhook->url)});
    text_add_text(&shown, "/<secret>");
    print_yaml_scalar(out, text_cstr(&shown));
    text_fini(&shown);
}

/* --- headers -------------------------------------------------------------------------------- */

static bool is_ascii(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte >= 0x80) {
            return false;
        }
    }
    return true;
}

static void read_header(struct walker *walker, const struct node *node,
                        struct webhook_config *webhook, struct http_header *out)
{
    const char *fault = header_name_fault(node->key);
    for (size_t i = 0; fault == NULL && i < webhook->header_count; i++) {
        if (strcasecmp(node->key, webhook->headers[i].name) == 0) {
            fault = "is there twice: case makes no difference";
        }
    }
    if (fault != NULL) {
        problem_add(walker->problems, node, walker->path, "%s; accepted: %s", fault,
                    HEADERS_ACCEPTED);
    } else if (walker_is_text(walker, node, "a text")) {
        if (!is_ascii(node->text)) {
            problem_add(walker->problems, node, walker->path,
                        "has letters beyond ASCII; accepted: visible ASCII");
        }
        out->name = arena_text(walker->arena, span_of(node->key));
        out->value = arena_text(walker->arena, span_of(node->text));
        webhook->header_count++;
    }
}

static void read_headers(struct walker *walker, const struct node *node, void *target)
{
    struct webhook_config *webhook = target;
    if (node->kind != NODE_MAP) {
        problem_add(walker->problems, node, walker->path, "is not a map; accepted: %s",
                    HEADERS_ACCEPTED);
        return;
    }
    struct http_header *headers = arena_array(walker->arena, HEADER_COUNT_MAX, sizeof *headers);
    webhook->headers = headers;
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        if (webhook->header_count == HEADER_COUNT_MAX) {
            problem_add(walker->problems, entry, walker->path,
                        "too many headers; accepted: up to %d", HEADER_COUNT_MAX);
            return;
        }
        size_t path_size = walker_enter(walker, entry->key);
        read_header(walker, entry, webhook, &headers[webhook->header_count]);
        walker_leave(walker, path_size);
    }
}

/* Any of them may hold a token, so none is shown. */
static void print_headers(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct webhook_config *webhook = source;
    for (size_t i = 0; i < webhook->header_count; i++) {
        text_add_text(out, i == 0 ? "{" : ", ");
        text_addf(out, "%s: <secret>", webhook->headers[i].name);
        text_add_text(out, i + 1 == webhook->header_count ? "}" : "");
    }
}

static bool is_same_url(const void *left, const void *right)
{
    return text_equal(((const struct webhook_config *)left)->url,
                      ((const struct webhook_config *)right)->url);
}

static bool is_same_headers(const void *left, const void *right)
{
    const struct webhook_config *before = left;
    const struct webhook_config *after = right;
    bool is_same = before->header_count == after->header_count;
    for (size_t i = 0; is_same && i < after->header_count; i++) {
        is_same = text_equal(before->headers[i].name, after->headers[i].name) &&
                  text_equal(before->headers[i].value, after->headers[i].value);
    }
    return is_same;
}

/* --- format --------------------------------------------------------------------------------- */

#define FORMAT_ACCEPTED "cloudevents, the name of a shipped format, or the path of a jq program"

static void read_format(struct walker *walker, const struct node *node, void *target)
{
    struct webhook_config *webhook = target;
    struct failure why;
    if (!walker_is_text(walker, node, FORMAT_ACCEPTED)) {
        return;
    }
    const char *name = walker_name_or_path(walker, node, ".jq");
    if (strcmp(name, "cloudevents") != 0 &&
        walker->loader->format(walker->loader->self, name, &why) != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    webhook->format = name;
    if (node->file != NULL) {
        webhook->format_file = arena_text(walker->arena, span_of(node->file));
        webhook->format_line = node->line;
        webhook->format_column = node->column;
    }
}

static void print_format(const void *source, const void *context, struct text *out)
{
    (void)context;
    print_yaml_scalar(out, ((const struct webhook_config *)source)->format);
}

/* --- settings ------------------------------------------------------------------------------- */

static void read_settings(struct walker *walker, const struct node *node, void *target)
{
    struct webhook_config *webhook = target;
    if (node->kind != NODE_MAP) {
        problem_add(walker->problems, node, walker->path, "is not a map; accepted: %s",
                    SETTINGS_ACCEPTED);
        return;
    }
    struct format_setting *settings =
        arena_array(walker->arena, SETTING_COUNT_MAX, sizeof *settings);
    webhook->settings = settings;
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        size_t path_size = walker_enter(walker, entry->key);
        if (webhook->setting_count == SETTING_COUNT_MAX) {
            problem_add(walker->problems, entry, walker->path,
                        "too many settings; accepted: up to %d", SETTING_COUNT_MAX);
            walker_leave(walker, path_size);
            return;
        }
        if (walker_is_text(walker, entry, "a text")) {
            settings[webhook->setting_count++] =
                (struct format_setting){.name = arena_text(walker->arena, span_of(entry->key)),
                                        .value = arena_text(walker->arena, span_of(entry->text))};
        }
        walker_leave(walker, path_size);
    }
}

/* What a format makes of them is not known here, so none is shown. */
static void print_settings(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct webhook_config *webhook = source;
    for (size_t i = 0; i < webhook->setting_count; i++) {
        text_add_text(out, i == 0 ? "{" : ", ");
        print_yaml_scalar(out, webhook->settings[i].name);
        text_add_text(out, ": <secret>");
        text_add_text(out, i + 1 == webhook->setting_count ? "}" : "");
    }
}

static bool is_same_settings(const void *left, const void *right)
{
    const struct webhook_config *before = left;
    const struct webhook_config *after = right;
    bool is_same = before->setting_count == after->setting_count;
    for (size_t i = 0; is_same && i < after->setting_count; i++) {
        is_same = text_equal(before->settings[i].name, after->settings[i].name) &&
                  text_equal(before->settings[i].value, after->settings[i].value);
    }
    return is_same;
}

/* --- the sink ------------------------------------------------------------------------------- */

static const struct word signature_words[] = {{"standard", SIGNATURE_STANDARD},
                                              {"github", SIGNATURE_GITHUB},
                                              {"none", SIGNATURE_NONE},
                                              {NULL, 0}};

static const char *pointer_fault(const char *text)
{
    return text[0] == '/' ? NULL : "not a JSON Pointer";
}

static const struct key webhook_keys[] = {
    {.name = "url",
     .kind = KEY_CUSTOM,
     .read = read_url,
     .print = print_url,
     .is_same = is_same_url,
     .is_required = true,
     .accepted = URL_ACCEPTED},
    {.name = "secret",
     .kind = KEY_SECRET,
     .offset = offsetof(struct webhook_config, secret),
     .accepted = SECRET_ACCEPTED},
    {.name = "next_secret",
     .kind = KEY_SECRET,
     .offset = offsetof(struct webhook_config, next_secret),
     .accepted = SECRET_ACCEPTED},
    {.name = "signature",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct webhook_config, signature),
     .words = signature_words,
     .initial = "standard"},
    {.name = "username", .kind = KEY_TEXT, .offset = offsetof(struct webhook_config, username)},
    {.name = "password", .kind = KEY_SECRET, .offset = offsetof(struct webhook_config, password)},
    {.name = "bearer_token",
     .kind = KEY_SECRET,
     .offset = offsetof(struct webhook_config, bearer_token)},
    {.name = "format",
     .kind = KEY_CUSTOM,
     .read = read_format,
     .print = print_format,
     .initial = "cloudevents"},
    {.name = "ticket_id",
     .kind = KEY_TEXT,
     .offset = offsetof(struct webhook_config, ticket_id),
     .fault = pointer_fault,
     .accepted = "where the answer has the ticket's id, such as /id or /result/sys_id"},
    {.name = "settings",
     .kind = KEY_CUSTOM,
     .read = read_settings,
     .print = print_settings,
     .is_same = is_same_settings},
    {.name = "headers",
     .kind = KEY_CUSTOM,
     .read = read_headers,
     .print = print_headers,
     .is_same = is_same_headers},
    {.name = "timeout",
     .kind = KEY_DURATION,
     .offset = offsetof(struct webhook_config, timeout_ms),
     .min = 1000,
     .max = 10 * MINUTE_MS,
     .initial = "20s"},
    {.name = "batch", .kind = KEY_CUSTOM, .read = webhook_read_batch, .print = webhook_print_batch},
    {.name = "tls",
     .kind = KEY_MAP,
     .offset = offsetof(struct webhook_config, tls),
     .shape = &tls_shape},
    {.name = "allow_private",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct webhook_config, allow_private),
     .initial = "off"},
};

static bool begins_with(struct span text, const char *prefix)
{
    size_t size = strlen(prefix);
    return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

static const char *secret_fault(const struct secret *secret)
{
    struct span text = secret_reveal(secret);
    bool is_private = begins_with(text, PRIVATE_PREFIX);
    if (!is_private && !begins_with(text, SHARED_PREFIX)) {
        return "does not begin with whsec_ or whsk_";
    }
    size_t prefix_size = strlen(is_private ? PRIVATE_PREFIX : SHARED_PREFIX);
    struct text key;
    text_init(&key, text.size);
    struct span encoded = {.data = text.data + prefix_size, .size = text.size - prefix_size};
    const char *fault = NULL;
    if (!base64_decode(&key, encoded)) {
        fault = is_private ? "is not base64 after whsk_" : "is not base64 after whsec_";
    } else if (is_private ? key.size != 32 && key.size != 64 : key.size < 24 || key.size > 64) {
        fault = "has a key of another length";
    }
    if (key.data != NULL) {
        explicit_bzero(key.data, key.capacity);
    }
    text_fini(&key);
    return fault;
}

static void check_secret(struct walker *walker, const struct node *map, const char *key,
                         const struct secret *secret)
{
    const char *fault = secret != NULL ? secret_fault(secret) : NULL;
    if (fault == NULL) {
        return;
    }
    const struct node *node = node_member(map, key);
    if (node == NULL) {
        key = arena_format(walker->arena, "%s_file", key);
        node = node_member(map, key);
    }
    size_t path_size = walker_enter(walker, key);
    problem_add(walker->problems, node, walker->path, "the secret %s; accepted: %s", fault,
                SECRET_ACCEPTED);
    walker_leave(walker, path_size);
}

static void check_signature(struct walker *walker, const struct node *map,
                            const struct webhook_config *webhook)
{
    if (webhook->signature == SIGNATURE_STANDARD) {
        check_secret(walker, map, "secret", webhook->secret);
        check_secret(walker, map, "next_secret", webhook->next_secret);
    } else if (webhook->signature == SIGNATURE_GITHUB && webhook->secret == NULL) {
        problem_add(walker->problems, map, walker->path,
                    "signature is github, but secret is missing; accepted: both");
    } else if (webhook->signature == SIGNATURE_NONE && webhook->secret != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "signature is none, but there is a secret; accepted: one of them");
    }
    if (webhook->signature == SIGNATURE_GITHUB && webhook->next_secret != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "signature is github, which has one signature, but there is a next_secret; "
                    "accepted: secret alone");
    }
}

static bool has_authorization_header(const struct webhook_config *webhook)
{
    for (size_t i = 0; i < webhook->header_count; i++) {
        if (strcasecmp(webhook->headers[i].name, "Authorization") == 0) {
            return true;
        }
    }
    return false;
}

static void check_authorization(struct walker *walker, const struct node *map,
                                const struct webhook_config *webhook)
{
    if ((webhook->username != NULL) != (webhook->password != NULL)) {
        problem_add(walker->problems, map, walker->path,
                    "%s is missing; accepted: username and password together",
                    webhook->username != NULL ? "password" : "username");
    }
    if (webhook->username != NULL && strchr(webhook->username, ':') != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "username has a colon; accepted: a name without one");
    }
    int ways = (webhook->username != NULL) + (webhook->bearer_token != NULL) +
               (has_authorization_header(webhook) ? 1 : 0);
    if (ways > 1) {
        problem_add(walker->problems, map, walker->path,
                    "authorization is given in several ways; accepted: one of username with "
                    "password, bearer_token, and an Authorization header");
    }
    if (webhook->bearer_token != NULL &&
        header_value_fault(secret_reveal_text(webhook->bearer_token)) != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "bearer_token is not visible ASCII; accepted: a token");
    }
}

/* Each connect would be refused. */
static void check_host(struct walker *walker, const struct node *map,
                       struct webhook_config *webhook)
{
    struct url url;
    if (webhook->url == NULL || !url_parse(webhook->url, &url)) {
        return;
    }
    if (host_is_loopback(url.host)) {
        webhook->allow_private = true; /* who writes loopback means it */
    } else if (host_is_private(url.host) && !webhook->allow_private) {
        size_t path_size = walker_enter(walker, "url");
        problem_add(walker->problems, node_member(map, "url"), walker->path,
                    "its host is a private or local address, which is not called; accepted: a "
                    "public host, or allow_private: on beside it");
        walker_leave(walker, path_size);
    }
}

static void finish_webhook(struct walker *walker, const struct node *map, void *target)
{
    struct webhook_config *webhook = target;
    check_signature(walker, map, webhook);
    check_authorization(walker, map, webhook);
    if (webhook->next_secret != NULL && webhook->secret == NULL) {
        problem_add(walker->problems, map, walker->path,
                    "next_secret is there without secret; accepted: both during a rotation");
    }
    if (webhook->ticket_id != NULL && text_equal(webhook->format, "cloudevents")) {
        problem_add(walker->problems, map, walker->path,
                    "ticket_id is there with format cloudevents, which names no ticket; accepted: "
                    "ticket_id with the format of a ticketing system");
    }
    if (webhook->batch.count != 0 && !text_equal(webhook->format, "cloudevents")) {
        problem_add(walker->problems, map, walker->path,
                    "batch is there with another format, and only CloudEvents have a form for "
                    "several; accepted: batch with format cloudevents");
    }
    check_host(walker, map, webhook);
}

const struct shape webhook_shape = {.keys = webhook_keys,
                                    .count = ARRAY_COUNT(webhook_keys),
                                    .size = sizeof(struct webhook_config),
                                    .finish = finish_webhook};
