#include "core/reconcile.h"

#include "core/classify.h"
#include "core/config.h"
#include "core/deadline.h"
#include "core/history.h"
#include "core/keep.h"
#include "core/merge.h"
#include "core/respell.h"
#include "core/route.h"
#include "core/settle.h"
#include "core/summary.h"

#define BYTES_MAX                                                                                  \
    ((size_t)16 * 1024 * 1024) /* of one order; every text in it has its own, lower limit */

#define USUAL_BYTES 2048

/* One order on its way from what was known to what is written. */
struct work {
    const struct reconcile_context *context;
    struct arena *arena;
    bool is_known;
    struct record before;
    struct record after;
    struct span canonical; /* of after: what is compared is what is written */
    struct history history;
    struct diff diff;
    struct finding_list findings;
};

/* --- what is known, what is now --- */

static enum status read_known(struct work *work, const struct stored_order *known,
                              struct failure *why)
{
    enum status status = record_decode(known->canonical, work->arena, &work->before, why);
    if (status == STATUS_OK) {
        status = history_decode(known->history, work->arena, &work->history, why);
    }
    work->is_known = status == STATUS_OK;
    return status;
}

/* What is only spelled otherwise is as it was. */
static void respell_after(struct work *work, const struct reconcile_input *input)
{
    if (work->is_known && (input->after != NULL || input->appointment_count != 0)) {
        respell_nameless(&work->before, &work->after, work->arena);
        respell_record(&work->before, &work->after, work->context->source->zone, work->arena);
    }
}

static void settle_after(struct work *work, const struct reconcile_input *input)
{
    work->after = input->after != NULL ? *input->after : work->before;
    if (input->sighting == SIGHTING_LOOKED_UP) {
        work->after = merge_look_up(&work->before, input->after, input->list_shows, work->arena);
    } else if (input->sighting != SIGHTING_LISTED && input->after != NULL) {
        work->after = merge_detail(&work->before, input->after);
    }
    if (!input->has_own_appointments) {
        return;
    }
    work->after.appointments = work->before.appointments;
    work->after.appointment_count = work->before.appointment_count;
    merge_appointments(&work->after, input->appointments, input->appointment_count,
                       input->removed_appointment_ids, input->removed_appointment_count,
                       work->arena);
}

static void encode_after(struct work *work)
{
    struct text canonical;
    text_init(&canonical, BYTES_MAX);
    text_expect(&canonical, USUAL_BYTES);
    record_encode(&work->after, &canonical);
    work->canonical = keep_text(&canonical, work->arena);
}

/* What is told of an order that is on the list as before. */
static void find_changes(struct work *work, const struct record *told, struct diff *diff,
                         const struct classify_context *context)
{
    const struct reconcile_context *facts = work->context;
    struct change_list way_back = work->diff.status;
    bool has_reverted = settle_judge(facts->source, told, facts->now_wall_ms, &work->history, diff);
    if (has_reverted) {
        diff->status = way_back;
    }
    classify_changed(context, &work->findings);
    if (has_reverted && way_back.count != 0) {
        struct finding *status = &work->findings.items[0]; /* of an order, its status comes first */
        status->type = EVENT_ORDER_STATUS_REVERTED;
        status->severity = event_type_severity(status->type);
    }
}

static bool is_present(enum sighting sighting)
{
    return sighting == SIGHTING_LISTED || sighting == SIGHTING_LOOKED_UP;
}

static void find_events(struct work *work, const struct reconcile_input *input)
{
    struct record told = work->before;
    struct diff diff = work->diff;
    if (work->history.pending.since_wall_ms != 0) {
        settle_rewind(&work->history, &told);
        diff_records(&told, &work->after, work->arena, &diff);
    }
    struct classify_context context = {
        .source = work->context->source,
        .before = work->is_known ? &told : NULL,
        .after = &work->after,
        .diff = &diff,
        .history = &work->history,
        .arena = work->arena,
    };
    bool had_left = work->is_known && input->before->has_left;
    bool stays = work->is_known && is_present(input->sighting) && !had_left;
    if (stays && !work->context->is_baseline) {
        find_changes(work, &told, &diff, &context);
        return;
    }
    work->history.pending = (struct pending_status){0}; /* told below, or never to be told */
    if (work->context->is_baseline) {
        return;
    }
    if (!work->is_known) {
        classify_new(&context, &work->findings);
    } else if (!is_present(input->sighting) && !had_left) {
        classify_left(&context, input->sighting == SIGHTING_CLOSED, input->detail_json,
                      &work->findings);
    } else if (input->sighting == SIGHTING_LISTED && had_left && input->after != NULL) {
        classify_reappeared(&context, &work->findings);
    }
}

