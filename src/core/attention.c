#include "core/attention.h"

#include "core/date.h"
#include "core/history.h"
#include "core/record.h"
#include "core/zone.h"

/* Who is looked at first. An order whose technician comes tomorrow is the one whose move costs a
 * journey: it goes before all. Then those that changed lately, because changes come in groups: a
 * status, then its date, then the appointment. Everything else waits for the sweep, which sees it
 * all and is never later for it. */
#define NEAR_MS (48 * HOUR_MS)
/* An appointment that has begun is watched on: done, missed or moved, its outcome comes now. A
 * plain day counts from its midnight, so this takes it past its morning. */
#define UNDER_WAY_MS (12 * HOUR_MS)
#define RECENT_MS (2 * HOUR_MS)

/* How often. Six times as often as the sweep makes a change known in a sixth of the time, and is
 * still what somebody would do by hand; recent ones half as often. Below ten seconds an API gains
 * nothing, and whoever sweeps that fast has no need of it. */
#define LOOKS_PER_SWEEP 6
#define GAP_MS_MIN 10000

/* How many. What look-ups cost stays in proportion to the sweep, so that the operator sees at most
 * twice its requests, and ten more where the sweep is small. Of what the budget leaves they take
 * half: the rest is for tokens, retries and the details of orders that are missing. */
#define ALLOWANCE_MIN 10

static int64_t larger(int64_t left, int64_t right)
{
    return left > right ? left : right;
}

/* --- who is near ------------------------------------------------------------------------------ */

static bool start_of(const struct appointment *appointment, const struct zone *zone, int64_t *out)
{
    struct date start = date_of(appointment->fields[APPOINTMENT_START]);
    if (start.kind == DATE_NONE || !history_will_take_place(appointment->kind)) {
        return false;
    }
    *out = start.kind == DATE_INSTANT ? start.ms : zone_to_utc(zone, start.ms);
    return true;
}

uint32_t attention_start_min(const struct record *record, const struct zone *zone,
                             int64_t now_wall_ms)
{
    int64_t earliest_ms = INSTANT_NEVER;
    for (size_t i = 0; i < record->appointment_count && !order_kind_is_final(record->kind); i++) {
        int64_t start_ms = 0;
        if (start_of(&record->appointments[i], zone, &start_ms) &&
            start_ms > now_wall_ms - UNDER_WAY_MS && start_ms < earliest_ms) {
            earliest_ms = start_ms;
        }
    }
    int64_t minutes = earliest_ms / MINUTE_MS;
    return minutes > 0 && minutes < ATTENTION_UNKNOWN ? (uint32_t)minutes : ATTENTION_NONE;
}

bool attention_is_over(uint32_t start_min, int64_t now_wall_ms)
{
    return start_min != ATTENTION_NONE && start_min != ATTENTION_UNKNOWN &&
           start_min * MINUTE_MS <= now_wall_ms - UNDER_WAY_MS;
}

bool attention_is_near(uint32_t start_min, int64_t now_wall_ms)
{
    return start_min != ATTENTION_NONE && start_min != ATTENTION_UNKNOWN &&
           !attention_is_over(start_min, now_wall_ms) &&
           start_min * MINUTE_MS <= now_wall_ms + NEAR_MS;
}

/* --- who is noted ----------------------------------------------------------------------------- */

static struct attention_item *find(struct attention_item *items, size_t count, uint32_t position)
{
    for (size_t i = 0; i < count; i++) {
        if (items[i].position == position) {
            return &items[i];
        }
    }
    return NULL;
}

static void take_out(struct attention_item *items, size_t *count, uint32_t position)
{
    struct attention_item *item = find(items, *count, position);
    if (item != NULL) {
        *item = items[--*count];
    }
}

