#include "store_internal.h"

#include <stdlib.h>

/* States of this source are kept at this sink. */
struct state_pair {
    char *source_name, *sink_name;
    uint64_t shape;
};

#define STATES_MAX 10000 /* in one answer, whatever was asked */

struct states_job {
    struct job job;
    const char *sink_name;
    struct stale_state *states;
    size_t count, count_max;
    store_states_fn *on_done;
};

struct state_job {
    struct write_job write;
    const char *sink_name, *source_name, *order_id, *published;
    uint64_t version;
    bool is_refused;
    size_t count_max;
};

static bool has_pair(const struct database *database, const char *source_name,
                     const char *sink_name)
{
    for (size_t i = 0; i < database->state_pair_count; i++) {
        const struct state_pair *pair = &database->state_pairs[i];
        if (text_equal(pair->source_name, source_name) && text_equal(pair->sink_name, sink_name)) {
            return true;
        }
    }
    return false;
}

/* Versions rise over all orders, so that what has waited longest comes first. */
static int64_t next_version(struct database *database)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STATE_VERSION);
    int64_t version = 0;
    while (database_next(database, statement)) {
        version = column_number(statement, 0);
    }
    return version;
}

void state_begin_marks(struct database *database, const char *source_name)
{
    database->mark_version = 0;
    for (size_t i = 0; i < database->state_pair_count; i++) {
        if (text_equal(database->state_pairs[i].source_name, source_name)) {
            database->mark_version = next_version(database);
            return;
        }
    }
}

void state_mark(struct database *database, const char *source_name, const char *order_id)
{
    for (size_t i = 0; i < database->state_pair_count; i++) {
        const struct state_pair *pair = &database->state_pairs[i];
        if (!text_equal(pair->source_name, source_name)) {
            continue;
        }
        struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STATE_MARK);
        bind_text(statement, 1, pair->sink_name);
        bind_text(statement, 2, source_name);
        bind_text(statement, 3, order_id);
        bind_number(statement, 4, database->mark_version);
        (void)database_run(database, statement);
    }
}

void state_take_back(struct database *database, const char *source_name, const char *order_id)
{
    for (size_t i = 0; i < database->state_pair_count; i++) {
        const struct state_pair *pair = &database->state_pairs[i];
        if (!text_equal(pair->source_name, source_name)) {
            continue;
        }
        struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STATE_TAKE_BACK);
        bind_text(statement, 1, pair->sink_name);
        bind_text(statement, 2, source_name);
        bind_text(statement, 3, order_id);
        bind_number(statement, 4, next_version(database));
        (void)database_run(database, statement);
    }
}

/* is_anew: what is stale already, too; one with another shape may be on its way. */
static void mark_source(struct database *database, const struct state_pair *pair, bool is_anew)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STATE_MARK_SOURCE);
    bind_text(statement, 1, pair->sink_name);
    bind_text(statement, 2, pair->source_name);
    bind_number(statement, 3, next_version(database));
    bind_number(statement, 4, is_anew);
    (void)database_run(database, statement);
}

/* What was published for a pair that is gone comes up as left. */
static void abandon_pair(struct database *database, const struct state_pair *pair)
{
    struct sqlite3_stmt *mark = database_statement(database, STATEMENT_STATE_MARK_KEPT);
    bind_text(mark, 1, pair->sink_name);
    bind_text(mark, 2, pair->source_name);
    bind_number(mark, 3, next_version(database));
    (void)database_run(database, mark);
    struct sqlite3_stmt *forget = database_statement(database, STATEMENT_PAIR_FORGET);
    bind_text(forget, 1, pair->source_name);
    bind_text(forget, 2, pair->sink_name);
    (void)database_run(database, forget);
}

/* What the sink has of the source itself: below which prefix. */
static void note_source(struct database *database, const struct state_pair *pair, bool is_changed)
{
    struct sqlite3_stmt *statement = database_statement(database, STATEMENT_STATE_NOTE_SOURCE);
    bind_text(statement, 1, pair->sink_name);
    bind_text(statement, 2, pair->source_name);
    bind_number(statement, 3, next_version(database));
    bind_number(statement, 4, is_changed);
    (void)database_run(database, statement);
}

