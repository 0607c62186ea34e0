#include "core/route.h"

#include "core/arena.h"
#include "core/config.h"
#include "core/digest.h"
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

const struct digest_config *route_digest(const struct route_config *route,
                                         const struct sink_config *sink)
{
    const struct digest_config *digest =
        route->digest.is_set ? &route->digest : &sink->email.digest;
    return sink->kind == SINK_EMAIL && digest_is_on(digest) ? digest : NULL;
}

struct route_release route_release(const struct route_config *route, const struct sink_config *sink,
                                   const struct route_facts *facts, int64_t now_wall_ms)
{
    struct route_release release = {.due_wall_ms = now_wall_ms,
                                    .digest = route_digest(route, sink)};
    if (release.digest != NULL) {
        release.due_wall_ms = digest_next(release.digest, now_wall_ms + facts->lead_ms);
        release.delay = ROUTE_DIGEST;
    }
    if (is_quiet_for(route, facts->event->severity)) {
        int64_t end_ms = quiet_end(&route->quiet, release.due_wall_ms);
        if (end_ms != release.due_wall_ms) {
            release.due_wall_ms = end_ms;
            release.delay = ROUTE_QUIET;
            release.quiet = &route->quiet;
        }
    }
    return release;
}

/* The end of the quiet time of any route to the sink. */
static int64_t any_quiet_end(const struct config *config, size_t sink_index, int64_t wall_ms)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (route->quiet.is_set && leads_to_sink(route, sink_index)) {
            wall_ms = quiet_end(&route->quiet, wall_ms);
        }
    }
    return wall_ms;
}

/* Quiet hours that always follow each other end at some time all the same. */
#define QUIET_ROUNDS_MAX 16

int64_t route_quiet_end(const struct config *config, size_t sink_index, int64_t wall_ms)
{
    int64_t end_ms = any_quiet_end(config, sink_index, wall_ms);
    for (int round = 0; round < QUIET_ROUNDS_MAX && end_ms != wall_ms; round++) {
        wall_ms = end_ms;
        end_ms = any_quiet_end(config, sink_index, wall_ms);
    }
    return end_ms;
}

int64_t route_digest_wait_ms(const struct config *config, size_t sink_index, int64_t now_wall_ms)
{
    int64_t longest_ms = 0;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        const struct digest_config *digest = leads_to_sink(route, sink_index)
                                                 ? route_digest(route, &config->sinks[sink_index])
                                                 : NULL;
        int64_t wait_ms = digest != NULL ? digest_next(digest, now_wall_ms) - now_wall_ms : 0;
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
    }
    return longest_ms;
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

static bool ends_quiet(const struct route_config *route, int64_t wall_ms)
{
    return route->quiet.is_set && quiet_end(&route->quiet, wall_ms - 1) == wall_ms;
}

/* Each moment is a lane of its own, so nothing that is due tonight waits behind what is due in the
 * morning; what overtakes an earlier event of its order all the same, the store holds back. */
struct planned_delivery route_rendezvous(const struct config *config, size_t sink_index,
                                         int64_t due_wall_ms, struct arena *arena)
{
    bool is_quiet_end = false;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        is_quiet_end |= leads_to_sink(route, sink_index) && ends_quiet(route, due_wall_ms);
    }
    return (struct planned_delivery){
        .sink_name = config->sinks[sink_index].name,
        .due_wall_ms = due_wall_ms,
        .lane = arena_format(arena, "%s%" PRId64, is_quiet_end ? "quiet/" : ROUTE_DIGEST_LANE,
                             due_wall_ms),
        .bundle = arena_format(arena, "%c%" PRId64, is_quiet_end ? 'q' : 'd', due_wall_ms)};
}

static bool is_gathered(const struct sink_config *sink, const struct route_release *release)
{
    return sink->kind == SINK_EMAIL && release->delay != ROUTE_AT_ONCE;
}

bool route_next_digest(const struct config *config, size_t sink_index, int64_t now_wall_ms,
                       struct arena *arena, struct planned_delivery *out)
{
    int64_t next_wall_ms = INSTANT_NEVER;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        const struct digest_config *digest = leads_to_sink(route, sink_index)
                                                 ? route_digest(route, &config->sinks[sink_index])
                                                 : NULL;
        if (digest != NULL) {
            next_wall_ms = earlier(next_wall_ms, digest_next(digest, now_wall_ms));
        }
    }
    if (next_wall_ms == INSTANT_NEVER) {
        return false;
    }
    *out = route_rendezvous(config, sink_index, route_quiet_end(config, sink_index, next_wall_ms),
                            arena);
    return true;
}

