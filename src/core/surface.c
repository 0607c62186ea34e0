#include "core/surface.h"

#include "core/secret.h"
#include "core/utf8.h"

#include "surface_gate.h"

#include <stdlib.h>
#include <string.h>

#define STORE_PATIENCE_MS 5000

struct route {
    const char *method;
    const char *path; /* one that ends with '/' takes what follows as well */
    call_fn *serve;
};

static const struct route routes[] = {
    {"GET", "/-/healthy", serve_healthy},
    {"GET", "/-/ready", serve_ready},
    {"GET", "/metrics", serve_metrics},
    {"GET", "/api/v1/status", serve_status},
    {"GET", "/api/v1/sources", serve_sources},
    {"GET", "/api/v1/sinks", serve_sinks},
    {"GET", "/api/v1/orders", serve_orders},
    {"GET", "/api/v1/orders/", serve_order},
    {"GET", "/api/v1/order", serve_order_by_query},
    {"POST", "/api/v1/orders/", serve_order_action},
    {"GET", "/api/v1/appointments", serve_appointments},
    {"GET", "/api/v1/events", serve_events},
    {"GET", "/api/v1/events/stream", serve_stream},
    {"GET", "/api/v1/events/", serve_event},
    {"GET", "/api/v1/deliveries", serve_deliveries},
    {"GET", "/calendar/", serve_feed},
    {"GET", "/api/v1/silences", serve_silences},
    {"POST", "/api/v1/silences", serve_silence_add},
    {"POST", "/api/v1/silences/", serve_silence_end},
    {"DELETE", "/api/v1/silences/", serve_silence_delete},
    {"POST", "/api/v1/deliveries/", serve_delivery_action},
    {"POST", "/api/v1/sources/", serve_source_action},
    {"POST", "/api/v1/sinks/", serve_sink_action},
    {"POST", "/api/v1/backup", serve_backup},
    {"POST", "/-/reload", serve_reload},
    {"POST", "/tmf-api/productOrderingManagement/v4/hub", serve_order_hub},
    {"DELETE", "/tmf-api/productOrderingManagement/v4/hub/", serve_order_hub_delete},
    {"POST", "/tmf-api/appointment/v4/hub", serve_appointment_hub},
    {"DELETE", "/tmf-api/appointment/v4/hub/", serve_appointment_hub_delete},
};

struct surface *surface_create(const struct surface_options *options)
{
    struct surface *surface = alloc(sizeof *surface);
    surface->options = *options;
    surface->now = options->clock(options->clock_self);
    surface->started = surface->now;
    return surface;
}

static bool is_same_secret(const struct secret *left, const struct secret *right)
{
    return left == NULL || right == NULL ? left == right
                                         : span_equal(secret_reveal(left), secret_reveal(right));
}

void surface_use_config(struct surface *surface, const struct config *config,
                        const struct sink_port *sinks)
{
    if (!is_same_secret(surface->options.config->http_token, config->http_token)) {
        streams_end(surface); /* whoever has the new token comes back */
    }
    surface->options.config = config;
    surface->options.sinks = sinks;
}

/* --- inquiries -------------------------------------------------------------------------------- */

struct inquiry *inquiry_create(const struct call *call, size_t size)
{
    CHECK(size >= sizeof(struct inquiry));
    struct surface *surface = call->surface;
    struct inquiry *inquiry = alloc(size);
    inquiry->surface = surface;
    inquiry->exchange = call->exchange;
    inquiry->deadline_mono_ms = surface->now.mono_ms + STORE_PATIENCE_MS;
    inquiry->next = surface->inquiries;
    if (inquiry->next != NULL) {
        inquiry->next->previous = inquiry;
    }
    surface->inquiries = inquiry;
    return inquiry;
}

bool inquiry_is_open(const struct inquiry *inquiry)
{
    return inquiry->exchange != NULL;
}

struct http_exchange *inquiry_take(struct inquiry *inquiry)
{
    struct http_exchange *exchange = inquiry->exchange;
    CHECK(exchange != NULL);
    inquiry->exchange = NULL;
    return exchange;
}

void inquiry_end(struct inquiry *inquiry)
{
    CHECK(inquiry->exchange == NULL);
    if (inquiry->previous != NULL) {
        inquiry->previous->next = inquiry->next;
    } else {
        inquiry->surface->inquiries = inquiry->next;
    }
    if (inquiry->next != NULL) {
        inquiry->next->previous = inquiry->previous;
    }
    if (inquiry->destroy != NULL) {
        inquiry->destroy(inquiry);
    } else {
        free(inquiry);
    }
}

/* Those that nobody waits for any more end. */
static void proceed_inquiries(struct surface *surface)
{
    for (struct inquiry *inquiry = surface->inquiries, *next = NULL; inquiry != NULL;
         inquiry = next) {
        next = inquiry->next;
        void (*proceed)(struct inquiry *) = inquiry->proceed;
        inquiry->proceed = NULL;
        if (proceed != NULL && inquiry_is_open(inquiry)) {
            proceed(inquiry);
        } else if (proceed != NULL) {
            inquiry_end(inquiry);
        }
    }
}

