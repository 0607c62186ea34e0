/* The keys of a digest, and times and days as quiet hours have them too. */
#include "core/config_shape.h"

#include "core/arena.h"
#include "core/text.h"
#include "core/zone.h"

#include <string.h>

#define TIME_ACCEPTED "a time of the day such as \"20:00\""
#define TIMES_ACCEPTED "times of the day such as \"07:30\""
#define TIME_COUNT_MAX 24
#define DAY_MINUTES (24 * 60)
#define EVERY_MAX_MS (7 * DAY_MS)

/* --- times and days ------------------------------------------------------------------------- */

static bool parse_minute(const char *text, int *out)
{
    bool is_time = strlen(text) == 5 && text[2] == ':';
    for (int i = 0; is_time && i < 5; i++) {
        is_time = i == 2 || (text[i] >= '0' && text[i] <= '9');
    }
    if (!is_time) {
        return false;
    }
    int hour = (text[0] - '0') * 10 + (text[1] - '0');
    int minute = (text[3] - '0') * 10 + (text[4] - '0');
    *out = hour * 60 + minute;
    return minute < 60 && *out <= DAY_MINUTES;
}

void config_read_minute(struct walker *walker, const struct node *node, int *out)
{
    int minute = -1;
    *out = minute;
    if (!walker_is_text(walker, node, TIME_ACCEPTED)) {
        return;
    }
    if (!parse_minute(node->text, &minute)) {
        problem_add(walker->problems, node, walker->path, "%s is not a time; accepted: %s",
                    walker_shown(walker, node), TIME_ACCEPTED);
        minute = -1;
    }
    *out = minute;
}

static const char *const day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

static void read_day(struct walker *walker, const struct node *node, uint8_t *days)
{
    if (!walker_is_text(walker, node, "mon tue wed thu fri sat sun")) {
        return;
    }
    for (size_t day = 0; day < ARRAY_COUNT(day_names); day++) {
        if (strcmp(node->text, day_names[day]) == 0) {
            *days = (uint8_t)(*days | 1U << day);
            return;
        }
    }
    problem_add(walker->problems, node, walker->path, "%s is not a day%s",
                walker_shown(walker, node),
                walker_choices(walker, node->text, day_names, ARRAY_COUNT(day_names)));
}

void config_read_days(struct walker *walker, const struct node *node, uint8_t *out)
{
    size_t count = 0;
    if (!walker_list_size(walker, node, "days such as [sat, sun]", &count)) {
        return;
    }
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        read_day(walker, entry, out);
        walker_leave(walker, path_size);
    }
}

void config_print_days(struct text *out, uint8_t days)
{
    bool is_first = true;
    for (size_t day = 0; day < ARRAY_COUNT(day_names); day++) {
        if ((days >> day & 1) != 0) {
            text_addf(out, "%s%s", is_first ? "[" : ", ", day_names[day]);
            is_first = false;
        }
    }
    text_add_text(out, is_first ? "" : "]");
}

/* --- digests -------------------------------------------------------------------------------- */

static void read_at(struct walker *walker, const struct node *node, void *target)
{
    struct digest_config *digest = target;
    size_t count = 0;
    if (!walker_list_size(walker, node, TIMES_ACCEPTED, &count)) {
        return;
    }
    if (count == 0 || count > TIME_COUNT_MAX) {
        problem_add(walker->problems, node, walker->path, "has %zu times; accepted: 1 to %d", count,
                    TIME_COUNT_MAX);
        return;
    }
    int *minutes = arena_array(walker->arena, count, sizeof *minutes);
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        config_read_minute(walker, entry, &minutes[i]);
        walker_leave(walker, path_size);
    }
    digest->at_minutes = minutes;
    digest->at_count = count;
}

static void read_weekdays(struct walker *walker, const struct node *node, void *target)
{
    config_read_days(walker, node, &((struct digest_config *)target)->days);
}

static const struct key digest_keys[] = {
    {.name = "every",
     .kind = KEY_DURATION,
     .offset = offsetof(struct digest_config, every_ms),
     .max = EVERY_MAX_MS},
    {.name = "at", .kind = KEY_CUSTOM, .read = read_at},
    {.name = "days", .kind = KEY_CUSTOM, .read = read_weekdays},
    {.name = "time_zone",
     .kind = KEY_ZONE,
     .offset = offsetof(struct digest_config, zone),
     .initial = CONFIG_ZONE},
    {.name = "unchanged",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct digest_config, tells_unchanged),
     .initial = "off"},
};

static void finish_digest(struct walker *walker, const struct node *map, void *target)
{
    const struct digest_config *digest = target;
    bool has_every = node_member(map, "every") != NULL;
    bool has_at = node_member(map, "at") != NULL;
    bool has_days = node_member(map, "days") != NULL;
    const char *fault = NULL;
    if (has_every == has_at) {
        fault = "needs either every or at";
    } else if (has_days && !has_at) {
        fault = "days belong to at";
    } else if (has_days && digest->days == 0) {
        fault = "there is no day on which it leaves";
    } else if (has_every && digest->every_ms == 0 && digest->tells_unchanged) {
        fault = "every: 0 is no digest, so there is none to send when nothing changed";
    }
    if (fault != NULL) {
        problem_add(walker->problems, map, walker->path,
                    "%s; accepted: {every: 15m}, or {at: [\"07:30\"], days: [mon, fri]}", fault);
    }
}

static const struct shape digest_shape = {.keys = digest_keys,
                                          .count = ARRAY_COUNT(digest_keys),
                                          .size = sizeof(struct digest_config),
                                          .finish = finish_digest};

void config_read_digest(struct walker *walker, const struct node *node, struct digest_config *out)
{
    static const struct key every = {
        .name = "digest",
        .kind = KEY_DURATION,
        .offset = offsetof(struct digest_config, every_ms),
        .max = EVERY_MAX_MS,
        .accepted = "a duration such as 15m, or a map with every, or at and days"};
    out->is_set = true;
    if (node->kind == NODE_MAP) {
        walker_read(walker, &digest_shape, node, out);
    } else {
        walker_read_value(walker, &every, node, out);
    }
}

static void print_map(struct text *out, const struct digest_config *digest)
{
    if (digest->at_count == 0) {
        text_add_text(out, "{every: ");
        duration_add(out, digest->every_ms);
    }
    for (size_t i = 0; i < digest->at_count; i++) {
        text_addf(out, "%s\"%02d:%02d\"", i == 0 ? "{at: [" : ", ", digest->at_minutes[i] / 60,
                  digest->at_minutes[i] % 60);
    }
    if (digest->at_count != 0) {
        text_add_text(out, digest->days != 0 ? "], days: " : "]");
        config_print_days(out, digest->days);
        text_add_text(out, ", time_zone: ");
        print_yaml_scalar(out, digest->zone != NULL ? zone_name(digest->zone) : CONFIG_ZONE);
    }
    text_add_text(out, digest->tells_unchanged ? ", unchanged: on}" : "}");
}

void config_print_digest(struct text *out, const struct digest_config *digest)
{
    if (digest->at_count != 0 || digest->tells_unchanged) {
        print_map(out, digest);
    } else {
        duration_add(out, digest->every_ms);
    }
}
