#include "tests/sim/sim_upstream.h"

#include "core/date.h"
#include "core/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const statuses[] = {"Acknowledged", "InProgress", "Held", "Pending"};
static const char *const final_statuses[] = {"Completed", "Cancelled", "Failed"};
static const char *const steps[] = {"STUDY", "DESIGN", "CONSTRUCTION", "ACTIVATION"};
static const char *const sites[] = {"Lyon Part-Dieu", "Nantes \xC3\x89rable", "Lille \"Nord\""};
static const char *const appointment_statuses[] = {"Initialized", "Confirmed", "Cancelled",
                                                   "Completed", "Missed"};

/* --- versions ------------------------------------------------------------------------------ */

const struct upstream_version *upstream_now(const struct upstream_order *order)
{
    return &order->versions[order->version_count - 1];
}

static struct upstream_version *next_version(struct sim *sim, struct upstream_order *order)
{
    order->versions =
        alloc_resize(order->versions, order->version_count + 1, sizeof *order->versions);
    struct upstream_version *next = &order->versions[order->version_count++];
    *next = order->version_count > 1 ? next[-1] : (struct upstream_version){0};
    next->since_mono_ms = sim->now.mono_ms;
    return next;
}

#define PICK(sim, list) ((list)[random_below(&(sim)->random, (int64_t)ARRAY_COUNT(list))])

static int64_t draw_day(struct sim *sim)
{
    int64_t today = sim->now.wall_ms - sim->now.wall_ms % DAY_MS;
    return today + sim_between(sim, -2, 40) * DAY_MS;
}

static void draw_slot(struct sim *sim, struct upstream_appointment *appointment)
{
    int64_t hour = sim->now.wall_ms - sim->now.wall_ms % HOUR_MS;
    appointment->start_ms = hour + sim_between(sim, -24, 480) * HOUR_MS;
    appointment->end_ms = appointment->start_ms + sim_between(sim, 1, 4) * HOUR_MS;
}

static void add_appointment(struct sim *sim, struct upstream_order *order,
                            struct upstream_version *version)
{
    if (version->appointment_count == UPSTREAM_APPOINTMENTS_MAX) {
        return;
    }
    struct upstream_appointment *appointment = &version->appointments[version->appointment_count++];
    appointment->number = ++order->appointments_made;
    appointment->status = appointment_statuses[0];
    draw_slot(sim, appointment);
}

static void create_order(struct sim_upstream *upstream)
{
    struct sim *sim = upstream->sim;
    if (upstream->order_count == UPSTREAM_ORDERS_MAX) {
        return;
    }
    struct upstream_order *order = &upstream->orders[upstream->order_count];
    *order = (struct upstream_order){.site = PICK(sim, sites), .has_detail = true};
    size_t number = upstream->order_count++;
    switch (random_below(&sim->random, 4)) {
    case 0:
        (void)snprintf(order->id, sizeof order->id, "%05zu", number);
        break;
    case 1:
        (void)snprintf(order->id, sizeof order->id, "A-%zu", number);
        break;
    case 2:
        (void)snprintf(order->id, sizeof order->id, "x+y/%zu#", number);
        break;
    default:
        (void)snprintf(order->id, sizeof order->id, "caf\xC3\xA9 %zu", number);
        break;
    }
    struct upstream_version *version = next_version(sim, order);
    version->is_listed = true;
    version->status = PICK(sim, statuses);
    version->step = PICK(sim, steps);
    version->committed_ms = sim_chance(sim, 500) ? draw_day(sim) : 0;
    while (sim_chance(sim, 400)) {
        add_appointment(sim, order, version);
    }
}

/* It has all that an order can have. */
static void complete_order(struct sim *sim, struct upstream_order *order)
{
    struct upstream_version *version = &order->versions[order->version_count - 1];
    version->committed_ms = sim->now.wall_ms - sim->now.wall_ms % DAY_MS + 40 * DAY_MS;
    version->note_count = 1;
    if (version->appointment_count == 0) {
        add_appointment(sim, order, version);
    }
}