static void adopt_pair(struct database *database, const struct state_pair *pair)
{
    struct sqlite3_stmt *add = database_statement(database, STATEMENT_PAIR_ADD);
    bind_text(add, 1, pair->source_name);
    bind_text(add, 2, pair->sink_name);
    bind_number(add, 3, (int64_t)pair->shape);
    bool is_changed = database_run(database, add) != 0;
    if (is_changed) {
        mark_source(database, pair, true);
    }
    note_source(database, pair, is_changed);
}

static void add_pair(struct state_pair **pairs, size_t *count, const struct state_sink *pair)
{
    *pairs = alloc_resize(*pairs, *count + 1, sizeof **pairs);
    (*pairs)[(*count)++] = (struct state_pair){.source_name = alloc_text(pair->source_name),
                                               .sink_name = alloc_text(pair->sink_name),
                                               .shape = pair->shape};
}

static void free_pairs(struct state_pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(pairs[i].source_name);
        free(pairs[i].sink_name);
    }
    free(pairs);
}

void state_adopt_pairs(struct database *database, const struct state_sink *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_pair(&database->state_pairs, &database->state_pair_count, &pairs[i]);
    }
    struct state_pair *known = NULL;
    size_t known_count = 0;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_PAIR_VISIT);
    while (database_next(database, row)) {
        const struct state_sink pair = {.source_name = column_text(row, 0),
                                        .sink_name = column_text(row, 1)};
        add_pair(&known, &known_count, &pair);
    }
    for (size_t i = 0; i < known_count; i++) {
        if (!has_pair(database, known[i].source_name, known[i].sink_name)) {
            abandon_pair(database, &known[i]);
        }
    }
    for (size_t i = 0; i < database->state_pair_count; i++) {
        adopt_pair(database, &database->state_pairs[i]);
    }
    free_pairs(known, known_count);
}

void state_fini(struct database *database)
{
    free_pairs(database->state_pairs, database->state_pair_count);
    database->state_pairs = NULL;
    database->state_pair_count = 0;
}

static void run_fetch_stale(struct database *database, struct job *job)
{
    struct states_job *states = (struct states_job *)job;
    struct arena *arena = job->arena;
    struct sqlite3_stmt *row = database_statement(database, STATEMENT_STATE_FETCH);
    bind_text(row, 1, states->sink_name);
    bind_number(row, 2, (int64_t)states->count_max);
    while (database_next(database, row)) {
        struct stale_state *state = &states->states[states->count++];
        state->source_name = arena_text(arena, column_bytes(row, 0));
        state->order_id = arena_text(arena, column_bytes(row, 1));
        state->version = (uint64_t)column_number(row, 2);
        state->published = arena_text(arena, column_bytes(row, 3));
        bool is_of_order = state->order_id[0] != '\0';
        state->has_left = (is_of_order && column_number(row, 4) != 0) ||
                          !has_pair(database, state->source_name, states->sink_name);
        state->is_whole = column_number(row, 6) != 0;
        state->was_refused = column_number(row, 7) != 0;
        if (!state->has_left) {
            struct span canonical = column_bytes(row, 5);
            state->canonical = (struct span){arena_text(arena, canonical), canonical.size};
        }
    }
}

static void tell_states(struct job *job)
{
    struct states_job *states = (struct states_job *)job;
    size_t count = job->status == STATUS_OK ? states->count : 0;
    states->on_done(job->arg, job->status, states->states, count);
}

void store_fetch_stale(void *self, const char *sink_name, size_t count_max,
                       store_states_fn *on_done, void *arg)
{
    struct states_job *states =
        (struct states_job *)job_create(sizeof *states, run_fetch_stale, tell_states, arg);
    states->on_done = on_done;
    states->sink_name = arena_text(states->job.arena, span_of(sink_name));
    states->count_max = count_max < STATES_MAX ? count_max : STATES_MAX;
    states->states = arena_array(states->job.arena, states->count_max, sizeof *states->states);
    store_ask(self, &states->job);
}

static void run_settle_state(struct database *database, struct job *job)
{
    const struct state_job *state = (const struct state_job *)job;
    struct sqlite3_stmt *settle = database_statement(database, STATEMENT_STATE_SETTLE);
    bind_text(settle, 1, state->sink_name);
    bind_text(settle, 2, state->source_name);
    bind_text(settle, 3, state->order_id);
    bind_text(settle, 4, state->published);
    bind_number(settle, 5, (int64_t)state->version);
    bind_number(settle, 6, state->is_refused);
    (void)database_run(database, settle);

    struct sqlite3_stmt *forget = database_statement(database, STATEMENT_STATE_FORGET_LEFT);
    bind_text(forget, 1, state->sink_name);
    bind_text(forget, 2, state->source_name);
    bind_text(forget, 3, state->order_id);
    bind_number(forget, 4, has_pair(database, state->source_name, state->sink_name));
    (void)database_run(database, forget);
}

