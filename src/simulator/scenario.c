#include "simulator/scenario.h"

#include "core/config.h"
#include "core/zone.h"
#include "edge/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX 4096

static const char *scalar(const struct node *map, const char *key, const char *fallback)
{
    const struct node *entry = node_member(map, key);
    return entry != NULL && entry->kind == NODE_SCALAR ? entry->text : fallback;
}

static uint64_t number(const struct node *map, const char *key, uint64_t fallback)
{
    const char *text = scalar(map, key, NULL);
    return text != NULL ? strtoull(text, NULL, 10) : fallback;
}

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t duration(const struct node *map, const char *key, const char *fallback,
                        struct problem_list *problems)
{
    int64_t duration_ms = 0;
    if (!duration_parse(scalar(map, key, fallback), &duration_ms)) {
        problem_add(problems, node_member(map, key), key, "not a duration; 90s, 5m, 1h30m");
    }
    return duration_ms;
}

static void read_access(const struct node *document, struct problem_list *problems,
                        struct access_rules *out)
{
    const struct node *access = node_member(document, "access");
    out->client_id = scalar(access, "client_id", NULL);
    out->client_secret = scalar(access, "client_secret", NULL);
    out->api_key = scalar(access, "api_key", NULL);
    out->api_key_header = scalar(access, "api_key_header", "X-Api-Key");
    out->token_lifetime_ms = duration(access, "token_lifetime", "60m", problems);
    out->requests_per_minute = (uint32_t)number(access, "requests_per_minute", 0);
}

static void read_paging(const struct node *document, struct problem_list *problems,
                        struct scenario *out)
{
    const struct node *paging = node_member(document, "paging");
    out->page_size_default = number(paging, "default", 40);
    out->page_size_max = number(paging, "max", 1000);
    const char *totals = scalar(paging, "totals", "right");
    if (strcmp(totals, "none") == 0) {
        out->totals = TOTALS_NONE;
    } else if (strcmp(totals, "sample") == 0) {
        out->totals = TOTALS_SAMPLE;
    } else if (strcmp(totals, "right") != 0) {
        problem_add(problems, node_member(paging, "totals"), "paging.totals",
                    "%s is no kind of total; right, none or sample", totals);
    }
}

static void check_steps(const struct node *steps, struct problem_list *problems)
{
    int64_t latest_ms = 0;
    for (const struct node *step = steps != NULL ? steps->child : NULL; step != NULL;
         step = step->next) {
        int64_t at_ms = 0;
        if (step->kind != NODE_MAP || !duration_parse(scalar(step, "at", ""), &at_ms)) {
            problem_add(problems, step, "steps.at", "missing or no duration; at: 5s");
        } else if (at_ms < latest_ms) {
            problem_add(problems, step, "steps.at",
                        "earlier than the step before; put them in order");
        } else {
            latest_ms = at_ms;
        }
    }
}

enum status scenario_read(const struct node *document, struct problem_list *problems,
                          struct scenario *out)
{
    *out = (struct scenario){.zone = zone_utc()};
    if (document == NULL || document->kind != NODE_MAP) {
        problem_add(problems, document, "scenario", "not a map; access, paging, orders, steps");
        return STATUS_INVALID;
    }
    read_access(document, problems, &out->access);
    read_paging(document, problems, out);
    out->has_own_appointments =
        strcmp(scalar(document, "appointments", "nested"), "collection") == 0;
    out->starts_at_once = strcmp(scalar(document, "start", "baseline"), "now") == 0;
    out->steps = node_member(document, "steps");
    out->next_step = out->steps != NULL ? out->steps->child : NULL;
    check_steps(out->steps, problems);
    struct failure why;
    const char *zone_text = scalar(document, "time_zone", "Europe/Paris");
    if (zone_load(zone_text, &out->own_zone, &why) == STATUS_OK) {
        out->zone = out->own_zone;
    } else {
        problem_add(problems, node_member(document, "time_zone"), "time_zone", "%s", why.detail);
    }
    return problems->error_count == 0 ? STATUS_OK : STATUS_INVALID;
}

void scenario_fini(struct scenario *scenario)
{
    zone_destroy(scenario->own_zone);
}

