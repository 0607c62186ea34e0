/* Everything the core asks of the outside world, and nothing else.
 * Rule for all ports: results come back later from the loop, never from inside the call that
 * asked. Every start gets exactly one done. Arguments are borrowed for the call and copied if
 * needed; what a done hands over is borrowed during the done. */
#ifndef CORE_PORTS_H
#define CORE_PORTS_H

#include "core/config.h"
#include "core/event.h"
#include "core/text.h"

struct outlook;

/* --- fetching ------------------------------------------------------------------------------- */

struct http_request {
    const char *method; /* GET without a body, or POST, PUT, PATCH, DELETE */
    const char *url;
    const struct http_header *headers; /* may hold secrets: never logged */
    size_t header_count;
    struct span body;
    int64_t timeout_ms;
    size_t body_bytes_max;        /* decoded; past this the transfer ends with STATUS_TOO_LARGE */
    bool truncates_body;          /* past body_bytes_max: stop reading, but the answer counts */
    const struct tls_config *tls; /* NULL: defaults; must outlive the transfer */
    const char *proxy;            /* NULL: none */
    bool only_connects;           /* connect, TLS too, and send nothing: no http_code */
    bool allows_private;          /* private, loopback and link-local addresses may be called */
};

struct http_response {
    struct instant at;  /* when the adapter saw its end */
    enum status status; /* transport outcome; the rest is valid only if STATUS_OK */
    int http_code;
    struct text *body; /* the callee may text_take it */
    const char *retry_after, *etag, *last_modified, *link, *location, *total_count, *request_id,
        *content_type;                       /* header values as sent; NULL: absent */
    int64_t certificate_expires_wall_ms;     /* of the peer; 0: unknown or no TLS */
    int64_t own_certificate_expires_wall_ms; /* of tls->cert_file; 0: none, or unreadable */
    bool is_tls_failure;                     /* certificate or handshake refused */
    bool is_own_certificate_refused;         /* by the server, as far as it can be known */
    bool is_connect_failure;                 /* no connection was made: nobody saw the request */
    const char *detail;                      /* one line for a human, no secrets */
};

typedef void http_done_fn(void *arg, struct http_response *response);

struct http_port {
    void *self;
    void (*start)(void *self, const struct http_request *request, http_done_fn *on_done, void *arg);
    void (*cancel_all)(void *self, void *arg); /* each pending done of this arg: UNAVAILABLE */
};

/* Brings text to Unicode NFC; the input is valid UTF-8. Synchronous and pure. */
struct unicode_port {
    void (*normalize)(struct span bytes, struct text *out);
};

/* --- remembering ---------------------------------------------------------------------------- */

/* What the store keeps of one order, as the core handed it in. */
struct stored_order {
    const char *id;
    uint64_t raw_fingerprint; /* of the element's bytes as last seen to mean this record; 0: none */
    uint64_t sequence;        /* of its latest event; 0: none yet */
    bool has_left;            /* closed or disappeared; kept for its history */
    struct span canonical;    /* record_encode */
    struct span history;      /* history_encode */
};

/* The store keeps the numbers. */
enum deadline_kind { DEADLINE_REMINDER, DEADLINE_OVERDUE, DEADLINE_STALLED, DEADLINE_SETTLED };

/* Something time will cause. Replaced as a whole whenever its order is written. */
struct deadline {
    enum deadline_kind kind;
    int64_t due_wall_ms;
    const char *key; /* which one: appointment id and lead time, the committed date … */
};

struct planned_delivery {
    const char *sink_name;
    const char *lane;   /* order per sink and lane; source/order id, or a digest's own */
    const char *bundle; /* deliveries of a lane with one bundle leave as one message; NULL: alone */
    int64_t due_wall_ms; /* not before */
    /* What becomes of it in a commit that is handed in when it is due already: of what leaves as
     * one mail at one moment nothing may follow. NULL: the same. One that has none itself. */
    const struct planned_delivery *if_late;
};

struct new_event {
    struct event event;
    const struct planned_delivery *deliveries;
    size_t delivery_count;
    const char *silence_id; /* NULL: not silenced. Else the deliveries are counted and not made */
};

/* One order to be written, with the events that its change makes. */
struct staged_order {
    struct stored_order order;
    const struct deadline *deadlines;
    size_t deadline_count;
    const struct new_event *events;
    size_t event_count;
};

/* A named value of the core's own: source state, sink state. Bytes are opaque to the store. */
struct stored_value {
    const char *key; /* source/NAME, sink/NAME, budget/NAME, ticket/SINK/KEY */
    struct span value;
};

