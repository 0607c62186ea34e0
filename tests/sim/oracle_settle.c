#include "core/arena.h"
#include "core/json.h"

#include "tests/sim/oracle.h"

#include <inttypes.h>

/* A sweep takes a while where the API throttles, and what it saw waits from its beginning on. */
#define SWEEP_MS_MAX (20 * MINUTE_MS)

static bool is_of_status(enum event_type type)
{
    return type >= EVENT_ORDER_STATUS_CHANGED && type <= EVENT_ORDER_STATUS_REVERTED;
}

static const struct event *status_event(const struct staged_order *staged)
{
    for (size_t i = 0; i < staged->event_count; i++) {
        if (is_of_status(staged->events[i].event.type)) {
            return &staged->events[i].event;
        }
    }
    return NULL;
}

static bool is_told(const struct oracle_order *order, const struct record *after)
{
    return text_equal(order->told_status, after->fields[ORDER_STATUS]) &&
           text_equal(order->told_step, after->fields[ORDER_STEP]);
}

static void expect_net_move(const struct oracle *oracle, const struct oracle_order *order,
                            const struct event *event, const struct record *after)
{
    struct json *root = NULL;
    struct failure why;
    CHECK(json_parse(event->json, &root, &why) == STATUS_OK);
    const struct json *list = json_at(root, "/data/changes");
    bool is_said = text_equal(order->told_status, after->fields[ORDER_STATUS]);
    for (const struct json *said = json_first(list); said != NULL; said = json_next(said)) {
        is_said |= text_equal(json_member_text(said, "field"), "status") &&
                   text_equal(json_member_text(said, "from"), order->told_status) &&
                   text_equal(json_member_text(said, "to"), after->fields[ORDER_STATUS]);
    }
    json_destroy(root);
    if (!is_said) {
        sim_violation(oracle->sim, "order %s: its status was told as %s, is %s, and %s says else",
                      order->id, order->told_status, after->fields[ORDER_STATUS], event->id);
    }
}

static void expect_time_is_up(const struct oracle *oracle, const struct oracle_order *order)
{
    int64_t settle_ms = oracle->config->sources[0].settle_ms;
    int64_t waited_ms = oracle->sim->now.wall_ms - order->waits_since_wall_ms;
    if (order->waits_since_wall_ms == 0) {
        sim_violation(oracle->sim, "order %s: its status is told at once, but it may come back",
                      order->id);
    }
    bool is_longer_by_wall = oracle->has_clock_jumped ||
                             oracle->sim->now.mono_ms - oracle->sim->woke_mono_ms < SWEEP_MS_MAX;
    if (waited_ms >= 0 && waited_ms < settle_ms - SWEEP_MS_MAX && !is_longer_by_wall) {
        sim_violation(oracle->sim, "order %s: its status is told after %" PRId64 " ms", order->id,
                      waited_ms);
    }
}

static void judge_event(const struct oracle *oracle, struct oracle_order *order,
                        const struct event *event, const struct record *after)
{
    if (event->type != EVENT_ORDER_STATUS_REVERTED) {
        expect_time_is_up(oracle, order);
        expect_net_move(oracle, order, event, after);
        return;
    }
    if (order->waits_since_wall_ms == 0 || !is_told(order, after)) {
        sim_violation(oracle->sim, "order %s: nothing came back, but that is what is told",
                      order->id);
    }
}

void oracle_judge_status(const struct oracle *oracle, struct oracle_order *order,
                         const struct staged_order *staged, const struct record *after)
{
    const struct event *event = status_event(staged);
    if (event != NULL) {
        judge_event(oracle, order, event, after);
        order->waits_since_wall_ms = 0;
    } else if (!is_told(order, after)) {
        bool waits = order->waits_since_wall_ms != 0;
        order->waits_since_wall_ms = waits ? order->waits_since_wall_ms : oracle->sim->now.wall_ms;
        return; /* it is told later, or never was */
    } else if (order->waits_since_wall_ms != 0) {
        sim_violation(oracle->sim, "order %s: its status came back in silence", order->id);
    }
    order->told_status = sim_copy_text(oracle->arena, after->fields[ORDER_STATUS]);
    order->told_step = sim_copy_text(oracle->arena, after->fields[ORDER_STEP]);
}

bool oracle_waits(const struct oracle *oracle, const char **order_id)
{
    for (const struct oracle_order *order = oracle->orders; order != NULL; order = order->next) {
        if (order->waits_since_wall_ms != 0 && !order->has_left) {
            *order_id = order->id;
            return true;
        }
    }
    return false;
}
