/* Events as they become durable, each with its row as id: whoever comes back misses nothing. */
#include "surface_filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HEARTBEAT_MS 15000 /* also how it is seen that nobody reads any more */
#define LOOK_MS 5000       /* though nothing was told of */
#define UNREAD_BYTES_MAX ((size_t)32 * 1024)
#define PAGE_ITEMS 20
#define STREAM_COUNT_MAX 100

struct stream {
    struct stream *previous, *next;
    struct surface *surface;
    struct http_exchange *exchange; /* NULL: gone */
    struct arena *arena;
    struct filter filter;
    int64_t row; /* the last one that was told of, or that the client says it saw */
    bool is_resuming, is_primed, is_asking, wants_more;
    uint64_t seen_count; /* events committed when it last looked */
    int64_t looked_mono_ms, pushed_mono_ms;
};

static void stream_destroy(struct stream *stream)
{
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        stream->surface->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    arena_destroy(stream->arena);
    free(stream);
}

static void on_gone(void *arg)
{
    struct stream *stream = arg;
    stream->exchange = NULL;
    if (!stream->is_asking) {
        stream_destroy(stream);
    }
}

static void push(struct stream *stream, struct span bytes)
{
    stream->surface->options.responder.push(stream->exchange, bytes);
    stream->pushed_mono_ms = stream->surface->now.mono_ms;
}

static void push_event(struct stream *stream, const struct listed_event *event)
{
    struct text message;
    text_init(&message, 2 * (size_t)EVENT_BYTES_MAX);
    text_addf(&message, "id: %" PRId64 "\ndata: ", event->row);
    text_add(&message, event->event.json);
    text_add_text(&message, "\n\n");
    push(stream, text_span(&message));
    text_fini(&message);
}

/* From the present on: it is told at once, so that who is cut off before the first event can come
 * back to this very place. */
static void begin_now(struct stream *stream, int64_t newest_row)
{
    char place[64];
    stream->row = newest_row;
    (void)snprintf(place, sizeof place, "id: %" PRId64 "\n\n", newest_row);
    push(stream, span_of(place));
}

/* A row that was never given out is of another state: a backup was put in its place. What happened
 * since then is told, lest the client waits in silence until the rows are there again. */
static void prime(struct stream *stream, const struct event_page *page)
{
    int64_t newest_row = page->count != 0 ? page->events[0].row : 0;
    stream->is_primed = true;
    if (!stream->is_resuming) {
        begin_now(stream, newest_row);
    } else if (stream->row > newest_row) {
        stream->row = 0;
        stream->filter.since_wall_ms = stream->surface->started.wall_ms;
    }
}

static void on_page(void *arg, const struct event_page *page)
{
    struct stream *stream = arg;
    stream->is_asking = false;
    if (stream->exchange == NULL) {
        stream_destroy(stream);
        return;
    }
    if (page->status != STATUS_OK) {
        return; /* looked at again after a while */
    }
    if (!stream->is_primed) {
        prime(stream, page);
        return;
    }
    for (size_t i = 0; i < page->count; i++) {
        if (filter_has_text(&stream->filter, page->events[i].event.json)) {
            push_event(stream, &page->events[i]);
        }
    }
    stream->wants_more = page->next > stream->row;
    stream->row = page->next > stream->row ? page->next : stream->row;
}

static void ask(struct stream *stream, uint64_t committed_count)
{
    struct event_query events = {.limit = 1};
    if (stream->is_primed) {
        events = (struct event_query){.source_name = stream->filter.source,
                                      .order_id = stream->filter.order,
                                      .since_wall_ms = stream->filter.since_wall_ms,
                                      .type_glob = stream->filter.type_glob,
                                      .severity_min = stream->filter.severity_min,
                                      .after = stream->row,
                                      .is_forward = true,
                                      .limit = PAGE_ITEMS};
    }
    stream->is_asking = true;
    stream->wants_more = !stream->is_primed;
    stream->seen_count = committed_count;
    stream->looked_mono_ms = stream->surface->now.mono_ms;
    const struct query_port query = stream->surface->options.query;
    query.list_events(query.self, &events, on_page, stream);
}