/* One durable transaction: all of it or nothing. */
struct commit {
    int64_t at_wall_ms;                /* handed in */
    const char *source_name;           /* whose staged orders become real; NULL: none */
    const struct staged_order *orders; /* written besides the staged ones */
    size_t order_count;
    const struct new_event *events; /* of sources and sinks */
    size_t event_count;
    const struct stored_value *values;
    size_t value_count;
    bool needs_room; /* as orders do: what is left of a full disk is not for it */
};

/* A delivery, or a bundle of them that leaves as one message. Rows that join a bundle after it was
 * given are not part of it: what was tried together stays together, and they come next. */
struct delivery {
    int64_t id;      /* of the first row */
    int64_t last_id; /* of the last row; id if it is a single one */
    const char *sink_name;
    const char *lane;
    const char *bundle;            /* NULL: a single event */
    uint32_t attempts_made;        /* before this one */
    int64_t created_wall_ms;       /* of the oldest row */
    int64_t first_due_wall_ms;     /* as planned: quiet hours and digests are not its age */
    const char *progress;          /* the sink's own note of an earlier attempt; "" at first */
    const struct event *events;    /* oldest first; of a large bundle the first by weight */
    size_t event_count;            /* how many are in events */
    size_t event_total;            /* how many the bundle has */
    uint32_t severity_counts[4];   /* over event_total, by enum severity */
    const struct outlook *outlook; /* of a digest; NULL: none */
};

#define BUNDLE_EVENTS_MAX 200
/* How long after its due a bundle waits as a whole for what one of its events must not overtake, if
 * that was planned for an earlier moment: it is to be one message. Then it leaves up to that event,
 * for the other may be refused for days. */
#define BUNDLE_WAIT_MS (2 * HOUR_MS)

struct due_query {
    const char *sink_name;
    int64_t now_wall_ms;
    int64_t horizon_wall_ms; /* a retry due later than this is due now: the clock went back */
    bool has_gone_back;      /* it did: what was due when it was created is due now */
    bool asks_newest;
    /* Of lanes that begin with untried_lanes, what was never tried is due up to untried_wall_ms, if
     * that is later than now_wall_ms: digests leave at the end of run --once. */
    int64_t untried_wall_ms;
    const char *untried_lanes;
    size_t count_max;
    size_t bytes_max;      /* of event bytes; at least one delivery is given */
    const int64_t *except; /* ids already in hand, sorted */
    size_t except_count;
    bool lanes_cross; /* events of one order may be in several lanes: a delivery is not given while
                         an earlier one of its orders is pending in another lane, unless that one
                         was planned to leave later */
};

struct due_result {
    enum status status;
    const char *detail;
    const struct delivery *deliveries; /* lane heads, oldest first */
    size_t delivery_count;
    int64_t next_due_wall_ms; /* earliest due of a lane head not given; INSTANT_NEVER: none */
    int64_t newest_wall_ms; /* if asked for: when one that is not due yet was created or last tried,
                               at the latest; else, or if there is none, INT64_MIN */
};

enum settle_kind {
    SETTLE_DELIVERED,
    SETTLE_LATER,
    SETTLE_PARKED,
    SETTLE_DEFERRED, /* not tried: as if it had been planned for due_wall_ms */
};

/* The end of an attempt. Applies to the rows of the bundle as they were given: of its lane and
 * bundle, from delivery_id to last_id. */
struct settlement {
    int64_t delivery_id, last_id;
    enum settle_kind kind;
    int64_t at_wall_ms;
    int64_t due_wall_ms;            /* SETTLE_LATER, SETTLE_DEFERRED: when next */
    bool counts_attempt;            /* false: the sink was away, the delivery is not to blame */
    const char *progress;           /* kept for the next attempt; NULL: as it was */
    const char *fallback_sink_name; /* SETTLE_PARKED: in the same transaction each of its events is
                                       planned for this sink too, unless it was; NULL: none */
    /* SETTLE_DELIVERED, SETTLE_PARKED: where the rest of its bundle goes, which could not leave
     * with it: no two messages of one moment. NULL: it comes next. */
    const struct planned_delivery *rest;
    const char *detail;                /* the receiver's answer, cleaned; kept with the attempt */
    const struct stored_value *values; /* of the sink, written in the same transaction; an empty
                                          value is forgotten */
    size_t value_count;
};

