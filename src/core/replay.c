#include "core/replay.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/event_document.h"
#include "core/json.h"
#include "core/json_write.h"
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

enum fate { FATE_DELIVERED, FATE_SILENCED, FATE_UNROUTED };

/* What became of one event at one sink; of a silenced or unrouted one there is one row. */
struct row {
    enum fate fate;
    size_t number; /* of the event, by time; then of the row in it */
    const struct event *event;
    const char *summary, *silence_id;
    struct planned_delivery plan;
    int64_t leaves_wall_ms;
    size_t message;
};

struct happened {
    const struct event *event;
    const char *summary;
    const struct record *record;
};

struct replay {
    const struct config *config;
    const struct silence_list *silences;
    struct arena *arena;
    struct happened *events;
    size_t event_count, event_capacity;
    struct row *rows;
    size_t row_count, row_capacity, message_count;
};

struct replay *replay_create(const struct config *config, const struct silence_list *silences)
{
    struct replay *replay = alloc(sizeof *replay);
    *replay = (struct replay){.config = config, .silences = silences, .arena = arena_create()};
    return replay;
}

void replay_destroy(struct replay *replay)
{
    if (replay != NULL) {
        arena_destroy(replay->arena);
        free(replay->events);
        free(replay->rows);
        free(replay);
    }
}

enum status replay_add(struct replay *replay, struct span event, struct failure *why)
{
    struct event_document *document = arena_alloc(replay->arena, sizeof *document);
    enum status status = event_document_read(event, replay->arena, document, why);
    if (status != STATUS_OK) {
        return status;
    }
    struct json *root = NULL;
    status = json_parse(event, &root, why);
    if (status != STATUS_OK) {
        return status;
    }
    const char *summary = json_member_text(json_member(root, "data"), "summary");
    if (replay->event_count == replay->event_capacity) {
        replay->event_capacity = replay->event_capacity * 2 + 256;
        replay->events =
            alloc_resize(replay->events, replay->event_capacity, sizeof *replay->events);
    }
    replay->events[replay->event_count++] =
        (struct happened){.event = &document->event,
                          .summary = arena_text(replay->arena, span_of(summary)),
                          .record = document->has_record ? &document->record : NULL};
    json_destroy(root);
    return STATUS_OK;
}

/* --- routes ----------------------------------------------------------------------------------- */

static int compare_times(int64_t left, int64_t right)
{
    return (left > right) - (left < right);
}

/* Of one sweep all have the same time: there the order's own sequence counts. */
static int compare_events(const void *left, const void *right)
{
    const struct happened *a = left;
    const struct happened *b = right;
    int by_time = compare_times(a->event->wall_ms, b->event->wall_ms);
    if (by_time == 0) {
        by_time = strcmp(a->event->order_id, b->event->order_id);
    }
    return by_time != 0 ? by_time
                        : compare_times((int64_t)a->event->sequence, (int64_t)b->event->sequence);
}

static void add_row(struct replay *replay, const struct row *row)
{
    if (replay->row_count == replay->row_capacity) {
        replay->row_capacity = replay->row_capacity * 2 + 256;
        replay->rows = alloc_resize(replay->rows, replay->row_capacity, sizeof *replay->rows);
    }
    replay->rows[replay->row_count++] = *row;
}

static void route_one(struct replay *replay, size_t number)
{
    const struct happened *happened = &replay->events[number];
    const struct event *event = happened->event;
    struct route_context context = {
        .config = replay->config, .silences = replay->silences, .now_wall_ms = event->wall_ms};
    struct route_facts facts = {.event = event, .record = happened->record, .sweep = event->sweep};
    struct new_event news = {.delivery_count = 0};
    route_event(&context, &facts, replay->arena, &news);
    struct row row = {.fate = FATE_DELIVERED,
                      .number = number,
                      .event = event,
                      .summary = happened->summary,
                      .silence_id = news.silence_id};
    size_t count = news.silence_id == NULL ? news.delivery_count : 0;
    for (size_t i = 0; i < count; i++) {
        row.plan = news.deliveries[i];
        add_row(replay, &row);
    }
    if (count == 0) {
        row.fate = news.silence_id != NULL ? FATE_SILENCED : FATE_UNROUTED;
        add_row(replay, &row);
    }
}

/* --- lanes ------------------------------------------------------------------------------------ */

static int compare_lanes(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    if (a->fate != FATE_DELIVERED || b->fate != FATE_DELIVERED) {
        return a->fate != b->fate ? (int)a->fate - (int)b->fate
                                  : compare_times((int64_t)a->number, (int64_t)b->number);
    }
    int order = strcmp(a->plan.sink_name, b->plan.sink_name);
    order = order != 0 ? order : strcmp(a->plan.lane, b->plan.lane);
    return order != 0 ? order : compare_times((int64_t)a->number, (int64_t)b->number);
}

