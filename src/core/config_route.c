/* The keys of one route. */
#include "core/config_shape.h"

#include "core/arena.h"
#include "core/glob.h"
#include "core/suggest.h"
#include "core/text.h"

#include <string.h>

#define TYPES_ACCEPTED "event types without orderwatch., * and ? stand for anything: appointment.*"
#define WHERE_ACCEPTED                                                                             \
    "source or a field of orders such as site or extra.NAME, each with a pattern such as Lyon*"
#define DAY_MINUTES (24 * 60)
#define ALL_DAYS 0x7f

const struct word severity_words[] = {{"info", SEVERITY_INFO},
                                      {"notice", SEVERITY_NOTICE},
                                      {"warning", SEVERITY_WARNING},
                                      {"critical", SEVERITY_CRITICAL},
                                      {NULL, 0}};

/* --- types ---------------------------------------------------------------------------------- */

static const char *glob_fault(const char *text)
{
    return text[0] == '\0' || !glob_is_valid(text) ? "not a pattern" : NULL;
}

static bool matches_some_type(const char *pattern)
{
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        if (glob_matches(pattern, event_type_name((enum event_type)type))) {
            return true;
        }
    }
    return false;
}

static const char *closest_type(const char *pattern)
{
    static const char prefix[] = "orderwatch.";
    bool has_prefix = strncmp(pattern, prefix, sizeof prefix - 1) == 0;
    struct suggestion suggestion = suggest_begin(pattern);
    if (has_prefix) {
        return pattern + sizeof prefix - 1;
    }
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        suggest_offer(&suggestion, event_type_name((enum event_type)type));
    }
    suggest_offer(&suggestion, "order.*");
    suggest_offer(&suggestion, "appointment.*");
    suggest_offer(&suggestion, "source.*");
    suggest_offer(&suggestion, "sink.*");
    return suggestion.best;
}

static void warn_of_idle_types(struct walker *walker, const struct node *list)
{
    size_t count = 0;
    if (list == NULL || !walker_list_size(walker, list, TYPES_ACCEPTED, &count)) {
        return;
    }
    const struct node *entry = walker_list_first(list);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        bool is_pattern = entry->kind == NODE_SCALAR && glob_fault(entry->text) == NULL;
        if (!is_pattern || matches_some_type(entry->text)) {
            continue;
        }
        const char *closest = closest_type(entry->text);
        problem_warn(walker->problems, entry, walker->path,
                     "%s matches no event type;%s%s%s accepted: %s", walker_shown(walker, entry),
                     closest != NULL ? " did you mean " : "", closest != NULL ? closest : "",
                     closest != NULL ? "?" : "", TYPES_ACCEPTED);
    }
}

/* --- where ---------------------------------------------------------------------------------- */

bool where_field_is_known(const char *name)
{
    static const char *const without_value[] = {"contact", "notes", "extra"};
    for (size_t i = 0; i < ARRAY_COUNT(without_value); i++) {
        if (strcmp(name, without_value[i]) == 0) {
            return false;
        }
    }
    return strcmp(name, "source") == 0 || field_fault(name) == NULL;
}

static void read_rule(struct walker *walker, const struct node *node, struct where_rule *out)
{
    if (!where_field_is_known(node->key)) {
        struct node at_key = *node;
        at_key.line = node->key_line;
        at_key.column = node->key_column;
        static const char *const fields[] = {
            "source",         "id",   "reference",    "status",         "status_kind",
            "step",           "site", "offer",        "requested_date", "committed_date",
            "completed_date", "url",  "contact.name", "contact.phone",  "contact.email",
            "extra.NAME"};
        problem_add(walker->problems, &at_key, walker->path, "is not a field of orders%s",
                    walker_choices(walker, node->key, fields, ARRAY_COUNT(fields)));
        return;
    }
    if (!walker_is_text(walker, node, "a pattern such as Lyon*")) {
        return;
    }
    if (!glob_is_valid(node->text)) {
        problem_add(walker->problems, node, walker->path,
                    "%s is not a pattern; accepted: a text with * and ?, \\ before them as such",
                    walker_shown(walker, node));
    }
    out->field = arena_text(walker->arena, span_of(node->key));
    out->pattern = arena_text(walker->arena, span_of(node->text));
}

