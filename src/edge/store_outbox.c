#include "store_internal.h"

#include <stdlib.h>
#include <string.h>

#define BRIEF_COUNT_MAX 100

/* Of each severity the oldest: enough to choose the weightiest from. */
struct member {
    int64_t row, event_row;
};

struct bundle {
    struct member members[4][BUNDLE_EVENTS_MAX];
    size_t member_counts[4];
    struct member chosen[BUNDLE_EVENTS_MAX]; /* the oldest first, then by weight */
    size_t chosen_count;
};

struct due_job {
    struct job job;
    struct due_query query;
    struct bundle *bundle; /* room to work in; NULL until there is one */
    struct delivery *deliveries;
    size_t bytes_given;
    bool is_full;
    struct due_result result;
    store_due_fn *on_done;
};

enum column { ID, LANE, BUNDLE, EVENT, DUE, FIRST_DUE, ATTEMPTS, CREATED, PROGRESS, LAST, RETRY };

static void load_event(struct database *database, struct arena *arena, int64_t event_row,
                       struct event *out)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_FETCH);
    bind_number(row, 1, event_row);
    if (!database_next(database, row)) {
        (void)database_fail(database, STATUS_CORRUPT, "a delivery has no event");
        return;
    }
    event_read(database, arena, row, 0, out);
    statement_reset(row);
}

/* Walks the rows that leave together: of the head's lane and bundle, without a gap. */
static void count_bundle(struct database *database, struct due_job *due, struct delivery *delivery,
                         int64_t last_row)
{
    struct bundle *bundle = due->bundle;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_LANE_VISIT);
    bind_text(row, 1, due->query.sink_name);
    bind_text(row, 2, delivery->lane);
    bind_number(row, 3, delivery->id);
    bind_number(row, 4, last_row);
    while (database_next(database, row)) {
        const char *name = column_text(row, 3);
        if (!text_equal(name, delivery->bundle)) {
            break;
        }
        int64_t severity = column_number(row, 2);
        CHECK(severity >= SEVERITY_INFO && severity <= SEVERITY_CRITICAL);
        delivery->last_id = column_number(row, 0);
        delivery->event_total++;
        delivery->severity_counts[severity]++;
        size_t *count = &bundle->member_counts[severity];
        if (*count < BUNDLE_EVENTS_MAX) {
            bundle->members[severity][(*count)++] =
                (struct member){.row = delivery->last_id, .event_row = column_number(row, 1)};
        }
    }
    statement_reset(row);
}

static void choose_others(struct bundle *bundle, int severity)
{
    for (size_t i = 0; i < bundle->member_counts[severity]; i++) {
        struct member member = bundle->members[severity][i];
        if (member.row != bundle->chosen[0].row && bundle->chosen_count < BUNDLE_EVENTS_MAX) {
            bundle->chosen[bundle->chosen_count++] = member;
        }
    }
}

/* The oldest stays the first whatever joins, for it gives a mail its identity. */
static void choose_members(struct bundle *bundle, struct member head)
{
    bundle->chosen[0] = head;
    bundle->chosen_count = 1;
    for (int severity = SEVERITY_CRITICAL; severity >= SEVERITY_INFO; severity--) {
        choose_others(bundle, severity);
    }
}

struct loaded {
    int64_t row;
    struct event event;
};

static int compare_loaded(const void *left, const void *right)
{
    const struct loaded *a = left;
    const struct loaded *b = right;
    return (a->row > b->row) - (a->row < b->row);
}

/* Loads what fits. False: not all of it did, and the delivery is not the first one given. */
static bool load_members(struct database *database, struct due_job *due, struct delivery *delivery)
{
    struct arena *arena = due->job.arena;
    const struct bundle *bundle = due->bundle;
    struct loaded *loaded = arena_array(arena, bundle->chosen_count, sizeof *loaded);
    size_t count = 0;
    size_t bytes = 0;
    while (count < bundle->chosen_count && database_is_ok(database)) {
        struct loaded *next = &loaded[count];
        next->row = bundle->chosen[count].row;
        load_event(database, arena, bundle->chosen[count].event_row, &next->event);
        bytes += next->event.json.size + next->event.personal.size;
        bool fits = bytes <= due->query.bytes_max - due->bytes_given;
        if (!fits && due->result.delivery_count != 0) {
            return false;
        }
        if (!fits && count != 0) {
            break;
        }
        count++;
    }
    qsort(loaded, count, sizeof *loaded, compare_loaded);
    struct event *events = arena_array(arena, count, sizeof *events);
    for (size_t i = 0; i < count; i++) {
        events[i] = loaded[i].event;
    }
    delivery->events = events;
    delivery->event_count = count;
    due->bytes_given = bytes < due->query.bytes_max - due->bytes_given ? due->bytes_given + bytes
                                                                       : due->query.bytes_max;
    return true;
}

