#include "core/zone.h"

#include "core/date.h"

#include "zone_rule.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 44
#define TYPE_BYTES 6
#define OFFSET_S_MIN (-89999) /* RFC 8536 section 3.2 */
#define OFFSET_S_MAX 93599
#define WALL_MS_LIMIT (INT64_C(1) << 58) /* nine million years: far enough from any overflow */

struct zone {
    char *name;
    size_t transition_count;
    int64_t *transitions; /* ascending, Unix seconds */
    uint8_t *types;       /* from each transition on */
    size_t moment_count;
    struct zone_moment *moments;
    bool has_rule; /* from the last transition on */
    struct zone_rule rule;
};

/* The counts of one TZif header, in the order of the file. */
struct layout {
    char version;
    size_t time_bytes; /* 4 in the first block, 8 in the second */
    uint32_t utc_count, standard_count, leap_count, transition_count, type_count, text_size;
};

static uint64_t read_big_endian(const char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | (unsigned char)bytes[i];
    }
    return value;
}

static int64_t read_time(const char *bytes, size_t size)
{
    uint64_t value = read_big_endian(bytes, size);
    return size == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
}

static struct span skip(struct span bytes, size_t count)
{
    CHECK(count <= bytes.size);
    return (struct span){.data = bytes.data + count, .size = bytes.size - count};
}

static bool read_layout(struct span bytes, size_t time_bytes, struct layout *out)
{
    if (bytes.size < HEADER_BYTES || memcmp(bytes.data, "TZif", 4) != 0) {
        return false;
    }
    uint32_t counts[6];
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        counts[i] = (uint32_t)read_big_endian(bytes.data + 20 + 4 * i, 4);
    }
    *out = (struct layout){.version = bytes.data[4],
                           .time_bytes = time_bytes,
                           .utc_count = counts[0],
                           .standard_count = counts[1],
                           .leap_count = counts[2],
                           .transition_count = counts[3],
                           .type_count = counts[4],
                           .text_size = counts[5]};
    return true;
}

/* Counts are 32 bits wide, so their products cannot overflow 64. */
static uint64_t block_size(const struct layout *layout)
{
    return (uint64_t)layout->transition_count * (layout->time_bytes + 1) +
           (uint64_t)layout->type_count * TYPE_BYTES + layout->text_size +
           (uint64_t)layout->leap_count * (layout->time_bytes + 4) + layout->standard_count +
           layout->utc_count;
}

static const char *read_transitions(struct zone *zone, const char *data,
                                    const struct layout *layout)
{
    size_t count = layout->transition_count;
    const char *types = data + count * layout->time_bytes; /* behind all times */
    zone->transition_count = count;
    zone->transitions = alloc_array(count, sizeof *zone->transitions);
    zone->types = alloc_array(count, 1);
    for (size_t i = 0; i < count; i++) {
        zone->transitions[i] = read_time(data + i * layout->time_bytes, layout->time_bytes);
        zone->types[i] = (uint8_t)types[i];
        bool is_ascending = i == 0 || zone->transitions[i] > zone->transitions[i - 1];
        if (!is_ascending || zone->types[i] >= layout->type_count) {
            return NULL;
        }
    }
    return types + count;
}

static bool read_moment(struct zone_moment *moment, const char *type, struct span names)
{
    moment->offset_s = (int32_t)read_time(type, 4);
    moment->is_dst = type[4] != 0;
    size_t name_at = (unsigned char)type[5];
    if (moment->offset_s < OFFSET_S_MIN || moment->offset_s > OFFSET_S_MAX ||
        name_at >= names.size) {
        return false;
    }
    struct span rest = skip(names, name_at);
    size_t size = strnlen(rest.data, rest.size);
    for (size_t i = 0; i < size && i + 1 < sizeof moment->abbreviation; i++) {
        if (rest.data[i] <= ' ' || rest.data[i] > '~') {
            return false;
        }
        moment->abbreviation[i] = rest.data[i];
    }
    return size < rest.size;
}

static bool read_moments(struct zone *zone, const char *data, const struct layout *layout)
{
    struct span names = {.data = data + (size_t)layout->type_count * TYPE_BYTES,
                         .size = layout->text_size};
    zone->moment_count = layout->type_count;
    zone->moments = alloc_array(zone->moment_count, sizeof *zone->moments);
    for (size_t i = 0; i < zone->moment_count; i++) {
        if (!read_moment(&zone->moments[i], data + i * TYPE_BYTES, names)) {
            return false;
        }
    }
    return zone->moment_count != 0;
}

/* "\nCET-1CEST,M3.5.0,M10.5.0/3\n"; empty when the table says it all. */
static bool read_footer(struct zone *zone, struct span footer)
{
    if (footer.size < 2 || footer.data[0] != '\n') {
        return false;
    }
    struct span rule = skip(footer, 1);
    const char *end = memchr(rule.data, '\n', rule.size);
    if (end == NULL) {
        return false;
    }
    rule.size = (size_t)(end - rule.data);
    zone->has_rule = rule.size != 0;
    return !zone->has_rule || zone_rule_parse(rule, &zone->rule);
}

