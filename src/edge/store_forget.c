/* Forgetting: by age in small steps, and one order as a whole. Nothing pending or parked goes
 * unless the operator says so. */
#include "core/ticket.h"

#include "store_internal.h"

#include <string.h>

/* Events looked at in one step: some milliseconds. */
#define STEP_EVENTS 200

/* Free pages are used again before the file grows. What is given back to the disk is the surplus
 * over a quarter of the file, some pages a step. */
#define FREE_PAGES_KEPT 256

struct forget_job {
    struct job job;
    int64_t before_wall_ms;
    struct forget_query query;
    enum status verdict; /* of an order; the transaction itself went well */
    struct forgotten done;
    store_forgot_fn *on_done;
};

struct old_event {
    int64_t row;
    const char *source_name, *order_id;
};

/* A delivery of an event. */
struct member {
    int64_t row;
    const char *sink_name, *lane;
    enum delivery_state state;
    bool is_head;
};

static void tell_forgotten(struct job *job)
{
    struct forget_job *forget = (struct forget_job *)job;
    static const struct forgotten nothing = {0};
    bool is_true = job->status == STATUS_OK || job->status == STATUS_BUSY;
    forget->on_done(job->arg, job->status, job->detail, is_true ? &forget->done : &nothing);
}

static struct forget_job *forget_job_create(job_run_fn *run, store_forgot_fn *on_done, void *arg)
{
    struct forget_job *forget =
        (struct forget_job *)job_create(sizeof *forget, run, tell_forgotten, arg);
    forget->on_done = on_done;
    return forget;
}

/* --- one event -------------------------------------------------------------------------------- */

static void run_on(struct database *database, enum statement statement, int64_t row)
{
    struct sqlite3_stmt *prepared = database_statement(database, statement);
    bind_number(prepared, 1, row);
    (void)database_run(database, prepared);
}

static bool is_open(struct database *database, int64_t event_row)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_IS_OPEN);
    bind_number(row, 1, event_row);
    bool has_open = database_next(database, row);
    statement_reset(row);
    return has_open;
}

/* The first delivery of the event after this one. */
static bool find_member(struct database *database, struct arena *arena, int64_t event_row,
                        int64_t after, struct member *out)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_DELIVERY_OF_EVENT);
    bind_number(row, 1, event_row);
    bind_number(row, 2, after);
    if (!database_next(database, row)) {
        return false;
    }
    *out = (struct member){.row = column_number(row, 0),
                           .sink_name = column_copy(arena, row, 1),
                           .lane = column_copy(arena, row, 2),
                           .state = (enum delivery_state)column_number(row, 3),
                           .is_head = column_number(row, 4) != 0};
    statement_reset(row);
    return true;
}

/* What has not ended leaves the books, and its lane goes on with what comes next. */
static void drop_open(struct database *database, const struct member *member)
{
    counts_add(database, member->sink_name,
               (struct count_change){.observed = -1,
                                     .pending = member->state == DELIVERY_PENDING ? -1 : 0,
                                     .parked = member->state == DELIVERY_PARKED ? -1 : 0});
    if (member->is_head) {
        struct sqlite3_stmt *promote = database_statement(database, STATEMENT_LANE_PROMOTE);
        bind_text(promote, 1, member->sink_name);
        bind_text(promote, 2, member->lane);
        (void)database_run(database, promote);
    }
}

static void forget_event(struct database *database, int64_t event_row, struct forget_job *forget)
{
    struct member member = {.row = 0};
    while (find_member(database, forget->job.arena, event_row, member.row, &member)) {
        run_on(database, STATEMENT_DELIVERY_FORGET, member.row);
        forget->done.delivery_count++;
        if (member.state == DELIVERY_PENDING || member.state == DELIVERY_PARKED) {
            forget->done.open_count++;
            drop_open(database, &member);
        }
    }
    run_on(database, STATEMENT_EVENT_FORGET, event_row);
    forget->done.event_count++;
}

/* --- one record ------------------------------------------------------------------------------- */

static void run_on_order(struct database *database, enum statement statement,
                         const char *source_name, const char *order_id)
{
    struct sqlite3_stmt *prepared = database_statement(database, statement);
    bind_text(prepared, 1, source_name);
    bind_text(prepared, 2, order_id);
    (void)database_run(database, prepared);
}

/* The row in records, by one of two statements; 0: none. */
static int64_t find_record(struct database *database, enum statement statement,
                           const char *source_name, const char *order_id)
{
    struct sqlite3_stmt *find = database_statement(database, statement);
    bind_text(find, 1, source_name);
    bind_text(find, 2, order_id);
    int64_t record = database_next(database, find) ? column_number(find, 0) : 0;
    statement_reset(find);
    return record;
}

