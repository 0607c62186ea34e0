#include "store_codec.h"
#include "store_internal.h"
#include "store_staging.h"

#include "core/text.h"

/* Ample: what an order and its events may hold is capped long before. */
#define ENCODED_BYTES_MAX ((size_t)1 << 30)
struct stage_job {
    struct write_job write;
    const char *source_name;
    struct span *orders; /* encoded */
    size_t order_count;
};

struct commit_job {
    struct write_job write;
    int64_t at_wall_ms;
    const char *source_name; /* NULL: nothing staged is meant */
    struct span *orders, *events;
    size_t order_count, event_count;
    struct stored_value *values;
    size_t value_count;
    bool needs_room;
};

static struct span *encode_orders(struct arena *arena, const struct staged_order *orders,
                                  size_t count)
{
    struct span *encoded = arena_array(arena, count, sizeof *encoded);
    struct text text;
    text_init(&text, ENCODED_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        text_clear(&text);
        codec_encode_order(&orders[i], &text);
        CHECK(text.status == STATUS_OK);
        encoded[i] = (struct span){arena_text(arena, text_span(&text)), text.size};
    }
    text_fini(&text);
    return encoded;
}

static struct span *encode_events(struct arena *arena, const struct new_event *events, size_t count)
{
    struct span *encoded = arena_array(arena, count, sizeof *encoded);
    struct text text;
    text_init(&text, ENCODED_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        text_clear(&text);
        codec_encode_event(&events[i], &text);
        CHECK(text.status == STATUS_OK);
        encoded[i] = (struct span){arena_text(arena, text_span(&text)), text.size};
    }
    text_fini(&text);
    return encoded;
}

static void run_stage(struct database *database, struct job *job)
{
    struct stage_job *stage = (struct stage_job *)job;
    for (size_t i = 0; i < stage->order_count; i++) {
        staging_add(database, stage->source_name, stage->orders[i]);
    }
}

static void end_stage(struct database *database, struct job *job)
{
    if (job->status != STATUS_OK) {
        staging_forget(database, ((struct stage_job *)job)->source_name);
    }
}

void store_stage(void *self, const char *source_name, const struct staged_order *orders,
                 size_t count, store_done_fn *on_done, void *arg)
{
    struct stage_job *stage =
        (struct stage_job *)write_job_create(sizeof *stage, run_stage, on_done, arg);
    struct job *job = &stage->write.job;
    job->ended = end_stage;
    stage->source_name = arena_text(job->arena, span_of(source_name));
    stage->orders = encode_orders(job->arena, orders, count);
    stage->order_count = count;
    store_ask(self, job);
}

static void run_discard(struct database *database, struct job *job)
{
    (void)database;
    (void)job;
}

static void end_discard(struct database *database, struct job *job)
{
    staging_forget(database, ((struct stage_job *)job)->source_name);
}

void store_discard(void *self, const char *source_name, store_done_fn *on_done, void *arg)
{
    struct stage_job *stage =
        (struct stage_job *)write_job_create(sizeof *stage, run_discard, on_done, arg);
    struct job *job = &stage->write.job;
    job->ended = end_discard;
    stage->source_name = arena_text(job->arena, span_of(source_name));
    store_ask(self, job);
}

struct order_writer {
    const struct commit_job *commit;
    struct arena *arena; /* of one order at a time */
};

static void write_order(struct database *database, struct span encoded, void *arg)
{
    const struct order_writer *writer = arg;
    const struct commit_job *commit = writer->commit;
    struct staged_order order = codec_decode_order(encoded, writer->arena);
    records_write(database, commit->source_name, &order, writer->arena);
    for (size_t i = 0; i < order.event_count; i++) {
        intake_add_event(database, &order.events[i], commit->at_wall_ms);
    }
    arena_reset(writer->arena);
}

static void write_orders(struct database *database, const struct commit_job *commit,
                         struct arena *arena)
{
    struct order_writer writer = {.commit = commit, .arena = arena};
    state_begin_marks(database, commit->source_name);
    staging_visit(database, commit->source_name, write_order, &writer);
    for (size_t i = 0; i < commit->order_count; i++) {
        write_order(database, commit->orders[i], &writer);
    }
}

/* What is left of a full disk serves to settle deliveries and to tell about it; what a sweep found
 * the source still holds. */
static bool may_use_room(struct database *database)
{
    return database_has_room(database) ||
           database_fail(database, STATUS_FULL,
                         "no space left on the disk; make room, it goes on by itself") == STATUS_OK;
}

static void run_commit(struct database *database, struct job *job)
{
    struct commit_job *commit = (struct commit_job *)job;
    struct arena *arena = arena_create();
    bool has_orders = staging_exists(database, commit->source_name) || commit->order_count != 0;
    if ((has_orders || commit->needs_room) && may_use_room(database) && has_orders) {
        write_orders(database, commit, arena);
    }
    for (size_t i = 0; i < commit->event_count; i++) {
        struct new_event event = codec_decode_event(commit->events[i], arena);
        intake_add_event(database, &event, commit->at_wall_ms);
        arena_reset(arena);
    }
    records_write_values(database, commit->values, commit->value_count);
    arena_destroy(arena);
}

static void end_commit(struct database *database, struct job *job)
{
    staging_forget(database, ((struct commit_job *)job)->source_name);
}

void store_commit(void *self, const struct commit *commit, store_done_fn *on_done, void *arg)
{
    CHECK(commit->source_name != NULL || commit->order_count == 0);
    struct commit_job *copy =
        (struct commit_job *)write_job_create(sizeof *copy, run_commit, on_done, arg);
    struct job *job = &copy->write.job;
    job->ended = end_commit;
    copy->at_wall_ms = commit->at_wall_ms;
    if (commit->source_name != NULL) {
        copy->source_name = arena_text(job->arena, span_of(commit->source_name));
    }
    copy->orders = encode_orders(job->arena, commit->orders, commit->order_count);
    copy->order_count = commit->order_count;
    copy->events = encode_events(job->arena, commit->events, commit->event_count);
    copy->event_count = commit->event_count;
    copy->values = arena_array(job->arena, commit->value_count, sizeof *copy->values);
    copy->value_count = commit->value_count;
    copy->needs_room = commit->needs_room;
    for (size_t i = 0; i < commit->value_count; i++) {
        struct span value = commit->values[i].value;
        copy->values[i].key = arena_text(job->arena, span_of(commit->values[i].key));
        copy->values[i].value = (struct span){arena_text(job->arena, value), value.size};
    }
    store_ask(self, job);
}
