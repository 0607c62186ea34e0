#include "core/config_change.h"

#include "core/arena.h"
#include "core/config_shape.h"
#include "core/hash.h"
#include "core/profile.h"
#include "core/text.h"
#include "core/walker_compare.h"

#include <string.h>

#define KEYS_BYTES_MAX 2048 /* of one change: the rest of a long list is cut */
#define CONFIG_BYTES_MAX ((size_t)8 << 20)

static void add(struct config_changes *changes, enum change_kind kind, const char *section,
                const char *name, const char *keys)
{
    if (changes->count == changes->capacity) {
        size_t capacity = changes->capacity == 0 ? 8 : changes->capacity * 2;
        struct config_change *items = arena_array(changes->arena, capacity, sizeof *items);
        for (size_t i = 0; i < changes->count; i++) {
            items[i] = changes->items[i];
        }
        changes->items = items;
        changes->capacity = capacity;
    }
    changes->items[changes->count++] =
        (struct config_change){.kind = kind,
                               .section = section,
                               .name = arena_text(changes->arena, span_of(name)),
                               .keys = arena_text(changes->arena, span_of(keys))};
}

static void add_key(void *arg, const char *path)
{
    struct text *keys = arg;
    text_addf(keys, "%s%s", keys->size != 0 ? ", " : "", path);
}

/* --- sources and sinks ------------------------------------------------------------------------ */

/* One kind of part: how its array is found, and what its keys do not show. */
struct part_kind {
    const char *section;
    const struct shape *shape;
    void (*compare_rest)(const void *before, const void *after, struct text *keys);
};

struct part_list {
    const char *items;
    size_t count;
    const uint64_t *files;
    const struct config *config;
};

/* A profile is named the same after its file was edited. */
static void compare_profiles(const void *before, const void *after, struct text *keys)
{
    const struct source_config *left = before;
    const struct source_config *right = after;
    if (text_equal(left->profile_name, right->profile_name) &&
        left->profile->fingerprint != right->profile->fingerprint) {
        add_key(keys, "profile");
    }
}

static const struct part_kind source_kind = {
    .section = "source", .shape = &source_shape, .compare_rest = compare_profiles};
static const struct part_kind sink_kind = {.section = "sink", .shape = &sink_shape};

static const char *part_name(const void *part)
{
    const char *name = NULL; /* of sources and sinks it is the first field */
    _Static_assert(offsetof(struct source_config, name) == 0, "the name comes first");
    _Static_assert(offsetof(struct sink_config, name) == 0, "the name comes first");
    memcpy(&name, part, sizeof name);
    return name;
}

/* list->count: there is none. */
static size_t find_part(const struct part_kind *kind, const struct part_list *list,
                        const char *name)
{
    size_t index = 0;
    while (index < list->count &&
           !text_equal(part_name(list->items + index * kind->shape->size), name)) {
        index++;
    }
    return index;
}

static bool compare_part(struct config_changes *changes, const struct part_kind *kind,
                         const struct part_list *before, size_t before_index,
                         const struct part_list *after, size_t after_index)
{
    struct walker_side left = {before->items + before_index * kind->shape->size, before->config};
    struct walker_side right = {after->items + after_index * kind->shape->size, after->config};
    struct text keys;
    text_init(&keys, KEYS_BYTES_MAX);
    walker_compare(kind->shape, &left, &right, add_key, &keys);
    if (kind->compare_rest != NULL) {
        kind->compare_rest(left.source, right.source, &keys);
    }
    if (before->files[before_index] != after->files[after_index]) {
        add_key(&keys, "the contents of a file");
    }
    bool is_same = keys.size == 0;
    if (!is_same) {
        add(changes, CHANGE_CHANGED, kind->section, part_name(right.source), text_cstr(&keys));
    }
    text_fini(&keys);
    return is_same;
}

static void compare_parts(struct config_changes *changes, const struct part_kind *kind,
                          const struct part_list *before, const struct part_list *after,
                          bool *is_kept)
{
    for (size_t i = 0; i < before->count; i++) {
        const char *name = part_name(before->items + i * kind->shape->size);
        if (find_part(kind, after, name) == after->count) {
            add(changes, CHANGE_REMOVED, kind->section, name, "");
        }
    }
    for (size_t i = 0; i < after->count; i++) {
        const char *name = part_name(after->items + i * kind->shape->size);
        size_t found = find_part(kind, before, name);
        if (found == before->count) {
            add(changes, CHANGE_ADDED, kind->section, name, "");
        } else {
            is_kept[i] = compare_part(changes, kind, before, found, after, i);
        }
    }
}