static uint64_t count_committed(const struct surface *surface)
{
    const struct event_tally *tally =
        dispatcher_events(monitor_dispatcher(surface->options.monitor));
    const struct event_tally *departed = monitor_departed(surface->options.monitor);
    uint64_t count = 0;
    for (size_t i = 0; i < EVENT_TYPE_COUNT; i++) {
        count += tally->counts[i] + departed->counts[i];
    }
    for (size_t i = 0; i < surface->options.config->source_count; i++) {
        count += poller_status(monitor_poller(surface->options.monitor, i)).event_count;
    }
    return count;
}

static void feed(struct stream *stream, uint64_t committed_count)
{
    const struct surface *surface = stream->surface;
    int64_t now_mono_ms = surface->now.mono_ms;
    size_t unread = surface->options.responder.unread(stream->exchange);
    if (unread == 0 && now_mono_ms - stream->pushed_mono_ms >= HEARTBEAT_MS) {
        push(stream, span_of(":\n\n"));
    }
    bool is_due = stream->wants_more || stream->seen_count != committed_count ||
                  now_mono_ms - stream->looked_mono_ms >= LOOK_MS;
    if (is_due && !stream->is_asking && unread < UNREAD_BYTES_MAX) {
        ask(stream, committed_count);
    }
}

int64_t streams_turn(struct surface *surface)
{
    if (surface->streams == NULL) {
        return INSTANT_NEVER;
    }
    uint64_t committed_count = count_committed(surface);
    for (struct stream *stream = surface->streams, *next = NULL; stream != NULL; stream = next) {
        next = stream->next;
        if (stream->exchange != NULL) {
            feed(stream, committed_count);
        }
    }
    return surface->now.mono_ms + LOOK_MS;
}

void streams_end(struct surface *surface)
{
    for (struct stream *stream = surface->streams, *next = NULL; stream != NULL; stream = next) {
        next = stream->next;
        if (stream->exchange != NULL) {
            surface->options.responder.end(stream->exchange);
        }
    }
}

static size_t count_streams(const struct surface *surface)
{
    size_t count = 0;
    for (const struct stream *stream = surface->streams; stream != NULL; stream = stream->next) {
        count++;
    }
    return count;
}

static struct stream *create(const struct call *call, struct arena *arena,
                             const struct filter *filter, const char *last_event_id)
{
    struct surface *surface = call->surface;
    struct stream *stream = alloc(sizeof *stream);
    stream->surface = surface;
    stream->exchange = call->exchange;
    stream->arena = arena;
    stream->filter = *filter;
    stream->is_resuming = last_event_id != NULL && cursor_number(last_event_id, &stream->row);
    if (stream->is_resuming) {
        stream->filter.since_wall_ms = 0; /* "24h ago" is later now, and none may be missed */
    }
    stream->is_primed = stream->filter.since_wall_ms != 0; /* from the first row on */
    stream->wants_more = true;
    stream->next = surface->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    surface->streams = stream;
    return stream;
}

void serve_stream(const struct call *call)
{
    static const char *const names[] = {"source", "order", "type",  "severity",
                                        "since",  "q",     "after", NULL};
    struct surface *surface = call->surface;
    struct arena *arena = arena_create();
    struct filter filter;
    if (!filter_read(call, names, arena, &filter)) {
        arena_destroy(arena);
        return;
    }
    const char *last_event_id =
        call->query->last_event_id != NULL ? call->query->last_event_id : filter.after;
    int64_t row = 0;
    if (last_event_id != NULL && !cursor_number(last_event_id, &row)) {
        answer_problem(surface, call->exchange, 400,
                       "Last-Event-ID %.40s: not of this stream; accepted: the id of one of its "
                       "events",
                       last_event_id);
    } else if (count_streams(surface) == STREAM_COUNT_MAX) {
        answer_problem(surface, call->exchange, 503, "%d streams are open already",
                       STREAM_COUNT_MAX);
    } else {
        struct stream *stream = create(call, arena, &filter, last_event_id);
        surface->options.responder.stream(call->exchange, on_gone, stream);
        push(stream, span_of("retry: 2000\n\n"));
        return;
    }
    arena_destroy(arena);
}
