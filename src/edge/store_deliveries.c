#include "store_internal.h"

/* How many rows one page looks at, and how many deliveries one story tells. */
#define ROWS_LOOKED_AT_MAX 5000
#define STORY_DELIVERIES_MAX 1000
#define STORY_ATTEMPTS_MAX 32

struct deliveries_job {
    struct job job;
    struct delivery_query query;
    struct listed_delivery *deliveries;
    struct delivery_page page;
    delivery_page_fn *on_page;
};

struct story_job {
    struct job job;
    const char *event_id;
    struct listed_event event;
    bool is_found;
    struct listed_delivery *deliveries;
    size_t count;
    event_story_fn *on_story;
};

enum column {
    ID,
    MESSAGE,
    SINK,
    LANE,
    BUNDLE,
    STATE,
    DUE,
    CREATED,
    ENDED,
    ATTEMPTS,
    DETAIL,
    EVENT_ID,
    SOURCE,
    ORDER_ID,
    TYPE
};

static void read_delivery(struct database *database, struct arena *arena, struct sqlite3_stmt *row,
                          struct listed_delivery *out)
{
    if (!event_type_parse(column_text(row, TYPE), &out->event_type)) {
        (void)database_fail(database, STATUS_CORRUPT, "event %s has a type that is not known",
                            column_text(row, EVENT_ID));
        return;
    }
    out->id = column_number(row, ID);
    out->message_id = column_number(row, MESSAGE);
    out->sink_name = column_copy(arena, row, SINK);
    out->lane = column_copy(arena, row, LANE);
    out->bundle = column_is_null(row, BUNDLE) ? NULL : column_copy(arena, row, BUNDLE);
    out->event_id = column_copy(arena, row, EVENT_ID);
    out->source_name = column_copy(arena, row, SOURCE);
    out->order_id = column_copy(arena, row, ORDER_ID);
    out->state = (enum delivery_state)column_number(row, STATE);
    out->due_wall_ms = column_number(row, DUE);
    out->created_wall_ms = column_number(row, CREATED);
    out->ended_wall_ms = column_number(row, ENDED);
    out->attempts_made = (uint32_t)column_number(row, ATTEMPTS);
    out->detail = column_copy(arena, row, DETAIL);
}

static struct sqlite3_stmt *ask_deliveries(struct database *database,
                                           const struct delivery_query *query)
{
    bool is_open = query->state == DELIVERY_PENDING || query->state == DELIVERY_PARKED;
    bool is_of_order = query->order_id != NULL;
    bool is_indexed = !is_of_order && query->sink_name != NULL && is_open;
    enum statement statement = is_indexed ? STATEMENT_DELIVERY_LIST_OPEN : STATEMENT_DELIVERY_LIST;
    struct sqlite3_stmt *row =
        database_statement(database, is_of_order ? STATEMENT_DELIVERY_LIST_ORDER : statement);
    bind_number(row, 1, query->after == 0 ? INT64_MAX : query->after);
    bind_number(row, 2, ROWS_LOOKED_AT_MAX);
    if (is_indexed) {
        bind_text(row, 3, query->sink_name);
        bind_number(row, 4, (int64_t)query->state);
    }
    if (is_of_order) {
        bind_text(row, 3, query->source_name);
        bind_text(row, 4, query->order_id);
    }
    return row;
}

static bool delivery_passes(const struct delivery_query *query, struct sqlite3_stmt *row)
{
    return (query->sink_name == NULL || text_equal(query->sink_name, column_text(row, SINK))) &&
           (query->state == DELIVERY_ANY || column_number(row, STATE) == (int64_t)query->state);
}

static const char *copy_text(struct arena *arena, const char *text)
{
    return text != NULL ? arena_text(arena, span_of(text)) : NULL;
}

static void run_list(struct database *database, struct job *job)
{
    struct deliveries_job *list = (struct deliveries_job *)job;
    const struct delivery_query *query = &list->query;
    struct sqlite3_stmt *row = ask_deliveries(database, query);
    size_t looked_at = 0;
    int64_t last_row = 0;
    while (list->page.count < query->limit && database_next(database, row)) {
        looked_at++;
        last_row = column_number(row, ID);
        if (delivery_passes(query, row)) {
            read_delivery(database, job->arena, row, &list->deliveries[list->page.count++]);
        }
    }
    bool is_end = list->page.count < query->limit && looked_at < ROWS_LOOKED_AT_MAX;
    list->page.next = is_end ? 0 : last_row;
    statement_reset(row);
}

