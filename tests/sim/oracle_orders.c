#include "core/arena.h"
#include "core/json.h"
#include "core/source_state.h"

#include "tests/sim/oracle.h"

#include <inttypes.h>
#include <string.h>

/* One write of an order under judgement. */
struct verdict {
    struct oracle *oracle;
    const struct staged_order *staged;
    struct arena *arena;
    struct record before, after;
    struct json **events; /* parsed, as many as staged has */
};

static void read_record(struct oracle *oracle, const char *id, struct span canonical,
                        struct arena *arena, struct record *out)
{
    struct failure why;
    if (record_decode(canonical, arena, out, &why) != STATUS_OK) {
        sim_violation(oracle->sim, "order %s cannot be read: %s", id, why.detail);
    }
}

static struct oracle_order *find_order(const struct oracle *oracle, const char *id)
{
    struct oracle_order *order = oracle->orders;
    while (order != NULL && !text_equal(order->id, id)) {
        order = order->next;
    }
    return order;
}

static bool has_event(const struct verdict *verdict, enum event_type type,
                      const char *appointment_id)
{
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        const struct event *event = &verdict->staged->events[i].event;
        if (event->type == type && text_equal(event->appointment_id, appointment_id)) {
            return true;
        }
    }
    return false;
}

/* --- changes ------------------------------------------------------------------------------- */

static const struct json *first_change(const struct json *event)
{
    return json_first(json_at(event, "/data/changes"));
}

static bool lists_change(const struct json *list, const struct change *change)
{
    for (const struct json *said = json_first(list); said != NULL; said = json_next(said)) {
        if (text_equal(json_member_text(said, "field"), change->field) &&
            text_equal(json_member_text(said, "from"), change->from) &&
            text_equal(json_member_text(said, "to"), change->to)) {
            return true;
        }
    }
    return false;
}

/* What the cancellation of an order says of an appointment that went with it, as the event named
 * type; NULL: nothing. type NULL: as any. */
static const struct json *find_follower(const struct verdict *verdict, const char *appointment_id,
                                        const char *type)
{
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        if (verdict->staged->events[i].event.type != EVENT_ORDER_STATUS_CANCELLED) {
            continue;
        }
        const struct json *list = json_at(verdict->events[i], "/data/appointments");
        for (const struct json *node = json_first(list); node != NULL; node = json_next(node)) {
            if (text_equal(json_member_text(json_member(node, "appointment"), "id"),
                           appointment_id) &&
                (type == NULL || text_equal(json_member_text(node, "type"), type))) {
                return node;
            }
        }
    }
    return NULL;
}

static bool says_change(const struct verdict *verdict, const char *appointment_id,
                        const struct change *change)
{
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        if (text_equal(verdict->staged->events[i].event.appointment_id, appointment_id) &&
            lists_change(json_at(verdict->events[i], "/data/changes"), change)) {
            return true;
        }
    }
    const struct json *follower = find_follower(verdict, appointment_id, NULL);
    return lists_change(json_member(follower, "changes"), change);
}

static void expect_change(const struct verdict *verdict, const char *appointment_id,
                          const struct change *change)
{
    if (text_equal(change->from, change->to) || says_change(verdict, appointment_id, change)) {
        return;
    }
    sim_violation(verdict->oracle->sim, "order %s%s%s: %s went from %s to %s, and no event says so",
                  verdict->staged->order.id, appointment_id[0] != '\0' ? " appointment " : "",
                  appointment_id, change->field, change->from != NULL ? change->from : "nothing",
                  change->to != NULL ? change->to : "nothing");
}

static void expect_appointment(const struct verdict *verdict, const struct appointment *before,
                               const struct appointment *after)
{
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        struct change change = {.field = appointment_field_name((enum appointment_field)i),
                                .from = before->fields[i],
                                .to = after->fields[i]};
        expect_change(verdict, after->id, &change);
    }
}

