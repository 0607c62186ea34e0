/* The HTTP interface of the daemon without the HTTP: what each request is answered. */
#ifndef CORE_SURFACE_H
#define CORE_SURFACE_H

#include "core/exchange.h"
#include "core/hub.h"
#include "core/message.h"
#include "core/metrics.h"
#include "core/monitor.h"
#include "core/query.h"
#include "core/reload.h"

struct surface;

/* A page or document that is served as it is. */
struct surface_document {
    const char *path, *content_type;
    const char *security_policy; /* NULL: nothing may be loaded */
    const char *etag;            /* quoted */
    bool is_public;              /* no token is needed: it tells nothing, it asks */
    struct span body;            /* borrowed; must outlive the surface */
};

/* The appointments of one source, to be written as iCalendar. */
struct surface_feed {
    const char *name;
    const struct zone *zone;
    const struct message_appointment *appointments;
    size_t count;
};

struct surface_options {
    const struct config *config; /* borrowed, as all below */
    struct monitor *monitor;
    struct metrics *metrics;
    const struct sink_port *sinks; /* one per config->sinks, same order; ops NULL: it closes */
    struct store_port store;
    struct query_port query;
    struct responder_port responder;
    struct reload_port reload;
    struct hub_port hub;
    const struct surface_document *documents;
    size_t document_count;
    void (*write_feed)(const struct surface_feed *feed, struct text *out);
    const char *version;
    struct instant (*clock)(void *self); /* requests come between turns */
    void *clock_self;
};

struct surface *surface_create(const struct surface_options *options);
/* The server's handler; arg is the surface. */
void surface_serve(void *arg, struct http_exchange *exchange, const struct http_query *query);
/* After a reload, as in the options. */
void surface_use_config(struct surface *surface, const struct config *config,
                        const struct sink_port *sinks);
/* Feeds streams, gives up on a store that does not answer. Returns the mono ms of the next call. */
int64_t surface_turn(struct surface *surface, struct instant now);
/* The monitor is not looked at from here on; questions to the store still come back. */
void surface_close(struct surface *surface);
void surface_destroy(struct surface *surface); /* requires that the store owes nothing */

#endif