void scenario_populate(const struct scenario *scenario, const struct node *document,
                       struct world *world)
{
    (void)scenario;
    const struct node *orders = node_member(document, "orders");
    const struct node *generate = node_member(orders, "generate");
    if (generate != NULL) {
        world_generate(world, number(generate, "first_id", 123456), number(generate, "count", 36),
                       number(generate, "seed", 1));
    }
    const struct node *list = node_member(orders, "list");
    for (const struct node *order = list != NULL ? list->child : NULL; order != NULL;
         order = order->next) {
        world_set_order(world, scalar(order, "id", "0"), order);
    }
}

/* --- acting ----------------------------------------------------------------------------------- */

typedef enum status act_fn(struct stage *stage, const struct node *value, struct text *what,
                           struct failure *why);

static enum status missing(struct failure *why, const char *what)
{
    return fail(why, STATUS_INVALID, "%s: missing; name the order by `order`, itself by `id`",
                what);
}

static enum status unknown_order(struct failure *why, const char *id)
{
    return fail(why, STATUS_NOT_FOUND, "order %s: not known; GET the list for what is there", id);
}

static void tell_members(const struct stage *stage, const struct node *members, struct text *what)
{
    for (const struct node *entry = members->child; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, "id") != 0 && strcmp(entry->key, "order") != 0) {
            text_addf(what, " %s=", entry->key);
            world_add_value(stage->world, entry, what);
        }
    }
}

static enum status act_order(struct stage *stage, const struct node *value, struct text *what,
                             struct failure *why)
{
    const char *id = scalar(value, "id", NULL);
    if (id == NULL) {
        return missing(why, "order.id");
    }
    world_set_order(stage->world, id, value);
    text_addf(what, "order %s:", id);
    tell_members(stage, value, what);
    return STATUS_OK;
}

static enum status act_appointment(struct stage *stage, const struct node *value, struct text *what,
                                   struct failure *why)
{
    const char *order_id = scalar(value, "order", NULL);
    const char *id = scalar(value, "id", NULL);
    if (order_id == NULL || id == NULL) {
        return missing(why, "appointment");
    }
    world_set_appointment(stage->world, order_id, id, value);
    text_addf(what, "order %s, appointment %s:", order_id, id);
    tell_members(stage, value, what);
    return STATUS_OK;
}

static enum status act_note(struct stage *stage, const struct node *value, struct text *what,
                            struct failure *why)
{
    const char *order_id = scalar(value, "order", NULL);
    if (order_id == NULL) {
        return missing(why, "note.order");
    }
    world_add_note(stage->world, order_id, value);
    text_addf(what, "order %s, note:", order_id);
    tell_members(stage, value, what);
    return STATUS_OK;
}

static enum status act_close_order(struct stage *stage, const struct node *value, struct text *what,
                                   struct failure *why)
{
    text_addf(what, "order %s leaves the list", value->text);
    return world_close_order(stage->world, value->text) ? STATUS_OK
                                                        : unknown_order(why, value->text);
}

static enum status act_remove_order(struct stage *stage, const struct node *value,
                                    struct text *what, struct failure *why)
{
    text_addf(what, "order %s vanishes", value->text);
    return world_remove_order(stage->world, value->text) ? STATUS_OK
                                                         : unknown_order(why, value->text);
}

static enum status act_relist_order(struct stage *stage, const struct node *value,
                                    struct text *what, struct failure *why)
{
    text_addf(what, "order %s is listed again", value->text);
    return world_relist_order(stage->world, value->text) ? STATUS_OK
                                                         : unknown_order(why, value->text);
}

static enum status act_remove_appointment(struct stage *stage, const struct node *value,
                                          struct text *what, struct failure *why)
{
    const char *order_id = scalar(value, "order", NULL);
    const char *id = scalar(value, "id", NULL);
    if (order_id == NULL || id == NULL) {
        return missing(why, "remove_appointment");
    }
    text_addf(what, "order %s, appointment %s vanishes", order_id, id);
    return world_remove_appointment(stage->world, order_id, id) ? STATUS_OK
                                                                : unknown_order(why, order_id);
}

static enum status act_many(struct stage *stage, const struct node *value, struct text *what,
                            struct failure *why)
{
    const struct node *members = node_member(value, "set");
    if (members == NULL || members->kind != NODE_MAP) {
        return fail(why, STATUS_INVALID, "many.set: missing; many: {count: 20, set: {status: …}}");
    }
    size_t count = number(value, "count", 1);
    world_set_many(stage->world, count, members);
    text_addf(what, "the first %zu orders:", count);
    tell_members(stage, members, what);
    return STATUS_OK;
}

