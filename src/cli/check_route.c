#include "check_input.h"
#include "cli/check.h"
#include "core/arena.h"
#include "core/event_document.h"
#include "core/route.h"
#include "core/text.h"
#include "core/utf8.h"
#include "core/zone.h"
#include "daemon.h"

#include <stdio.h>
#include <time.h>

#define EVENT_FILE_BYTES_MAX ((size_t)1 << 20)
#define LINE_BYTES_MAX ((size_t)1 << 20)
#define VALUE_BYTES_MAX 200

struct asking {
    const struct config *config;
    struct event_document document;
    struct route_facts facts;
    const struct zone *zone; /* times are read and shown in it: the source's */
    int64_t at_wall_ms;
    struct text out;
};

/* --- words ------------------------------------------------------------------------------------ */

static void add_time(struct asking *asking, int64_t wall_ms)
{
    struct zone_moment moment = zone_at(asking->zone, wall_ms);
    struct civil civil = civil_of(wall_ms + (int64_t)moment.offset_s * 1000);
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    text_addf(&asking->out, "%s %04d-%02d-%02d %02d:%02d:%02d %s", days[civil.weekday], civil.year,
              civil.month, civil.day, civil.hour, civil.minute, civil.second, moment.abbreviation);
}

static void add_value(struct asking *asking, const char *value)
{
    text_add_char(&asking->out, '"');
    utf8_add_clean_line(&asking->out, span_of(value), VALUE_BYTES_MAX);
    text_add_char(&asking->out, '"');
}

static void add_route(struct asking *asking, size_t index)
{
    const struct route_config *route = &asking->config->routes[index];
    if (route->name != NULL) {
        text_addf(&asking->out, "route %s (line %d): ", route->name, route->line);
    } else {
        text_addf(&asking->out, "routes[%zu] (line %d): ", index, route->line);
    }
}

static void add_types(struct asking *asking, const struct route_config *route)
{
    for (size_t i = 0; i < route->type_count; i++) {
        text_add_text(&asking->out, i == 0 ? "" : ", ");
        text_add_text(&asking->out, route->types[i]);
    }
}

static void add_verdict(struct asking *asking, const struct route_config *route,
                        const struct route_verdict *verdict)
{
    const struct event *event = &asking->document.event;
    switch (verdict->match) {
    case ROUTE_MATCHES:
        text_add_text(&asking->out, "matches\n");
        return;
    case ROUTE_SEVERITY:
        text_addf(&asking->out, "no: severity %s is below %s\n", severity_name(event->severity),
                  severity_name(route->severity));
        return;
    case ROUTE_TYPE:
        text_addf(&asking->out, "no: type %s matches none of ", event_type_name(event->type));
        add_types(asking, route);
        text_add_char(&asking->out, '\n');
        return;
    case ROUTE_WHERE:
        text_addf(&asking->out, "no: where %s: ", verdict->rule->field);
        if (verdict->value != NULL) {
            add_value(asking, verdict->value);
            text_add_text(&asking->out, " does not match ");
        } else {
            text_add_text(&asking->out, "the event has none to match ");
        }
        add_value(asking, verdict->rule->pattern);
        text_add_char(&asking->out, '\n');
        return;
    }
    CHECK(!"a match that does not exist");
}

/* "digest of 15m", "digest of 07:30 and 13:00 (Europe/Paris)" */
static void add_digest(struct text *out, const struct digest_config *digest)
{
    text_add_text(out, ", with its digest of ");
    if (digest->at_count == 0) {
        duration_add(out, digest->every_ms);
        return;
    }
    for (size_t i = 0; i < digest->at_count; i++) {
        text_addf(out, "%s%02d:%02d", i == 0 ? "" : " and ", digest->at_minutes[i] / 60,
                  digest->at_minutes[i] % 60);
    }
    text_addf(out, " (%s)", zone_name(digest->zone));
}

static void add_release(struct asking *asking, const struct route_release *release)
{
    struct text *out = &asking->out;
    switch (release->delay) {
    case ROUTE_AT_ONCE:
        text_add_text(out, "at once\n");
        return;
    case ROUTE_DIGEST:
        add_time(asking, release->due_wall_ms);
        add_digest(out, release->digest);
        text_add_char(out, '\n');
        return;
    case ROUTE_QUIET:
        add_time(asking, release->due_wall_ms);
        text_addf(out, ", at the end of the quiet hours (%02d:%02d to %02d:%02d",
                  release->quiet->from_minute / 60, release->quiet->from_minute % 60,
                  release->quiet->to_minute / 60, release->quiet->to_minute % 60);
        text_addf(out, "%s, %s)\n", release->quiet->days != 0 ? " and whole days" : "",
                  zone_name(release->quiet->zone));
        return;
    }
    CHECK(!"a delay that does not exist");
}