/* --- events --- */

/* The parts of data that all events of one order share. */
struct shared_json {
    struct span order, contact;
};

static struct shared_json share_json(const struct work *work)
{
    static const struct field_filter usual = {0};
    struct text order;
    struct text contact;
    text_init(&order, BYTES_MAX);
    text_init(&contact, BYTES_MAX);
    text_expect(&order, USUAL_BYTES);
    record_add_order(&work->after, &usual, &order);
    record_add_contact(&work->after, &contact);
    return (struct shared_json){
        .order = keep_text(&order, work->arena),
        .contact = keep_text(&contact, work->arena),
    };
}

static const char *summarise(const struct work *work, const struct finding *finding)
{
    struct summary_context context = {
        .order = &work->after,
        .zone = work->context->source->zone,
        .now_wall_ms = work->context->now_wall_ms,
    };
    struct text text;
    text_init(&text, BYTES_MAX);
    summary_add(&context, finding, &text);
    return keep_text(&text, work->arena).data;
}

static struct span appointment_json(const struct work *work, const struct finding *finding)
{
    if (finding->appointment == NULL) {
        return (struct span){0};
    }
    struct text text;
    text_init(&text, BYTES_MAX);
    record_add_appointment(finding->appointment, &text);
    return keep_text(&text, work->arena);
}

static void make_event(const struct work *work, const struct finding *finding,
                       const struct shared_json *shared, uint64_t sequence, struct new_event *out)
{
    const struct reconcile_context *context = work->context;
    struct event_facts facts = {
        .type = finding->type,
        .severity = finding->severity,
        .source_name = context->source->name,
        .order_id = work->after.id,
        .appointment_id = finding->appointment != NULL ? finding->appointment->id : NULL,
        .sequence = sequence,
        .wall_ms = context->now_wall_ms,
        .sweep = context->sweep,
        .as_of_wall_ms = context->as_of_wall_ms,
        .summary = summarise(work, finding),
        .changes = finding->changes.items,
        .change_count = finding->changes.count,
        .order_json = shared->order,
        .contact_json = shared->contact,
        .appointment_json = appointment_json(work, finding),
        .extra_json = finding->extra_json,
    };
    *out = (struct new_event){0};
    event_compose(&facts, work->arena, &out->event);
    struct route_facts route = {.event = &out->event,
                                .record = &work->after,
                                .sweep = context->sweep,
                                .lead_ms = context->lead_ms};
    struct route_context routing = {.config = context->config,
                                    .silences = context->silences,
                                    .now_wall_ms = context->now_wall_ms};
    route_event(&routing, &route, work->arena, out);
}

static void make_events(const struct work *work, struct staged_order *out)
{
    size_t count = work->findings.count;
    if (count == 0) {
        return;
    }
    struct shared_json shared = share_json(work);
    struct new_event *events = arena_array(work->arena, count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        out->order.sequence++;
        make_event(work, &work->findings.items[i], &shared, out->order.sequence, &events[i]);
    }
    out->events = events;
    out->event_count = count;
}

/* --- what is written --- */

static void stage(const struct work *work, const struct stored_order *order,
                  struct staged_order *out)
{
    struct text history;
    text_init(&history, BYTES_MAX);
    text_expect(&history, USUAL_BYTES);
    history_encode(&work->history, &history);
    *out = (struct staged_order){.order = *order};
    out->order.canonical = work->canonical;
    out->order.history = keep_text(&history, work->arena);
    make_events(work, out);
    if (!order->has_left) {
        struct deadline_list deadlines = {0};
        deadline_plan(work->context->source, &work->after, &work->history, work->arena, &deadlines);
        out->deadlines = deadlines.items;
        out->deadline_count = deadlines.count;
    }
}

