/* What only the whole document can tell: which names exist, which are used, which are there twice.
 */
#include "core/config_shape.h"

#include "core/arena.h"
#include "core/text.h"

#include <string.h>

/* One list of the document beside what was read from it. */
struct section {
    const char *key;
    const struct node *list;  /* NULL: absent */
    const char *const *names; /* one for each entry; NULL where it has none or a broken one */
    size_t count;
};

static const char *name_of(const struct node *entry)
{
    const struct node *name = node_member(entry, "name");
    bool is_good = name != NULL && name->kind == NODE_SCALAR && !name->is_broken;
    return is_good ? name->text : NULL;
}

static struct section section_of(struct walker *walker, const struct node *document,
                                 const char *key)
{
    struct section section = {.key = key, .list = node_member(document, key)};
    if (section.list == NULL || section.list->kind != NODE_LIST) {
        section.list = NULL;
        return section;
    }
    for (const struct node *entry = section.list->child; entry != NULL; entry = entry->next) {
        section.count++;
    }
    const char **names = arena_array(walker->arena, section.count, sizeof *names);
    size_t index = 0;
    for (const struct node *entry = section.list->child; entry != NULL; entry = entry->next) {
        names[index++] = name_of(entry);
    }
    section.names = names;
    return section;
}

static const struct node *entry_at(const struct section *section, size_t index)
{
    const struct node *entry = section->list->child;
    while (index-- > 0) {
        entry = entry->next;
    }
    return entry;
}

/* The count of the section if there is none of this name. */
static size_t find_name(const struct section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++) {
        if (text_equal(section->names[i], name)) {
            return i;
        }
    }
    return section->count;
}

static size_t enter_entry(struct walker *walker, const char *key, size_t index)
{
    size_t path_size = walker_enter(walker, key);
    (void)walker_enter_index(walker, index);
    return path_size;
}

static void refuse_repeated_names(struct walker *walker, const struct section *section)
{
    for (size_t i = 1; i < section->count; i++) {
        size_t first = section->names[i] != NULL ? find_name(section, section->names[i]) : i;
        if (first == i) {
            continue;
        }
        const struct node *name = node_member(entry_at(section, i), "name");
        const struct node *other = node_member(entry_at(section, first), "name");
        size_t path_size = enter_entry(walker, section->key, i);
        (void)walker_enter(walker, "name");
        problem_add(walker->problems, name, walker->path,
                    "%s is the name of %s[%zu] too, at %s:%d:%d; accepted: each name once",
                    walker_shown(walker, name), section->key, first, other->file, other->line,
                    other->column);
        walker_leave(walker, path_size);
    }
}

/* Known names in the message, so only those that are good. */
static const char *known_names(struct walker *walker, const struct section *section,
                               const char *wrong)
{
    const char **known = arena_array(walker->arena, section->count, sizeof *known);
    size_t count = 0;
    for (size_t i = 0; i < section->count; i++) {
        if (section->names[i] != NULL && name_fault(section->names[i]) == NULL &&
            find_name(section, section->names[i]) == i) {
            known[count++] = section->names[i];
        }
    }
    return count != 0 ? walker_choices(walker, wrong, known, count)
                      : "; accepted: one that there is, and there is none";
}

static bool is_name(const struct node *node)
{
    return node->kind == NODE_SCALAR && !node->is_broken && name_fault(node->text) == NULL;
}

/* The index of the sink, or the count of sinks with the problem told. */
static size_t resolve(struct walker *walker, const struct section *sinks, const struct node *node)
{
    size_t index = find_name(sinks, node->text);
    if (index == sinks->count) {
        problem_add(walker->problems, node, walker->path, "no sink is called %s%s",
                    walker_shown(walker, node), known_names(walker, sinks, node->text));
    }
    return index;
}

static void resolve_route(struct walker *walker, const struct section *sinks,
                          const struct node *entry, struct route_config *route, bool *is_used)
{
    const struct node *list = node_member(entry, "sinks");
    size_t count = 0;
    if (list == NULL || list->kind == NODE_MAP ||
        !walker_list_size(walker, list, "names of sinks", &count)) {
        return;
    }
    size_t *indexes = arena_array(walker->arena, count, sizeof *indexes);
    const struct node *name = walker_list_first(list);
    for (size_t i = 0; i < count; i++, name = name->next) {
        size_t path_size = walker_enter(walker, "sinks");
        (void)walker_enter_entry(walker, list, i);
        size_t index = is_name(name) ? resolve(walker, sinks, name) : sinks->count;
        walker_leave(walker, path_size);
        if (index < sinks->count) {
            is_used[index] = true;
            indexes[route->sink_count++] = index;
        }
    }
    route->sinks = indexes;
}