/* The conservation line: observed = delivered + pending + parked + silenced. */
struct sink_counts {
    const char *sink_name;
    uint64_t observed, delivered, pending, parked, silenced;
    int64_t oldest_pending_wall_ms; /* when it was planned; 0: none pending */
    int64_t waiting_since_wall_ms; /* when the first of them could leave, by quiet hours and digest;
                                      0: none pending */
};

/* A retained state that a state sink still has to publish, coalesced per order. */
struct stale_state {
    const char *source_name;
    const char *order_id;
    uint64_t version;      /* handed back to settle_state */
    bool has_left;         /* the order is gone: its topics are to be emptied */
    struct span canonical; /* the record, if not has_left */
    const char *published; /* what has a topic now, as mirror_item.c wrote it; "" nothing */
    bool is_whole;         /* the receiver may have none of it, or not all: it gets all of it */
    bool was_refused;      /* the last time some of it was */
};

/* What a state sink has of an order now. */
struct state_settlement {
    const char *source_name;
    const char *order_id;
    uint64_t version;      /* as fetched; 0 settles nothing: it notes what may soon have a topic */
    const char *published; /* as of stale_state, for the next time */
    bool is_refused;       /* some of it was: retry_states finds it */
};

typedef void store_done_fn(void *arg, enum status status, const char *detail);
typedef void store_index_fn(void *arg,
                            const struct stored_order *order); /* canonical, history empty */
typedef void store_value_fn(void *arg, const struct stored_value *value);
typedef void store_orders_fn(void *arg, enum status status, const struct stored_order *orders,
                             size_t count); /* same order as asked; id NULL: not known */
typedef void store_due_fn(void *arg, const struct due_result *result);
typedef void store_counts_fn(void *arg, enum status status, const struct sink_counts *counts,
                             size_t count);
typedef void store_states_fn(void *arg, enum status status, const struct stale_state *states,
                             size_t count);
struct due_deadline {
    const char *order_id;
    struct deadline deadline;
};
typedef void store_deadlines_fn(void *arg, enum status status, const struct due_deadline *deadlines,
                                size_t count, int64_t next_due_wall_ms);

struct forget_query {
    const char *source_name, *order_id;
    bool drops_open; /* deliveries that are pending or parked go too; else they are in the way */
    const struct stored_value *values; /* of the core's own, written in the same transaction */
    size_t value_count;
};

/* What forgetting did, or one step of it. */
struct forgotten {
    size_t order_count, event_count, delivery_count, ticket_count;
    size_t open_count; /* of the deliveries, had not ended; of STATUS_BUSY: are in the way */
    bool is_done;      /* by age: nothing more is old enough */
};
typedef void store_forgot_fn(void *arg, enum status status, const char *detail,
                             const struct forgotten *what);

/* Calls are served in the order of asking. Anything but STATUS_OK from stage or commit means that
 * nothing of it happened, and what was staged for that source is gone. */
struct store_port {
    void *self;
    /* Visits what was known at start: every order of the source, then every value. Called before
     * the first turn and the only synchronous calls. */
    enum status (*visit_orders)(void *self, const char *source_name, store_index_fn *visit,
                                void *arg, struct failure *why);
    enum status (*visit_values)(void *self, store_value_fn *visit, void *arg, struct failure *why);

    void (*fetch_orders)(void *self, const char *source_name, const char *const *ids, size_t count,
                         store_orders_fn *on_done, void *arg);
    /* Sets changed orders of a running sweep aside; not durable, not visible. */
    void (*stage)(void *self, const char *source_name, const struct staged_order *orders,
                  size_t count, store_done_fn *on_done, void *arg);
    void (*discard)(void *self, const char *source_name, store_done_fn *on_done, void *arg);
    void (*commit)(void *self, const struct commit *commit, store_done_fn *on_done, void *arg);
    void (*fetch_deadlines)(void *self, const char *source_name, int64_t now_wall_ms,
                            size_t count_max, store_deadlines_fn *on_done, void *arg);

    void (*fetch_due)(void *self, const struct due_query *query, store_due_fn *on_done, void *arg);
    void (*settle)(void *self, const struct settlement *settlements, size_t count,
                   store_done_fn *on_done, void *arg);
    void (*count_sinks)(void *self, store_counts_fn *on_done, void *arg);

