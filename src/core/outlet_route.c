/* What the routes say at the door. Quiet hours: what was due before they began, and could not leave
 * in time, waits too. And how an event is told, where a route wants it otherwise than its sink. */
#include "outlet_internal.h"

#include "core/arena.h"
#include "core/event_document.h"
#include "core/log.h"
#include "core/route.h"

/* False: it cannot be read back, and is treated as if no route spoke of it. */
static bool read_facts(const struct event *event, struct arena *arena,
                       struct event_document *document, struct route_facts *out)
{
    struct failure why;
    if (event_document_read(event->json, arena, document, &why) != STATUS_OK) {
        return false;
    }
    *out = (struct route_facts){.event = &document->event,
                                .record = document->has_record ? &document->record : NULL};
    return true;
}

/* --- quiet hours ------------------------------------------------------------------------------ */

/* Together with what is excepted the rest may leave as well: one message disturbs once. */
static int64_t quiet_until(const struct outlet *outlet, const struct delivery *delivery,
                           struct arena *arena)
{
    int64_t now_wall_ms = outlet->clock.now.wall_ms;
    int64_t until_wall_ms = INSTANT_NEVER;
    for (size_t i = 0; i < delivery->event_count && until_wall_ms > now_wall_ms; i++) {
        struct event_document document;
        struct route_facts facts;
        if (!read_facts(&delivery->events[i], arena, &document, &facts)) {
            return now_wall_ms;
        }
        /* The digest's own is of no route: it keeps to the quiet hours of all that lead there. */
        bool is_seed = delivery->events[i].type == EVENT_DIGEST;
        until_wall_ms = earlier(
            until_wall_ms,
            is_seed ? route_quiet_end(outlet->config, outlet->sink_index, now_wall_ms)
                    : route_quiet_until(outlet->config, &facts, outlet->sink_index, now_wall_ms));
    }
    return until_wall_ms;
}

static void defer(struct outlet *outlet, struct parcel *parcel, int64_t until_wall_ms)
{
    const struct send_result result = {.at = outlet->clock.now,
                                       .detail = "waits for the end of quiet hours"};
    parcel_end(parcel, SETTLE_DEFERRED, &result);
    parcel->settlement.due_wall_ms = until_wall_ms;
    LOG_INFO("delivery_deferred", log_text("sink", outlet->sink->name),
             log_number("delivery", parcel->delivery.id), log_text("lane", parcel->delivery.lane));
}

void outlet_defer_quiet(struct outlet *outlet)
{
    int64_t now_wall_ms = outlet->clock.now.wall_ms;
    if (outlet->is_flushing ||
        route_quiet_end(outlet->config, outlet->sink_index, now_wall_ms) == now_wall_ms) {
        return;
    }
    struct arena *arena = arena_create();
    for (size_t i = 0; i < outlet->hand.count; i++) {
        struct parcel *parcel = outlet->hand.parcels[i];
        if (parcel->state != PARCEL_WAITING) {
            continue;
        }
        int64_t until_wall_ms = quiet_until(outlet, &parcel->delivery, arena);
        if (until_wall_ms > now_wall_ms) {
            defer(outlet, parcel, until_wall_ms);
        }
        arena_reset(arena);
    }
    arena_destroy(arena);
}

/* --- manners ---------------------------------------------------------------------------------- */

/* Copied: the configuration may be another before it is told. */
static const struct event_manner *keep_manner(const struct event_manner *manner,
                                              struct arena *arena)
{
    struct event_manner *kept = arena_alloc(arena, sizeof *kept);
    *kept = *manner;
    if (manner->fields != NULL) {
        struct field_filter *filter = arena_alloc(arena, sizeof *filter);
        const char **names = arena_array(arena, manner->fields->count, sizeof *names);
        for (size_t i = 0; i < manner->fields->count; i++) {
            names[i] = arena_text(arena, span_of(manner->fields->names[i]));
        }
        *filter = (struct field_filter){.names = names, .count = manner->fields->count};
        kept->fields = filter;
    }
    return kept;
}

void outlet_note_manners(struct outlet *outlet, struct parcel *parcel)
{
    if (!route_has_manner(outlet->config, outlet->sink_index)) {
        return;
    }
    struct arena *arena = arena_create();
    for (size_t i = 0; i < parcel->delivery.event_count; i++) {
        struct event_document document;
        struct route_facts facts;
        if (read_facts(&parcel->events[i], arena, &document, &facts)) {
            const struct event_manner manner =
                route_manner(outlet->config, &facts, outlet->sink_index);
            parcel->events[i].manner = keep_manner(&manner, parcel->arena);
        }
        arena_reset(arena);
    }
    arena_destroy(arena);
}
