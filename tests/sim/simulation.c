/* The main test: the daemon's core in a simulated world, one seed after the other.
 *
 *   simulation [--seeds N] [--seed FIRST] [--trace] [--plant NAME]
 *
 * Exit 0: every promise was kept. A broken one ends with its seed; `--seeds 1 --seed N --trace`
 * replays it. With --plant the daemon has a known bug, and a broken promise is what is wanted. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum count {
    EVENTS,
    RECEIPTS,
    REPEATS,
    PAGES,
    UNCHANGED,
    BENT,
    LOOK_UPS,
    THROTTLED,
    REFUSED,
    CRASHES,
    RELOADS,
    SLEPT,
    COUNT_COUNT
};

static const char *const count_names[COUNT_COUNT] = {
    "events",   "receipts",    "repeated receipts", "pages",   "unchanged pages", "bent pages",
    "look-ups", "throttlings", "refusals",          "crashes", "reloads",         "sleeps"};

struct tally {
    uint64_t counts[COUNT_COUNT];
    uint64_t types[EVENT_TYPE_COUNT]; /* committed events */
};

/* What a good number of seeds must have brought about, or they would prove nothing about it. */
static const enum event_type must_happen[] = {
    EVENT_ORDER_CREATED,         EVENT_ORDER_STATUS_CHANGED,  EVENT_ORDER_STATUS_COMPLETED,
    EVENT_ORDER_STATUS_HELD,     EVENT_ORDER_STATUS_RESUMED,  EVENT_ORDER_DATE_COMMITTED,
    EVENT_ORDER_DATE_CHANGED,    EVENT_ORDER_DATE_OVERDUE,    EVENT_ORDER_NOTE_ADDED,
    EVENT_ORDER_CLOSED,          EVENT_ORDER_DISAPPEARED,     EVENT_ORDER_REAPPEARED,
    EVENT_APPOINTMENT_CREATED,   EVENT_APPOINTMENT_CONFIRMED, EVENT_APPOINTMENT_RESCHEDULED,
    EVENT_APPOINTMENT_CANCELLED, EVENT_APPOINTMENT_MISSED,    EVENT_APPOINTMENT_REMOVED,
    EVENT_APPOINTMENT_REMINDER,  EVENT_SOURCE_UNREACHABLE,    EVENT_SOURCE_RECOVERED,
    EVENT_ORDER_STATUS_REVERTED, EVENT_SOURCE_SCHEMA_CHANGED, EVENT_SOURCE_REJECTED,
    EVENT_SOURCE_CHANGE_HELD,    EVENT_SINK_FAILING,          EVENT_SINK_RECOVERED,
    EVENT_SINK_PARKED,
};

#define SEEDS_TO_PROVE 200

static uint64_t run_seed(uint64_t seed, bool is_traced, enum plant_kind plant, struct tally *tally)
{
    struct world *world = world_create(seed, is_traced, plant);
    world_live(world);
    world_settle(world);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        tally->counts[RECEIPTS] += world->sinks[i].receipt_count;
    }
    tally->counts[EVENTS] += world->store.event_count;
    tally->counts[REPEATS] += world->oracle.duplicate_count;
    tally->counts[PAGES] += world->api.page_count;
    tally->counts[UNCHANGED] += world->api.unchanged_count;
    tally->counts[BENT] += world->api.bent_count;
    tally->counts[LOOK_UPS] += world->look_up_count;
    tally->counts[THROTTLED] += world->api.throttled_count;
    tally->counts[REFUSED] += world->api.refused_count;
    tally->counts[CRASHES] += world->crash_count;
    tally->counts[RELOADS] += world->reload_count;
    tally->counts[SLEPT] += world->sleep_count;
    for (size_t i = 0; i < world->store.event_count; i++) {
        tally->types[world->store.events[i]->type]++;
    }
    uint64_t hash = world->sim.trace_hash;
    world_destroy(world);
    return hash;
}

struct arguments {
    uint64_t first, count;
    bool is_traced;
    enum plant_kind plant;
};

static bool parse_arguments(int count, char **values, struct arguments *out)
{
    *out = (struct arguments){.first = 1, .count = 1000};
    for (int i = 1; i < count; i++) {
        if (strcmp(values[i], "--trace") == 0) {
            out->is_traced = true;
        } else if (strcmp(values[i], "--seed") == 0 && i + 1 < count) {
            out->first = strtoull(values[++i], NULL, 10);
        } else if (strcmp(values[i], "--seeds") == 0 && i + 1 < count) {
            out->count = strtoull(values[++i], NULL, 10);
        } else if (strcmp(values[i], "--plant") != 0 || i + 1 >= count ||
                   !plant_parse(values[++i], &out->plant)) {
            return false;
        }
    }
    return true;
}

/* A seed must replay exactly, or its failure could not be looked at. */
static bool replays(uint64_t seed, uint64_t hash, enum plant_kind plant)
{
    struct tally ignored = {0};
    return run_seed(seed, false, plant, &ignored) == hash;
}

static bool has_all_happened(const struct tally *tally)
{
    bool has_all = true;
    for (size_t i = 0; i < ARRAY_COUNT(must_happen); i++) {
        if (tally->types[must_happen[i]] == 0) {
            (void)printf("no seed brought about %s\n", event_type_name(must_happen[i]));
            has_all = false;
        }
    }
    for (size_t i = 0; i < COUNT_COUNT; i++) {
        if (tally->counts[i] == 0) {
            (void)printf("no seed had any %s\n", count_names[i]);
            has_all = false;
        }
    }
    return has_all;
}

int main(int count, char **values)
{
    struct arguments arguments;
    if (!parse_arguments(count, values, &arguments)) {
        (void)fprintf(stderr,
                      "usage: simulation [--seeds N] [--seed FIRST] [--trace] [--plant NAME]\n");
        return 2;
    }
    struct tally tally = {0};
    for (uint64_t i = 0; i < arguments.count; i++) {
        uint64_t seed = arguments.first + i;
        uint64_t hash = run_seed(seed, arguments.is_traced, arguments.plant, &tally);
        if (i % 50 == 0 && !arguments.is_traced && !replays(seed, hash, arguments.plant)) {
            (void)printf("seed %" PRIu64 " does not replay\n", seed);
            return 1;
        }
    }
    (void)printf("%" PRIu64 " seeds:", arguments.count);
    for (size_t i = 0; i < COUNT_COUNT; i++) {
        (void)printf(" %" PRIu64 " %s,", tally.counts[i], count_names[i]);
    }
    (void)printf(" every promise kept\n");
    return arguments.count < SEEDS_TO_PROVE || has_all_happened(&tally) ? 0 : 1;
}
