/* The keys of one source. */
#include "core/config_shape.h"

#include "core/address.h"
#include "core/arena.h"
#include "core/profile.h"
#include "core/text.h"
#include "core/zone.h"

#include <string.h>

/* --- credentials ---------------------------------------------------------------------------- */

static const char *nonempty_fault(const char *text)
{
    return text[0] == '\0' ? "empty" : NULL;
}

static const char *header_name_fault(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    bool is_name = text[0] != '\0' && text[strspn(text, allowed)] == '\0';
    return is_name ? NULL : "not the name of a header";
}

static const char *scope_fault(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        if ((unsigned char)*byte < 0x20 || (unsigned char)*byte >= 0x7f || *byte == '"' ||
            *byte == '\\') {
            return "not a scope";
        }
    }
    return NULL;
}

static void finish_validity(struct walker *walker, const struct node *map, void *target)
{
    (void)target;
    const struct node *valid_for = node_member(map, "valid_for");
    if (valid_for != NULL && node_member(map, "issued") == NULL) {
        problem_add(walker->problems, valid_for, walker->path,
                    "valid_for needs a beginning; accepted: issued, the day it was issued");
    }
}

#define URL_ACCEPTED "https://HOST[:PORT][/PATH], or http:// to a loopback host"

static const struct key oauth2_keys[] = {
    {.name = "token_url",
     .kind = KEY_TEXT,
     .offset = offsetof(struct oauth2_config, token_url),
     .is_required = true,
     .fault = call_url_fault,
     .accepted = URL_ACCEPTED},
    {.name = "client_id",
     .kind = KEY_TEXT,
     .offset = offsetof(struct oauth2_config, client_id),
     .is_required = true,
     .fault = nonempty_fault,
     .accepted = "the client id of the application at the API's portal"},
    {.name = "client_secret",
     .kind = KEY_SECRET,
     .offset = offsetof(struct oauth2_config, client_secret),
     .is_required = true,
     .accepted = "the client secret, or client_secret_file"},
    {.name = "scope",
     .kind = KEY_TEXT,
     .offset = offsetof(struct oauth2_config, scope),
     .fault = scope_fault,
     .accepted = "scopes with blanks between them",
     .initial = ""},
    {.name = "issued", .kind = KEY_DATE, .offset = offsetof(struct oauth2_config, secret_issued)},
    {.name = "valid_for",
     .kind = KEY_DURATION,
     .offset = offsetof(struct oauth2_config, secret_valid_for_ms),
     .min = 1000},
};

static const struct shape oauth2_shape = {.keys = oauth2_keys,
                                          .count = ARRAY_COUNT(oauth2_keys),
                                          .size = sizeof(struct oauth2_config),
                                          .finish = finish_validity};

static bool oauth2_is_set(const void *field)
{
    return ((const struct oauth2_config *)field)->token_url != NULL;
}

static const struct key api_key_keys[] = {
    {.name = "header",
     .kind = KEY_TEXT,
     .offset = offsetof(struct api_key_config, header),
     .fault = header_name_fault,
     .accepted = "the name of a header such as X-Api-Key",
     .initial = "X-Api-Key"},
    {.name = "value",
     .kind = KEY_SECRET,
     .offset = offsetof(struct api_key_config, value),
     .is_required = true,
     .accepted = "the key, or value_file"},
    {.name = "issued", .kind = KEY_DATE, .offset = offsetof(struct api_key_config, issued)},
    {.name = "valid_for",
     .kind = KEY_DURATION,
     .offset = offsetof(struct api_key_config, valid_for_ms),
     .min = 1000},
};

static const struct shape api_key_shape = {.keys = api_key_keys,
                                           .count = ARRAY_COUNT(api_key_keys),
                                           .size = sizeof(struct api_key_config),
                                           .finish = finish_validity};

static bool api_key_is_set(const void *field)
{
    return ((const struct api_key_config *)field)->header != NULL;
}

/* --- guard, limits -------------------------------------------------------------------------- */

static const struct word policy_words[] = {{"hold", GUARD_HOLD}, {"tell", GUARD_TELL}, {NULL, 0}};

static const struct key guard_keys[] = {
    {.name = "changed",
     .kind = KEY_PERCENT,
     .offset = offsetof(struct guard_config, changed_percent),
     .initial = "50%"},
    {.name = "vanished",
     .kind = KEY_PERCENT,
     .offset = offsetof(struct guard_config, vanished_percent),
     .initial = "20%"},
    {.name = "hold",
     .kind = KEY_DURATION,
     .offset = offsetof(struct guard_config, hold_ms),
     .initial = "1h"},
    {.name = "policy",
     .kind = KEY_CHOICE,
     .offset = offsetof(struct guard_config, policy),
     .words = policy_words,
     .initial = "hold"},
};