static void read_where(struct walker *walker, const struct node *node, void *target)
{
    struct route_config *route = target;
    size_t count = 0;
    if (node->kind != NODE_MAP) {
        problem_add(walker->problems, node, walker->path, "is not a map; accepted: %s",
                    WHERE_ACCEPTED);
        return;
    }
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        count++;
    }
    struct where_rule *rules = arena_array(walker->arena, count, sizeof *rules);
    size_t index = 0;
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        size_t path_size = walker_enter(walker, entry->key);
        read_rule(walker, entry, &rules[index++]);
        walker_leave(walker, path_size);
    }
    route->where = rules;
    route->where_count = count;
}

static void print_where(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct route_config *route = source;
    for (size_t i = 0; i < route->where_count; i++) {
        text_add_text(out, i == 0 ? "{" : ", ");
        print_yaml_scalar(out, route->where[i].field);
        text_add_text(out, ": ");
        print_yaml_scalar(out, route->where[i].pattern);
        text_add_text(out, i + 1 == route->where_count ? "}" : "");
    }
}

/* --- quiet hours ---------------------------------------------------------------------------- */

static void read_from(struct walker *walker, const struct node *node, void *target)
{
    config_read_minute(walker, node, &((struct quiet_config *)target)->from_minute);
}

static void read_to(struct walker *walker, const struct node *node, void *target)
{
    config_read_minute(walker, node, &((struct quiet_config *)target)->to_minute);
}

static bool has_hours(const struct quiet_config *quiet)
{
    return quiet->from_minute != quiet->to_minute;
}

static void print_minute(struct text *out, const struct quiet_config *quiet, int minute)
{
    if (has_hours(quiet)) {
        text_addf(out, "\"%02d:%02d\"", minute / 60, minute % 60);
    }
}

static void print_from(const void *source, const void *context, struct text *out)
{
    (void)context;
    print_minute(out, source, ((const struct quiet_config *)source)->from_minute);
}

static void print_to(const void *source, const void *context, struct text *out)
{
    (void)context;
    print_minute(out, source, ((const struct quiet_config *)source)->to_minute);
}

static void read_days(struct walker *walker, const struct node *node, void *target)
{
    config_read_days(walker, node, &((struct quiet_config *)target)->days);
}

static void print_days(const void *source, const void *context, struct text *out)
{
    (void)context;
    config_print_days(out, ((const struct quiet_config *)source)->days);
}

static void read_exception(struct walker *walker, const struct node *node, void *target)
{
    static const struct key key = {.name = "except",
                                   .kind = KEY_CHOICE,
                                   .offset = offsetof(struct quiet_config, exception),
                                   .words = severity_words};
    walker_read_value(walker, &key, node, target);
    ((struct quiet_config *)target)->has_exception = true;
}

static void print_exception(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct quiet_config *quiet = source;
    text_add_text(out, quiet->has_exception ? severity_name(quiet->exception) : "");
}

static const struct key quiet_keys[] = {
    {.name = "from", .kind = KEY_CUSTOM, .read = read_from, .print = print_from},
    {.name = "to", .kind = KEY_CUSTOM, .read = read_to, .print = print_to},
    {.name = "days", .kind = KEY_CUSTOM, .read = read_days, .print = print_days},
    {.name = "time_zone",
     .kind = KEY_ZONE,
     .offset = offsetof(struct quiet_config, zone),
     .initial = CONFIG_ZONE},
    {.name = "except", .kind = KEY_CUSTOM, .read = read_exception, .print = print_exception},
};

static void finish_quiet(struct walker *walker, const struct node *map, void *target)
{
    struct quiet_config *quiet = target;
    bool has_from = node_member(map, "from") != NULL;
    bool has_to = node_member(map, "to") != NULL;
    quiet->is_set = true;
    const char *fault = NULL;
    if (has_from != has_to) {
        fault = "from and to belong together";
    } else if (has_from && quiet->from_minute >= 0 &&
               quiet->from_minute % DAY_MINUTES == quiet->to_minute % DAY_MINUTES) {
        fault = "from and to are the same time: that is never or always";
    } else if (quiet->days == ALL_DAYS) {
        fault = "every day is quiet: nothing would ever be sent";
    } else if (!has_from && node_member(map, "days") == NULL) {
        fault = "is empty";
    }
    if (fault != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "%s; accepted: from \"20:00\" to \"07:00\" (over midnight), or whole days, or "
                    "both",
                    fault);
    }
}

