#include "front.h"

#include "core/log.h"
#include "core/surface.h"
#include "edge/documents.h"
#include "edge/http_server.h"
#include "edge/process.h"
#include "edge/store_query.h"

#include <stdlib.h>

struct front {
    struct documents *documents;
    struct metrics *metrics;
    struct surface *surface;
    struct http_server *server;
    bool is_closed;
};

static struct instant read_clock(void *self)
{
    return loop_now(self);
}

static void create_parts(struct front *front, const struct front_options *options)
{
    struct instant now = loop_now(options->loop);
    const struct metrics_options metrics = {.config = options->config,
                                            .version = ORDERWATCH_VERSION,
                                            .measure = process_measure,
                                            .seconds = process_seconds,
                                            .started_wall_ms = now.wall_ms};
    front->metrics = metrics_create(&metrics);
    front->documents = documents_load();
    size_t document_count = 0;
    const struct surface_document *documents = documents_list(front->documents, &document_count);
    const struct surface_options surface = {.config = options->config,
                                            .monitor = options->monitor,
                                            .metrics = front->metrics,
                                            .sinks = options->sinks,
                                            .store = store_port(options->store),
                                            .query = store_query_port(options->store),
                                            .responder = http_server_responder(),
                                            .documents = documents,
                                            .document_count = document_count,
                                            .version = ORDERWATCH_VERSION,
                                            .clock = read_clock,
                                            .clock_self = options->loop};
    front->surface = surface_create(&surface);
}

enum status front_open(const struct front_options *options, struct front **out, struct failure *why)
{
    struct front *front = alloc(sizeof *front);
    create_parts(front, options);
    front->is_closed = true;
    if (options->config->http_listen != NULL) {
        const struct http_server_options server = {.uv = loop_uv(options->loop),
                                                   .listen = options->config->http_listen,
                                                   .handler = surface_serve,
                                                   .arg = front->surface};
        enum status status = http_server_open(&server, &front->server, why);
        if (status != STATUS_OK) {
            front_destroy(front);
            return status;
        }
        front->is_closed = false;
        LOG_INFO("listening", log_text("address", options->config->http_listen));
    }
    *out = front;
    return STATUS_OK;
}

void front_turn_begins(struct front *front, struct instant now)
{
    if (front != NULL) {
        metrics_turn_begins(front->metrics, now);
    }
}

int64_t front_turn_ends(struct front *front, struct instant now, int64_t wake_mono_ms)
{
    if (front == NULL) {
        return wake_mono_ms;
    }
    int64_t own_mono_ms = surface_turn(front->surface, now);
    int64_t next_mono_ms = own_mono_ms < wake_mono_ms ? own_mono_ms : wake_mono_ms;
    metrics_turn_ends(front->metrics, next_mono_ms);
    return next_mono_ms;
}

static void on_server_closed(void *arg)
{
    struct front *front = arg;
    front->is_closed = true;
}

void front_close(struct front *front)
{
    if (front == NULL) {
        return;
    }
    if (front->server != NULL) {
        http_server_close(front->server, on_server_closed, front);
        front->server = NULL;
    }
    surface_close(front->surface);
}

bool front_is_closed(const struct front *front)
{
    return front == NULL || front->is_closed;
}

void front_destroy(struct front *front)
{
    if (front == NULL) {
        return;
    }
    surface_destroy(front->surface);
    metrics_destroy(front->metrics);
    documents_destroy(front->documents);
    free(front);
}