/* --- the answer ------------------------------------------------------------------------------- */

static void explain_route(struct asking *asking, size_t index)
{
    const struct route_config *route = &asking->config->routes[index];
    const struct event *event = &asking->document.event;
    struct route_verdict verdict = route_judge(route, &asking->facts);
    add_route(asking, index);
    add_verdict(asking, route, &verdict);
    for (size_t i = 0; verdict.match == ROUTE_MATCHES && i < route->sink_count; i++) {
        const struct sink_config *sink = &asking->config->sinks[route->sinks[i]];
        text_addf(&asking->out, "  %s: ", sink->name);
        if (route_is_about_sink(event, sink->name)) {
            text_add_text(&asking->out, "no: the event is about this sink itself\n");
            continue;
        }
        struct route_release release =
            route_release(route, sink, &asking->facts, asking->at_wall_ms);
        add_release(asking, &release);
    }
}

static size_t explain_sinks(struct asking *asking)
{
    struct arena *arena = arena_create();
    const struct planned_delivery *plans = NULL;
    size_t count = route_plan(asking->config, &asking->facts, asking->at_wall_ms, arena, &plans);
    for (size_t i = 0; i < count; i++) {
        text_addf(&asking->out, "sink %s gets it ", plans[i].sink_name);
        if (plans[i].due_wall_ms <= asking->at_wall_ms) {
            text_add_text(&asking->out, "at once\n");
        } else {
            add_time(asking, plans[i].due_wall_ms);
            text_add_char(&asking->out, '\n');
        }
    }
    if (count == 0) {
        text_add_text(&asking->out, "no sink gets it\n");
    }
    arena_destroy(arena);
    return count;
}

static void add_head(struct asking *asking)
{
    const struct event *event = &asking->document.event;
    text_addf(&asking->out, "event %s, severity %s", event_type_name(event->type),
              severity_name(event->severity));
    if (event->order_id[0] != '\0') {
        text_add_text(&asking->out, ", order ");
        add_value(asking, event->order_id);
    }
    if (event->source_name[0] != '\0') {
        text_add_text(&asking->out, ", source ");
        add_value(asking, event->source_name);
        bool is_known = config_source(asking->config, event->source_name) != NULL;
        text_add_text(&asking->out, is_known ? "" : " (not in this configuration)");
    }
    text_add_text(&asking->out, ", at ");
    add_time(asking, asking->at_wall_ms);
    text_add_char(&asking->out, '\n');
}

static bool read_time(struct asking *asking, const char *at)
{
    const struct source_config *source =
        config_source(asking->config, asking->document.event.source_name);
    if (source == NULL && asking->config->source_count != 0) {
        source = &asking->config->sources[0];
    }
    asking->zone = source != NULL ? source->zone : zone_utc();
    struct date date = {.kind = DATE_INSTANT, .ms = (int64_t)time(NULL) * 1000};
    if (at != NULL && (!date_parse(span_of(at), asking->zone, &date))) {
        return false;
    }
    asking->at_wall_ms = date.kind == DATE_DAY ? zone_to_utc(asking->zone, date.ms) : date.ms;
    return true;
}

static int refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "orderwatch: check: %s: %s\n", what, why);
    return EXIT_CODE_USAGE;
}

static int answer(struct asking *asking)
{
    text_init(&asking->out, LINE_BYTES_MAX);
    add_head(asking);
    for (size_t i = 0; i < asking->config->route_count; i++) {
        explain_route(asking, i);
    }
    size_t count = explain_sinks(asking);
    (void)fputs(text_cstr(&asking->out), stdout);
    text_fini(&asking->out);
    return count != 0 ? EXIT_CODE_OK : EXIT_CODE_NEGATIVE;
}

int check_route(const struct config *config, const char *path, const char *at)
{
    struct asking asking = {.config = config};
    struct failure why;
    struct arena *arena = arena_create();
    struct text bytes;
    text_init(&bytes, EVENT_FILE_BYTES_MAX);
    int exit_code = EXIT_CODE_OK;
    if (check_input_read(path, &bytes, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: check: %s\n", why.detail);
        exit_code = EXIT_CODE_USAGE;
    } else if (event_document_read(text_span(&bytes), arena, &asking.document, &why) != STATUS_OK) {
        exit_code = refuse(path, why.detail);
    } else if (!read_time(&asking, at)) {
        exit_code = refuse(at, "no time; accepted: 2027-01-12T21:30, with an offset or without");
    } else {
        asking.facts = (struct route_facts){
            .event = &asking.document.event,
            .record = asking.document.has_record ? &asking.document.record : NULL};
        exit_code = answer(&asking);
    }
    text_fini(&bytes);
    arena_destroy(arena);
    return exit_code;
}