static void expect_appointments(const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->after.appointment_count; i++) {
        const struct appointment *after = &verdict->after.appointments[i];
        const struct appointment *before = record_appointment(&verdict->before, after->id);
        if (before != NULL) {
            expect_appointment(verdict, before, after);
        } else if (!has_event(verdict, EVENT_APPOINTMENT_CREATED, after->id)) {
            sim_violation(verdict->oracle->sim, "order %s: nobody is told of appointment %s",
                          verdict->staged->order.id, after->id);
        }
    }
    for (size_t i = 0; i < verdict->before.appointment_count; i++) {
        const char *id = verdict->before.appointments[i].id;
        if (record_appointment(&verdict->after, id) == NULL &&
            !has_event(verdict, EVENT_APPOINTMENT_REMOVED, id) &&
            find_follower(verdict, id, "orderwatch.appointment.removed") == NULL) {
            sim_violation(verdict->oracle->sim, "order %s: appointment %s is gone in silence",
                          verdict->staged->order.id, id);
        }
    }
}

static void expect_changes(const struct verdict *verdict, struct oracle_order *known)
{
    static const enum order_field watched[] = {ORDER_SITE, ORDER_COMMITTED_DATE, ORDER_STATUS,
                                               ORDER_STEP};
    bool settles = verdict->oracle->config->sources[0].settle_ms != 0;
    if (settles) {
        oracle_judge_status(verdict->oracle, known, verdict->staged, &verdict->after);
    }
    for (size_t i = 0; i < ARRAY_COUNT(watched) - (settles ? 2 : 0); i++) {
        struct change change = {.field = order_field_name(watched[i]),
                                .from = verdict->before.fields[watched[i]],
                                .to = verdict->after.fields[watched[i]]};
        expect_change(verdict, "", &change);
    }
    if (verdict->after.note_count > verdict->before.note_count &&
        !has_event(verdict, EVENT_ORDER_NOTE_ADDED, "")) {
        sim_violation(verdict->oracle->sim, "order %s: a note is added in silence",
                      verdict->staged->order.id);
    }
    expect_appointments(verdict);
}

static void refuse_idle_change(const struct verdict *verdict, const struct json *event)
{
    for (const struct json *said = first_change(event); said != NULL; said = json_next(said)) {
        if (text_equal(json_member_text(said, "from"), json_member_text(said, "to"))) {
            sim_violation(verdict->oracle->sim, "event %s: %s changed from %s to the same",
                          json_member_text(event, "id"), json_member_text(said, "field"),
                          json_member_text(said, "to"));
        }
    }
}

/* --- the envelope -------------------------------------------------------------------------- */

static void check_sequence(const struct verdict *verdict, uint64_t before)
{
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        const struct event *event = &verdict->staged->events[i].event;
        if (event->sequence != before + 1 + i) {
            sim_violation(verdict->oracle->sim, "order %s: event %" PRIu64 " follows %" PRIu64,
                          verdict->staged->order.id, event->sequence, before + i);
        }
    }
    if (verdict->staged->order.sequence != before + verdict->staged->event_count) {
        sim_violation(verdict->oracle->sim, "order %s: its sequence is not its last event's",
                      verdict->staged->order.id);
    }
}

static void check_full_order(const struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        const struct json *order = json_at(verdict->events[i], "/data/order");
        if (!text_equal(json_member_text(order, "id"), verdict->staged->order.id) ||
            !text_equal(json_member_text(order, "status"), verdict->after.fields[ORDER_STATUS])) {
            sim_violation(verdict->oracle->sim, "event %s does not show the latest order",
                          verdict->staged->events[i].event.id);
        }
    }
}

/* --- the truth ----------------------------------------------------------------------------- */

static bool had_appointment(const struct upstream_order *truth,
                            const struct appointment *appointment)
{
    for (size_t i = 0; i < truth->version_count; i++) {
        if (upstream_version_has(&truth->versions[i], appointment)) {
            return true;
        }
    }
    return false;
}

/* Where appointments are read by themselves, order and appointments may be of different moments. */
static bool was_once_in_parts(const struct upstream_order *truth, const struct record *record)
{
    bool is_found = false;
    for (size_t i = 0; i < truth->version_count; i++) {
        is_found |= upstream_version_is_without(&truth->versions[i], record);
    }
    for (size_t i = 0; i < record->appointment_count; i++) {
        is_found &= had_appointment(truth, &record->appointments[i]);
    }
    return is_found;
}