static void warn_of_unknown_source(struct walker *walker, const struct section *sources,
                                   const struct node *route)
{
    const struct node *source = node_member(node_member(route, "where"), "source");
    if (source == NULL || !is_name(source) || find_name(sources, source->text) < sources->count) {
        return; /* a pattern is no name */
    }
    size_t path_size = walker_enter(walker, "where");
    (void)walker_enter(walker, "source");
    problem_warn(walker->problems, source, walker->path, "no source is called %s%s",
                 walker_shown(walker, source), known_names(walker, sources, source->text));
    walker_leave(walker, path_size);
}

static void resolve_fallback(struct walker *walker, const struct section *sinks, size_t index,
                             bool *is_used)
{
    const struct node *fallback = node_member(entry_at(sinks, index), "fallback");
    if (fallback == NULL || !is_name(fallback)) {
        return;
    }
    size_t path_size = enter_entry(walker, sinks->key, index);
    (void)walker_enter(walker, "fallback");
    size_t other = resolve(walker, sinks, fallback);
    if (other == index) {
        problem_add(walker->problems, fallback, walker->path,
                    "is the sink itself; accepted: the name of another sink");
    } else if (other < sinks->count && node_member(entry_at(sinks, other), "fallback") != NULL) {
        problem_add(walker->problems, fallback, walker->path,
                    "%s has a fallback of its own; accepted: a sink without one, so that what is "
                    "parked there stays there",
                    walker_shown(walker, fallback));
    } else if (other < sinks->count) {
        is_used[other] = true;
    }
    walker_leave(walker, path_size);
}

static void warn_of_unused_sinks(struct walker *walker, const struct section *sinks,
                                 const bool *is_used)
{
    for (size_t i = 0; i < sinks->count; i++) {
        const struct node *name = node_member(entry_at(sinks, i), "name");
        if (is_used[i] || name == NULL || !is_name(name) || find_name(sinks, name->text) != i) {
            continue;
        }
        size_t path_size = enter_entry(walker, sinks->key, i);
        problem_warn(walker->problems, name, walker->path,
                     "no route uses the sink %s, so it gets nothing; accepted without a warning: "
                     "its name in the sinks of a route",
                     walker_shown(walker, name));
        walker_leave(walker, path_size);
    }
}

/* A digest is a mail: on a route without mail sinks it has nobody to go to. */
static void check_digest(struct walker *walker, const struct node *entry,
                         const struct config *config, const struct route_config *route)
{
    const struct node *digest = node_member(entry, "digest");
    bool has_recipients = digest == NULL || route->sink_count == 0;
    for (size_t i = 0; i < route->sink_count; i++) {
        has_recipients = has_recipients || config->sinks[route->sinks[i]].kind == SINK_EMAIL;
    }
    if (!has_recipients) {
        size_t path_size = walker_enter(walker, "digest");
        problem_add(walker->problems, digest, walker->path,
                    "has no recipients: none of the route's sinks is a mail sink; accepted: a "
                    "digest on a route to one");
        walker_leave(walker, path_size);
    }
}

static void resolve_routes(struct walker *walker, const struct node *document,
                           const struct section *sinks, struct config *config, bool *is_used)
{
    struct section sources = section_of(walker, document, "sources");
    struct section section = section_of(walker, document, "routes");
    struct route_config *routes = arena_array(walker->arena, section.count, sizeof *routes);
    /* Unequal only where the list was refused as a whole; its names are checked all the same. */
    bool is_read = config->route_count == section.count && section.count != 0;
    if (is_read) {
        memcpy(routes, config->routes, section.count * sizeof *routes);
    }
    for (size_t i = 0; i < section.count; i++) {
        const struct node *entry = entry_at(&section, i);
        size_t path_size = enter_entry(walker, section.key, i);
        resolve_route(walker, sinks, entry, &routes[i], is_used);
        warn_of_unknown_source(walker, &sources, entry);
        if (is_read && config->sink_count == sinks->count) {
            check_digest(walker, entry, config, &routes[i]);
        }
        walker_leave(walker, path_size);
    }
    if (is_read) {
        config->routes = routes;
    }
    refuse_repeated_names(walker, &sources);
    refuse_repeated_names(walker, &section);
}

void config_check_references(struct walker *walker, const struct node *document,
                             struct config *config)
{
    struct section sinks = section_of(walker, document, "sinks");
    bool *is_used = arena_array(walker->arena, sinks.count, sizeof *is_used);
    resolve_routes(walker, document, &sinks, config, is_used);
    refuse_repeated_names(walker, &sinks);
    for (size_t i = 0; i < sinks.count; i++) {
        resolve_fallback(walker, &sinks, i, is_used);
    }
    warn_of_unused_sinks(walker, &sinks, is_used);
}

void route_print_sinks(const void *source, const void *context, struct text *out)
{
    const struct route_config *route = source;
    const struct config *config = context;
    text_add_char(out, '[');
    for (size_t i = 0; i < route->sink_count; i++) {
        text_add_text(out, i == 0 ? "" : ", ");
        print_yaml_scalar(out, config->sinks[route->sinks[i]].name);
    }
    text_add_char(out, ']');
}