/* Those that were noted and are no more have no start by now; who has one loses it until noted. */
static void begin_near(struct attention *attention)
{
    size_t count = 0;
    for (size_t i = 0; i < attention->near_count; i++) {
        if (attention->near[i].start_min != ATTENTION_NONE) {
            attention->near[count] = attention->near[i];
            attention->near[count++].start_min = ATTENTION_NONE;
        }
    }
    attention->near_count = count;
}

void attention_sweep(struct attention *attention, int64_t now_ms)
{
    attention->swept_ms = now_ms;
    begin_near(attention);
    size_t count = 0;
    for (size_t i = 0; i < attention->recent_count; i++) {
        if (attention->recent[i].changed_ms > now_ms - RECENT_MS) {
            attention->recent[count++] = attention->recent[i];
        }
    }
    attention->recent_count = count;
}

/* The one to give up for another: none at all counts as the latest. */
static struct attention_item *latest_start(struct attention *attention)
{
    struct attention_item *latest = &attention->near[0];
    for (size_t i = 1; i < attention->near_count; i++) {
        bool is_later = attention->near[i].start_min - 1 > latest->start_min - 1;
        latest = is_later ? &attention->near[i] : latest;
    }
    return latest;
}

void attention_note_start(struct attention *attention, uint32_t position, uint32_t start_min,
                          int64_t now_wall_ms)
{
    struct attention_item *item = find(attention->near, attention->near_count, position);
    bool is_near = attention_is_near(start_min, now_wall_ms);
    if (item != NULL) {
        item->start_min = is_near ? start_min : ATTENTION_NONE;
    } else if (is_near && attention->near_count < ATTENTION_NEAR_MAX) {
        attention->near[attention->near_count++] =
            (struct attention_item){.position = position, .start_min = start_min};
    } else if (is_near && latest_start(attention)->start_min - 1 > start_min - 1) {
        *latest_start(attention) =
            (struct attention_item){.position = position, .start_min = start_min};
    }
}

static struct attention_item *earliest_change(struct attention *attention)
{
    struct attention_item *earliest = &attention->recent[0];
    for (size_t i = 1; i < attention->recent_count; i++) {
        bool is_earlier = attention->recent[i].changed_ms < earliest->changed_ms;
        earliest = is_earlier ? &attention->recent[i] : earliest;
    }
    return earliest;
}

void attention_note_changed(struct attention *attention, uint32_t position, int64_t now_ms)
{
    struct attention_item *item = find(attention->recent, attention->recent_count, position);
    if (item == NULL) {
        item = attention->recent_count < ATTENTION_RECENT_MAX
                   ? &attention->recent[attention->recent_count++]
                   : earliest_change(attention);
        *item = (struct attention_item){.position = position};
    }
    item->changed_ms = now_ms;
}

void attention_forget(struct attention *attention, uint32_t position)
{
    take_out(attention->near, &attention->near_count, position);
    take_out(attention->recent, &attention->recent_count, position);
}

/* --- how much --------------------------------------------------------------------------------- */

/* Requests that nobody plans: a token, a retry, a detail. */
static uint32_t reserve_of(const struct attention_room *room)
{
    return room->limit / 10 + 1;
}

uint32_t attention_allowance(const struct attention_room *room)
{
    int64_t capacity =
        (int64_t)((double)room->limit * (double)room->every_ms / (double)room->window_ms);
    int64_t spare = (capacity - room->sweep_count - reserve_of(room)) / 2;
    int64_t fair = (int64_t)ALLOWANCE_MIN + room->sweep_count;
    int64_t allowance = spare < fair ? spare : fair;
    return allowance > 0 ? (uint32_t)allowance : 0;
}

/* A look-up that is over a whole window before the sweep takes no place from it. A later one has to
 * leave it all that it needs. */
bool attention_has_room(const struct attention_room *room)
{
    uint32_t kept = reserve_of(room);
    if (room->due_in_ms <= room->window_ms + room->answer_ms_max) {
        kept += room->sweep_count;
    }
    return room->left > kept;
}

/* --- whose turn it is ------------------------------------------------------------------------- */