static const struct shape guard_shape = {
    .keys = guard_keys, .count = ARRAY_COUNT(guard_keys), .size = sizeof(struct guard_config)};

/* They fill struct source_config itself. */
static const struct key limit_keys[] = {
    {.name = "body",
     .kind = KEY_SIZE,
     .offset = offsetof(struct source_config, body_bytes_max),
     .min = 1024,
     .max = INT64_C(1024) * 1024 * 1024,
     .initial = "16MiB"},
    {.name = "pages",
     .kind = KEY_COUNT,
     .offset = offsetof(struct source_config, page_count_max),
     .min = 1,
     .max = 1000000,
     .initial = "25000"},
    {.name = "orders",
     .kind = KEY_COUNT,
     .offset = offsetof(struct source_config, order_count_max),
     .min = 1,
     .max = 10000000,
     .initial = "1000000"},
};

static const struct shape limit_shape = {.keys = limit_keys, .count = ARRAY_COUNT(limit_keys)};

/* --- profile -------------------------------------------------------------------------------- */

#define PROFILE_ACCEPTED "the name of a shipped profile, or the path of a file"

static void read_profile(struct walker *walker, const struct node *node, void *target)
{
    struct source_config *source = target;
    struct failure why;
    if (!walker_is_text(walker, node, PROFILE_ACCEPTED)) {
        return;
    }
    const char *name = walker_name_or_path(walker, node, ".yaml");
    if (walker->loader->profile(walker->loader->self, name, walker->problems, &source->profile,
                                &why) != STATUS_OK) {
        problem_add(walker->problems, node, walker->path, "%s", why.detail);
        return;
    }
    source->profile_name = name;
}

static void print_profile(const void *source, const void *context, struct text *out)
{
    (void)context;
    print_yaml_scalar(out, ((const struct source_config *)source)->profile_name);
}

/* --- maintenance, holidays ------------------------------------------------------------------ */

#define WINDOW_ACCEPTED "{from: \"2026-12-01 22:00\", to: \"2026-12-02 04:00\"}"

/* False: the problem is told. A day begins at its start and ends at its end. */
static bool read_moment(struct walker *walker, const struct node *window, const char *key,
                        const struct zone *zone, int64_t *out_wall_ms)
{
    const struct node *node = node_member(window, key);
    struct date date = {0};
    size_t path_size = walker_enter(walker, key);
    bool is_good = false;
    if (node == NULL) {
        problem_add(walker->problems, window, walker->path, "is missing; accepted: %s",
                    WINDOW_ACCEPTED);
    } else if (walker_is_text(walker, node, WINDOW_ACCEPTED)) {
        is_good = date_parse(span_of(node->text), zone, &date);
        if (!is_good) {
            problem_add(walker->problems, node, walker->path,
                        "%s is not a time; accepted: a local time such as \"2026-12-01 22:00\"",
                        walker_shown(walker, node));
        }
    }
    walker_leave(walker, path_size);
    if (is_good && date.kind == DATE_DAY && strcmp(key, "from") == 0) {
        *out_wall_ms = zone_to_utc(zone, date.ms);
    } else if (is_good) {
        *out_wall_ms = date_end_ms(date, zone);
    }
    return is_good;
}

static void read_window(struct walker *walker, const struct node *node, const struct zone *zone,
                        struct window *out)
{
    if (node->kind != NODE_MAP) {
        problem_add(walker->problems, node, walker->path, "is not a map; accepted: %s",
                    WINDOW_ACCEPTED);
        return;
    }
    for (const struct node *entry = node->child; entry != NULL; entry = entry->next) {
        if (strcmp(entry->key, "from") != 0 && strcmp(entry->key, "to") != 0) {
            size_t path_size = walker_enter(walker, entry->key);
            problem_add(walker->problems, entry, walker->path, "unknown key; accepted: from, to");
            walker_leave(walker, path_size);
        }
    }
    bool has_from = read_moment(walker, node, "from", zone, &out->from_wall_ms);
    bool has_to = read_moment(walker, node, "to", zone, &out->to_wall_ms);
    if (has_from && has_to && out->to_wall_ms <= out->from_wall_ms) {
        problem_add(walker->problems, node, walker->path,
                    "ends before it begins; accepted: to after from");
    }
}

