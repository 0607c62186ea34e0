/* A small world for one poller: an API with orders, a store in memory, two clocks that only move
 * when nothing is left to do. Each answer of a port comes on a later step, never from inside. */
#ifndef POLLER_WORLD_H
#define POLLER_WORLD_H

#include "core/arena.h"
#include "core/date.h"
#include "core/hash.h"
#include "core/poller.h"
#include "core/profile.h"
#include "core/secret.h"
#include "core/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDERS_MAX 2000
#define EVENTS_MAX 4000

struct listed {
    char id[32], json[400];
    bool is_listed;
    int detail_code; /* of GET /orders/ID; 0: 200 with json */
};

struct kept_order {
    struct stored_order order;
    struct deadline deadlines[8];
    size_t deadline_count;
};

struct kept_event {
    enum event_type type;
    char id[33], order_id[32];
    const char *json;
};

struct world {
    struct instant now;
    /* the API */
    struct listed orders[ORDERS_MAX], visits[ORDERS_MAX];
    size_t order_count, visit_count;
    int fail_code; /* every order page is answered so */
    const char *fail_body, *retry_after;
    int fail_from_page;    /* only from this page on; 0: all */
    const char *page_body; /* instead of the page */
    enum { NO_VALIDATOR, WITH_ETAG, WITH_DATE } validator;
    char etag[24], date[40], last_condition[64];
    int64_t modified_wall_ms;   /* WITH_DATE: of every page */
    uint32_t unchanged;         /* answered with 304 */
    const char *detail_members; /* of each detail, instead of what the list has */
    bool hangs_on_details;      /* they are never answered */
    bool is_hanging;
    int64_t total_lie; /* added to X-Total-Count; INT64_MIN: no such header */
    int64_t certificate_wall_ms, own_certificate_wall_ms; /* when they expire; 0: there is none */
    int64_t token_certificate_wall_ms;                    /* the same of login.example.com */
    int token_code;                                       /* 0: 200 */
    const char *token_body;
    uint32_t tokens, pages, details;
    bool is_token_expired; /* the API calls the next token it sees expired */
    void (*before_page)(struct world *world, size_t offset);
    int64_t request_ms[EVENTS_MAX];
    size_t request_count;
    char last_authorization[64], last_language[16], last_key[16];
    /* what the ports owe */
    struct http_response response;
    struct text body;
    char total[32];
    http_done_fn *http_done;
    void *http_arg;
    store_done_fn *store_done;
    store_orders_fn *orders_done;
    store_deadlines_fn *deadlines_done;
    store_forgot_fn *forget_done;
    struct forgotten forgotten; /* of the call under way */
    void *store_arg;
    struct stored_order fetched[64];
    size_t fetched_count;
    uint32_t failing_stages, failing_discards; /* so many fail before they work again */
    bool stages_always;                        /* only commits fail */
    enum status answer;                        /* of the call under way */
    enum status store_fails;                   /* what every stage and commit is answered with */
    bool is_short, is_too_small; /* what needs room finds none; there is some, but not for orders */
    uint32_t fetches, stages, commits, source_commits;
    /* what is durable, and what is set aside */
    struct arena *arena;
    struct kept_order kept[ORDERS_MAX], staged[ORDERS_MAX];
    size_t kept_count, staged_count;
    struct kept_event events[EVENTS_MAX], staged_events[EVENTS_MAX];
    size_t event_count, staged_event_count;
    struct {
        char key[64];
        struct span value;
    } values[8];
    size_t value_count;
    /* the daemon */
    struct profile profile;
    struct secret *secret;
    struct source_config source;
    struct route_config route;
    struct config config;
    struct poller *poller;
};

/* --- the API ---------------------------------------------------------------------------------- */

static struct listed *api_find(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->order_count; i++) {
        if (strcmp(world->orders[i].id, id) == 0) {
            return &world->orders[i];
        }
    }
    return NULL;
}

static struct listed *api_order(struct world *world, const char *id)
{
    struct listed *order = api_find(world, id);
    if (order == NULL) {
        abort();
    }
    return order;
}

static void api_set(struct world *world, const char *id, const char *members)
{
    struct listed *order = api_find(world, id);
    if (order == NULL) {
        order = &world->orders[world->order_count++];
        (void)snprintf(order->id, sizeof order->id, "%s", id);
    }
    order->is_listed = true;
    (void)snprintf(order->json, sizeof order->json, "{\"id\":\"%s\",%s}", id, members);
}

static const char *header_of(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return "";
}