static bool was_once(const struct upstream_order *truth, const struct record *record)
{
    for (size_t i = 0; i < truth->version_count; i++) {
        if (upstream_version_is(&truth->versions[i], record)) {
            return true;
        }
    }
    return false;
}

static bool was_away_since(const struct upstream_order *truth, int64_t mono_ms)
{
    for (size_t i = 0; i < truth->version_count; i++) {
        bool is_last = i + 1 == truth->version_count;
        if (!truth->versions[i].is_listed &&
            (is_last || truth->versions[i + 1].since_mono_ms >= mono_ms)) {
            return true;
        }
    }
    return false;
}

/* A list that suddenly is empty proves nothing, but then a detail that says "final" does: such an
 * order is closed, and back should it be listed all the same. */
static bool is_final_upstream(const struct upstream_order *truth)
{
    static const char *const finals[] = {"Completed", "Cancelled", "Failed"};
    for (size_t i = 0; i < ARRAY_COUNT(finals); i++) {
        if (text_equal(upstream_now(truth)->status, finals[i])) {
            return true;
        }
    }
    return false;
}

static void check_truth(const struct verdict *verdict, const struct oracle_order *known)
{
    const struct sim *sim = verdict->oracle->sim;
    const char *id = verdict->staged->order.id;
    const struct upstream_order *truth = sim_upstream_order(verdict->oracle->upstream, id);
    if (truth == NULL) {
        sim_violation(verdict->oracle->sim, "order %s never existed", id);
    }
    bool is_true = verdict->oracle->upstream->has_own_appointments
                       ? was_once_in_parts(truth, &verdict->after)
                       : was_once(truth, &verdict->after);
    if (!verdict->staged->order.has_left && !is_true) {
        sim_violation(verdict->oracle->sim, "order %s never was as it is written", id);
    }
    int64_t since = known != NULL ? known->written_mono_ms : 0;
    /* Two sweeps and a detail lie between the first absence and its telling. */
    int64_t known_ms = since < sim->now.mono_ms - HOUR_MS ? since : sim->now.mono_ms - HOUR_MS;
    bool is_over = has_event(verdict, EVENT_ORDER_CLOSED, "") && is_final_upstream(truth);
    if (verdict->staged->order.has_left && !is_over && !was_away_since(truth, known_ms)) {
        sim_violation(verdict->oracle->sim, "order %s is told to have left, but it was there", id);
    }
}

/* --- the whole ----------------------------------------------------------------------------- */

static bool is_baselined(const struct oracle *oracle)
{
    const char *key = arena_format(oracle->arena, "source/%s", oracle->config->sources[0].name);
    for (const struct sim_value *value = oracle->store->values; value != NULL;
         value = value->next) {
        if (text_equal(value->key, key)) {
            struct source_state state = {0};
            struct failure why;
            CHECK(source_state_read(&state, value->value, &why) == STATUS_OK);
            bool result = state.is_baselined;
            source_state_fini(&state);
            return result;
        }
    }
    return false;
}

/* Until a sweep was complete there is nothing that it could differ from. */
static void judge_baseline(const struct verdict *verdict)
{
    if (verdict->staged->event_count != 0) {
        sim_violation(verdict->oracle->sim, "the baseline told something of order %s",
                      verdict->staged->order.id);
    }
}

static void judge_first(const struct verdict *verdict)
{
    if (!has_event(verdict, EVENT_ORDER_CREATED, "")) {
        sim_violation(verdict->oracle->sim, "nobody is told of order %s",
                      verdict->staged->order.id);
    }
    expect_appointments(verdict);
}

static void judge_next(const struct verdict *verdict, struct oracle_order *known)
{
    bool has_left = verdict->staged->order.has_left;
    if (has_left && !known->has_left && !has_event(verdict, EVENT_ORDER_CLOSED, "") &&
        !has_event(verdict, EVENT_ORDER_DISAPPEARED, "")) {
        sim_violation(verdict->oracle->sim, "order %s has left in silence",
                      verdict->staged->order.id);
    }
    if (!has_left && known->has_left && !has_event(verdict, EVENT_ORDER_REAPPEARED, "")) {
        sim_violation(verdict->oracle->sim, "order %s is back in silence",
                      verdict->staged->order.id);
    }
    if (!has_left && !known->has_left) {
        expect_changes(verdict, known);
    }
}