static void read_maintenance(struct walker *walker, const struct node *node, void *target)
{
    struct source_config *source = target;
    /* A broken zone is told already; the windows are still checked. */
    const struct zone *zone = source->zone != NULL ? source->zone : zone_utc();
    size_t count = 0;
    if (!walker_list_size(walker, node, WINDOW_ACCEPTED, &count)) {
        return;
    }
    struct window *windows = arena_array(walker->arena, count, sizeof *windows);
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        read_window(walker, entry, zone, &windows[i]);
        walker_leave(walker, path_size);
    }
    source->maintenance = windows;
    source->maintenance_count = count;
}

static void add_local_minute(struct text *out, const struct zone *zone, int64_t wall_ms)
{
    struct civil civil = civil_of(wall_ms + zone_at(zone, wall_ms).offset_s * INT64_C(1000));
    text_addf(out, "\"%04d-%02d-%02d %02d:%02d:%02d\"", civil.year, civil.month, civil.day,
              civil.hour, civil.minute, civil.second);
}

static void print_maintenance(const void *source_pointer, const void *context, struct text *out)
{
    (void)context;
    const struct source_config *source = source_pointer;
    for (size_t i = 0; i < source->maintenance_count; i++) {
        text_add_text(out, i == 0 ? "[{from: " : ", {from: ");
        add_local_minute(out, source->zone, source->maintenance[i].from_wall_ms);
        text_add_text(out, ", to: ");
        add_local_minute(out, source->zone, source->maintenance[i].to_wall_ms);
        text_add_text(out, i + 1 == source->maintenance_count ? "}]" : "}");
    }
}

static void read_holidays(struct walker *walker, const struct node *node, void *target)
{
    static const struct key element = {.name = "holidays", .kind = KEY_DATE};
    struct source_config *source = target;
    size_t count = 0;
    if (!walker_list_size(walker, node, "days such as 2026-12-24", &count)) {
        return;
    }
    struct date *days = arena_array(walker->arena, count, sizeof *days);
    const struct node *entry = walker_list_first(node);
    for (size_t i = 0; i < count; i++, entry = entry->next) {
        size_t path_size = walker_enter_entry(walker, node, i);
        walker_read_scalar(walker, &element, entry, &days[i]);
        walker_leave(walker, path_size);
    }
    source->holidays = days;
    source->holiday_count = count;
}

static void print_holidays(const void *source_pointer, const void *context, struct text *out)
{
    (void)context;
    const struct source_config *source = source_pointer;
    for (size_t i = 0; i < source->holiday_count; i++) {
        text_add_text(out, i == 0 ? "[" : ", ");
        date_add(out, source->holidays[i]);
        text_add_text(out, i + 1 == source->holiday_count ? "]" : "");
    }
}

/* --- the source ----------------------------------------------------------------------------- */

static const char *language_fault(const char *text)
{
    for (const char *byte = text; *byte != '\0'; byte++) {
        bool is_letter = (*byte >= 'a' && *byte <= 'z') || (*byte >= 'A' && *byte <= 'Z');
        if (!is_letter && strchr("-,;=.* 0123456789", *byte) == NULL) {
            return "not a language";
        }
    }
    return text[0] == '\0' ? "not a language" : NULL;
}