    /* Retained state. Every commit marks the orders it writes as stale for each state sink of their
     * source (store_options.state_sinks). refill marks those too that are not: the broker lost all.
     * A state whose order has an empty id is the source's own, there from the start. */
    void (*fetch_stale)(void *self, const char *sink_name, size_t count_max,
                        store_states_fn *on_done, void *arg);
    void (*settle_state)(void *self, const char *sink_name,
                         const struct state_settlement *settlement, store_done_fn *on_done,
                         void *arg);
    void (*refill)(void *self, const char *sink_name, store_done_fn *on_done, void *arg);
    /* Marks those of which some was refused, up to count_max: what was tried longest ago first. */
    void (*retry_states)(void *self, const char *sink_name, size_t count_max,
                         store_done_fn *on_done, void *arg);

    /* Deletes events detected before, with their deliveries, and orders that left with their last
     * event; an event with a delivery that has not ended stays. One small step: to be asked again
     * until it is done. NULL: this store forgets nothing. */
    void (*forget_events)(void *self, int64_t before_wall_ms, store_forgot_fn *on_done, void *arg);
    /* All that is known of one order: record, events, deliveries, tickets; its retained state is
     * taken back. STATUS_BUSY: a delivery is in the way; STATUS_NOT_FOUND: nothing is known of it.
     * NULL as above. */
    void (*forget_order)(void *self, const struct forget_query *query, store_forgot_fn *on_done,
                         void *arg);
};

/* --- telling -------------------------------------------------------------------------------- */

enum send_outcome {
    SEND_ACCEPTED,  /* the receiver took responsibility */
    SEND_TRY_LATER, /* this delivery was refused or got lost for now */
    SEND_OFFLINE,   /* the sink as a whole is away: no connection, login refused */
    SEND_REJECTED,  /* will never be accepted: park it */
    SEND_GONE,      /* the receiver asks to stop for good (410): park it, disable the sink */
    SEND_DIVIDE,    /* several events were refused as one: fewer of them may be accepted */
};

struct send_result {
    struct instant at;
    enum send_outcome outcome;
    int64_t retry_after_ms;            /* 0: no hint */
    bool is_sink_busy;                 /* the hint is for every delivery, not for this one alone */
    size_t part_max;                   /* SEND_DIVIDE: how many events may be together now */
    const char *progress;              /* NULL: nothing to keep */
    const char *detail;                /* one line: what the receiver said; cleaned, no secrets */
    const struct stored_value *values; /* what the sink will want to know after a restart: durable
                                          with the outcome; an empty value is forgotten */
    size_t value_count;
};

typedef void send_done_fn(void *arg, const struct send_result *result);
typedef void closed_fn(void *arg);

/* A retained message of a state sink. */
enum retained_kind {
    RETAINED_SOURCE,
    RETAINED_ORDER,
    RETAINED_APPOINTMENT,
    RETAINED_NEXT_APPOINTMENT, /* of an order, for those who show one alone */
    RETAINED_DISCOVERY,        /* what announces us to others, at a topic of their choice */
    RETAINED_EARLIER,          /* what the sink had below another prefix: only to remove it */
};

struct retained {
    enum retained_kind kind;
    const char *source_name, *order_id, *appointment_id; /* true ids; the sink encodes them */
    const char *topic;                                   /* of the latter two: the whole of it */
    struct span payload;                                 /* empty: remove it */
    bool is_withheld; /* empty, for the receiver refused what belongs there */
};

/* News of a sink that nobody asked for; called from the loop. */
struct sink_listener {
    void *arg;
    void (*on_available)(void *arg); /* connected: what waits may be tried now */
    /* The receiver has no RETAINED_SOURCE of ours, so none of the rest either. They are published
     * only once the rest is sure to follow, so what a crash makes us forget is found again. */
    void (*on_state_lost)(void *arg);
};

struct sink_ops {
    const char *kind; /* email, mqtt, webhook */
    void (*send)(void *self, const struct delivery *delivery, send_done_fn *on_done, void *arg);
    void (*publish)(void *self, const struct retained *retained, send_done_fn *on_done,
                    void *arg); /* NULL: the sink keeps no state */
    /* The sink begins: it may connect, and recall what the store knows of it. NULL: it need not. */
    void (*listen)(void *self, const struct sink_listener *listener);
    void (*forget)(void *self, const char *source_name,
                   const char *order_id); /* the store did; NULL: it remembers no orders */
    /* Adds one line for those who look at the status: whom it speaks to. NULL: nothing to say. */
    void (*describe)(void *self, struct text *out);
    void (*close)(void *self, closed_fn *on_closed, void *arg); /* frees self when done */
};

struct sink_port {
    void *self;
    const struct sink_ops *ops;
};

#endif