void sim_upstream_init(struct sim_upstream *upstream, struct sim *sim, size_t order_count)
{
    upstream->sim = sim;
    for (size_t i = 0; i < order_count; i++) {
        create_order(upstream);
    }
    if (upstream->has_example) {
        complete_order(sim, &upstream->orders[0]);
    }
}

void sim_upstream_fini(struct sim_upstream *upstream)
{
    for (size_t i = 0; i < upstream->order_count; i++) {
        free(upstream->orders[i].versions);
    }
}

/* --- edits --------------------------------------------------------------------------------- */

static void edit_appointment(struct sim *sim, struct upstream_order *order)
{
    struct upstream_version *version = next_version(sim, order);
    if (version->appointment_count == 0 || sim_chance(sim, 200)) {
        add_appointment(sim, order, version);
        return;
    }
    size_t index = (size_t)random_below(&sim->random, (int64_t)version->appointment_count);
    struct upstream_appointment *appointment = &version->appointments[index];
    switch (random_below(&sim->random, 4)) {
    case 0:
        appointment->status = PICK(sim, appointment_statuses);
        break;
    case 1:
        version->appointments[index] = version->appointments[--version->appointment_count];
        break;
    default:
        draw_slot(sim, appointment);
        break;
    }
}

static bool is_last_listed(const struct sim_upstream *upstream)
{
    size_t count = 0;
    for (size_t i = 0; i < upstream->order_count; i++) {
        count += upstream_now(&upstream->orders[i])->is_listed;
    }
    return count == 1;
}

/* The last one stays: an empty list after a full one is never believed (contract.md section 7). */
static void leave_list(struct sim_upstream *upstream, struct upstream_order *order)
{
    struct sim *sim = upstream->sim;
    if (is_last_listed(upstream)) {
        return;
    }
    struct upstream_version *version = next_version(sim, order);
    version->is_listed = false;
    if (sim_chance(sim, 600)) {
        version->status = PICK(sim, final_statuses);
    }
    order->has_detail = sim_chance(sim, 700);
}

static void edit_listed(struct sim_upstream *upstream, struct upstream_order *order)
{
    struct sim *sim = upstream->sim;
    switch (random_below(&sim->random, 10)) {
    case 0:
    case 1:
    case 2:
        next_version(sim, order)->status =
            sim_chance(sim, 850) ? PICK(sim, statuses) : PICK(sim, final_statuses);
        break;
    case 3:
        next_version(sim, order)->step = PICK(sim, steps);
        break;
    case 4:
        next_version(sim, order)->committed_ms = sim_chance(sim, 800) ? draw_day(sim) : 0;
        break;
    case 5:
        next_version(sim, order)->note_count++;
        break;
    case 6:
        leave_list(upstream, order);
        break;
    default:
        edit_appointment(sim, order);
        break;
    }
}

/* What was done last is undone: the order is as it was, to the byte where it is spelt steadily. */
static bool undo(struct sim_upstream *upstream)
{
    struct upstream_order *order = upstream->edited;
    upstream->edited = NULL;
    if (order == NULL || order->version_count < 2 || !sim_chance(upstream->sim, 150)) {
        return false;
    }
    struct upstream_version before = order->versions[order->version_count - 2];
    if (!before.is_listed || !upstream_now(order)->is_listed) {
        return false;
    }
    before.since_mono_ms = upstream->sim->now.mono_ms;
    *next_version(upstream->sim, order) = before;
    sim_trace(upstream->sim, "upstream %s: back to %s %s", order->id, before.status, before.step);
    return true;
}

