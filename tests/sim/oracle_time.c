/* What time causes and what it puts off: reminders, quiet hours, digests. */
#include "core/arena.h"
#include "core/date.h"
#include "core/json.h"

#include "tests/sim/oracle.h"

#include <string.h>

#define REMINDER_SLACK_MS (10 * MINUTE_MS)

/* Since when a slot is known to take place; the reminder that it got. */
struct oracle_slot {
    struct oracle_slot *next;
    const char *order_id, *appointment_id, *start;
    int64_t since_wall_ms;
    bool is_open, is_reminded;
};

static bool has_clock_jumped(struct oracle *oracle)
{
    const struct instant now = oracle->sim->now;
    if (now.wall_ms - now.mono_ms != oracle->clock_offset_ms) {
        oracle->has_clock_jumped = true;
    }
    return oracle->has_clock_jumped;
}

/* --- when a delivery may leave ------------------------------------------------------------- */

/* By the simulated zone, which is UTC, and without a thought of the daemon's own. */
static bool is_in_quiet_hours(const struct quiet_config *quiet, int64_t wall_ms)
{
    int64_t minute = wall_ms / MINUTE_MS % (INT64_C(24) * 60);
    return quiet->is_set && minute >= quiet->from_minute && minute < quiet->to_minute;
}

/* True too where there are no digests. */
static bool is_digest_time(const struct digest_config *digest, int64_t wall_ms)
{
    bool is_time = digest->every_ms == 0 && digest->at_count == 0;
    for (size_t i = 0; i < digest->at_count; i++) {
        is_time |= wall_ms % DAY_MS == digest->at_minutes[i] * MINUTE_MS;
    }
    return is_time || (digest->at_count == 0 && wall_ms % digest->every_ms == 0);
}

static void judge_plan(struct oracle *oracle, const struct event *event,
                       const struct planned_delivery *plan)
{
    const struct sink_config *mail = &oracle->config->sinks[0];
    const struct quiet_config *quiet = &oracle->config->routes[1].quiet;
    if (!text_equal(plan->sink_name, mail->name)) {
        return;
    }
    bool is_excepted = quiet->has_exception && event->severity >= quiet->exception;
    if (is_in_quiet_hours(quiet, plan->due_wall_ms) && !is_excepted) {
        sim_violation(oracle->sim, "event %s is planned into quiet hours", event->id);
    }
    bool ends_quiet = quiet->is_set && plan->due_wall_ms % DAY_MS == quiet->to_minute * MINUTE_MS;
    if (!is_digest_time(&mail->email.digest, plan->due_wall_ms) && !ends_quiet) {
        sim_violation(oracle->sim, "event %s is planned between two digests", event->id);
    }
}

void oracle_judge_hour(struct oracle *oracle, const char *sink_name,
                       const struct delivery *delivery)
{
    const struct quiet_config *quiet = &oracle->config->routes[1].quiet;
    /* What was on its way when the machine fell asleep goes out when it wakes. */
    bool has_slept = oracle->sim->now.mono_ms - oracle->sim->woke_mono_ms < MINUTE_MS;
    if (has_slept || oracle->is_once || !text_equal(sink_name, oracle->config->sinks[0].name) ||
        !is_in_quiet_hours(quiet, oracle->sim->now.wall_ms)) {
        return;
    }
    for (size_t i = 0; i < delivery->event_count; i++) {
        if (quiet->has_exception && delivery->events[i].severity >= quiet->exception) {
            return;
        }
    }
    sim_violation(oracle->sim, "%s is sent event %s in quiet hours", sink_name,
                  delivery->events[0].id);
}

/* --- reminders ----------------------------------------------------------------------------- */

static struct oracle_slot *find_slot(const struct oracle *oracle, const char *order_id,
                                     const char *appointment_id)
{
    struct oracle_slot *slot = oracle->slots;
    while (slot != NULL && !(text_equal(slot->order_id, order_id) &&
                             text_equal(slot->appointment_id, appointment_id))) {
        slot = slot->next;
    }
    return slot;
}

static void note_slot(struct oracle *oracle, const char *order_id,
                      const struct appointment *appointment)
{
    struct oracle_slot *slot = find_slot(oracle, order_id, appointment->id);
    const char *start = appointment->fields[APPOINTMENT_START];
    bool is_open =
        appointment->kind == APPOINTMENT_NEW || appointment->kind == APPOINTMENT_CONFIRMED;
    if (slot == NULL) {
        slot = arena_alloc(oracle->arena, sizeof *slot);
        slot->order_id = sim_copy_text(oracle->arena, order_id);
        slot->appointment_id = sim_copy_text(oracle->arena, appointment->id);
        slot->next = oracle->slots;
        oracle->slots = slot;
    }
    if (!text_equal(slot->start, start) || (is_open && !slot->is_open)) {
        slot->start = sim_copy_text(oracle->arena, start);
        slot->since_wall_ms = oracle->sim->now.wall_ms;
        slot->is_reminded = false;
    }
    slot->is_open = is_open;
}