/* Keys are read in this order: the zone before the times that are local to it. */
static const struct key source_keys[] = {
    {.name = "name",
     .kind = KEY_TEXT,
     .offset = offsetof(struct source_config, name),
     .is_required = true,
     .fault = name_fault,
     .accepted = NAME_ACCEPTED},
    {.name = "profile",
     .kind = KEY_CUSTOM,
     .read = read_profile,
     .print = print_profile,
     .is_required = true,
     .accepted = PROFILE_ACCEPTED},
    {.name = "base_url",
     .kind = KEY_TEXT,
     .offset = offsetof(struct source_config, base_url),
     .is_required = true,
     .fault = api_url_fault,
     .accepted = URL_ACCEPTED},
    {.name = "oauth2",
     .kind = KEY_MAP,
     .offset = offsetof(struct source_config, oauth2),
     .shape = &oauth2_shape,
     .is_set = oauth2_is_set},
    {.name = "api_key",
     .kind = KEY_MAP,
     .offset = offsetof(struct source_config, api_key),
     .shape = &api_key_shape,
     .is_set = api_key_is_set},
    {.name = "every",
     .kind = KEY_DURATION,
     .offset = offsetof(struct source_config, every_ms),
     .min = 1000,
     .max = 30 * DAY_MS,
     .initial = "5m"},
    {.name = "budget",
     .kind = KEY_RATE,
     .offset = offsetof(struct source_config, budget),
     .initial = "60/min"},
    {.name = "language",
     .kind = KEY_TEXT,
     .offset = offsetof(struct source_config, language),
     .fault = language_fault,
     .accepted = "a value of Accept-Language such as fr or en",
     .initial = "fr"},
    {.name = "time_zone",
     .kind = KEY_ZONE,
     .offset = offsetof(struct source_config, zone),
     .initial = CONFIG_ZONE},
    {.name = "calendar_token",
     .kind = KEY_SECRET,
     .offset = offsetof(struct source_config, calendar_token),
     .accepted = "a secret of your own that the address of the calendar ends with"},
    {.name = "tls",
     .kind = KEY_MAP,
     .offset = offsetof(struct source_config, tls),
     .shape = &tls_shape},
    {.name = "proxy",
     .kind = KEY_TEXT,
     .offset = offsetof(struct source_config, proxy),
     .fault = proxy_url_fault,
     .accepted = "http://HOST:PORT or https://HOST:PORT"},
    {.name = "allow_private",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct source_config, allow_private),
     .initial = "on"},
    {.name = "page",
     .kind = KEY_COUNT,
     .offset = offsetof(struct source_config, page_size),
     .min = 1,
     .max = 10000},
    {.name = "adaptive",
     .kind = KEY_SWITCH,
     .offset = offsetof(struct source_config, is_adaptive),
     .initial = "on"},
    {.name = "stalled_after",
     .kind = KEY_DURATION,
     .offset = offsetof(struct source_config, stalled_after_ms),
     .initial = "14d"},
    {.name = "remind",
     .kind = KEY_DURATIONS,
     .offset = offsetof(struct source_config, remind_ms),
     .count_offset = offsetof(struct source_config, remind_count),
     .max = 10,
     .accepted = "durations such as [7d, 24h, 2h]",
     .initial = "24h"},
    {.name = "settle",
     .kind = KEY_DURATION,
     .offset = offsetof(struct source_config, settle_ms),
     .initial = "0"},
    {.name = "guard",
     .kind = KEY_MAP,
     .offset = offsetof(struct source_config, guard),
     .shape = &guard_shape,
     .initial = "{}"},
    {.name = "maintenance",
     .kind = KEY_CUSTOM,
     .read = read_maintenance,
     .print = print_maintenance},
    {.name = "holidays", .kind = KEY_CUSTOM, .read = read_holidays, .print = print_holidays},
    {.name = "timeout",
     .kind = KEY_DURATION,
     .offset = offsetof(struct source_config, timeout_ms),
     .min = 1000,
     .max = HOUR_MS,
     .initial = "60s"},
    {.name = "limits", .kind = KEY_MAP, .shape = &limit_shape, .initial = "{}"},
};

static void warn(struct walker *walker, const struct node *map, const char *key, const char *what)
{
    size_t path_size = walker_enter(walker, key);
    problem_warn(walker->problems, node_member(map, key), walker->path, "%s", what);
    walker_leave(walker, path_size);
}

static void warn_of_choices(struct walker *walker, const struct node *map,
                            const struct source_config *source)
{
    if (source->every_ms != 0 && source->every_ms < MINUTE_MS) {
        warn(walker, map, "every",
             "less than a minute may be taken for misuse; accepted without a warning: at least 1m");
    }
}

static void strip_last_slashes(struct walker *walker, struct source_config *source)
{
    if (source->base_url == NULL) {
        return;
    }
    struct span url = span_of(source->base_url);
    while (url.data[url.size - 1] == '/') {
        url.size--;
    }
    source->base_url = arena_text(walker->arena, url);
}

static void sort_reminders(struct walker *walker, struct source_config *source)
{
    int64_t *sorted = arena_array(walker->arena, source->remind_count, sizeof *sorted);
    for (size_t i = 0; i < source->remind_count; i++) {
        size_t place = i;
        while (place > 0 && sorted[place - 1] < source->remind_ms[i]) {
            sorted[place] = sorted[place - 1];
            place--;
        }
        sorted[place] = source->remind_ms[i];
    }
    source->remind_ms = sorted;
}

static void finish_source(struct walker *walker, const struct node *map, void *target)
{
    struct source_config *source = target;
    warn_of_choices(walker, map, source);
    config_check_pace(walker, map, source);
    strip_last_slashes(walker, source);
    sort_reminders(walker, source);
}

const struct shape source_shape = {.keys = source_keys,
                                   .count = ARRAY_COUNT(source_keys),
                                   .size = sizeof(struct source_config),
                                   .finish = finish_source};