static int64_t expire_inquiries(struct surface *surface)
{
    int64_t next_mono_ms = INSTANT_NEVER;
    for (struct inquiry *inquiry = surface->inquiries; inquiry != NULL; inquiry = inquiry->next) {
        if (!inquiry_is_open(inquiry)) {
            continue;
        }
        if (inquiry->deadline_mono_ms <= surface->now.mono_ms) {
            inquiry->give_up(inquiry);
        } else if (inquiry->deadline_mono_ms < next_mono_ms) {
            next_mono_ms = inquiry->deadline_mono_ms;
        }
    }
    return next_mono_ms;
}

/* --- serving ---------------------------------------------------------------------------------- */

static bool matches(const struct route *route, const char *path, const char **rest)
{
    size_t size = strlen(route->path);
    if (strncmp(path, route->path, size) != 0) {
        return false;
    }
    *rest = path + size;
    return **rest == '\0' ? route->path[size - 1] != '/' : route->path[size - 1] == '/';
}

static const struct surface_document *find_document(const struct surface *surface, const char *path)
{
    for (size_t i = 0; i < surface->options.document_count; i++) {
        if (strcmp(surface->options.documents[i].path, path) == 0) {
            return &surface->options.documents[i];
        }
    }
    return NULL;
}

static void serve_document(const struct call *call, const struct surface_document *document)
{
    const struct http_answer answer = {.code = 200,
                                       .content_type = document->content_type,
                                       .security_policy = document->security_policy,
                                       .etag = document->etag,
                                       .body = document->body};
    answer_kept(call->surface, call->exchange, call->query->if_none_match, &answer);
}

static void refuse_path(const struct call *call)
{
    answer_problem(call->surface, call->exchange, 404,
                   "%.200s: nothing is here; there is the status page at /, /calendar/SOURCE.ics, "
                   "/api/v1/ with status, "
                   "sources, sinks, "
                   "orders, appointments, events, deliveries, silences and openapi.json, and "
                   "/metrics, /-/healthy, /-/ready",
                   call->query->path);
}

/* NULL: the path is known with the methods of allow alone, or not at all where that stays empty. */
static call_fn *find_route(struct call *call, struct text *allow)
{
    bool is_named = false; /* then it is not one of those that follow another path */
    for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
        const char *method = routes[i].method;
        if (!matches(&routes[i], call->query->path, &call->rest) ||
            (is_named && call->rest[0] != '\0')) {
            continue;
        }
        if (strcmp(method, call->query->method) == 0) {
            return routes[i].serve;
        }
        is_named = call->rest[0] == '\0';
        text_addf(allow, "%s%s", allow->size != 0 ? ", " : "",
                  strcmp(method, "GET") == 0 ? "GET, HEAD" : method);
    }
    return NULL;
}

static void dispatch(struct call *call)
{
    bool is_get = strcmp(call->query->method, "GET") == 0;
    const struct surface_document *document = find_document(call->surface, call->query->path);
    if (document != NULL && is_get) {
        serve_document(call, document);
        return;
    }
    struct text allow;
    text_init(&allow, 64);
    text_add_text(&allow, document != NULL ? "GET, HEAD" : "");
    call_fn *serve = find_route(call, &allow);
    if (serve != NULL) {
        if (is_get || gate_allows_change(call)) {
            serve(call);
        }
    } else if (allow.size != 0) {
        answer_not_allowed(call, text_cstr(&allow));
    } else {
        refuse_path(call);
    }
    text_fini(&allow);
}

void surface_serve(void *arg, struct http_exchange *exchange, const struct http_query *query)
{
    struct call call = {.surface = arg, .exchange = exchange, .query = query, .rest = ""};
    CHECK(!call.surface->is_closed);
    const struct surface_options *options = &call.surface->options;
    call.surface->now = options->clock(options->clock_self);
    const struct surface_document *document = find_document(call.surface, query->path);
    if (!gate_admits(&call, document != NULL && document->is_public)) {
        return;
    }
    if (!utf8_is_valid(span_of(query->path))) {
        answer_problem(call.surface, exchange, 400, "the path is not UTF-8");
        return;
    }
    dispatch(&call);
}

/* --- life ------------------------------------------------------------------------------------- */

int64_t surface_turn(struct surface *surface, struct instant now)
{
    surface->now = now;
    if (surface->is_closed) {
        return INSTANT_NEVER;
    }
    proceed_inquiries(surface);
    int64_t streams_mono_ms = streams_turn(surface);
    int64_t expiry_mono_ms = expire_inquiries(surface);
    return streams_mono_ms < expiry_mono_ms ? streams_mono_ms : expiry_mono_ms;
}

void surface_close(struct surface *surface)
{
    surface->is_closed = true;
    for (struct inquiry *inquiry = surface->inquiries; inquiry != NULL; inquiry = inquiry->next) {
        if (inquiry_is_open(inquiry)) {
            answer_problem(surface, inquiry_take(inquiry), 503, "the daemon is stopping");
        }
    }
    proceed_inquiries(surface);
}

void surface_destroy(struct surface *surface)
{
    if (surface == NULL) {
        return;
    }
    CHECK(surface->inquiries == NULL && surface->streams == NULL);
    free(surface);
}