void sim_upstream_edit(struct sim_upstream *upstream)
{
    struct sim *sim = upstream->sim;
    if (undo(upstream)) {
        return;
    }
    if (sim_chance(sim, 80)) {
        create_order(upstream);
        return;
    }
    struct upstream_order *order =
        &upstream->orders[random_below(&sim->random, (int64_t)upstream->order_count)];
    if (upstream->has_example && order == &upstream->orders[0]) {
        return;
    }
    if (upstream_now(order)->is_listed) {
        edit_listed(upstream, order);
    } else if (sim_chance(sim, 300)) {
        next_version(sim, order)->is_listed = true;
    } else {
        return;
    }
    upstream->edited = order;
    const struct upstream_version *now = upstream_now(order);
    sim_trace(sim, "upstream %s: %s %s %s, %zu appointments", order->id,
              now->is_listed ? "listed" : "left", now->status, now->step, now->appointment_count);
}

/* --- comparing ----------------------------------------------------------------------------- */

const struct upstream_order *sim_upstream_order(const struct sim_upstream *upstream, const char *id)
{
    for (size_t i = 0; i < upstream->order_count; i++) {
        if (text_equal(upstream->orders[i].id, id)) {
            return &upstream->orders[i];
        }
    }
    return NULL;
}

static bool is_instant(const char *canonical, int64_t ms)
{
    struct date date = date_of(canonical);
    return date.kind == DATE_INSTANT && date.ms == ms;
}

static bool appointment_is(const struct upstream_appointment *truth,
                           const struct appointment *appointment)
{
    char id[16];
    (void)snprintf(id, sizeof id, "R%" PRIu32, truth->number);
    return text_equal(appointment->id, id) &&
           text_equal(appointment->fields[APPOINTMENT_STATUS], truth->status) &&
           is_instant(appointment->fields[APPOINTMENT_START], truth->start_ms) &&
           is_instant(appointment->fields[APPOINTMENT_END], truth->end_ms);
}

bool upstream_version_has(const struct upstream_version *version,
                          const struct appointment *appointment)
{
    for (size_t i = 0; i < version->appointment_count; i++) {
        if (appointment_is(&version->appointments[i], appointment)) {
            return true;
        }
    }
    return false;
}

bool upstream_version_is_without(const struct upstream_version *version,
                                 const struct record *record)
{
    struct date committed = date_of(record->fields[ORDER_COMMITTED_DATE]);
    int64_t committed_ms = committed.kind == DATE_DAY ? committed.ms : 0;
    return text_equal(record->fields[ORDER_STATUS], version->status) &&
           text_equal(record->fields[ORDER_STEP], version->step) &&
           committed_ms == version->committed_ms && record->note_count == version->note_count;
}

bool upstream_version_is(const struct upstream_version *version, const struct record *record)
{
    if (!upstream_version_is_without(version, record) ||
        record->appointment_count != version->appointment_count) {
        return false;
    }
    for (size_t i = 0; i < record->appointment_count; i++) {
        if (!upstream_version_has(version, &record->appointments[i])) {
            return false;
        }
    }
    return true;
}

/* --- rendering ----------------------------------------------------------------------------- */

/* What it says, as a number: the same again is spelt the same. */
static uint64_t content_of(const struct upstream_version *version)
{
    uint64_t sum = hash64(span_of(version->status)) + 3 * hash64(span_of(version->step)) +
                   (uint64_t)version->committed_ms + version->note_count;
    for (size_t i = 0; i < version->appointment_count; i++) {
        const struct upstream_appointment *appointment = &version->appointments[i];
        sum += hash64(span_of(appointment->status)) * (appointment->number + 1) +
               (uint64_t)appointment->start_ms * 3 + (uint64_t)appointment->end_ms;
    }
    return sum;
}

/* The whims of one rendering: a copy of the world with randomness and a clock of its own. */
static struct sim spelling_of(const struct sim_upstream *upstream,
                              const struct upstream_order *order)
{
    struct sim spelling = *upstream->sim;
    spelling.random.state = random_next(&upstream->sim->random);
    if (upstream->is_steady) {
        spelling.random.state = hash64(span_of(order->id)) + content_of(upstream_now(order));
        spelling.now.mono_ms = 0;
    }
    return spelling;
}

