#include "core/route.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/glob.h"
#include "core/quiet.h"
#include "core/silence.h"

#include <inttypes.h>

const char *route_value(const struct route_facts *facts, const char *field)
{
    const struct event *event = facts->event;
    if (text_equal(field, "source")) {
        return event->source_name[0] != '\0' ? event->source_name : NULL;
    }
    if (text_equal(field, "type")) {
        return event_type_name(event->type);
    }
    if (text_equal(field, "severity")) {
        return severity_name(event->severity);
    }
    return facts->record != NULL ? record_value(facts->record, field) : NULL;
}

static bool any_type_matches(const struct route_config *route, const char *type)
{
    for (size_t i = 0; i < route->type_count; i++) {
        if (glob_matches(route->types[i], type)) {
            return true;
        }
    }
    return false;
}

struct route_verdict route_judge(const struct route_config *route, const struct route_facts *facts)
{
    if (facts->event->severity < route->severity) {
        return (struct route_verdict){.match = ROUTE_SEVERITY};
    }
    if (!any_type_matches(route, event_type_name(facts->event->type))) {
        return (struct route_verdict){.match = ROUTE_TYPE};
    }
    for (size_t i = 0; i < route->where_count; i++) {
        const struct where_rule *rule = &route->where[i];
        const char *value = route_value(facts, rule->field);
        if (value == NULL || !glob_matches(rule->pattern, value)) {
            return (struct route_verdict){.match = ROUTE_WHERE, .rule = rule, .value = value};
        }
    }
    return (struct route_verdict){.match = ROUTE_MATCHES};
}

bool route_matches(const struct route_config *route, const struct route_facts *facts)
{
    return route_judge(route, facts).match == ROUTE_MATCHES;
}

static bool leads_to_sink(const struct route_config *route, size_t sink_index)
{
    for (size_t i = 0; i < route->sink_count; i++) {
        if (route->sinks[i] == sink_index) {
            return true;
        }
    }
    return false;
}

/* --- when and how --- */

static bool is_quiet_for(const struct route_config *route, enum severity severity)
{
    return route->quiet.is_set &&
           !(route->quiet.has_exception && severity >= route->quiet.exception);
}

static int64_t next_tick(int64_t wall_ms, int64_t every_ms)
{
    return (wall_ms / every_ms + 1) * every_ms;
}

struct route_release route_release(const struct route_config *route, const struct sink_config *sink,
                                   enum severity severity, int64_t now_wall_ms)
{
    struct route_release release = {.due_wall_ms = now_wall_ms};
    if (sink->kind == SINK_EMAIL && sink->email.digest_ms != 0) {
        release.due_wall_ms = next_tick(now_wall_ms, sink->email.digest_ms);
        release.delay = ROUTE_DIGEST;
    }
    if (is_quiet_for(route, severity)) {
        int64_t end_ms = quiet_end(&route->quiet, release.due_wall_ms);
        if (end_ms != release.due_wall_ms) {
            release = (struct route_release){
                .due_wall_ms = end_ms, .delay = ROUTE_QUIET, .quiet = &route->quiet};
        }
    }
    return release;
}

static const char *order_lane(const struct event *event, struct arena *arena)
{
    struct text lane;
    text_init(&lane, SIZE_MAX / 4);
    text_add_text(&lane, event->source_name[0] != '\0' ? event->source_name : "-");
    text_add_char(&lane, '/');
    if (event->order_id[0] != '\0') {
        text_add_percent(&lane, span_of(event->order_id));
    } else {
        text_add_char(&lane, '-');
    }
    const char *kept = arena_text(arena, text_span(&lane));
    text_fini(&lane);
    return kept;
}

/* A lane is served in order, so what waits for one morning must not hold back what is due tonight:
 * each set of quiet hours, whose ends only rise, has a mail lane of its own. */
static const char *mail_lane(const struct route_release *release, struct arena *arena)
{
    const struct quiet_config *quiet = release->quiet;
    return quiet != NULL ? arena_format(arena, "quiet/%d-%d-%u", quiet->from_minute,
                                        quiet->to_minute, (unsigned int)quiet->days)
                         : "digest";
}

