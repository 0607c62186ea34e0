#include "digest_seed.h"

#include "core/arena.h"
#include "core/digest.h"
#include "core/route.h"

/* No digest is further away: a memory of one is from a clock that was wrong. */
#define AHEAD_MAX_MS (8 * DAY_MS)
/* What waits for long looks like a sink that fails: a weekly digest gets its event the day before.
 */
#define EARLY_MAX_MS DAY_MS

static bool wants_seeds(const struct sink_config *sink)
{
    return sink->kind == SINK_EMAIL && sink->email.digest.tells_unchanged &&
           digest_is_on(&sink->email.digest);
}

bool digest_seed_is_due(const struct sink_config *sink, const struct sink_memory *memory,
                        int64_t now_wall_ms)
{
    bool is_open = memory->digest_wall_ms <= now_wall_ms ||
                   memory->digest_wall_ms > now_wall_ms + AHEAD_MAX_MS;
    return wants_seeds(sink) && is_open &&
           digest_next(&sink->email.digest, now_wall_ms) - now_wall_ms <= EARLY_MAX_MS;
}

/* The wall clock may jump, so it is looked at again within a minute. */
int64_t digest_seed_next_mono_ms(const struct sink_config *sink, const struct sink_memory *memory,
                                 struct instant now)
{
    int64_t wait_ms = memory->digest_wall_ms - now.wall_ms;
    if (!wants_seeds(sink)) {
        return INSTANT_NEVER;
    }
    return now.mono_ms + (wait_ms <= 0 || wait_ms > MINUTE_MS ? MINUTE_MS : wait_ms);
}

void digest_seed_compose(const struct config *config, size_t sink_index, int64_t now_wall_ms,
                         struct arena *arena, struct sink_memory *after, struct new_event *out)
{
    const struct sink_config *sink = &config->sinks[sink_index];
    after->digest_wall_ms =
        route_quiet_end(config, sink_index, digest_next(&sink->email.digest, now_wall_ms));
    struct text extra;
    text_init(&extra, 1024);
    text_addf(&extra, "\"sink\":{\"name\":\"%s\"},\"digest\":{\"due\":\"", sink->name);
    date_add_wall(&extra, after->digest_wall_ms);
    text_add_text(&extra, "\"}");
    const struct event_facts facts = {.type = EVENT_DIGEST,
                                      .severity = event_type_severity(EVENT_DIGEST),
                                      .sink_name = sink->name,
                                      .sequence = ++after->sequence,
                                      .wall_ms = now_wall_ms,
                                      .summary = "The next digest, even if nothing changes",
                                      .extra_json = text_span(&extra)};
    struct planned_delivery *planned = arena_alloc(arena, sizeof *planned);
    *planned = route_rendezvous(config, sink_index, after->digest_wall_ms, arena);
    *out = (struct new_event){.deliveries = planned, .delivery_count = 1};
    event_compose(&facts, arena, &out->event);
    text_fini(&extra);
}
