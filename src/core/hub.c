#include "core/hub.h"

#include "core/address.h"
#include "core/address_block.h"
#include "core/arena.h"
#include "core/glob.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/text.h"

#include <string.h>
#include <strings.h>

#define QUERY_BYTES_MAX 1024
#define TYPES_MAX 16
#define QUERY_ACCEPTED "eventType=NAME[,NAME...], or none for all of them"

/* What an event type of TM Forum is to us; as conf/formats/tmf-listener.jq names them. */
static const struct tmf_type {
    enum hub_api api;
    const char *name;
    const char *globs[4];
} tmf_types[] = {
    {HUB_ORDERS, "ProductOrderCreateEvent", {"order.created", "order.reappeared"}},
    {HUB_ORDERS, "ProductOrderStateChangeEvent", {"order.status.*"}},
    {HUB_ORDERS, "ProductOrderDeleteEvent", {"order.closed", "order.disappeared"}},
    {HUB_ORDERS,
     "ProductOrderAttributeValueChangeEvent",
     {"order.date.*", "order.stalled", "order.note.added", "order.updated"}},
    {HUB_APPOINTMENTS, "AppointmentCreateEvent", {"appointment.created"}},
    {HUB_APPOINTMENTS,
     "AppointmentStateChangeEvent",
     {"appointment.confirmed", "appointment.cancelled", "appointment.completed",
      "appointment.missed"}},
    {HUB_APPOINTMENTS, "AppointmentDeleteEvent", {"appointment.removed"}},
    {HUB_APPOINTMENTS,
     "AppointmentAttributeValueChangeEvent",
     {"appointment.rescheduled", "appointment.updated", "appointment.reminder"}},
};

/* --- the callback ---------------------------------------------------------------------------- */

static bool may_be_called(const struct hub_config *config, struct span host, struct arena *arena)
{
    const char *name = arena_text(arena, host);
    for (size_t i = 0; i < config->callback_count; i++) {
        if (glob_matches(config->callbacks[i], name)) {
            return true;
        }
    }
    return false;
}

static enum status check_callback(const char *callback, const struct hub_config *config,
                                  struct arena *arena, struct failure *why)
{
    struct url url;
    const char *fault = call_url_fault(callback);
    if (fault == NULL && strchr(callback, '$') != NULL) {
        fault = "a URL with a dollar sign";
    }
    if (fault != NULL) {
        return fail(why, STATUS_INVALID, "callback is %s; accepted: https://HOST[:PORT][/PATH]",
                    fault);
    }
    CHECK(url_parse(callback, &url));
    if (!may_be_called(config, url.host, arena)) {
        return fail(why, STATUS_INVALID,
                    "callback: its host is not among http.hub.callbacks; accepted: a host that the "
                    "configuration allows");
    }
    if (host_is_private(url.host) && !host_is_loopback(url.host) && !config->allow_private) {
        return fail(why, STATUS_INVALID,
                    "callback: its host is a private or local address, which is not called; "
                    "accepted: a public host, or http.hub.allow_private: on");
    }
    return STATUS_OK;
}

/* --- the query ------------------------------------------------------------------------------- */

static void add_types(const struct tmf_type *type, const char **types, size_t *count)
{
    for (size_t i = 0; i < ARRAY_COUNT(type->globs) && type->globs[i] != NULL; i++) {
        bool is_there = false;
        for (size_t j = 0; j < *count; j++) {
            is_there |= types[j] == type->globs[i];
        }
        if (!is_there) {
            CHECK(*count < TYPES_MAX);
            types[(*count)++] = type->globs[i];
        }
    }
}

/* The listener's paths begin with a small letter, so some consumers ask so too. */
static bool add_named(enum hub_api api, struct span name, const char **types, size_t *count)
{
    for (size_t i = 0; i < ARRAY_COUNT(tmf_types); i++) {
        if (tmf_types[i].api == api && strlen(tmf_types[i].name) == name.size &&
            strncasecmp(tmf_types[i].name, name.data, name.size) == 0) {
            add_types(&tmf_types[i], types, count);
            return true;
        }
    }
    return false;
}

static enum status fail_with_names(enum hub_api api, struct failure *why)
{
    struct text names;
    text_init(&names, sizeof why->detail);
    for (size_t i = 0; i < ARRAY_COUNT(tmf_types); i++) {
        if (tmf_types[i].api == api) {
            text_addf(&names, "%s%s", names.size != 0 ? ", " : "", tmf_types[i].name);
        }
    }
    enum status status =
        fail(why, STATUS_INVALID, "query: no such event type; accepted: %s", text_cstr(&names));
    text_fini(&names);
    return status;
}

static const char *skip_blank(const char *text)
{
    return text + strspn(text, " ");
}

/* What follows "eventType ="; NULL: something else is there. */
static const char *skip_name(const char *text)
{
    static const char name[] = "eventType";
    if (strncmp(text, name, sizeof name - 1) != 0) {
        return NULL;
    }
    text = skip_blank(text + sizeof name - 1);
    return *text == '=' ? skip_blank(text + 1) : NULL;
}

