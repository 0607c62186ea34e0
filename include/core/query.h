/* What the operator's side asks of the store, beyond ports.h: pages of what is known, the whole
 * story of one event, repairs of parked deliveries. Same rules as the ports: answered later from
 * the loop, in the order of asking; what is handed over is borrowed. */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "core/ports.h"
#include "core/repair.h"

#define PAGE_ITEMS_MAX 1000

/* A page may hold fewer items than the limit, even none, and still not be the last: filters look at
 * a bounded number of rows. It goes on after next; the end is where there is none. */
struct order_page {
    enum status status;
    const char *detail;
    const char *const *source_names; /* of each order */
    const struct stored_order *orders;
    size_t count;
    bool has_more; /* after the last one */
};
typedef void order_page_fn(void *arg, const struct order_page *page);

struct order_query {
    const char *source_name;                  /* NULL: of all */
    const char *after_source_name, *after_id; /* by source and id; "" and "": from the start */
    size_t limit;
};

struct event_query {
    const char *source_name; /* NULL: any */
    const char *order_id;    /* NULL: any; else with a source */
    const char *type_glob;   /* NULL: any */
    const char *id_prefix; /* what its id begins with, hexadecimal; NULL: any. Newest first only */
    enum severity severity_min;
    int64_t since_wall_ms, until_wall_ms; /* until 0: open */
    int64_t after;                        /* next of the page before, or a row; 0: from the start */
    bool is_forward; /* oldest first, for those who follow; else newest first */
    size_t limit;
};
struct listed_event {
    int64_t row; /* rises with each event; survives restarts */
    struct event event;
    const char *silence_id; /* NULL: not silenced */
};
struct event_page {
    enum status status;
    const char *detail;
    const struct listed_event *events;
    size_t count;
    int64_t next; /* 0: the end. Going forward: the last row looked at, also at the end */
};
typedef void event_page_fn(void *arg, const struct event_page *page);

enum delivery_state {
    DELIVERY_PENDING, /* stored as these numbers */
    DELIVERY_DELIVERED,
    DELIVERY_PARKED,
    DELIVERY_DROPPED, /* by the operator: out of the books */
    DELIVERY_ANY,
};

struct delivery_query {
    const char *sink_name;              /* NULL: any */
    const char *source_name, *order_id; /* of this order only, both or neither; NULL: any */
    enum delivery_state state;
    int64_t after; /* next of the page before; 0: from the newest */
    size_t limit;
};
struct attempt {
    int64_t wall_ms;
    const char *detail; /* what the receiver said */
};
struct listed_delivery {
    int64_t id;
    int64_t message_id; /* of the delivery it left with in one message; id if alone */
    const char *sink_name, *lane, *bundle;
    const char *event_id, *source_name, *order_id;
    enum event_type event_type;
    enum delivery_state state;
    int64_t due_wall_ms, created_wall_ms, ended_wall_ms; /* ended 0: not yet */
    uint32_t attempts_made;
    const char *detail;             /* of the last attempt; "" */
    const struct attempt *attempts; /* only of store_explain_event; oldest first */
    size_t attempt_count;
};
struct delivery_page {
    enum status status;
    const char *detail;
    const struct listed_delivery *deliveries; /* newest first */
    size_t count;
    int64_t next; /* 0: the end */
};
typedef void delivery_page_fn(void *arg, const struct delivery_page *page);

/* STATUS_NOT_FOUND: no such event, which is NULL then. */
typedef void event_story_fn(void *arg, enum status status, const struct listed_event *event,
                            const struct listed_delivery *deliveries, size_t count);

struct query_port {
    void *self;
    void (*list_orders)(void *self, const struct order_query *query, order_page_fn *on_page,
                        void *arg);
    void (*list_events)(void *self, const struct event_query *query, event_page_fn *on_page,
                        void *arg);
    void (*list_deliveries)(void *self, const struct delivery_query *query,
                            delivery_page_fn *on_page, void *arg);
    void (*explain_event)(void *self, const char *event_id, event_story_fn *on_story, void *arg);
    void (*retry_parked)(void *self, const int64_t *ids, size_t count, int64_t now_wall_ms,
                         store_changed_fn *on_done, void *arg);
    void (*drop)(void *self, const struct drop_request *what, store_changed_fn *done, void *arg);
    /* A copy of what is known now or a little later, made while all goes on; detail is its path.
     * STATUS_BUSY: another one is being made; STATUS_INVALID: there is no file to copy. */
    void (*backup)(void *self, store_done_fn *on_done, void *arg);
};

#endif
