#include "surface_filter.h"

#include "core/glob.h"
#include "core/suggest.h"
#include "core/zone.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TYPE_PREFIX "orderwatch."
#define ID_SIZE 32 /* of an event */
#define ID_PREFIX_SIZE_MIN 4

struct reader {
    const struct call *call;
    struct arena *arena;
    struct filter *filter;
};

typedef bool read_fn(struct reader *reader, const char *name, const char *value);

static bool refuse(const struct reader *reader, const char *name, const char *value,
                   const char *accepted)
{
    answer_problem(reader->call->surface, reader->call->exchange, 400,
                   "parameter %s: \"%.100s\" is not accepted; accepted: %s", name, value, accepted);
    return false;
}

static const char *keep(const struct reader *reader, const char *value)
{
    return arena_text(reader->arena, span_of(value));
}

/* --- names of the configuration --------------------------------------------------------------- */

static bool read_source(struct reader *reader, const char *name, const char *value)
{
    const struct config *config = reader->call->surface->options.config;
    if (config_source(config, value) != NULL) {
        reader->filter->source = keep(reader, value);
        return true;
    }
    struct text names;
    text_init(&names, 4096);
    for (size_t i = 0; i < config->source_count; i++) {
        text_addf(&names, "%s%s", i != 0 ? ", " : "", config->sources[i].name);
    }
    (void)refuse(reader, name, value, text_cstr(&names));
    text_fini(&names);
    return false;
}

static bool read_sink(struct reader *reader, const char *name, const char *value)
{
    const struct surface *surface = reader->call->surface;
    const struct config *config = surface->options.config;
    bool is_known = config_sink(config, value) != NULL;
    struct text names;
    text_init(&names, 4096);
    for (size_t i = 0; i < config->sink_count; i++) {
        text_addf(&names, "%s%s", i != 0 ? ", " : "", config->sinks[i].name);
    }
    size_t stranger_count = 0;
    const struct sink_counts *strangers =
        is_known
            ? NULL
            : dispatcher_strangers(monitor_dispatcher(surface->options.monitor), &stranger_count);
    for (size_t i = 0; i < stranger_count; i++) {
        text_addf(&names, ", %s", strangers[i].sink_name);
        is_known = is_known || text_equal(strangers[i].sink_name, value);
    }
    if (is_known) {
        reader->filter->sink = keep(reader, value);
        text_fini(&names);
        return true;
    }
    (void)refuse(reader, name, value, text_cstr(&names));
    text_fini(&names);
    return false;
}

/* --- words ------------------------------------------------------------------------------------ */

static bool some_type_matches(const char *glob)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (glob_matches(glob, event_type_name((enum event_type)i))) {
            return true;
        }
    }
    return false;
}

static bool read_type(struct reader *reader, const char *name, const char *value)
{
    size_t prefix_size = strlen(TYPE_PREFIX);
    const char *glob = strncmp(value, TYPE_PREFIX, prefix_size) == 0 ? value + prefix_size : value;
    if (glob_is_valid(glob) && some_type_matches(glob)) {
        reader->filter->type_glob = keep(reader, glob);
        return true;
    }
    struct suggestion suggestion = suggest_begin(glob);
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        suggest_offer(&suggestion, event_type_name((enum event_type)i));
    }
    return refuse(reader, name, value,
                  arena_format(reader->arena,
                               "an event type or a pattern such as appointment.* or *%s%s",
                               suggestion.best != NULL ? "; did you mean " : "",
                               suggestion.best != NULL ? suggestion.best : ""));
}

static bool read_severity(struct reader *reader, const char *name, const char *value)
{
    return severity_parse(value, &reader->filter->severity_min) ||
           refuse(reader, name, value, "info, notice, warning, critical");
}

/* --- times ------------------------------------------------------------------------------------ */

static bool parse_time(const struct reader *reader, const char *value, int64_t *out)
{
    struct date date;
    int64_t ago_ms = 0;
    if (date_parse(span_of(value), zone_utc(), &date) && date.ms > 0) {
        *out = date.ms;
        return true;
    }
    if (duration_parse(value, &ago_ms)) {
        *out = reader->call->surface->now.wall_ms - ago_ms;
        return true;
    }
    return false;
}

static const char time_accepted[] =
    "a date, an instant such as 2027-01-12T08:00:00Z, or how long ago such as 24h";

static bool read_since(struct reader *reader, const char *name, const char *value)
{
    return parse_time(reader, value, &reader->filter->since_wall_ms) ||
           refuse(reader, name, value, time_accepted);
}

static bool read_until(struct reader *reader, const char *name, const char *value)
{
    return parse_time(reader, value, &reader->filter->until_wall_ms) ||
           refuse(reader, name, value, time_accepted);
}

/* --- as they are ------------------------------------------------------------------------------ */