static struct part_list sources_of(const struct config_side *side)
{
    return (struct part_list){(const char *)side->config->sources, side->config->source_count,
                              side->source_files, side->config};
}

static struct part_list sinks_of(const struct config_side *side)
{
    return (struct part_list){(const char *)side->config->sinks, side->config->sink_count,
                              side->sink_files, side->config};
}

/* --- routes ----------------------------------------------------------------------------------- */

/* A route is known by its name, or else by what it says: their order means nothing. */
static const struct route_config *find_route(const struct config *config,
                                             const struct route_config *wanted,
                                             const struct config *wanted_config, struct text *keys)
{
    for (size_t i = 0; i < config->route_count; i++) {
        const struct route_config *route = &config->routes[i];
        if (!text_equal(route->name, wanted->name)) {
            continue;
        }
        struct walker_side left = {route, config};
        struct walker_side right = {wanted, wanted_config};
        text_clear(keys);
        walker_compare(&route_shape, &left, &right, add_key, keys);
        if (keys->size == 0 || wanted->name != NULL) {
            return route;
        }
    }
    return NULL;
}

static const char *route_label(const struct route_config *route, struct arena *arena)
{
    return route->name != NULL ? route->name : arena_format(arena, "of line %d", route->line);
}

static void compare_routes(struct config_changes *changes, const struct config *before,
                           const struct config *after)
{
    struct text keys;
    text_init(&keys, KEYS_BYTES_MAX);
    for (size_t i = 0; i < before->route_count; i++) {
        const struct route_config *route = &before->routes[i];
        if (find_route(after, route, before, &keys) == NULL) {
            add(changes, CHANGE_REMOVED, "route", route_label(route, changes->arena), "");
        }
    }
    for (size_t i = 0; i < after->route_count; i++) {
        const struct route_config *route = &after->routes[i];
        const struct route_config *found = find_route(before, route, after, &keys);
        if (found == NULL) {
            add(changes, CHANGE_ADDED, "route", route_label(route, changes->arena), "");
        } else if (keys.size != 0) {
            add(changes, CHANGE_CHANGED, "route", route->name, text_cstr(&keys));
        }
    }
    text_fini(&keys);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Keys of one section stand together, as they stand in the file. */
static void on_difference(void *arg, const char *path)
{
    static const char *const sections[] = {"state", "http", "log", "shutdown_grace"};
    struct config_changes *changes = arg;
    changes->is_database_changed |= strcmp(path, "state.database") == 0;
    for (size_t i = 0; i < ARRAY_COUNT(sections); i++) {
        size_t size = strlen(sections[i]);
        if (strncmp(path, sections[i], size) == 0 && (path[size] == '.' || path[size] == '\0')) {
            add(changes, CHANGE_CHANGED, sections[i], "", path[size] == '.' ? path + size + 1 : "");
            return;
        }
    }
    /* Sources, sinks and routes are compared one by one. */
}

struct config_changes *config_compare(const struct config_side *before,
                                      const struct config_side *after)
{
    struct arena *arena = arena_create();
    struct config_changes *changes = arena_alloc(arena, sizeof *changes);
    *changes = (struct config_changes){
        .arena = arena,
        .is_source_kept = arena_array(arena, after->config->source_count + 1, sizeof(bool)),
        .is_sink_kept = arena_array(arena, after->config->sink_count + 1, sizeof(bool))};
    const struct walker_side left = {before->config, before->config};
    const struct walker_side right = {after->config, after->config};
    walker_compare(&config_shape, &left, &right, on_difference, changes);
    const struct part_list sources[] = {sources_of(before), sources_of(after)};
    const struct part_list sinks[] = {sinks_of(before), sinks_of(after)};
    compare_parts(changes, &source_kind, &sources[0], &sources[1], changes->is_source_kept);
    compare_parts(changes, &sink_kind, &sinks[0], &sinks[1], changes->is_sink_kept);
    compare_routes(changes, before->config, after->config);
    return changes;
}

void config_changes_destroy(struct config_changes *changes)
{
    if (changes != NULL) {
        arena_destroy(changes->arena); /* which changes itself lives in */
    }
}

const char *change_kind_name(enum change_kind kind)
{
    switch (kind) {
    case CHANGE_ADDED:
        return "added";
    case CHANGE_REMOVED:
        return "removed";
    case CHANGE_CHANGED:
        return "changed";
    }
    CHECK(!"a kind of change that does not exist");
}

uint64_t config_fingerprint(const struct config *config)
{
    struct text shown;
    text_init(&shown, CONFIG_BYTES_MAX);
    config_print(config, &shown);
    uint64_t fingerprint = hash64(text_span(&shown));
    text_fini(&shown);
    return fingerprint;
}