static struct state_job *state_job_create(job_run_fn *run, const char *sink_name,
                                          store_done_fn *on_done, void *arg)
{
    struct state_job *state =
        (struct state_job *)write_job_create(sizeof *state, run, on_done, arg);
    state->sink_name = arena_text(state->write.job.arena, span_of(sink_name));
    return state;
}

void store_settle_state(void *self, const char *sink_name,
                        const struct state_settlement *settlement, store_done_fn *on_done,
                        void *arg)
{
    struct state_job *state = state_job_create(run_settle_state, sink_name, on_done, arg);
    struct arena *arena = state->write.job.arena;
    state->write.job.may_join = true;
    state->source_name = arena_text(arena, span_of(settlement->source_name));
    state->order_id = arena_text(arena, span_of(settlement->order_id));
    state->published = arena_text(arena, span_of(settlement->published));
    state->version = settlement->version;
    state->is_refused = settlement->is_refused;
    store_ask(self, &state->write.job);
}

static void run_refill(struct database *database, struct job *job)
{
    const struct state_job *state = (const struct state_job *)job;
    for (size_t i = 0; i < database->state_pair_count; i++) {
        if (text_equal(database->state_pairs[i].sink_name, state->sink_name)) {
            mark_source(database, &database->state_pairs[i], false);
        }
    }
}

void store_refill(void *self, const char *sink_name, store_done_fn *on_done, void *arg)
{
    store_ask(self, &state_job_create(run_refill, sink_name, on_done, arg)->write.job);
}

static void run_retry_states(struct database *database, struct job *job)
{
    const struct state_job *state = (const struct state_job *)job;
    struct sqlite3_stmt *retry = database_statement(database, STATEMENT_STATE_RETRY);
    bind_text(retry, 1, state->sink_name);
    bind_number(retry, 2, next_version(database));
    bind_number(retry, 3, (int64_t)state->count_max);
    (void)database_run(database, retry);
}

void store_retry_states(void *self, const char *sink_name, size_t count_max, store_done_fn *on_done,
                        void *arg)
{
    struct state_job *state = state_job_create(run_retry_states, sink_name, on_done, arg);
    state->count_max = count_max;
    store_ask(self, &state->write.job);
}

/* --- another configuration -------------------------------------------------------------------- */

struct pairs_job {
    struct write_job write;
    struct state_sink *pairs; /* copies */
    size_t count;
    struct state_pair *before; /* until the transaction has ended */
    size_t before_count;
};

static void run_change_pairs(struct database *database, struct job *job)
{
    struct pairs_job *change = (struct pairs_job *)job;
    change->before = database->state_pairs;
    change->before_count = database->state_pair_count;
    database->state_pairs = NULL;
    database->state_pair_count = 0;
    state_adopt_pairs(database, change->pairs, change->count);
}

static void end_change_pairs(struct database *database, struct job *job)
{
    struct pairs_job *change = (struct pairs_job *)job;
    if (job->status != STATUS_OK) {
        state_fini(database);
        database->state_pairs = change->before;
        database->state_pair_count = change->before_count;
    } else {
        free_pairs(change->before, change->before_count);
    }
}

void store_change_state_sinks(struct store *store, const struct state_sink *pairs, size_t count,
                              store_done_fn *on_done, void *arg)
{
    struct pairs_job *change =
        (struct pairs_job *)write_job_create(sizeof *change, run_change_pairs, on_done, arg);
    struct arena *arena = change->write.job.arena;
    change->write.job.ended = end_change_pairs;
    change->pairs = arena_array(arena, count, sizeof *change->pairs);
    change->count = count;
    for (size_t i = 0; i < count; i++) {
        change->pairs[i] =
            (struct state_sink){.source_name = arena_text(arena, span_of(pairs[i].source_name)),
                                .sink_name = arena_text(arena, span_of(pairs[i].sink_name)),
                                .shape = pairs[i].shape};
    }
    store_ask(store, &change->write.job);
}