static struct planned_delivery plan(const struct config *config, size_t sink_index,
                                    const struct route_facts *facts,
                                    const struct route_release *release, struct arena *arena)
{
    const struct sink_config *sink = &config->sinks[sink_index];
    if (is_gathered(sink, release)) {
        return route_rendezvous(config, sink_index, release->due_wall_ms, arena);
    }
    struct planned_delivery planned = {
        .sink_name = sink->name,
        .due_wall_ms = release->due_wall_ms,
        .lane = order_lane(facts->event, arena),
    };
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

int64_t route_quiet_until(const struct config *config, const struct route_facts *facts,
                          size_t sink_index, int64_t now_wall_ms)
{
    int64_t until_wall_ms = INSTANT_NEVER;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (!leads_to_sink(route, sink_index) || !route_matches(route, facts)) {
            continue;
        }
        int64_t end_ms = is_quiet_for(route, facts->event->severity)
                             ? quiet_end(&route->quiet, now_wall_ms)
                             : now_wall_ms;
        until_wall_ms = end_ms < until_wall_ms ? end_ms : until_wall_ms;
    }
    return until_wall_ms == INSTANT_NEVER ? now_wall_ms : until_wall_ms;
}

static bool names_manner(const struct route_config *route)
{
    return route->fields.count != 0 || route->language != 0;
}

bool route_has_manner(const struct config *config, size_t sink_index)
{
    bool has_manner = false;
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        has_manner |= names_manner(route) && leads_to_sink(route, sink_index);
    }
    return has_manner;
}

struct event_manner route_manner(const struct config *config, const struct route_facts *facts,
                                 size_t sink_index)
{
    struct event_manner manner = {.language = 0};
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (!names_manner(route) || !leads_to_sink(route, sink_index) ||
            !route_matches(route, facts)) {
            continue;
        }
        if (manner.fields == NULL && route->fields.count != 0) {
            manner.fields = &route->fields;
        }
        if (manner.language == 0) {
            manner.language = route->language;
        }
    }
    return manner;
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
            route_release(route, &config->sinks[sink_index], facts, now_wall_ms);
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

/* Who comes too late for a moment is told apart from it: at the next digest, at the end of quiet
 * hours at once. A sweep that took so much longer than the one before may be late for a while. */
#define LATE_MS (15 * MINUTE_MS)

static const struct planned_delivery *plan_late(const struct config *config, size_t sink_index,
                                                const struct route_facts *facts,
                                                int64_t missed_wall_ms, struct arena *arena)
{
    struct route_facts late = *facts;
    late.lead_ms = LATE_MS;
    struct route_release release = {0};
    CHECK(earliest_release(config, &late, sink_index, missed_wall_ms, &release));
    struct planned_delivery *planned = arena_alloc(arena, sizeof *planned);
    *planned = plan(config, sink_index, facts, &release, arena);
    return planned;
}

/* False: no route leads there. */
static bool plan_for(const struct config *config, size_t sink_index,
                     const struct route_facts *facts, int64_t now_wall_ms, struct arena *arena,
                     struct planned_delivery *out)
{
    const struct sink_config *sink = &config->sinks[sink_index];
    struct route_release release = {0};
    /* A sink that fails cannot be told so. */
    if (route_is_about_sink(facts->event, sink->name) ||
        !earliest_release(config, facts, sink_index, now_wall_ms, &release)) {
        return false;
    }
    *out = plan(config, sink_index, facts, &release, arena);
    if (is_gathered(sink, &release)) {
        out->if_late = plan_late(config, sink_index, facts, release.due_wall_ms, arena);
    }
    return true;
}

size_t route_plan(const struct config *config, const struct route_facts *facts, int64_t now_wall_ms,
                  struct arena *arena, const struct planned_delivery **out)
{
    struct planned_delivery *plans = arena_array(arena, config->sink_count, sizeof *plans);
    size_t count = 0;
    for (size_t i = 0; i < config->sink_count; i++) {
        count += plan_for(config, i, facts, now_wall_ms, arena, &plans[count]);
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

static bool could_show(const struct route_config *route)
{
    for (int type = 0; type < EVENT_SOURCE_UNREACHABLE; type++) {
        if (any_type_matches(route, event_type_name((enum event_type)type))) {
            return true;
        }
    }
    return false;
}

bool route_shows_order(const struct config *config, size_t sink_index, const char *source_name,
                       const struct record *record)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        bool is_shown = leads_to_sink(route, sink_index) && could_show(route);
        for (size_t j = 0; j < route->where_count && is_shown; j++) {
            const struct where_rule *rule = &route->where[j];
            bool is_source = text_equal(rule->field, "source");
            const char *value = is_source ? source_name : record_value(record, rule->field);
            is_shown = value != NULL && glob_matches(rule->pattern, value);
        }
        if (is_shown) {
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