static void forget_record(struct database *database, int64_t record, const char *source_name,
                          const char *order_id, struct arena *arena)
{
    struct span deadlines = deadlines_of(database, record, arena);
    deadlines_change(database, source_name, order_id, deadlines, (struct span){.data = NULL},
                     arena);
    run_on(database, STATEMENT_RECORD_FORGET, record);
    run_on_order(database, STATEMENT_ORDER_FORGET, source_name, order_id);
    state_take_back(database, source_name, order_id);
}

/* --- tickets ---------------------------------------------------------------------------------- */

/* All keys from first to before last, which ends with the character after '/'. */
static size_t forget_tickets_of(struct database *database, struct arena *arena,
                                const char *sink_name, const char *order_prefix)
{
    size_t size = strlen(order_prefix);
    CHECK(size != 0 && order_prefix[size - 1] == '/');
    const char *first = arena_format(arena, "ticket/%s/%s", sink_name, order_prefix);
    const char *last =
        arena_format(arena, "ticket/%s/%.*s%c", sink_name, (int)size - 1, order_prefix, '/' + 1);
    struct sqlite3_stmt *forget = database_statement(database, STATEMENT_TICKET_FORGET);
    bind_text(forget, 1, first);
    bind_text(forget, 2, last);
    return (size_t)database_run(database, forget);
}

static size_t forget_tickets(struct database *database, struct arena *arena,
                             const char *source_name, const char *order_id)
{
    const struct event event = {.source_name = source_name, .order_id = order_id};
    const char *order_prefix = ticket_order_prefix(&event, arena);
    size_t count = 0;
    struct sqlite3_stmt *sink = database_statement(database, STATEMENT_SINK_NAMES);
    while (database_next(database, sink)) {
        count += forget_tickets_of(database, arena, column_text(sink, 0), order_prefix);
    }
    return count;
}

/* --- by age ----------------------------------------------------------------------------------- */

static void forget_left(struct database *database, const struct old_event *event,
                        struct forget_job *forget)
{
    int64_t record = event->order_id[0] != '\0' ? find_record(database, STATEMENT_ORDER_LEFT_FIND,
                                                              event->source_name, event->order_id)
                                                : 0;
    if (record != 0) {
        forget_record(database, record, event->source_name, event->order_id, forget->job.arena);
        forget->done.ticket_count +=
            forget_tickets(database, forget->job.arena, event->source_name, event->order_id);
        forget->done.order_count++;
    }
}

static size_t list_old(struct database *database, const struct forget_job *forget,
                       struct old_event out[static STEP_EVENTS])
{
    size_t count = 0;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_OLD);
    bind_number(row, 1, database->forgotten_row);
    bind_number(row, 2, STEP_EVENTS);
    while (count < STEP_EVENTS && database_next(database, row) &&
           column_number(row, 1) < forget->before_wall_ms) {
        out[count++] = (struct old_event){.row = column_number(row, 0),
                                          .source_name = column_copy(forget->job.arena, row, 2),
                                          .order_id = column_copy(forget->job.arena, row, 3)};
    }
    statement_reset(row);
    return count;
}

static int64_t ask_number(struct database *database, enum statement statement)
{
    struct sqlite3_stmt *row = database_statement(database, statement);
    int64_t number = database_next(database, row) ? column_number(row, 0) : 0;
    statement_reset(row);
    return number;
}

/* True: some pages went back to the disk, and more may follow. */
static bool return_pages(struct database *database)
{
    int64_t count = ask_number(database, STATEMENT_PAGE_COUNT);
    int64_t free_count = ask_number(database, STATEMENT_PAGE_FREE_COUNT);
    if (free_count <= FREE_PAGES_KEPT || free_count <= count / 4) {
        return false;
    }
    (void)database_run(database, database_statement(database, STATEMENT_PAGE_RETURN));
    return ask_number(database, STATEMENT_PAGE_FREE_COUNT) < free_count;
}

/* Goes through the events from the oldest on, step by step, and begins anew when it has met one
 * that is young enough. */
static void run_forget_events(struct database *database, struct job *job)
{
    struct forget_job *forget = (struct forget_job *)job;
    struct old_event events[STEP_EVENTS];
    size_t count = list_old(database, forget, events);
    for (size_t i = 0; i < count; i++) {
        if (!is_open(database, events[i].row)) {
            forget_event(database, events[i].row, forget);
            forget_left(database, &events[i], forget);
        }
    }
    if (count != 0) {
        database->forgotten_row = events[count - 1].row;
    } else if (!return_pages(database)) {
        database->forgotten_row = 0;
        forget->done.is_done = true;
    }
}