/* Whatever the page is by now: an API may say 304 of another page than its validator names. */
static void serve_validator(struct world *world, const struct http_request *request)
{
    const char *condition = header_of(request, "If-None-Match");
    condition = condition[0] != '\0' ? condition : header_of(request, "If-Modified-Since");
    (void)snprintf(world->last_condition, sizeof world->last_condition, "%s", condition);
    const char *validator = world->etag;
    if (world->validator == WITH_ETAG) {
        (void)snprintf(world->etag, sizeof world->etag, "W/\"%llx\"",
                       (unsigned long long)hash64(text_span(&world->body)));
        world->response.etag = world->etag;
    } else if (world->validator == WITH_DATE) {
        struct civil at = civil_of(world->modified_wall_ms);
        (void)snprintf(world->date, sizeof world->date, "Mon, %02d Nov %d %02d:%02d:%02d GMT",
                       at.day, at.year, at.hour, at.minute, at.second);
        world->response.last_modified = world->date;
        validator = world->date;
    }
    if (world->validator != NO_VALIDATOR && strcmp(condition, validator) == 0) {
        world->response.http_code = 304;
        world->response.total_count = NULL;
        text_clear(&world->body);
        world->unchanged++;
    }
}

/* How many are listed. */
static size_t add_page(struct world *world, const struct listed *list, size_t count, size_t offset,
                       size_t limit)
{
    size_t seen = 0;
    size_t given = 0;
    text_add_char(&world->body, '[');
    for (size_t i = 0; i < count; i++) {
        if (!list[i].is_listed) {
            continue;
        }
        if (seen >= offset && given < limit) {
            text_add_text(&world->body, given++ != 0 ? "," : "");
            text_add_text(&world->body, list[i].json);
        }
        seen++;
    }
    text_add_char(&world->body, ']');
    return seen;
}

static void serve_list(struct world *world, const struct listed *list, size_t count,
                       const char *url)
{
    const char *position = strstr(url, "offset=");
    size_t offset = position != NULL ? (size_t)strtoull(position + 7, NULL, 10) : 0;
    position = strstr(url, "limit=");
    size_t limit = position != NULL ? (size_t)strtoull(position + 6, NULL, 10) : 1;
    world->pages++;
    if (world->before_page != NULL) {
        world->before_page(world, offset);
    }
    int64_t total = (int64_t)add_page(world, list, count, offset, limit) + world->total_lie;
    (void)snprintf(world->total, sizeof world->total, "%lld", (long long)total);
    world->response.total_count = world->total_lie != INT64_MIN ? world->total : NULL;
    if (world->fail_code != 0 && offset >= (size_t)world->fail_from_page) {
        world->response.http_code = world->fail_code;
        text_clear(&world->body);
        text_add_text(&world->body, world->fail_body);
        world->response.retry_after = world->retry_after;
    } else if (world->page_body != NULL) {
        text_clear(&world->body);
        text_add_text(&world->body, world->page_body);
    }
}

static void serve_detail(struct world *world, const char *id)
{
    const struct listed *order = api_find(world, id);
    world->details++;
    world->response.http_code = order == NULL             ? 404
                                : order->detail_code != 0 ? order->detail_code
                                                          : 200;
    if (world->response.http_code != 200) {
        text_add_text(&world->body, "{\"code\":60,\"message\":\"Resource not found\"}");
    } else if (world->detail_members != NULL) {
        text_addf(&world->body, "{\"id\":\"%s\",%s}", id, world->detail_members);
    } else {
        text_add_text(&world->body, order->json);
    }
    world->is_hanging = world->hangs_on_details;
}

static void serve_token(struct world *world)
{
    world->tokens++;
    world->response.http_code = world->token_code != 0 ? world->token_code : 200;
    if (world->token_body != NULL) {
        text_add_text(&world->body, world->token_body);
    } else {
        text_addf(&world->body, "{\"access_token\":\"T%u\",\"expires_in\":3600}", world->tokens);
    }
}

static void serve(struct world *world, const struct http_request *request)
{
    const char *path = strchr(request->url + strlen("https://"), '/');
    if (strcmp(path, "/token") == 0) {
        serve_token(world);
        return;
    }
    (void)snprintf(world->last_authorization, sizeof world->last_authorization, "%s",
                   header_of(request, "Authorization"));
    (void)snprintf(world->last_language, sizeof world->last_language, "%s",
                   header_of(request, "Accept-Language"));
    (void)snprintf(world->last_key, sizeof world->last_key, "%s", header_of(request, "X-Api-Key"));
    if (world->is_token_expired) {
        world->is_token_expired = false;
        world->response.http_code = 401;
        text_add_text(&world->body, "{\"code\":42,\"message\":\"Expired credentials\"}");
    } else if (strncmp(path, "/v1/orders?", 11) == 0) {
        serve_list(world, world->orders, world->order_count, path);
        if (world->response.http_code == 200) {
            serve_validator(world, request);
        }
    } else if (strncmp(path, "/v1/appointments?", 17) == 0) {
        serve_list(world, world->visits, world->visit_count, path);
    } else {
        serve_detail(world, path + strlen("/v1/orders/"));
        if (world->response.http_code == 200) {
            serve_validator(world, request);
        }
    }
}