void oracle_note_slots(struct oracle *oracle, const char *order_id, const struct record *record)
{
    for (struct oracle_slot *slot = oracle->slots; slot != NULL; slot = slot->next) {
        if (text_equal(slot->order_id, order_id) &&
            record_appointment(record, slot->appointment_id) == NULL) {
            slot->is_open = false;
        }
    }
    for (size_t i = 0; i < record->appointment_count; i++) {
        note_slot(oracle, order_id, &record->appointments[i]);
    }
}

static void judge_reminder(struct oracle *oracle, const struct event *event)
{
    struct json *root = NULL;
    struct failure why;
    CHECK(json_parse(event->json, &root, &why) == STATUS_OK);
    const char *start = json_member_text(json_at(root, "/data/appointment"), "start");
    int64_t due_wall_ms = date_of(start).ms - oracle->config->sources[0].remind_ms[0];
    if (date_of(start).kind != DATE_INSTANT || oracle->wall_max_ms < due_wall_ms) {
        sim_violation(oracle->sim, "event %s reminds too early of %s", event->id,
                      start != NULL ? start : "nothing");
    }
    struct oracle_slot *slot = find_slot(oracle, event->order_id, event->appointment_id);
    if (slot == NULL || !text_equal(slot->start, start)) {
        sim_violation(oracle->sim, "event %s reminds of %s, which is not the appointment's start",
                      event->id, start);
    }
    if (slot->is_reminded && !has_clock_jumped(oracle)) {
        sim_violation(oracle->sim, "event %s reminds of %s again", event->id, start);
    }
    slot->is_reminded = true;
    json_destroy(root);
}

/* What time causes is not told then, and a turn later. */
static bool is_maintained_lately(const struct oracle *oracle)
{
    const struct source_config *source = &oracle->config->sources[0];
    int64_t now_wall_ms = oracle->sim->now.wall_ms;
    bool is_maintained = false;
    for (size_t i = 0; i < source->maintenance_count; i++) {
        const struct window *window = &source->maintenance[i];
        is_maintained |= now_wall_ms >= window->from_wall_ms &&
                         now_wall_ms < window->to_wall_ms + REMINDER_SLACK_MS;
    }
    return is_maintained;
}

static bool is_reminder_missing(const struct oracle *oracle, const struct oracle_slot *slot)
{
    struct date start = date_of(slot->start);
    int64_t now_wall_ms = oracle->sim->now.wall_ms;
    int64_t due_wall_ms = start.ms - oracle->config->sources[0].remind_ms[0];
    return slot->is_open && !slot->is_reminded && start.kind == DATE_INSTANT &&
           slot->since_wall_ms < due_wall_ms && now_wall_ms >= due_wall_ms + REMINDER_SLACK_MS &&
           now_wall_ms < start.ms;
}

/* --- the whole ----------------------------------------------------------------------------- */

void oracle_watch_clock(struct oracle *oracle)
{
    if (oracle->sim->now.wall_ms > oracle->wall_max_ms) {
        oracle->wall_max_ms = oracle->sim->now.wall_ms;
    }
    (void)has_clock_jumped(oracle);
}

void oracle_judge_time(struct oracle *oracle, const struct new_event *news)
{
    for (size_t i = 0; i < news->delivery_count; i++) {
        judge_plan(oracle, &news->event, &news->deliveries[i]);
    }
    if (news->event.type == EVENT_APPOINTMENT_REMINDER) {
        judge_reminder(oracle, &news->event);
    }
}

void oracle_check_reminders(struct oracle *oracle)
{
    if (is_maintained_lately(oracle)) {
        return;
    }
    for (const struct oracle_slot *slot = oracle->slots; slot != NULL; slot = slot->next) {
        const struct sim_order *order =
            sim_store_order(oracle->store, oracle->config->sources[0].name, slot->order_id);
        if (!has_clock_jumped(oracle) && order != NULL && !order->order.has_left &&
            is_reminder_missing(oracle, slot)) {
            sim_violation(oracle->sim, "nobody was reminded of appointment %s of order %s at %s",
                          slot->appointment_id, slot->order_id, slot->start);
        }
    }
}