static struct delivery read_head(struct due_job *due, struct sqlite3_stmt *row)
{
    struct arena *arena = due->job.arena;
    return (struct delivery){
        .id = column_number(row, ID),
        .last_id = column_number(row, ID),
        .sink_name = due->query.sink_name,
        .lane = column_copy(arena, row, LANE),
        .bundle = column_is_null(row, BUNDLE) ? NULL : column_copy(arena, row, BUNDLE),
        .attempts_made = (uint32_t)column_number(row, ATTEMPTS),
        .created_wall_ms = column_number(row, CREATED),
        .first_due_wall_ms = column_number(row, FIRST_DUE),
        .progress = column_copy(arena, row, PROGRESS),
    };
}

static void note_next(struct due_job *due, int64_t due_wall_ms)
{
    if (due_wall_ms < due->result.next_due_wall_ms) {
        due->result.next_due_wall_ms = due_wall_ms;
    }
}

/* Whether anything planned to leave no later, and before it, is pending in another lane at all:
 * most often not, and then its orders need no look. */
static bool has_elders(struct database *database, const struct delivery *delivery)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_ELDER_EXISTS);
    bind_text(row, 1, delivery->sink_name);
    bind_text(row, 2, delivery->lane);
    bind_number(row, 3, delivery->last_id);
    bind_number(row, 4, delivery->first_due_wall_ms);
    bool result = database_next(database, row);
    statement_reset(row);
    return result;
}

/* When the first of those was planned to leave that a row of it would overtake; INSTANT_NEVER:
 * there is none. */
static int64_t elder_due(struct database *database, const struct delivery *delivery, int64_t id,
                         int64_t event_row)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_ELDER_OF_ORDER);
    bind_number(row, 1, event_row);
    bind_text(row, 2, delivery->sink_name);
    bind_text(row, 3, delivery->lane);
    bind_number(row, 4, id);
    bind_number(row, 5, delivery->first_due_wall_ms);
    bool is_found = database_next(database, row) && !column_is_null(row, 0);
    int64_t due_wall_ms = is_found ? column_number(row, 0) : INSTANT_NEVER;
    statement_reset(row);
    return due_wall_ms;
}

struct overtaking {
    int64_t id;                /* of the first row that would overtake; 0: none would */
    int64_t elder_due_wall_ms; /* what it would overtake was planned then */
};

static struct overtaking find_overtaking(struct database *database, const struct delivery *delivery)
{
    struct overtaking found = {.id = 0};
    if (!has_elders(database, delivery)) {
        return found;
    }
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_LANE_VISIT);
    bind_text(row, 1, delivery->sink_name);
    bind_text(row, 2, delivery->lane);
    bind_number(row, 3, delivery->id);
    bind_number(row, 4, delivery->last_id);
    while (found.id == 0 && database_next(database, row)) {
        int64_t id = column_number(row, 0);
        found.elder_due_wall_ms = elder_due(database, delivery, id, column_number(row, 1));
        found.id = found.elder_due_wall_ms != INSTANT_NEVER ? id : 0;
    }
    statement_reset(row);
    return found;
}

static void measure_bundle(struct database *database, struct due_job *due,
                           struct delivery *delivery, int64_t last_row)
{
    for (size_t i = 0; i < ARRAY_COUNT(due->bundle->member_counts); i++) {
        due->bundle->member_counts[i] = 0;
        delivery->severity_counts[i] = 0;
    }
    delivery->event_total = 0;
    if (delivery->bundle != NULL) {
        count_bundle(database, due, delivery, last_row);
    }
}