/* eventType=A,B, and TMF630's two forms: eventType=A;eventType=B and, as of an address, with &. An
 * event has one type, so all of them say: any of these. */
static enum status read_query(enum hub_api api, const char *query, const char **types,
                              size_t *count, struct failure *why)
{
    const char *rest = skip_blank(query);
    char joint = *rest != '\0' ? '&' : '\0';
    while (joint != '\0') {
        bool is_new = joint == '&' || joint == ';';
        rest = is_new ? skip_name(rest) : rest;
        if (rest == NULL || (!is_new && joint != ',')) {
            return fail(why, STATUS_INVALID, "query: cannot be used; accepted: %s", QUERY_ACCEPTED);
        }
        struct span value = {.data = rest, .size = strcspn(rest, " ,&;")};
        if (!add_named(api, value, types, count)) {
            return fail_with_names(api, why);
        }
        rest = skip_blank(rest + value.size);
        joint = *rest;
        rest = joint != '\0' ? skip_blank(rest + 1) : rest;
    }
    return STATUS_OK;
}

/* --- a registration -------------------------------------------------------------------------- */

static void compute_id(enum hub_api api, struct hub_registration *registration)
{
    struct text bytes;
    text_init(&bytes, SIZE_MAX / 4);
    text_addf(&bytes, "%d\n%s\n%s", (int)api, registration->callback, registration->query);
    char hash[33];
    hash128_hex(text_span(&bytes), hash);
    memcpy(registration->id, hash, sizeof registration->id - 1);
    registration->id[sizeof registration->id - 1] = '\0';
    text_fini(&bytes);
}

static enum status read_registration(const struct json *body, enum hub_api api,
                                     const struct hub_config *config, struct arena *arena,
                                     struct hub_registration *out, struct failure *why)
{
    const char *callback = json_member_text(body, "callback");
    const char *query = json_member_text(body, "query");
    if (callback == NULL) {
        return fail(why, STATUS_INVALID,
                    "callback is missing; accepted: {\"callback\": URL, "
                    "\"query\": \"eventType=...\"}");
    }
    const struct json *given = json_member(body, "query");
    if (given != NULL && json_kind(given) != JSON_STRING && json_kind(given) != JSON_NULL) {
        return fail(why, STATUS_INVALID, "query is no text; accepted: %s", QUERY_ACCEPTED);
    }
    query = query != NULL ? query : "";
    if (strlen(query) > QUERY_BYTES_MAX) {
        return fail(why, STATUS_INVALID, "query is longer than %d bytes", QUERY_BYTES_MAX);
    }
    enum status status = check_callback(callback, config, arena, why);
    if (status != STATUS_OK) {
        return status;
    }
    const char **types = arena_array(arena, TYPES_MAX, sizeof *types);
    status = read_query(api, query, types, &out->type_count, why);
    if (status == STATUS_OK && out->type_count == 0) {
        types[out->type_count++] = api == HUB_ORDERS ? "order.*" : "appointment.*";
    }
    out->types = types;
    out->callback = arena_text(arena, span_of(callback));
    out->query = arena_text(arena, span_of(query));
    compute_id(api, out);
    return status;
}

enum status hub_read(struct span body, enum hub_api api, const struct hub_config *config,
                     struct arena *arena, struct hub_registration *out, struct failure *why)
{
    struct json *json = NULL;
    struct hub_registration registration = {.types = NULL};
    enum status status = json_parse(body, &json, why);
    if (status != STATUS_OK) {
        return status;
    }
    status = read_registration(json, api, config, arena, &registration, why);
    json_destroy(json);
    if (status == STATUS_OK) {
        *out = registration;
    }
    return status;
}

/* What a URL may have needs no escape between quotes. */
void hub_add_yaml(const struct hub_registration *registration, const struct hub_config *config,
                  struct text *out)
{
    text_addf(out,
              "# A registration at the hub; DELETE of its id takes it away.\n"
              "sinks:\n"
              "  - name: " HUB_SINK_PREFIX "%s\n"
              "    webhook:\n"
              "      url: \"%s\"\n"
              "      format: tmf-listener\n"
              "      allow_private: %s\n"
              "routes:\n"
              "  - name: " HUB_SINK_PREFIX "%s\n"
              "    sinks: [" HUB_SINK_PREFIX "%s]\n"
              "    types:\n",
              registration->id, registration->callback, config->allow_private ? "on" : "off",
              registration->id, registration->id);
    for (size_t i = 0; i < registration->type_count; i++) {
        text_addf(out, "      - \"%s\"\n", registration->types[i]);
    }
}

bool hub_is_id(const char *text)
{
    return strlen(text) == sizeof((struct hub_registration *)NULL)->id - 1 &&
           strspn(text, "0123456789abcdef") == strlen(text);
}