static void render_instant(struct sim *sim, int64_t ms, struct text *out)
{
    static const int64_t offsets_h[] = {0, 1, 2, -5};
    int64_t offset = PICK(sim, offsets_h);
    struct civil civil = civil_of(ms + offset * HOUR_MS);
    text_addf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d%s", civil.year, civil.month, civil.day,
              civil.hour, civil.minute, civil.second, sim_chance(sim, 300) ? ".000" : "");
    if (offset == 0) {
        text_add_text(out, "Z\"");
    } else {
        text_addf(out, "%c%02d:00\"", offset < 0 ? '-' : '+', (int)(offset < 0 ? -offset : offset));
    }
}

void upstream_render_appointment(const struct sim_upstream *upstream,
                                 const struct upstream_order *order,
                                 const struct upstream_appointment *appointment, struct text *out)
{
    struct sim spelling = spelling_of(upstream, order);
    text_addf(out, "{\"id\":\"R%" PRIu32 "\",\"start\":", appointment->number);
    render_instant(&spelling, appointment->start_ms, out);
    if (upstream->has_own_appointments) {
        text_add_text(out, ",\"orderId\":");
        text_add_json_text(out, order->id);
    }
    text_addf(out, ",\"status\":\"%s\",\"end\":", appointment->status);
    render_instant(&spelling, appointment->end_ms, out);
    text_add_char(out, '}');
}

static void render_appointments(const struct sim_upstream *upstream,
                                const struct upstream_order *order, struct text *out)
{
    const struct upstream_version *version = upstream_now(order);
    struct sim spelling = spelling_of(upstream, order);
    bool is_reversed = sim_chance(&spelling, 300);
    text_add_text(out, "\"appointments\":[");
    for (size_t i = 0; i < version->appointment_count; i++) {
        size_t index = is_reversed ? version->appointment_count - 1 - i : i;
        text_add_text(out, i != 0 ? "," : "");
        upstream_render_appointment(upstream, order, &version->appointments[index], out);
    }
    text_add_text(out, "],");
}

static void render_notes(const struct upstream_version *version, struct text *out)
{
    text_add_text(out, "\"notes\":[");
    for (uint32_t i = 0; i < version->note_count; i++) {
        text_addf(out, "%s{\"id\":\"%" PRIu32 "\",\"text\":\"note %" PRIu32 "\"}",
                  i != 0 ? "," : "", i, i);
    }
    text_add_char(out, ']');
}

static void render_committed(struct sim *sim, const struct upstream_version *version,
                             struct text *out)
{
    if (version->committed_ms != 0) {
        struct civil civil = civil_of(version->committed_ms);
        text_addf(out, ",\"committedDate\":\"%04d-%02d-%02d\"", civil.year, civil.month, civil.day);
    } else if (sim_chance(sim, 500)) {
        text_add_text(out,
                      sim_chance(sim, 500) ? ",\"committedDate\":null" : ",\"committedDate\":\"\"");
    }
}

void upstream_render(const struct sim_upstream *upstream, const struct upstream_order *order,
                     struct text *out)
{
    const struct upstream_version *version = upstream_now(order);
    struct sim spelling = spelling_of(upstream, order);
    bool is_status_last = sim_chance(&spelling, 300);
    text_add_text(out, "{\"id\":");
    text_add_json_text(out, order->id);
    if (!is_status_last) {
        text_addf(out, ",\"status\":\"%s\"", version->status);
    }
    text_addf(out, ", \"lastUpdate\": %" PRId64 ",\"step\":\"%s\",\"site\":{\"name\":",
              spelling.now.mono_ms, version->step);
    text_add_json_text(out, order->site);
    text_add_text(out, "},");
    if (!upstream->has_own_appointments) {
        render_appointments(upstream, order, out);
    }
    render_notes(version, out);
    render_committed(&spelling, version, out);
    if (is_status_last) {
        text_addf(out, ",\"status\":\"%s\"", version->status);
    }
    text_add_char(out, '}');
}