/* The log keeps what pages held until it is written over, which may be days. */
static void wipe_log(struct database *database)
{
    database_wipe_log(database);
    database->has_forgotten = !database_is_ok(database); /* then the next pass tries again */
}

static void end_forget_events(struct database *database, struct job *job)
{
    const struct forget_job *forget = (const struct forget_job *)job;
    if (job->status != STATUS_OK) {
        return;
    }
    database->has_forgotten = database->has_forgotten || forget->done.event_count != 0;
    if (forget->done.is_done && database->has_forgotten) {
        wipe_log(database);
    }
}

void store_forget_events(void *self, int64_t before_wall_ms, store_forgot_fn *on_done, void *arg)
{
    struct forget_job *forget = forget_job_create(run_forget_events, on_done, arg);
    forget->job.ended = end_forget_events;
    forget->before_wall_ms = before_wall_ms;
    store_ask(self, &forget->job);
}

/* --- one order -------------------------------------------------------------------------------- */

static int64_t next_event(struct database *database, const struct forget_query *query,
                          int64_t after)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_OF_ORDER);
    bind_text(row, 1, query->source_name);
    bind_text(row, 2, query->order_id);
    bind_number(row, 3, after);
    bind_number(row, 4, 1);
    int64_t event_row = database_next(database, row) ? column_number(row, 0) : 0;
    statement_reset(row);
    return event_row;
}

static size_t count_open(struct database *database, struct forget_job *forget)
{
    size_t count = 0;
    for (int64_t row = 0; (row = next_event(database, &forget->query, row)) != 0;) {
        struct member member = {.row = 0};
        while (find_member(database, forget->job.arena, row, member.row, &member)) {
            count += member.state == DELIVERY_PENDING || member.state == DELIVERY_PARKED;
        }
    }
    return count;
}

static void run_forget_order(struct database *database, struct job *job)
{
    struct forget_job *forget = (struct forget_job *)job;
    const struct forget_query *query = &forget->query;
    int64_t record =
        find_record(database, STATEMENT_ORDER_FIND, query->source_name, query->order_id);
    if (record == 0 && next_event(database, query, 0) == 0) {
        forget->verdict = STATUS_NOT_FOUND;
        return;
    }
    size_t open_count = query->drops_open ? 0 : count_open(database, forget);
    if (open_count != 0) {
        forget->verdict = STATUS_BUSY;
        forget->done.open_count = open_count;
        return;
    }
    for (int64_t row = 0; (row = next_event(database, query, row)) != 0;) {
        forget_event(database, row, forget);
    }
    if (record != 0) {
        forget_record(database, record, query->source_name, query->order_id, forget->job.arena);
        forget->done.order_count = 1;
    }
    forget->done.ticket_count =
        forget_tickets(database, job->arena, query->source_name, query->order_id);
    records_write_values(database, query->values, query->value_count);
}

static void end_forget_order(struct database *database, struct job *job)
{
    const struct forget_job *forget = (const struct forget_job *)job;
    if (job->status == STATUS_OK && forget->verdict == STATUS_OK) {
        wipe_log(database);
    } else if (job->status == STATUS_OK) {
        job->status = forget->verdict;
        job->detail = forget->verdict == STATUS_BUSY ? "deliveries have not ended"
                                                     : "nothing is known of this order";
    }
}

void store_forget_order(void *self, const struct forget_query *query, store_forgot_fn *on_done,
                        void *arg)
{
    struct forget_job *forget = forget_job_create(run_forget_order, on_done, arg);
    struct arena *arena = forget->job.arena;
    forget->job.ended = end_forget_order;
    struct stored_value *values = arena_array(arena, query->value_count, sizeof *values);
    for (size_t i = 0; i < query->value_count; i++) {
        struct span value = query->values[i].value;
        values[i].key = arena_text(arena, span_of(query->values[i].key));
        values[i].value = (struct span){arena_text(arena, value), value.size};
    }
    forget->query =
        (struct forget_query){.source_name = arena_text(arena, span_of(query->source_name)),
                              .order_id = arena_text(arena, span_of(query->order_id)),
                              .drops_open = query->drops_open,
                              .values = values,
                              .value_count = query->value_count};
    store_ask(self, &forget->job);
}