struct choice {
    struct attention_item *item;
    int64_t due_ms;
};

static int64_t seen_ms(const struct attention *attention, const struct attention_item *item)
{
    return larger(item->looked_ms, attention->swept_ms);
}

/* Of those that are due, who was not looked at for longest; of those, whose appointment is nearest.
 * If none is, who will be first. */
static void consider(const struct attention *attention, struct attention_item *item, int64_t gap_ms,
                     int64_t now_ms, struct choice *best)
{
    struct choice other = {.item = item, .due_ms = seen_ms(attention, item) + gap_ms};
    if (best->item == NULL) {
        *best = other;
        return;
    }
    bool are_due = other.due_ms <= now_ms && best->due_ms <= now_ms;
    int64_t rank = are_due ? item->looked_ms : other.due_ms;
    int64_t best_rank = are_due ? best->item->looked_ms : best->due_ms;
    if (rank < best_rank || (rank == best_rank && item->start_min < best->item->start_min)) {
        *best = other;
    }
}

static struct choice choose_near(struct attention *attention, int64_t gap_ms, struct instant now)
{
    struct choice best = {.due_ms = INSTANT_NEVER};
    for (size_t i = 0; i < attention->near_count; i++) {
        if (attention_is_near(attention->near[i].start_min, now.wall_ms)) {
            consider(attention, &attention->near[i], gap_ms, now.mono_ms, &best);
        }
    }
    return best;
}

static struct choice choose_recent(struct attention *attention, int64_t gap_ms, int64_t now_ms)
{
    struct choice best = {.due_ms = INSTANT_NEVER};
    for (size_t i = 0; i < attention->recent_count; i++) {
        struct attention_item *item = &attention->recent[i];
        bool is_recent = item->changed_ms > now_ms - RECENT_MS;
        if (is_recent && find(attention->near, attention->near_count, item->position) == NULL) {
            consider(attention, item, gap_ms, now_ms, &best);
        }
    }
    return best;
}

static size_t count_near(const struct attention *attention)
{
    size_t count = 0;
    for (size_t i = 0; i < attention->near_count; i++) {
        count += attention->near[i].start_min != ATTENTION_NONE ? 1 : 0;
    }
    return count;
}

/* Evenly, one after the other: a burst would use up what the next minute may need. */
static int64_t spacing_ms(const struct attention *attention, const struct attention_room *room,
                          int64_t gap_ms)
{
    int64_t wanted = (int64_t)(2 * count_near(attention) + attention->recent_count + 1) / 2;
    int64_t spacing = gap_ms / larger(wanted, 1);
    return larger(spacing, room->every_ms / ((int64_t)attention_allowance(room) + 1));
}

int64_t attention_next(struct attention *attention, const struct attention_room *room,
                       struct instant now, struct attention_item **out)
{
    *out = NULL;
    int64_t gap_ms = larger(room->every_ms / LOOKS_PER_SWEEP, GAP_MS_MIN);
    int64_t free_ms =
        larger(attention->looked_ms, attention->swept_ms) + spacing_ms(attention, room, gap_ms);
    struct choice choice = choose_near(attention, gap_ms, now);
    struct choice recent = choose_recent(attention, 2 * gap_ms, now.mono_ms);
    if (choice.item == NULL || (choice.due_ms > now.mono_ms && recent.due_ms < choice.due_ms)) {
        choice = recent;
    }
    /* What the sweep is about to see need not be looked at. */
    bool is_seen_soon = choice.item == NULL || attention_allowance(room) == 0 ||
                        now.mono_ms + room->due_in_ms < larger(choice.due_ms, free_ms) + gap_ms / 2;
    if (is_seen_soon) {
        return INSTANT_NEVER;
    }
    int64_t due_ms = larger(choice.due_ms, free_ms);
    *out = due_ms <= now.mono_ms ? choice.item : NULL;
    return due_ms;
}