static struct planned_delivery plan(const struct sink_config *sink, const struct route_facts *facts,
                                    const struct route_release *release, struct arena *arena)
{
    struct planned_delivery planned = {
        .sink_name = sink->name,
        .due_wall_ms = release->due_wall_ms,
    };
    if (sink->kind == SINK_EMAIL && release->delay != ROUTE_AT_ONCE) {
        planned.lane = mail_lane(release, arena);
        planned.bundle = arena_format(
            arena, "%c%" PRId64, release->delay == ROUTE_QUIET ? 'q' : 'd', release->due_wall_ms);
        return planned;
    }
    planned.lane = order_lane(facts->event, arena);
    if (release->quiet != NULL && release->quiet->has_exception) {
        /* What the exception lets through is to overtake what waits. */
        planned.lane = arena_format(arena, "%s/quiet", planned.lane);
    }
    if (sink->kind == SINK_EMAIL && facts->sweep != 0 && facts->event->order_id[0] != '\0') {
        planned.bundle =
            arena_format(arena, "%" PRIu64 "/%s", facts->sweep, facts->event->order_id);
    }
    return planned;
}

bool route_lanes_cross(const struct config *config, size_t sink_index)
{
    bool has_quiet = false;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        has_quiet |= route->quiet.is_set && leads_to_sink(route, sink_index);
    }
    return has_quiet || config->sinks[sink_index].kind == SINK_EMAIL;
}

/* The earliest release by any matching route; false: no route leads there. */
static bool earliest_release(const struct config *config, const struct route_facts *facts,
                             size_t sink_index, int64_t now_wall_ms, struct route_release *out)
{
    bool is_found = false;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (!leads_to_sink(route, sink_index) || !route_matches(route, facts)) {
            continue;
        }
        struct route_release release =
            route_release(route, &config->sinks[sink_index], facts->event->severity, now_wall_ms);
        if (!is_found || release.due_wall_ms < out->due_wall_ms) {
            *out = release;
        }
        is_found = true;
    }
    return is_found;
}

bool route_is_about_sink(const struct event *event, const char *sink_name)
{
    return event->sink_name != NULL && text_equal(event->sink_name, sink_name);
}

size_t route_plan(const struct config *config, const struct route_facts *facts, int64_t now_wall_ms,
                  struct arena *arena, const struct planned_delivery **out)
{
    struct planned_delivery *plans = arena_array(arena, config->sink_count, sizeof *plans);
    size_t count = 0;
    for (size_t i = 0; i < config->sink_count; i++) {
        struct route_release release = {0};
        if (route_is_about_sink(facts->event, config->sinks[i].name)) {
            continue; /* a sink that fails cannot be told so */
        }
        if (earliest_release(config, facts, i, now_wall_ms, &release)) {
            plans[count++] = plan(&config->sinks[i], facts, &release, arena);
        }
    }
    *out = plans;
    return count;
}

void route_event(const struct route_context *context, const struct route_facts *facts,
                 struct arena *arena, struct new_event *out)
{
    const struct silence *silence = silence_find(context->silences, facts, context->now_wall_ms);
    if (silence != NULL) {
        out->silence_id = arena_text(arena, span_of(silence->id));
        return;
    }
    out->delivery_count =
        route_plan(context->config, facts, context->now_wall_ms, arena, &out->deliveries);
}

/* --- where the state of a source is published --- */

static bool where_allows(const struct route_config *route, const char *field, const char *value)
{
    for (size_t i = 0; i < route->where_count; i++) {
        if (text_equal(route->where[i].field, field) &&
            !glob_matches(route->where[i].pattern, value)) {
            return false;
        }
    }
    return true;
}

/* Whether it could carry any event of this source; of its orders and appointments, or its own. */
static bool could_carry(const struct route_config *route, const char *source_name)
{
    if (!where_allows(route, "source", source_name)) {
        return false;
    }
    for (int type = 0; type < EVENT_SINK_FAILING; type++) {
        const char *name = event_type_name((enum event_type)type);
        if (any_type_matches(route, name) && where_allows(route, "type", name)) {
            return true;
        }
    }
    return false;
}

bool route_leads_to(const struct config *config, const char *source_name, size_t sink_index)
{
    CHECK(sink_index < config->sink_count);
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (leads_to_sink(route, sink_index) && could_carry(route, source_name)) {
            return true;
        }
    }
    return false;
}
