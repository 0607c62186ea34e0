#include "store_internal.h"

#include "core/glob.h"

/* How many rows one page looks at, whatever its filters let through. */
#define ROWS_LOOKED_AT_MAX 5000

struct orders_job {
    struct job job;
    const char *source_name; /* NULL: all */
    const char *after_source_name, *after_id;
    size_t limit;
    const char **source_names;
    struct stored_order *orders;
    struct order_page page;
    order_page_fn *on_page;
};

struct events_job {
    struct job job;
    struct event_query query;
    struct listed_event *events;
    struct event_page page;
    event_page_fn *on_page;
};

static size_t within(size_t limit)
{
    return limit < PAGE_ITEMS_MAX ? limit : PAGE_ITEMS_MAX;
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

static struct span copy_bytes(struct arena *arena, struct span bytes)
{
    return (struct span){.data = arena_text(arena, bytes), .size = bytes.size};
}

static void run_list_orders(struct database *database, struct job *job)
{
    struct orders_job *orders = (struct orders_job *)job;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_ORDER_LIST);
    bind_text(row, 1, orders->after_source_name);
    bind_text(row, 2, orders->after_id);
    bind_number(row, 3, (int64_t)orders->limit + 1);
    size_t count = 0;
    while (database_next(database, row)) {
        const char *source_name = column_text(row, 0);
        if (orders->source_name != NULL && !text_equal(source_name, orders->source_name)) {
            break; /* the next source begins */
        }
        if (count == orders->limit) {
            orders->page.has_more = true;
            break;
        }
        orders->source_names[count] = copy_text(job->arena, source_name);
        orders->orders[count++] = (struct stored_order){
            .id = column_copy(job->arena, row, 1),
            .raw_fingerprint = (uint64_t)column_number(row, 2),
            .sequence = (uint64_t)column_number(row, 3),
            .has_left = column_number(row, 4) != 0,
            .canonical = copy_bytes(job->arena, column_bytes(row, 5)),
            .history = copy_bytes(job->arena, column_bytes(row, 6)),
        };
    }
    statement_reset(row);
    orders->page.count = count;
}

static void tell_orders(struct job *job)
{
    struct orders_job *orders = (struct orders_job *)job;
    struct order_page failed = {.count = 0};
    struct order_page *page = job->status == STATUS_OK ? &orders->page : &failed;
    page->status = job->status;
    page->detail = job->detail;
    page->source_names = orders->source_names;
    page->orders = orders->orders;
    orders->on_page(job->arg, page);
}

// NOLINTNEXTLINE(readability-function-size): a cursor is two of them
void store_list_orders(struct store *store, const char *source_name, const char *after_source_name,
                       const char *after_id, size_t limit, order_page_fn *on_page, void *arg)
{
    struct orders_job *orders =
        (struct orders_job *)job_create(sizeof *orders, run_list_orders, tell_orders, arg);
    struct arena *arena = orders->job.arena;
    orders->on_page = on_page;
    orders->source_name = copy_text(arena, source_name);
    /* Of one source: from its first order on at least. */
    bool is_before = source_name != NULL && !text_equal(after_source_name, source_name);
    orders->after_source_name = copy_text(arena, is_before ? source_name : after_source_name);
    orders->after_id = is_before ? "" : copy_text(arena, after_id);
    orders->limit = within(limit);
    orders->source_names = arena_array(arena, orders->limit, sizeof *orders->source_names);
    orders->orders = arena_array(arena, orders->limit, sizeof *orders->orders);
    store_ask(store, &orders->job);
}

static bool event_passes(const struct event_query *query, struct sqlite3_stmt *row)
{
    int64_t wall_ms = column_number(row, 8);
    return column_number(row, 6) >= (int64_t)query->severity_min &&
           wall_ms >= query->since_wall_ms &&
           (query->until_wall_ms == 0 || wall_ms < query->until_wall_ms) &&
           (query->source_name == NULL || text_equal(query->source_name, column_text(row, 2))) &&
           (query->order_id == NULL || text_equal(query->order_id, column_text(row, 3))) &&
           (query->type_glob == NULL || glob_matches(query->type_glob, column_text(row, 5)));
}

static struct sqlite3_stmt *ask_events(struct database *database, const struct event_query *query)
{
    bool is_of_order = query->source_name != NULL && query->order_id != NULL;
    enum statement up = is_of_order ? STATEMENT_EVENT_LIST_ORDER_UP : STATEMENT_EVENT_LIST_UP;
    enum statement down = is_of_order ? STATEMENT_EVENT_LIST_ORDER_DOWN : STATEMENT_EVENT_LIST_DOWN;
    down = query->id_prefix != NULL ? STATEMENT_EVENT_LIST_ID : down;
    struct sqlite3_stmt *row = database_statement(database, query->is_forward ? up : down);
    bool is_from_newest = !query->is_forward && query->after == 0;
    int parameter = 1;
    bind_number(row, parameter++, is_from_newest ? INT64_MAX : query->after);
    if (query->id_prefix != NULL) {
        bind_text(row, parameter++, query->id_prefix);
    } else if (is_of_order) {
        bind_text(row, parameter++, query->source_name);
        bind_text(row, parameter++, query->order_id);
    }
    bind_number(row, parameter, ROWS_LOOKED_AT_MAX);
    return row;
}

static void run_list_events(struct database *database, struct job *job)
{
    struct events_job *events = (struct events_job *)job;
    const struct event_query *query = &events->query;
    struct sqlite3_stmt *row = ask_events(database, query);
    size_t looked_at = 0;
    int64_t last_row = query->after;
    while (events->page.count < query->limit && database_next(database, row)) {
        looked_at++;
        last_row = column_number(row, 0);
        if (event_passes(query, row)) {
            struct listed_event *listed = &events->events[events->page.count++];
            listed->row = last_row;
            listed->silence_id = copy_text(job->arena, column_text(row, 12));
            event_read(database, job->arena, row, 1, &listed->event);
        }
    }
    bool is_end = events->page.count < query->limit && looked_at < ROWS_LOOKED_AT_MAX;
    events->page.next = is_end && !query->is_forward ? 0 : last_row;
    statement_reset(row);
}

static void tell_events(struct job *job)
{
    struct events_job *events = (struct events_job *)job;
    struct event_page failed = {.next = events->query.after};
    struct event_page *page = job->status == STATUS_OK ? &events->page : &failed;
    page->status = job->status;
    page->detail = job->detail;
    page->events = events->events;
    events->on_page(job->arg, page);
}

void store_list_events(struct store *store, const struct event_query *query, event_page_fn *on_page,
                       void *arg)
{
    struct events_job *events =
        (struct events_job *)job_create(sizeof *events, run_list_events, tell_events, arg);
    struct arena *arena = events->job.arena;
    events->on_page = on_page;
    events->query = *query;
    events->query.source_name = copy_text(arena, query->source_name);
    events->query.order_id = copy_text(arena, query->order_id);
    events->query.type_glob = copy_text(arena, query->type_glob);
    events->query.id_prefix = copy_text(arena, query->id_prefix);
    events->query.limit = within(query->limit);
    events->events = arena_array(arena, events->query.limit, sizeof *events->events);
    store_ask(store, &events->job);
}
