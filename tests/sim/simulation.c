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

struct tally {
    uint64_t events, receipts, duplicates, crashes, reloads, pages, unchanged;
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
    EVENT_SOURCE_REJECTED,       EVENT_SOURCE_CHANGE_HELD,    EVENT_SINK_FAILING,
    EVENT_SINK_RECOVERED,        EVENT_SINK_PARKED,
};

#define SEEDS_TO_PROVE 200

static uint64_t run_seed(uint64_t seed, bool is_traced, enum plant_kind plant, struct tally *tally)
{
    struct world *world = world_create(seed, is_traced, plant);
    world_live(world);
    world_settle(world);
    for (size_t i = 0; i < WORLD_SINKS; i++) {
        tally->receipts += world->sinks[i].receipt_count;
    }
    tally->events += world->store.event_count;
    tally->duplicates += world->oracle.duplicate_count;
    tally->crashes += world->crash_count;
    tally->reloads += world->reload_count;
    tally->pages += world->api.page_count;
    tally->unchanged += world->api.unchanged_count;
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
    if (tally->reloads == 0 || tally->crashes == 0) {
        (void)printf("no seed brought about a reload and a crash\n");
        has_all = false;
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
    (void)printf("%" PRIu64 " seeds: %" PRIu64 " events, %" PRIu64 " receipts (%" PRIu64
                 " repeats), %" PRIu64 " pages (%" PRIu64 " unchanged), %" PRIu64
                 " crashes, %" PRIu64 " reloads, every promise kept\n",
                 arguments.count, tally.events, tally.receipts, tally.duplicates, tally.pages,
                 tally.unchanged, tally.crashes, tally.reloads);
    return arguments.count < SEEDS_TO_PROVE || has_all_happened(&tally) ? 0 : 1;
}