static enum status act_fault(struct stage *stage, const struct node *value, struct text *what,
                             struct failure *why)
{
    text_addf(what, "fault: %s on %s", scalar(value, "kind", "?"), scalar(value, "on", "orders"));
    return fault_list_add(stage->faults, value, why);
}

static enum status act_clear_faults(struct stage *stage, const struct node *value,
                                    struct text *what, struct failure *why)
{
    (void)value;
    (void)why;
    fault_list_clear(stage->faults);
    text_add_text(what, "faults are over");
    return STATUS_OK;
}

static enum status act_revoke_tokens(struct stage *stage, const struct node *value,
                                     struct text *what, struct failure *why)
{
    (void)value;
    (void)why;
    stage->tokens_are_revoked = true;
    text_add_text(what, "every token is expired");
    return STATUS_OK;
}

static enum status act_say(struct stage *stage, const struct node *value, struct text *what,
                           struct failure *why)
{
    (void)stage;
    (void)why;
    text_add_text(what, value->kind == NODE_SCALAR ? value->text : "");
    return STATUS_OK;
}

static const struct {
    const char *key;
    bool is_scalar;
    act_fn *act;
} acts[] = {
    {"say", true, act_say},
    {"order", false, act_order},
    {"appointment", false, act_appointment},
    {"note", false, act_note},
    {"many", false, act_many},
    {"close_order", true, act_close_order},
    {"remove_order", true, act_remove_order},
    {"relist_order", true, act_relist_order},
    {"remove_appointment", false, act_remove_appointment},
    {"fault", false, act_fault},
    {"clear_faults", true, act_clear_faults},
    {"revoke_tokens", true, act_revoke_tokens},
};

static enum status act_entry(struct stage *stage, const struct node *entry, struct text *what,
                             struct failure *why)
{
    for (size_t i = 0; i < ARRAY_COUNT(acts); i++) {
        if (strcmp(acts[i].key, entry->key) != 0) {
            continue;
        }
        if (entry->kind != (acts[i].is_scalar ? NODE_SCALAR : NODE_MAP)) {
            return fail(why, STATUS_INVALID, "%s: wants %s", entry->key,
                        acts[i].is_scalar ? "one value" : "a map");
        }
        if (what->size != 0) {
            text_add_text(what, "; ");
        }
        return acts[i].act(stage, entry, what, why);
    }
    return fail(why, STATUS_INVALID,
                "%s: no such step; say, order, appointment, note, many, "
                "close_order, remove_order, relist_order, remove_appointment, fault, clear_faults, "
                "revoke_tokens",
                entry->key);
}

enum status scenario_act(struct stage *stage, const struct node *step, struct text *what,
                         struct failure *why)
{
    if (step->kind != NODE_MAP) {
        return fail(why, STATUS_INVALID,
                    "a step is a map such as {order: {id: 123456, status: Held}}");
    }
    for (const struct node *entry = step->child; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, "at") == 0) {
            continue;
        }
        enum status status = act_entry(stage, entry, what, why);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

int64_t scenario_next_due(const struct scenario *scenario)
{
    int64_t at_ms = INSTANT_NEVER;
    if (scenario->next_step != NULL) {
        CHECK(duration_parse(scalar(scenario->next_step, "at", "0"), &at_ms));
    }
    return at_ms;
}

void scenario_play(struct scenario *scenario, struct stage *stage, int64_t elapsed_ms)
{
    while (scenario->next_step != NULL && scenario_next_due(scenario) <= elapsed_ms) {
        struct text what;
        struct failure why;
        text_init(&what, LINE_BYTES_MAX);
        if (scenario_act(stage, scenario->next_step, &what, &why) == STATUS_OK) {
            (void)printf("%6.1fs  %s\n", (double)elapsed_ms / 1000, text_cstr(&what));
        } else {
            (void)fprintf(stderr, "orderwatch-sim: line %d: %s\n", scenario->next_step->line,
                          why.detail);
        }
        text_fini(&what);
        scenario->next_step = scenario->next_step->next;
        if (scenario->next_step == NULL) {
            (void)printf("%6.1fs  scenario finished; serving on until SIGTERM\n",
                         (double)elapsed_ms / 1000);
        }
    }
    (void)fflush(stdout);
}