static void tell_list(struct job *job)
{
    struct deliveries_job *list = (struct deliveries_job *)job;
    struct delivery_page failed = {.next = list->query.after};
    struct delivery_page *page = job->status == STATUS_OK ? &list->page : &failed;
    page->status = job->status;
    page->detail = job->detail;
    page->deliveries = list->deliveries;
    list->on_page(job->arg, page);
}

void store_list_deliveries(struct store *store, const struct delivery_query *query,
                           delivery_page_fn *on_page, void *arg)
{
    struct deliveries_job *list =
        (struct deliveries_job *)job_create(sizeof *list, run_list, tell_list, arg);
    struct arena *arena = list->job.arena;
    list->on_page = on_page;
    list->query = *query;
    list->query.limit = query->limit < PAGE_ITEMS_MAX ? query->limit : PAGE_ITEMS_MAX;
    list->query.sink_name = copy_text(arena, query->sink_name);
    list->query.source_name = copy_text(arena, query->source_name);
    list->query.order_id = copy_text(arena, query->order_id);
    list->deliveries = arena_array(arena, list->query.limit, sizeof *list->deliveries);
    store_ask(store, &list->job);
}

/* Those that postponed it, then the one that ended it. */
static void read_attempts(struct database *database, struct arena *arena,
                          struct listed_delivery *delivery)
{
    struct attempt *attempts = arena_array(arena, STORY_ATTEMPTS_MAX, sizeof *attempts);
    size_t count = 0;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_ATTEMPT_LIST);
    bind_number(row, 1, delivery->message_id);
    while (count < STORY_ATTEMPTS_MAX - 1 && database_next(database, row)) {
        attempts[count++] = (struct attempt){.wall_ms = column_number(row, 0),
                                             .detail = column_copy(arena, row, 1)};
    }
    statement_reset(row);
    if (delivery->ended_wall_ms != 0 && delivery->state != DELIVERY_DROPPED) {
        attempts[count++] =
            (struct attempt){.wall_ms = delivery->ended_wall_ms, .detail = delivery->detail};
    }
    delivery->attempts = attempts;
    delivery->attempt_count = count;
}

static void read_deliveries(struct database *database, struct story_job *story)
{
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_DELIVERY_LIST_EVENT);
    bind_number(row, 1, INT64_MAX);
    bind_number(row, 2, STORY_DELIVERIES_MAX);
    bind_number(row, 3, story->event.row);
    while (database_next(database, row)) {
        struct listed_delivery *delivery = &story->deliveries[story->count++];
        read_delivery(database, story->job.arena, row, delivery);
        read_attempts(database, story->job.arena, delivery);
    }
}

static void run_explain(struct database *database, struct job *job)
{
    struct story_job *story = (struct story_job *)job;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_EVENT_EXPLAIN);
    bind_text(row, 1, story->event_id);
    story->is_found = database_next(database, row);
    if (story->is_found) {
        story->event.row = column_number(row, 0);
        story->event.silence_id = column_is_null(row, 12) ? NULL : column_copy(job->arena, row, 12);
        event_read(database, job->arena, row, 1, &story->event.event);
    }
    statement_reset(row);
    if (story->is_found) {
        read_deliveries(database, story);
    }
}

static void tell_story(struct job *job)
{
    struct story_job *story = (struct story_job *)job;
    if (job->status != STATUS_OK) {
        story->on_story(job->arg, job->status, NULL, NULL, 0);
    } else if (!story->is_found) {
        story->on_story(job->arg, STATUS_NOT_FOUND, NULL, NULL, 0);
    } else {
        story->on_story(job->arg, STATUS_OK, &story->event, story->deliveries, story->count);
    }
}

void store_explain_event(struct store *store, const char *event_id, event_story_fn *on_story,
                         void *arg)
{
    struct story_job *story =
        (struct story_job *)job_create(sizeof *story, run_explain, tell_story, arg);
    story->on_story = on_story;
    story->event_id = arena_text(story->job.arena, span_of(event_id));
    story->deliveries =
        arena_array(story->job.arena, STORY_DELIVERIES_MAX, sizeof *story->deliveries);
    store_ask(store, &story->job);
}