/* What was planned for the same moment may itself wait for this bundle. */
static bool waits_as_a_whole(const struct delivery *delivery, const struct overtaking *barred,
                             int64_t now_wall_ms)
{
    return barred->id == delivery->id ||
           (barred->elder_due_wall_ms < delivery->first_due_wall_ms &&
            now_wall_ms < delivery->first_due_wall_ms + BUNDLE_WAIT_MS);
}

/* False: it waits; the settlement of what it waits for makes the outlet ask again. */
static bool cut_before_overtaking(struct database *database, struct due_job *due,
                                  struct delivery *delivery)
{
    struct overtaking barred = {.id = 0};
    if (due->query.lanes_cross) {
        barred = find_overtaking(database, delivery);
    }
    if (barred.id == 0) {
        return true;
    }
    if (waits_as_a_whole(delivery, &barred, due->query.now_wall_ms)) {
        if (barred.id != delivery->id) {
            note_next(due, delivery->first_due_wall_ms + BUNDLE_WAIT_MS);
        }
        return false;
    }
    measure_bundle(database, due, delivery, barred.id - 1);
    return true;
}

/* False: it must wait for another query. */
static bool give(struct database *database, struct due_job *due, struct sqlite3_stmt *row)
{
    if (due->result.delivery_count == due->query.count_max ||
        (due->result.delivery_count != 0 && due->bytes_given >= due->query.bytes_max)) {
        return false;
    }
    struct delivery delivery = read_head(due, row);
    struct member head = {.row = delivery.id, .event_row = column_number(row, EVENT)};
    if (due->bundle == NULL) {
        due->bundle = arena_alloc(due->job.arena, sizeof *due->bundle);
    }
    bool is_fixed = !column_is_null(row, LAST); /* by an earlier attempt */
    measure_bundle(database, due, &delivery, is_fixed ? column_number(row, LAST) : INT64_MAX);
    if (!cut_before_overtaking(database, due, &delivery)) {
        return true;
    }
    choose_members(due->bundle, head);
    if (!load_members(database, due, &delivery)) {
        return false;
    }
    if (delivery.bundle == NULL && database_is_ok(database)) {
        delivery.event_total = 1;
        delivery.severity_counts[delivery.events[0].severity] = 1;
    }
    due->deliveries[due->result.delivery_count++] = delivery;
    return true;
}

static int compare_ids(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static bool is_in_hand(const struct due_job *due, int64_t id)
{
    const struct due_query *query = &due->query;
    return query->except_count != 0 &&
           bsearch(&id, query->except, query->except_count, sizeof id, compare_ids) != NULL;
}

static bool is_given(const struct due_job *due, int64_t id)
{
    for (size_t i = 0; i < due->result.delivery_count; i++) {
        if (due->deliveries[i].id == id) {
            return true;
        }
    }
    return false;
}

static int64_t reach_of(const struct due_query *query)
{
    return query->untried_wall_ms > query->now_wall_ms ? query->untried_wall_ms
                                                       : query->now_wall_ms;
}

static bool is_due(const struct due_query *query, struct sqlite3_stmt *row)
{
    int64_t due_wall_ms = column_number(row, DUE);
    if (column_number(row, RETRY) != 0) {
        return due_wall_ms <= query->now_wall_ms || due_wall_ms > query->horizon_wall_ms;
    }
    bool may_be_early =
        strncmp(column_text(row, LANE), query->untried_lanes, strlen(query->untried_lanes)) == 0;
    return due_wall_ms <= (may_be_early ? reach_of(query) : query->now_wall_ms);
}

/* What the calendar made due, earliest first. */
static void give_due(struct database *database, struct due_job *due)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_HEAD_VISIT);
    bind_text(row, 1, due->query.sink_name);
    bind_number(row, 2, INT64_MIN);
    while (!due->is_full && database_next(database, row)) {
        int64_t due_wall_ms = column_number(row, DUE);
        if (due_wall_ms > reach_of(&due->query)) {
            break;
        }
        if (is_in_hand(due, column_number(row, ID))) {
            continue;
        }
        if (!is_due(&due->query, row)) {
            note_next(due, due_wall_ms);
        } else if (!give(database, due, row)) {
            note_next(due, due->query.now_wall_ms);
            due->is_full = true;
        }
    }
    statement_reset(row);
}