/* An earlier version kept JSON: the same record is other bytes now. */
static bool is_same_record(const struct work *work, const struct stored_order *before)
{
    if (record_is_packed(before->canonical)) {
        return span_equal(work->canonical, before->canonical);
    }
    struct text canonical;
    text_init(&canonical, BYTES_MAX);
    record_encode(&work->before, &canonical);
    bool is_same = span_equal(work->canonical, text_span(&canonical));
    text_fini(&canonical);
    return is_same;
}

static bool differs(const struct work *work, const struct stored_order *before, bool has_left)
{
    return has_left != before->has_left || !is_same_record(work, before);
}

static bool leaves(const struct reconcile_input *input)
{
    bool stays_away = input->before != NULL && input->before->has_left && input->after == NULL;
    return !is_present(input->sighting) || stays_away;
}

static void advance(struct work *work, const struct reconcile_input *input)
{
    int64_t now_wall_ms = work->context->now_wall_ms;
    bool is_back = work->is_known && input->before->has_left && !leaves(input);
    if (!work->is_known && work->context->is_baseline) {
        work->history.baseline_wall_ms = now_wall_ms;
    }
    if (is_back) {
        work->history.status_since_wall_ms = 0; /* its stay on the list begins anew */
    }
    history_advance(&work->history, &work->after, &work->diff, now_wall_ms, work->arena);
}

enum status reconcile_order(const struct reconcile_context *context,
                            const struct reconcile_input *input, struct arena *arena,
                            struct reconcile_result *out, struct failure *why)
{
    CHECK(input->before != NULL || (input->after != NULL && input->sighting == SIGHTING_LISTED));
    CHECK(input->sighting != SIGHTING_LOOKED_UP || !input->before->has_left);
    struct work work = {.context = context, .arena = arena};
    if (input->before != NULL) {
        enum status status = read_known(&work, input->before, why);
        if (status != STATUS_OK) {
            return status;
        }
    }
    settle_after(&work, input);
    respell_after(&work, input);
    encode_after(&work);
    bool has_left = leaves(input);
    struct reconcile_result result = {.is_new = !work.is_known};
    if (work.is_known && !differs(&work, input->before, has_left)) {
        *out = result;
        return STATUS_OK;
    }
    diff_records(work.is_known ? &work.before : NULL, &work.after, arena, &work.diff);
    advance(&work, input);
    find_events(&work, input);
    struct stored_order order = {
        .id = arena_text(arena, span_of(work.after.id)),
        .raw_fingerprint =
            input->after == NULL ? input->before->raw_fingerprint : input->raw_fingerprint,
        .sequence = work.is_known ? input->before->sequence : 0,
        .has_left = has_left,
    };
    stage(&work, &order, &result.staged);
    result.is_changed = true;
    result.has_news = work.findings.count != 0 || work.history.pending.since_wall_ms != 0;
    struct record *record = arena_alloc(arena, sizeof *record);
    *record = work.after;
    result.record = record;
    *out = result;
    return STATUS_OK;
}

enum status reconcile_deadline(const struct reconcile_context *context,
                               const struct stored_order *before, const struct deadline *deadline,
                               struct arena *arena, struct reconcile_result *out,
                               struct failure *why)
{
    struct work work = {.context = context, .arena = arena};
    enum status status = read_known(&work, before, why);
    if (status != STATUS_OK) {
        return status;
    }
    work.after = work.before;
    encode_after(&work);
    struct deadline_context facts = {
        .source = context->source,
        .record = &work.after,
        .history = &work.history,
        .now_wall_ms = context->now_wall_ms,
        .arena = arena,
    };
    struct finding finding;
    struct reconcile_result result = {0};
    if (!before->has_left && deadline_come(&facts, deadline, &finding)) {
        work.findings = (struct finding_list){.items = &finding, .count = 1};
        result.is_changed = true;
    }
    struct stored_order order = *before;
    order.id = arena_text(arena, span_of(before->id));
    stage(&work, &order, &result.staged);
    *out = result;
    return STATUS_OK;
}