static void world_http_start(void *self, const struct http_request *request, http_done_fn *on_done,
                             void *arg)
{
    struct world *world = self;
    if (world->http_done != NULL || world->request_count >= EVENTS_MAX) {
        abort(); /* one request in flight, and an end of them */
    }
    world->request_ms[world->request_count++] = world->now.mono_ms;
    world->response = (struct http_response){
        .http_code = 200,
        .body = &world->body,
        .request_id = "rq-1",
        .detail = "",
        .certificate_expires_wall_ms = strncmp(request->url, "https://login.", 14) == 0
                                           ? world->token_certificate_wall_ms
                                           : world->certificate_wall_ms,
        .own_certificate_expires_wall_ms = world->own_certificate_wall_ms};
    text_clear(&world->body);
    serve(world, request);
    world->http_done = on_done;
    world->http_arg = arg;
}

static void world_http_cancel(void *self, void *arg)
{
    struct world *world = self;
    (void)arg;
    if (world->http_done != NULL) {
        world->is_hanging = false;
        world->response =
            (struct http_response){.status = STATUS_UNAVAILABLE, .detail = "cancelled"};
    }
}

/* --- the store -------------------------------------------------------------------------------- */

static struct kept_order *store_find(struct world *world, const char *id)
{
    for (size_t i = 0; i < world->kept_count; i++) {
        if (strcmp(world->kept[i].order.id, id) == 0) {
            return &world->kept[i];
        }
    }
    return NULL;
}

static struct span keep_span(struct world *world, struct span bytes)
{
    return (struct span){.data = arena_text(world->arena, bytes), .size = bytes.size};
}

static void keep_event(struct world *world, const struct event *event, struct kept_event *out)
{
    *out = (struct kept_event){.type = event->type, .json = arena_text(world->arena, event->json)};
    (void)snprintf(out->id, sizeof out->id, "%s", event->id);
    (void)snprintf(out->order_id, sizeof out->order_id, "%s", event->order_id);
}

static void keep_order(struct world *world, const struct staged_order *staged,
                       struct kept_order *out)
{
    *out = (struct kept_order){.order = staged->order, .deadline_count = staged->deadline_count};
    out->order.id = arena_text(world->arena, span_of(staged->order.id));
    out->order.canonical = keep_span(world, staged->order.canonical);
    out->order.history = keep_span(world, staged->order.history);
    for (size_t i = 0; i < staged->deadline_count && i < ARRAY_COUNT(out->deadlines); i++) {
        out->deadlines[i] = staged->deadlines[i];
        out->deadlines[i].key = arena_text(world->arena, span_of(staged->deadlines[i].key));
    }
}

static void make_durable(struct world *world, const struct kept_order *order)
{
    struct kept_order *old = store_find(world, order->order.id);
    *(old != NULL ? old : &world->kept[world->kept_count++]) = *order;
}

static void owe_store(struct world *world, store_done_fn *on_done, void *arg)
{
    if (world->store_done != NULL || world->orders_done != NULL || world->deadlines_done != NULL) {
        abort();
    }
    world->store_done = on_done;
    world->store_arg = arg;
}

static void forget_staged(struct world *world)
{
    world->staged_count = 0;
    world->staged_event_count = 0;
}

static enum status world_visit_orders(void *self, const char *source_name, store_index_fn *visit,
                                      void *arg, struct failure *why)
{
    struct world *world = self;
    (void)source_name;
    (void)why;
    for (size_t i = 0; i < world->kept_count; i++) {
        struct stored_order order = world->kept[i].order;
        order.canonical = (struct span){0};
        order.history = (struct span){0};
        visit(arg, &order);
    }
    return STATUS_OK;
}

static void world_fetch_orders(void *self, const char *source_name, const char *const *ids,
                               size_t count, store_orders_fn *on_done, void *arg)
{
    struct world *world = self;
    (void)source_name;
    owe_store(world, NULL, arg);
    world->fetches++;
    world->orders_done = on_done;
    world->fetched_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct kept_order *kept = store_find(world, ids[i]);
        world->fetched[i] = kept != NULL ? kept->order : (struct stored_order){0};
    }
}

