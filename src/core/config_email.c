/* The keys of a mail sink. */
#include "core/config_shape.h"

#include "core/address.h"
#include "core/arena.h"
#include "core/text.h"

#include <string.h>

#define SERVER_ACCEPTED "smtp://HOST[:PORT] (STARTTLS) or smtps://HOST[:PORT]"
#define RECIPIENT_COUNT_MAX 100
#define PORT_SUBMISSION 587
#define PORT_SUBMISSIONS 465

static const char *server_fault(const char *text, struct url *url)
{
    if (!url_parse(text, url)) {
        return "not the URL of a server";
    }
    if (!span_is(url->scheme, "smtp") && !span_is(url->scheme, "smtps")) {
        return "a URL of another scheme";
    }
    if (url->has_credentials) {
        return "a URL with credentials in it";
    }
    return url->path.size != 0 ? "a URL with a path, query or fragment" : NULL;
}

static void read_server(struct walker *walker, const struct node *node, void *target)
{
    struct email_config *email = target;
    struct url url;
    if (!walker_is_text(walker, node, SERVER_ACCEPTED)) {
        return;
    }
    const char *fault = server_fault(node->text, &url);
    if (fault != NULL) {
        problem_add(walker->problems, node, walker->path, "%s is %s; accepted: %s",
                    walker_shown(walker, node), fault, SERVER_ACCEPTED);
        return;
    }
    email->server_host = arena_text(walker->arena, url.host);
    email->is_implicit_tls = span_is(url.scheme, "smtps");
    email->server_port = url.port;
    if (url.port == 0) {
        email->server_port = email->is_implicit_tls ? PORT_SUBMISSIONS : PORT_SUBMISSION;
    }
}

static void print_server(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct email_config *email = source;
    bool is_ipv6 = strchr(email->server_host, ':') != NULL;
    struct text url;
    text_init(&url, 1024);
    text_addf(&url, "%s://%s%s%s:%u", email->is_implicit_tls ? "smtps" : "smtp", is_ipv6 ? "[" : "",
              email->server_host, is_ipv6 ? "]" : "", email->server_port);
    print_yaml_scalar(out, text_cstr(&url));
    text_fini(&url);
}

static void read_digest(struct walker *walker, const struct node *node, void *target)
{
    config_read_digest(walker, node, &((struct email_config *)target)->digest);
}

static void print_digest(const void *source, const void *context, struct text *out)
{
    (void)context;
    config_print_digest(out, &((const struct email_config *)source)->digest);
}

static const struct word tls_words[] = {{"required", 1}, {"none", 0}, {NULL, 0}};
#define LANGUAGE_WORD(name, tag) {#tag, LANGUAGE_##name},
static const struct word language_words[] = {LANGUAGES(LANGUAGE_WORD){NULL, 0}};
#undef LANGUAGE_WORD
static const struct word calendar_words[] = {
    {"off", CALENDAR_OFF}, {"publish", CALENDAR_PUBLISH}, {"request", CALENDAR_REQUEST}, {NULL, 0}};

#define MAILBOX_ACCEPTED "name@example.com or \"Name <name@example.com>\""

static const struct key email_keys[] = {
    {.name = "server",
     .kind = KEY_CUSTOM,
     .read = read_server,
     .print = print_server,
     .is_required = true,
     .accepted = SERVER_ACCEPTED},
    {.name = "tls",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct email_config, is_tls_required),
     .words = tls_words,
     .initial = "required"},
    {.name = "ca_file", .kind = KEY_FILE, .offset = offsetof(struct email_config, ca_file)},
    {.name = "username", .kind = KEY_TEXT, .offset = offsetof(struct email_config, username)},
    {.name = "password", .kind = KEY_SECRET, .offset = offsetof(struct email_config, password)},
    {.name = "from",
     .kind = KEY_TEXT,
     .offset = offsetof(struct email_config, from),
     .is_required = true,
     .fault = mailbox_fault,
     .accepted = MAILBOX_ACCEPTED},
    {.name = "to",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct email_config, to),
     .count_offset = offsetof(struct email_config, to_count),
     .is_required = true,
     .min = 1,
     .max = RECIPIENT_COUNT_MAX,
     .fault = mailbox_fault,
     .accepted = MAILBOX_ACCEPTED},
    {.name = "subject_prefix",
     .kind = KEY_TEXT,
     .offset = offsetof(struct email_config, subject_prefix),
     .initial = "orderwatch"},
    {.name = "language",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct email_config, language),
     .words = language_words,
     .initial = "en"},
    {.name = "digest", .kind = KEY_CUSTOM, .read = read_digest, .print = print_digest},
    {.name = "calendar",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct email_config, calendar),
     .words = calendar_words,
     .initial = "publish"},
    {.name = "time_zone", .kind = KEY_ZONE, .offset = offsetof(struct email_config, zone)},
    {.name = "status_url",
     .kind = KEY_TEXT,
     .offset = offsetof(struct email_config, status_url),
     .fault = link_url_fault,
     .accepted = "the URL of the status page as readers reach it"},
};

static void check_encryption(struct walker *walker, const struct node *map,
                             const struct email_config *email)
{
    const struct node *tls = node_member(map, "tls");
    if (tls == NULL || email->is_tls_required || email->server_host == NULL) {
        return;
    }
    size_t path_size = walker_enter(walker, "tls");
    if (email->is_implicit_tls) {
        problem_add(walker->problems, tls, walker->path,
                    "smtps is TLS from the first byte; accepted: required, or smtp://");
    } else if (!tls->is_broken && !host_is_loopback(span_of(email->server_host))) {
        problem_add(walker->problems, tls, walker->path,
                    "mail would travel in clear text; accepted: required, or none to a loopback "
                    "host");
    }
    walker_leave(walker, path_size);
}

static bool is_repeated(const struct email_config *email, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (email->to[index] != NULL && text_equal(email->to[index], email->to[i])) {
            return true;
        }
    }
    return false;
}

static void check_recipients(struct walker *walker, const struct node *map,
                             const struct email_config *email)
{
    size_t path_size = walker_enter(walker, "to");
    for (size_t i = 0; i < email->to_count; i++) {
        if (is_repeated(email, i)) {
            problem_add(walker->problems, node_member(map, "to"), walker->path,
                        "%s is there twice; accepted: each recipient once", email->to[i]);
        }
    }
    walker_leave(walker, path_size);
}

static bool has_password(const struct node *map)
{
    return node_member(map, "password") != NULL || node_member(map, "password_file") != NULL;
}

static void finish_email(struct walker *walker, const struct node *map, void *target)
{
    struct email_config *email = target;
    check_encryption(walker, map, email);
    check_recipients(walker, map, email);
    if ((node_member(map, "username") != NULL) != has_password(map)) {
        problem_add(walker->problems, map, walker->path,
                    "username and password belong together; accepted: both, or none of them");
    }
    if (email->from != NULL) {
        email->host = arena_text(walker->arena, mailbox_domain(email->from));
    }
}

const struct shape email_shape = {.keys = email_keys,
                                  .count = ARRAY_COUNT(email_keys),
                                  .size = sizeof(struct email_config),
                                  .finish = finish_email};
