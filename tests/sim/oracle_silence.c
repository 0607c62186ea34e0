/* Whom an event must reach: each sink of its routes, or nobody while a silence matches it. */
#include "core/arena.h"
#include "core/silence.h"

#include "tests/sim/oracle.h"

#include <string.h>

/* A silence is true once it is durable, and an event may have been found just before. */
#define SILENCE_SLACK_MS (10 * MINUTE_MS)

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* Those that the world makes: of a kind of events, or of the orders that begin so. */
static bool matches(const struct silence *silence, const struct event *event)
{
    if (silence->type != NULL) {
        return begins_with(event_type_name(event->type), "appointment.");
    }
    return begins_with(event->order_id, "A-");
}

static void judge_silence(const struct oracle *oracle, const struct silence_list *list,
                          const struct new_event *news, int64_t found_wall_ms)
{
    bool is_marked = false;
    for (size_t i = 0; i < list->count; i++) {
        const struct silence *silence = &list->items[i];
        bool is_match = matches(silence, &news->event);
        bool is_on = found_wall_ms >= silence->start_wall_ms + SILENCE_SLACK_MS &&
                     found_wall_ms < silence->end_wall_ms;
        bool may_be_on = found_wall_ms >= silence->start_wall_ms &&
                         found_wall_ms < silence->end_wall_ms + SILENCE_SLACK_MS;
        is_marked |= is_match && may_be_on && text_equal(silence->id, news->silence_id);
        if (news->silence_id == NULL && is_match && is_on && !oracle->has_clock_jumped) {
            sim_violation(oracle->sim, "event %s is planned, and silence %s was on", news->event.id,
                          silence->id);
        }
    }
    if (news->silence_id != NULL && !is_marked && !oracle->has_clock_jumped) {
        sim_violation(oracle->sim, "event %s is silenced by %s, which does not match it",
                      news->event.id, news->silence_id);
    }
}

/* By the simulated routes, and without a thought of the daemon's own. */
static bool is_meant_for(const struct oracle *oracle, const struct event *event, size_t sink_index)
{
    const char *type = event_type_name(event->type);
    if (text_equal(event->sink_name, oracle->config->sinks[sink_index].name)) {
        return false; /* it is about this very sink */
    }
    return sink_index != 0 || (event->severity >= SEVERITY_NOTICE &&
                               (begins_with(type, "appointment.") ||
                                begins_with(type, "order.status.") || begins_with(type, "sink.")));
}

static void judge_sinks(const struct oracle *oracle, const struct new_event *news)
{
    for (size_t i = 0; i < oracle->config->sink_count; i++) {
        size_t count = 0;
        for (size_t j = 0; j < news->delivery_count; j++) {
            count += text_equal(news->deliveries[j].sink_name, oracle->config->sinks[i].name);
        }
        bool is_wanted = is_meant_for(oracle, &news->event, i);
        if (count != is_wanted) {
            sim_violation(oracle->sim, "event %s has %zu deliveries for %s", news->event.id, count,
                          oracle->config->sinks[i].name);
        }
    }
}

void oracle_judge_reach(struct oracle *oracle, const struct new_event *news)
{
    struct silence_list list = {0};
    const struct sim_value *value = oracle->store->values;
    while (value != NULL && !text_equal(value->key, "silences")) {
        value = value->next;
    }
    struct failure why;
    if (value != NULL &&
        silence_list_decode(value->value, oracle->arena, &list, &why) != STATUS_OK) {
        sim_violation(oracle->sim, "the silences cannot be read: %s", why.detail);
    }
    judge_silence(oracle, &list, news, news->event.wall_ms);
    judge_sinks(oracle, news);
}