static bool read_status(struct reader *reader, const char *name, const char *value)
{
    reader->filter->status = keep(reader, value);
    return value[0] != '\0' || refuse(reader, name, value, "a status, or its kind");
}

static bool read_order(struct reader *reader, const char *name, const char *value)
{
    reader->filter->order = keep(reader, value);
    return value[0] != '\0' || refuse(reader, name, value, "the id of an order");
}

static bool read_id(struct reader *reader, const char *name, const char *value)
{
    size_t size = strlen(value);
    reader->filter->id_prefix = keep(reader, value);
    return (size >= ID_PREFIX_SIZE_MIN && size <= ID_SIZE &&
            strspn(value, "0123456789abcdef") == size) ||
           refuse(reader, name, value, "an event's id, or its first 4 characters or more");
}

static bool read_text(struct reader *reader, const char *name, const char *value)
{
    (void)name;
    reader->filter->text = value[0] != '\0' ? keep(reader, value) : NULL;
    return true;
}

static bool read_after(struct reader *reader, const char *name, const char *value)
{
    (void)name;
    reader->filter->after = keep(reader, value);
    return true;
}

static bool read_limit(struct reader *reader, const char *name, const char *value)
{
    (void)name;
    (void)value;
    return call_limit(reader->call, &reader->filter->limit);
}

static const struct {
    const char *name;
    read_fn *read;
} parameters[] = {
    {"source", read_source}, {"sink", read_sink},   {"order", read_order},
    {"status", read_status}, {"type", read_type},   {"severity", read_severity},
    {"since", read_since},   {"until", read_until}, {"q", read_text},
    {"after", read_after},   {"limit", read_limit}, {"id", read_id},
};

static bool read_parameter(struct reader *reader, const struct http_parameter *parameter)
{
    for (size_t i = 0; i < ARRAY_COUNT(parameters); i++) {
        if (strcmp(parameters[i].name, parameter->name) == 0) {
            return parameters[i].read(reader, parameter->name, parameter->value);
        }
    }
    CHECK(!"a list accepts a parameter that nobody reads");
}

/* An id means an order of one source: it need not be named where there is no other. */
static bool complete_order(const struct reader *reader)
{
    struct filter *filter = reader->filter;
    const struct config *config = reader->call->surface->options.config;
    if (filter->order == NULL || filter->source != NULL) {
        return true;
    }
    if (config->source_count != 1) {
        answer_problem(reader->call->surface, reader->call->exchange, 400,
                       "parameter order: needs parameter source beside it, there are several");
        return false;
    }
    filter->source = keep(reader, config->sources[0].name);
    return true;
}

bool filter_read(const struct call *call, const char *const *names, struct arena *arena,
                 struct filter *out)
{
    *out = (struct filter){.state = DELIVERY_ANY};
    struct reader reader = {.call = call, .arena = arena, .filter = out};
    if (!call_accepts(call, names) || !call_limit(call, &out->limit)) {
        return false;
    }
    for (size_t i = 0; i < call->query->parameter_count; i++) {
        if (!read_parameter(&reader, &call->query->parameters[i])) {
            return false;
        }
    }
    if (out->until_wall_ms != 0 && out->until_wall_ms <= out->since_wall_ms) {
        answer_problem(call->surface, call->exchange, 400,
                       "parameter until: not after since; accepted: a later time");
        return false;
    }
    return complete_order(&reader);
}

bool filter_read_state(const struct call *call, enum delivery_state *out)
{
    const char *value = call_parameter(call, "status");
    *out = DELIVERY_ANY;
    for (int i = 0; value != NULL && i < DELIVERY_ANY; i++) {
        if (strcmp(value, delivery_state_name((enum delivery_state)i)) == 0) {
            *out = (enum delivery_state)i;
            return true;
        }
    }
    const struct reader reader = {.call = call};
    return value == NULL || refuse(&reader, "status", value, "pending, delivered, parked, dropped");
}

bool filter_has_time(const struct filter *filter, int64_t wall_ms)
{
    return wall_ms >= filter->since_wall_ms &&
           (filter->until_wall_ms == 0 || wall_ms < filter->until_wall_ms);
}

bool filter_has_text(const struct filter *filter, struct span json)
{
    if (filter->text == NULL) {
        return true;
    }
    size_t size = strlen(filter->text);
    for (size_t i = 0; i + size <= json.size; i++) {
        if (strncasecmp(json.data + i, filter->text, size) == 0) {
            return true;
        }
    }
    return false;
}

bool cursor_number(const char *cursor, int64_t *out)
{
    size_t size = strlen(cursor);
    if (size == 0 || size > 18 || strspn(cursor, "0123456789") != size) {
        return false;
    }
    *out = strtoll(cursor, NULL, 10);
    return true;
}