static void remember(struct oracle *oracle, struct oracle_order *known,
                     const struct stored_order *order, const struct record *after)
{
    bool is_anew = known == NULL || known->has_left || order->has_left || !is_baselined(oracle);
    if (known == NULL) {
        known = arena_alloc(oracle->arena, sizeof *known);
        known->id = sim_copy_text(oracle->arena, order->id);
        known->next = oracle->orders;
        oracle->orders = known;
    }
    known->canonical = sim_copy_span(oracle->arena, order->canonical);
    known->sequence = order->sequence;
    known->has_left = order->has_left;
    known->written_mono_ms = oracle->sim->now.mono_ms;
    if (is_anew) {
        known->told_status = sim_copy_text(oracle->arena, after->fields[ORDER_STATUS]);
        known->told_step = sim_copy_text(oracle->arena, after->fields[ORDER_STEP]);
        known->waits_since_wall_ms = 0;
    }
}

static bool is_caused_by_time(enum event_type type)
{
    return type == EVENT_APPOINTMENT_REMINDER || type == EVENT_ORDER_DATE_OVERDUE ||
           type == EVENT_ORDER_STALLED;
}

static void judge(const struct verdict *verdict, struct oracle_order *known)
{
    check_sequence(verdict, known != NULL ? known->sequence : 0);
    check_full_order(verdict);
    for (size_t i = 0; i < verdict->staged->event_count; i++) {
        refuse_idle_change(verdict, verdict->events[i]);
    }
    if (!is_baselined(verdict->oracle)) {
        judge_baseline(verdict);
    } else if (known == NULL) {
        judge_first(verdict);
    } else {
        judge_next(verdict, known);
    }
    check_truth(verdict, known);
}

void oracle_judge_order(struct oracle *oracle, const struct staged_order *staged)
{
    struct oracle_order *known = find_order(oracle, staged->order.id);
    struct verdict verdict = {.oracle = oracle, .staged = staged, .arena = arena_create()};
    verdict.events = arena_array(verdict.arena, staged->event_count, sizeof(struct json *));
    read_record(oracle, staged->order.id, staged->order.canonical, verdict.arena, &verdict.after);
    if (known != NULL) {
        read_record(oracle, known->id, known->canonical, verdict.arena, &verdict.before);
    }
    for (size_t i = 0; i < staged->event_count; i++) {
        struct failure why;
        CHECK(json_parse(staged->events[i].event.json, &verdict.events[i], &why) == STATUS_OK);
        oracle->change_count += !is_caused_by_time(staged->events[i].event.type);
    }
    judge(&verdict, known);
    oracle_note_slots(oracle, staged->order.id, &verdict.after);
    remember(oracle, known, &staged->order, &verdict.after);
    for (size_t i = 0; i < staged->event_count; i++) {
        json_destroy(verdict.events[i]);
    }
    arena_destroy(verdict.arena);
}

static bool is_known_as_it_is(const struct oracle *oracle, const struct upstream_order *truth)
{
    const struct upstream_version *now = upstream_now(truth);
    const struct oracle_order *known = find_order(oracle, truth->id);
    if (known == NULL) {
        return !now->is_listed; /* it came and went between two sweeps */
    }
    if (known->has_left || !now->is_listed) {
        return known->has_left && !now->is_listed;
    }
    struct arena *arena = arena_create();
    struct record record;
    struct failure why;
    bool is_right = record_decode(known->canonical, arena, &record, &why) == STATUS_OK &&
                    upstream_version_is(now, &record);
    arena_destroy(arena);
    return is_right;
}

bool oracle_knows_truth(const struct oracle *oracle, const char **wrong_id)
{
    for (size_t i = 0; i < oracle->upstream->order_count; i++) {
        if (!is_known_as_it_is(oracle, &oracle->upstream->orders[i])) {
            *wrong_id = oracle->upstream->orders[i].id;
            return false;
        }
    }
    return true;
}