static void world_stage(void *self, const char *source_name, const struct staged_order *orders,
                        size_t count, store_done_fn *on_done, void *arg)
{
    struct world *world = self;
    (void)source_name;
    owe_store(world, on_done, arg);
    world->stages++;
    world->answer = world->stages_always ? STATUS_OK : world->store_fails;
    if (world->failing_stages != 0) {
        world->failing_stages--;
        world->answer = STATUS_UNAVAILABLE;
    }
    if (world->answer != STATUS_OK) {
        forget_staged(world);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        keep_order(world, &orders[i], &world->staged[world->staged_count++]);
        for (size_t j = 0; j < orders[i].event_count; j++) {
            keep_event(world, &orders[i].events[j].event,
                       &world->staged_events[world->staged_event_count++]);
        }
    }
}

static void world_discard(void *self, const char *source_name, store_done_fn *on_done, void *arg)
{
    struct world *world = self;
    (void)source_name;
    owe_store(world, on_done, arg);
    world->answer = world->failing_discards != 0 ? STATUS_UNAVAILABLE : STATUS_OK;
    if (world->failing_discards != 0) {
        world->failing_discards--;
        return;
    }
    forget_staged(world);
}

static void keep_value(struct world *world, const struct stored_value *value)
{
    size_t i = 0;
    while (i < world->value_count && strcmp(world->values[i].key, value->key) != 0) {
        i++;
    }
    if (i == world->value_count) {
        (void)snprintf(world->values[world->value_count++].key, sizeof world->values[i].key, "%s",
                       value->key);
    }
    world->values[i].value = keep_span(world, value->value);
}

static enum status commit_answer(const struct world *world, const struct commit *commit)
{
    bool has_orders = commit->order_count + (commit->source_name != NULL ? world->staged_count : 0);
    bool finds_none =
        has_orders ? world->is_short || world->is_too_small : world->is_short && commit->needs_room;
    return world->store_fails == STATUS_OK && finds_none ? STATUS_FULL : world->store_fails;
}

static void world_commit(void *self, const struct commit *commit, store_done_fn *on_done, void *arg)
{
    struct world *world = self;
    owe_store(world, on_done, arg);
    world->commits++;
    world->answer = commit_answer(world, commit);
    if (world->answer != STATUS_OK) {
        forget_staged(world);
        return;
    }
    if (commit->source_name != NULL) {
        world->source_commits++;
        for (size_t i = 0; i < world->staged_count; i++) {
            make_durable(world, &world->staged[i]);
        }
        memcpy(world->events + world->event_count, world->staged_events,
               world->staged_event_count * sizeof *world->events);
        world->event_count += world->staged_event_count;
        forget_staged(world);
    }
    for (size_t i = 0; i < commit->order_count; i++) {
        struct kept_order order;
        keep_order(world, &commit->orders[i], &order);
        make_durable(world, &order);
        for (size_t j = 0; j < commit->orders[i].event_count; j++) {
            keep_event(world, &commit->orders[i].events[j].event,
                       &world->events[world->event_count++]);
        }
    }
    for (size_t i = 0; i < commit->event_count; i++) {
        keep_event(world, &commit->events[i].event, &world->events[world->event_count++]);
    }
    for (size_t i = 0; i < commit->value_count; i++) {
        keep_value(world, &commit->values[i]);
    }
}

static void world_fetch_deadlines(void *self, const char *source_name, int64_t now_wall_ms,
                                  size_t count_max, store_deadlines_fn *on_done, void *arg)
{
    struct world *world = self;
    (void)source_name;
    (void)now_wall_ms;
    (void)count_max;
    owe_store(world, NULL, arg);
    world->deadlines_done = on_done;
}

static void give_deadlines(struct world *world, store_deadlines_fn *on_done)
{
    struct due_deadline due[64];
    size_t count = 0;
    int64_t next_ms = INSTANT_NEVER;
    for (size_t i = 0; i < world->kept_count; i++) {
        const struct kept_order *kept = &world->kept[i];
        for (size_t j = 0; j < kept->deadline_count; j++) {
            const struct deadline *deadline = &kept->deadlines[j];
            if (deadline->due_wall_ms <= world->now.wall_ms && count < ARRAY_COUNT(due)) {
                due[count++] = (struct due_deadline){kept->order.id, *deadline};
            } else if (deadline->due_wall_ms < next_ms) {
                next_ms = deadline->due_wall_ms;
            }
        }
    }
    on_done(world->store_arg, STATUS_OK, due, count, next_ms);
}