static bool is_same_lane(const struct row *left, const struct row *right)
{
    return strcmp(left->plan.sink_name, right->plan.sink_name) == 0 &&
           strcmp(left->plan.lane, right->plan.lane) == 0;
}

/* What was there when the first of its bundle left is one message with it. */
static bool joins(const struct row *before, const struct row *row)
{
    return before->plan.bundle != NULL && text_equal(before->plan.bundle, row->plan.bundle) &&
           row->event->wall_ms <= before->leaves_wall_ms;
}

/* A lane is served in order: what comes later waits for what is before it. */
static void serve_lanes(struct replay *replay)
{
    const struct row *before = NULL;
    for (size_t i = 0; i < replay->row_count; i++) {
        struct row *row = &replay->rows[i];
        if (row->fate != FATE_DELIVERED) {
            return; /* those come last */
        }
        if (before != NULL && !is_same_lane(before, row)) {
            before = NULL;
        }
        bool is_joined = before != NULL && joins(before, row);
        row->leaves_wall_ms = row->plan.due_wall_ms;
        if (before != NULL && (is_joined || before->leaves_wall_ms > row->leaves_wall_ms)) {
            row->leaves_wall_ms = before->leaves_wall_ms;
        }
        row->message = is_joined ? before->message : i;
        before = row;
    }
}

static int compare_leaving(const void *left, const void *right)
{
    const struct row *a = left;
    const struct row *b = right;
    int order = (int)a->fate - (int)b->fate;
    order = order != 0 ? order : compare_times(a->leaves_wall_ms, b->leaves_wall_ms);
    order = order != 0 ? order : compare_times((int64_t)a->message, (int64_t)b->message);
    return order != 0 ? order : compare_times((int64_t)a->number, (int64_t)b->number);
}

/* From 1 on, in the order of leaving. */
static void number_messages(struct replay *replay)
{
    size_t message = SIZE_MAX;
    for (size_t i = 0; i < replay->row_count && replay->rows[i].fate == FATE_DELIVERED; i++) {
        struct row *row = &replay->rows[i];
        replay->message_count += row->message != message;
        message = row->message;
        row->message = replay->message_count;
    }
}

/* --- the answer ------------------------------------------------------------------------------- */

static void write_time(struct json_writer *writer, const char *name, int64_t wall_ms)
{
    struct text time;
    text_init(&time, 64);
    date_add_wall(&time, wall_ms);
    json_write_text(writer, name, text_cstr(&time));
    text_fini(&time);
}

static void write_row(struct json_writer *writer, const struct row *row)
{
    const struct event *event = row->event;
    json_write_open(writer, NULL, '{');
    if (row->fate == FATE_DELIVERED) {
        write_time(writer, "time", row->leaves_wall_ms);
        json_write_text(writer, "sink", row->plan.sink_name);
        json_write_integer(writer, "message", (int64_t)row->message);
    }
    if (row->fate == FATE_SILENCED) {
        json_write_text(writer, "silence", row->silence_id);
    }
    json_write_text(writer, "event", event->id);
    json_write_text(writer, "type", event_type_name(event->type));
    json_write_text(writer, "severity", severity_name(event->severity));
    if (event->source_name[0] != '\0') {
        json_write_text(writer, "source", event->source_name);
    }
    if (event->order_id[0] != '\0') {
        json_write_text(writer, "order", event->order_id);
    }
    write_time(writer, "happened", event->wall_ms);
    json_write_text(writer, "summary", row->summary);
    json_write_close(writer, '}');
}

static void write_rows(const struct replay *replay, struct json_writer *writer, const char *name,
                       enum fate fate)
{
    json_write_open(writer, name, '[');
    for (size_t i = 0; i < replay->row_count; i++) {
        if (replay->rows[i].fate == fate) {
            write_row(writer, &replay->rows[i]);
        }
    }
    json_write_close(writer, ']');
}

static void sort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    if (count != 0) {
        qsort(items, count, size, compare);
    }
}

void replay_write(struct replay *replay, struct text *out)
{
    CHECK(replay->row_count == 0);
    sort(replay->events, replay->event_count, sizeof *replay->events, compare_events);
    for (size_t i = 0; i < replay->event_count; i++) {
        route_one(replay, i);
    }
    sort(replay->rows, replay->row_count, sizeof *replay->rows, compare_lanes);
    serve_lanes(replay);
    sort(replay->rows, replay->row_count, sizeof *replay->rows, compare_leaving);
    number_messages(replay);
    struct json_writer writer = {.out = out};
    json_write_open(&writer, NULL, '{');
    json_write_integer(&writer, "events", (int64_t)replay->event_count);
    json_write_integer(&writer, "messages", (int64_t)replay->message_count);
    write_rows(replay, &writer, "deliveries", FATE_DELIVERED);
    write_rows(replay, &writer, "silenced", FATE_SILENCED);
    write_rows(replay, &writer, "unrouted", FATE_UNROUTED);
    json_write_close(&writer, '}');
}
