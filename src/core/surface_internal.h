/* Private to surface*.c.
 * surface          life, routes, the turn
 * surface_gate     who may ask what: Host, token, intent
 * surface_answer   answers, problems, parameters
 * surface_health   healthy, ready, status, metrics
 * surface_moves    how far an order's dates are from the first promise
 * surface_feed     the appointments of a source as a calendar
 * surface_item     one source, sink, order, event, delivery as JSON
 * surface_filter   parameters of lists
 * surface_scan     a list from several pages of the store
 * surface_orders   orders and appointments
 * surface_events   events, deliveries, the story of one event
 * surface_control  what changes something
 * surface_keep     one order forgotten, a backup
 * surface_reload   the configuration read again
 * surface_hub      registrations of TM Forum's consumers
 * surface_stream   events as they happen */
#ifndef CORE_SURFACE_INTERNAL_H
#define CORE_SURFACE_INTERNAL_H

#include "core/arena.h"
#include "core/history.h"
#include "core/json_write.h"
#include "core/log.h"
#include "core/surface.h"

#include "surface_inquiry.h"

#define ANSWER_BYTES_MAX ((size_t)96 << 20) /* a page of the largest items */
#define PARAMETER_BYTES_MAX 1024

struct stream;

struct surface {
    struct surface_options options;
    struct instant now, started;
    struct inquiry *inquiries; /* questions that the store has not answered */
    struct stream *streams;
    size_t scan_count;      /* lists whose next page the store owes */
    struct failure written; /* how the latest trial of writing ended */
    int64_t written_mono_ms;
    bool is_writing, has_written, is_closed;
};

/* One request: the handler's view of it. */
struct call {
    struct surface *surface;
    struct http_exchange *exchange;
    const struct http_query *query;
    const char *rest; /* of the path, after what its route names */
};
typedef void call_fn(const struct call *call);

/* surface_answer */
void answer_json(struct surface *surface, struct http_exchange *exchange, int code,
                 struct span json);
/* A good answer that the client may have already: known is its If-None-Match, or NULL. */
void answer_kept(struct surface *surface, struct http_exchange *exchange, const char *known,
                 const struct http_answer *answer);
/* A problem document (RFC 9457). detail is upstream or user text too: it is cleaned. */
void answer_problem(struct surface *surface, struct http_exchange *exchange, int code,
                    const char *format, ...) PRINTF_LIKE(4, 5);
/* One for each of several reasons: errors holds them all, detail says that the old configuration
 * holds. */
void answer_problems(struct surface *surface, struct http_exchange *exchange, int code,
                     const char *const *problems, size_t count);
void answer_not_allowed(const struct call *call, const char *allow);
void answer_store_problem(struct surface *surface, struct http_exchange *exchange,
                          enum status status, const char *detail);
const char *call_parameter(const struct call *call, const char *name); /* NULL: not given */
/* names ends with NULL. Answers and gives false if there is another, or one twice. */
bool call_accepts(const struct call *call, const char *const *names);
bool call_limit(const struct call *call, size_t *out); /* answers if it is wrong */

/* surface_health */
struct survey { /* what the store said; counts NULL: it did not */
    const struct sink_counts *counts;
    size_t count;
    enum status status;
};
call_fn serve_healthy, serve_ready, serve_status, serve_metrics, serve_sinks, serve_sources;

/* surface_orders, surface_events, surface_silences */
/* "; did you mean …" if the source has an order of a similar id. */
void order_add_hint(const struct surface *surface, const char *source_name, const char *order_id,
                    struct text *out);
call_fn serve_silences, serve_silence_add, serve_silence_end, serve_silence_delete;
call_fn serve_orders, serve_order, serve_order_by_query, serve_appointments, serve_events,
    serve_event, serve_deliveries;
const char *delivery_state_name(enum delivery_state state);

/* surface_keep, surface_feed */
struct poller *surface_poller(const struct surface *surface, const char *source_name); /* NULL */
call_fn serve_order_action, serve_backup, serve_feed;

/* surface_control, surface_reload, surface_stream */
call_fn serve_delivery_action, serve_source_action, serve_sink_action, serve_reload, serve_stream;
/* Drops deliveries that are parked, or pending for a sink that the configuration lacks. */
void surface_drop(struct surface *surface, const int64_t *ids, size_t count,
                  store_changed_fn *on_done, void *arg);
int64_t streams_turn(struct surface *surface); /* the mono ms of the next call */
void streams_end(struct surface *surface);     /* each of them, for good */

/* surface_hub */
call_fn serve_order_hub, serve_order_hub_delete, serve_appointment_hub,
    serve_appointment_hub_delete;

/* surface_item */
void item_add_source(struct json_writer *writer, const struct surface *surface, size_t index);
void item_add_sink(struct json_writer *writer, const struct surface *surface, size_t index,
                   const struct survey *survey);
/* A sink that is not configured, for its deliveries that are kept. */
void item_add_stranger(struct json_writer *writer, const struct sink_counts *counts);
const struct sink_counts *survey_of(const struct survey *survey, const char *sink_name); /* NULL */
void item_add_wall(struct json_writer *writer, const char *name, int64_t wall_ms); /* 0: nothing */
/* surface_moves: "status_since", and "moves": what was promised first, how far it is from that. */
void item_add_moves(struct json_writer *writer, const struct source_config *source,
                    const struct record *record, struct history *history);

#endif