static void world_forget_order(void *self, const struct forget_query *query,
                               store_forgot_fn *on_done, void *arg)
{
    struct world *world = self;
    owe_store(world, NULL, arg);
    world->forget_done = on_done;
    world->forgotten = (struct forgotten){.order_count = 0};
    world->answer = world->store_fails;
    struct kept_order *kept = store_find(world, query->order_id);
    if (world->answer == STATUS_OK && kept == NULL) {
        world->answer = STATUS_NOT_FOUND;
    }
    if (world->answer != STATUS_OK) {
        return;
    }
    *kept = world->kept[--world->kept_count];
    world->forgotten.order_count = 1;
    for (size_t i = 0; i < query->value_count; i++) {
        keep_value(world, &query->values[i]);
    }
}

/* --- time ------------------------------------------------------------------------------------- */

/* Gives one owed answer; false when none is owed. */
static bool world_answer(struct world *world)
{
    if (world->http_done != NULL && !world->is_hanging) {
        http_done_fn *done = world->http_done;
        world->http_done = NULL;
        world->response.at = world->now;
        done(world->http_arg, &world->response);
        return true;
    }
    if (world->store_done != NULL) {
        store_done_fn *done = world->store_done;
        world->store_done = NULL;
        done(world->store_arg, world->answer, "as the test wants");
        return true;
    }
    if (world->orders_done != NULL) {
        store_orders_fn *done = world->orders_done;
        world->orders_done = NULL;
        done(world->store_arg, STATUS_OK, world->fetched, world->fetched_count);
        return true;
    }
    if (world->forget_done != NULL) {
        store_forgot_fn *done = world->forget_done;
        world->forget_done = NULL;
        done(world->store_arg, world->answer, "", &world->forgotten);
        return true;
    }
    if (world->deadlines_done != NULL) {
        store_deadlines_fn *done = world->deadlines_done;
        world->deadlines_done = NULL;
        give_deadlines(world, done);
        return true;
    }
    return false;
}

static void world_pass(struct world *world, int64_t ms)
{
    world->now.mono_ms += ms;
    world->now.wall_ms += ms;
}

/* Turns and answers until the poller wants to be called later than until_ms. */
static void world_run_until(struct world *world, int64_t until_ms)
{
    for (int i = 0; i < 1000000; i++) {
        int64_t next_ms = poller_turn(world->poller, world->now);
        if (world_answer(world) || next_ms <= world->now.mono_ms) {
            continue;
        }
        if (next_ms > until_ms) {
            world_pass(world, until_ms - world->now.mono_ms);
            return;
        }
        world_pass(world, next_ms - world->now.mono_ms);
    }
    abort();
}

static void world_run_for(struct world *world, int64_t ms)
{
    world_run_until(world, world->now.mono_ms + ms);
}

/* --- the daemon ------------------------------------------------------------------------------- */

static void copy_text(struct span bytes, struct text *out)
{
    text_add(out, bytes);
}

static void world_boot(struct world *world)
{
    struct poller_options options = {.config = &world->config,
                                     .source = &world->source,
                                     .http = {world, world_http_start, world_http_cancel},
                                     .store = {.self = world,
                                               .visit_orders = world_visit_orders,
                                               .fetch_orders = world_fetch_orders,
                                               .stage = world_stage,
                                               .discard = world_discard,
                                               .commit = world_commit,
                                               .fetch_deadlines = world_fetch_deadlines,
                                               .forget_order = world_forget_order},
                                     .unicode = {copy_text},
                                     .seed = 7};
    world->poller = poller_create(&options);
    if (poller_load(world->poller, NULL) != STATUS_OK) {
        abort();
    }
    for (size_t i = 0; i < world->value_count; i++) {
        poller_restore(world->poller,
                       &(struct stored_value){world->values[i].key, world->values[i].value});
    }
}

static void world_rest_poller(struct world *world)
{
    poller_stop(world->poller);
    for (int i = 0; !poller_is_idle(world->poller) && i < 1000; i++) {
        (void)poller_turn(world->poller, world->now);
        (void)world_answer(world);
    }
}

static void world_stop(struct world *world)
{
    world_rest_poller(world);
    poller_destroy(world->poller);
    world->poller = NULL;
    forget_staged(world);
}

/* As by a reload: the store goes on, and what is set aside there. */
static void world_reload(struct world *world)
{
    world_rest_poller(world);
    struct poller *before = world->poller;
    world_boot(world);
    poller_inherit(world->poller, before);
    poller_destroy(before);
}

static void world_restart(struct world *world)
{
    world_stop(world);
    world_pass(world, 2000);
    world_boot(world);
}

#endif