/* What must not wait until its due, since the clock went back: a retry that is further away than
 * any wait that was given, and what was due when it was created. */
static bool is_stranded(const struct due_query *query, struct sqlite3_stmt *row)
{
    int64_t due_wall_ms = column_number(row, DUE);
    return due_wall_ms <= column_number(row, CREATED) ||
           (column_number(row, RETRY) != 0 && due_wall_ms > query->horizon_wall_ms);
}

static void give_stranded(struct database *database, struct due_job *due)
{
    const struct due_query *query = &due->query;
    int64_t reach = reach_of(query);
    int64_t horizon = query->horizon_wall_ms > reach ? query->horizon_wall_ms : reach;
    struct sqlite3_stmt *row = database_statement(
        database, query->has_gone_back ? STATEMENT_HEAD_VISIT : STATEMENT_RETRY_VISIT);
    bind_text(row, 1, query->sink_name);
    bind_number(row, 2, query->has_gone_back ? reach : horizon);
    while (!due->is_full && database_next(database, row)) {
        if (is_stranded(query, row) && !is_in_hand(due, column_number(row, ID)) &&
            !give(database, due, row)) {
            note_next(due, query->now_wall_ms);
            due->is_full = true;
        }
    }
    statement_reset(row);
}

static void find_next(struct database *database, struct due_job *due)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_HEAD_VISIT);
    bind_text(row, 1, due->query.sink_name);
    bind_number(row, 2, reach_of(&due->query));
    while (!due->is_full && database_next(database, row)) {
        int64_t id = column_number(row, ID);
        if (!is_in_hand(due, id) && !is_given(due, id)) {
            note_next(due, column_number(row, DUE));
            break;
        }
    }
    statement_reset(row);
}

/* It tells that the clock went back in an earlier life. Whatever waits may be the one that tells,
 * and all of it is read: once a life. */
static int64_t find_newest(struct database *database, const struct due_job *due)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_NEWEST_WAITING);
    bind_text(row, 1, due->query.sink_name);
    bind_number(row, 2, due->query.now_wall_ms);
    bool is_found = database_next(database, row) && !column_is_null(row, 0);
    int64_t newest_wall_ms = is_found ? column_number(row, 0) : INT64_MIN;
    statement_reset(row);
    return newest_wall_ms;
}

static void run_fetch_due(struct database *database, struct job *job)
{
    struct due_job *due = (struct due_job *)job;
    give_due(database, due);
    give_stranded(database, due);
    find_next(database, due);
    due->result.newest_wall_ms = due->query.asks_newest ? find_newest(database, due) : INT64_MIN;
}

static void tell_due(struct job *job)
{
    struct due_job *due = (struct due_job *)job;
    struct due_result failed = {.next_due_wall_ms = INSTANT_NEVER, .newest_wall_ms = INT64_MIN};
    due->result.deliveries = due->deliveries;
    struct due_result *result = job->status == STATUS_OK ? &due->result : &failed;
    result->status = job->status;
    result->detail = job->detail;
    due->on_done(job->arg, result);
}

void store_fetch_due(void *self, const struct due_query *query, store_due_fn *on_done, void *arg)
{
    CHECK(query->count_max != 0 && query->count_max <= 100000);
    struct due_job *due = (struct due_job *)job_create(sizeof *due, run_fetch_due, tell_due, arg);
    struct arena *arena = due->job.arena;
    due->job.is_brief = query->count_max <= BRIEF_COUNT_MAX;
    due->query = *query;
    due->query.sink_name = arena_text(arena, span_of(query->sink_name));
    due->query.untried_lanes = arena_text(arena, span_of(query->untried_lanes));
    int64_t *except = arena_array(arena, query->except_count, sizeof *except);
    for (size_t i = 0; i < query->except_count; i++) {
        except[i] = query->except[i];
    }
    due->query.except = except;
    due->deliveries = arena_array(arena, query->count_max, sizeof *due->deliveries);
    due->result.next_due_wall_ms = INSTANT_NEVER;
    due->on_done = on_done;
    store_ask(self, &due->job);
}