static const struct shape quiet_shape = {.keys = quiet_keys,
                                         .count = ARRAY_COUNT(quiet_keys),
                                         .size = sizeof(struct quiet_config),
                                         .finish = finish_quiet};

static bool quiet_is_set(const void *field)
{
    return ((const struct quiet_config *)field)->is_set;
}

/* --- the route ------------------------------------------------------------------------------ */

/* Sinks may stand after the routes, so their names are looked up when all is read
 * (config_check_references); here only their form is checked. */
static void read_sinks(struct walker *walker, const struct node *node, void *target)
{
    static const struct key element = {
        .name = "sinks", .kind = KEY_TEXT, .fault = name_fault, .accepted = "the name of a sink"};
    (void)target;
    size_t count = 0;
    if (!walker_list_size(walker, node, "names of sinks", &count)) {
        return;
    }
    if (count == 0) {
        problem_add(walker->problems, node, walker->path,
                    "is empty; accepted: the names of one or more sinks");
    }
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        const char *name = NULL;
        size_t path_size = walker_enter_entry(walker, node, i);
        walker_read_scalar(walker, &element, entry, &name);
        walker_leave(walker, path_size);
    }
}

static const char *route_name_fault(const char *text)
{
    return text[0] == '\0' || strlen(text) > 100 ? "not a name" : NULL;
}

/* Instead of the digest of its mail sinks. */
static void read_digest(struct walker *walker, const struct node *node, void *target)
{
    struct route_config *route = target;
    config_read_digest(walker, node, &route->digest);
    if (route->digest.tells_unchanged) {
        problem_add(walker->problems, node, walker->path,
                    "a mail when nothing changed is a sink's, not a route's; accepted: unchanged "
                    "in the digest of the sink");
    }
}

static void print_digest(const void *source, const void *context, struct text *out)
{
    (void)context;
    const struct route_config *route = source;
    if (route->digest.is_set) {
        config_print_digest(out, &route->digest);
    }
}

/* 0, without a word: as the sink says. */
#define LANGUAGE_WORD(name, tag) {#tag, 1 + LANGUAGE_##name},
static const struct word language_words[] = {LANGUAGES(LANGUAGE_WORD){NULL, 0}};
#undef LANGUAGE_WORD

static const struct key route_keys[] = {
    {.name = "name",
     .kind = KEY_TEXT,
     .offset = offsetof(struct route_config, name),
     .fault = route_name_fault,
     .accepted = "a text of up to 100 bytes"},
    {.name = "types",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct route_config, types),
     .count_offset = offsetof(struct route_config, type_count),
     .min = 1,
     .max = CONFIG_LIST_MAX,
     .fault = glob_fault,
     .accepted = TYPES_ACCEPTED,
     .initial = "*"},
    {.name = "severity",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct route_config, severity),
     .words = severity_words,
     .initial = "info"},
    {.name = "where", .kind = KEY_CUSTOM, .read = read_where, .print = print_where},
    {.name = "sinks",
     .kind = KEY_CUSTOM,
     .read = read_sinks,
     .print = route_print_sinks,
     .is_required = true,
     .accepted = "the names of one or more sinks"},
    {.name = "digest", .kind = KEY_CUSTOM, .read = read_digest, .print = print_digest},
    {.name = "fields",
     .kind = KEY_TEXTS,
     .offset = offsetof(struct route_config, fields) + offsetof(struct field_filter, names),
     .count_offset = offsetof(struct route_config, fields) + offsetof(struct field_filter, count),
     .min = 1,
     .max = FIELD_COUNT_MAX,
     .fault = field_fault,
     .accepted = FIELDS_ACCEPTED},
    {.name = "language",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct route_config, language),
     .words = language_words},
    {.name = "quiet",
     .kind = KEY_MAP,
     .offset = offsetof(struct route_config, quiet),
     .shape = &quiet_shape,
     .is_set = quiet_is_set},
};

static void finish_route(struct walker *walker, const struct node *map, void *target)
{
    struct route_config *route = target;
    route->line = map->line;
    size_t path_size = walker_enter(walker, "types");
    warn_of_idle_types(walker, node_member(map, "types"));
    walker_leave(walker, path_size);
}

const struct shape route_shape = {.keys = route_keys,
                                  .count = ARRAY_COUNT(route_keys),
                                  .size = sizeof(struct route_config),
                                  .finish = finish_route};