static bool read_block(struct zone *zone, const char *block, const struct layout *layout)
{
    const char *types = read_transitions(zone, block, layout);
    return types != NULL && read_moments(zone, types, layout);
}

/* From version 2 on the truth is in a second block, with times of 64 bits, and in the footer. Gives
 * what is wrong, or NULL. */
static const char *read_file(struct zone *zone, struct span bytes)
{
    struct layout layout;
    if (!read_layout(bytes, 4, &layout)) {
        return "it is not a TZif file";
    }
    struct span rest = skip(bytes, HEADER_BYTES);
    bool has_footer = layout.version != '\0';
    if (has_footer) {
        uint64_t first_size = block_size(&layout);
        if (first_size > rest.size || !read_layout(skip(rest, (size_t)first_size), 8, &layout)) {
            return "its second header is missing";
        }
        rest = skip(rest, (size_t)first_size + HEADER_BYTES);
    }
    if (layout.leap_count != 0) {
        return "it counts leap seconds, as Unix time does not";
    }
    uint64_t size = block_size(&layout);
    if (size > rest.size) {
        return "it is cut short";
    }
    if (!read_block(zone, rest.data, &layout)) {
        return "its table contradicts itself";
    }
    if (has_footer && !read_footer(zone, skip(rest, (size_t)size))) {
        return "its last line is not a rule";
    }
    return NULL;
}

enum status zone_from_tzif(const char *name, struct span bytes, struct zone **out,
                           struct failure *why)
{
    struct zone *zone = alloc(sizeof *zone);
    zone->name = alloc_text(name);
    const char *reason = read_file(zone, bytes);
    if (reason != NULL) {
        zone_destroy(zone);
        return fail(why, STATUS_INVALID, "time zone %s: %s; reinstall tzdata", name, reason);
    }
    *out = zone;
    return STATUS_OK;
}

enum status zone_from_rule(const char *name, const char *rule, struct zone **out,
                           struct failure *why)
{
    struct zone_rule parsed;
    if (!zone_rule_parse(span_of(rule), &parsed)) {
        return fail(why, STATUS_INVALID, "time zone %s: %s is not a POSIX TZ rule", name, rule);
    }
    struct zone *zone = alloc(sizeof *zone);
    zone->name = alloc_text(name);
    zone->has_rule = true;
    zone->rule = parsed;
    *out = zone;
    return STATUS_OK;
}

const struct zone *zone_utc(void)
{
    static char name[] = "UTC";
    static const struct zone utc = {
        .name = name, .has_rule = true, .rule = {.standard = {.abbreviation = "UTC"}}};
    return &utc;
}

void zone_destroy(struct zone *zone)
{
    if (zone == NULL) {
        return;
    }
    CHECK(zone != zone_utc());
    free(zone->name);
    free(zone->transitions);
    free(zone->types);
    free(zone->moments);
    free(zone);
}

const char *zone_name(const struct zone *zone)
{
    return zone->name;
}

/* How many transitions are not later than utc_s. */
static size_t transitions_until(const struct zone *zone, int64_t utc_s)
{
    size_t low = 0;
    size_t high = zone->transition_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->transitions[middle] <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int64_t limited(int64_t ms)
{
    if (ms > WALL_MS_LIMIT) {
        return WALL_MS_LIMIT;
    }
    return ms < -WALL_MS_LIMIT ? -WALL_MS_LIMIT : ms;
}

struct zone_moment zone_at(const struct zone *zone, int64_t utc_ms)
{
    int64_t limited_ms = limited(utc_ms);
    int64_t utc_s = limited_ms / 1000 - (limited_ms % 1000 < 0 ? 1 : 0);
    size_t passed = transitions_until(zone, utc_s);
    if (passed == zone->transition_count && zone->has_rule) {
        return zone_rule_at(&zone->rule, utc_s);
    }
    return zone->moments[passed != 0 ? zone->types[passed - 1] : 0];
}

static int64_t offset_ms_at(const struct zone *zone, int64_t utc_ms)
{
    return zone_at(zone, utc_ms).offset_s * INT64_C(1000);
}

/* A day away on either side are the offsets before and after any change near by. The one before is
 * right for an overlap (the earlier instant) and for a gap (moved by its length) alike; the one
 * after only where the change has plainly happened. */
int64_t zone_to_utc(const struct zone *zone, int64_t local_ms)
{
    int64_t local = limited(local_ms);
    int64_t before = offset_ms_at(zone, local - DAY_MS);
    int64_t after = offset_ms_at(zone, local + DAY_MS);
    bool is_before = offset_ms_at(zone, local - before) == before;
    bool is_after = offset_ms_at(zone, local - after) == after;
    return local - (!is_before && is_after ? after : before);
}
