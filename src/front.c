#include "front.h"

#include "core/log.h"
#include "core/surface.h"
#include "edge/calendar.h"
#include "edge/documents.h"
#include "edge/http_server.h"
#include "edge/hub_folder.h"
#include "edge/process.h"
#include "edge/store_query.h"

#include <stdlib.h>
#include <string.h>

struct front {
    struct documents *documents;
    struct metrics *metrics;
    struct surface *surface;
    const struct config *config;
    struct loop *loop;
    struct http_server *server;  /* NULL: http.listen is off */
    struct http_server *next;    /* of a reload under way; NULL: none, or the same */
    struct http_server *retired; /* of the configuration before; NULL: none */
    int64_t retired_until_mono_ms;
    size_t closing_count;
};

static struct instant read_clock(void *self)
{
    return loop_now(self);
}

static void write_feed(const struct surface_feed *feed, struct text *out)
{
    const struct calendar_facts facts = {.method = CALENDAR_METHOD_NONE,
                                         .appointments = feed->appointments,
                                         .appointment_count = feed->count,
                                         .zone = feed->zone,
                                         .name = feed->name};
    calendar_add(&facts, out);
}

static void create_parts(struct front *front, const struct front_options *options)
{
    struct instant now = loop_now(options->loop);
    const struct metrics_options metrics = {.config = options->config,
                                            .version = ORDERWATCH_VERSION,
                                            .measure = process_measure,
                                            .seconds = process_seconds,
                                            .commits = store_read_commits,
                                            .commits_self = options->store,
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
                                            .reload = options->reload,
                                            .hub = hub_folder_port(),
                                            .documents = documents,
                                            .document_count = document_count,
                                            .write_feed = write_feed,
                                            .version = ORDERWATCH_VERSION,
                                            .clock = read_clock,
                                            .clock_self = options->loop};
    front->surface = surface_create(&surface);
}

static enum status open_server(struct front *front, const char *listen, struct http_server **out,
                               struct failure *why)
{
    if (listen == NULL) {
        *out = NULL;
        return STATUS_OK;
    }
    const struct http_server_options server = {.uv = loop_uv(front->loop),
                                               .listen = listen,
                                               .handler = surface_serve,
                                               .arg = front->surface};
    enum status status = http_server_open(&server, out, why);
    if (status == STATUS_OK) {
        LOG_INFO("listening", log_text("address", listen));
    }
    return status;
}

enum status front_open(const struct front_options *options, struct front **out, struct failure *why)
{
    struct front *front = alloc(sizeof *front);
    front->config = options->config;
    front->loop = options->loop;
    create_parts(front, options);
    enum status status = open_server(front, options->config->http_listen, &front->server, why);
    if (status != STATUS_OK) {
        front_destroy(front);
        return status;
    }
    *out = front;
    return STATUS_OK;
}

static void on_server_closed(void *arg)
{
    struct front *front = arg;
    front->closing_count--;
}

static void close_server(struct front *front, struct http_server **server)
{
    if (*server != NULL) {
        front->closing_count++;
        http_server_close(*server, on_server_closed, front);
        *server = NULL;
    }
}

/* --- another configuration -------------------------------------------------------------------- */

#define RETIRED_MS 1000 /* the answer to who asked for the reload is on its way */

static bool has_same_port(const char *left, const char *right)
{
    const char *left_port = left != NULL ? strrchr(left, ':') : NULL;
    const char *right_port = right != NULL ? strrchr(right, ':') : NULL;
    return left_port != NULL && right_port != NULL && text_equal(left_port, right_port);
}

enum status front_prepare(struct front *front, const struct config *config, struct failure *why)
{
    if (front == NULL || text_equal(front->config->http_listen, config->http_listen)) {
        return STATUS_OK;
    }
    enum status status = open_server(front, config->http_listen, &front->next, why);
    if (status == STATUS_BUSY && has_same_port(front->config->http_listen, config->http_listen)) {
        /* The old one listens until the new one does: between two addresses of one port no way. */
        return fail(why, status, "%s; this daemon is at %s: from there it takes a restart",
                    why->detail, front->config->http_listen);
    }
    return status;
}

void front_undo(struct front *front)
{
    if (front != NULL) {
        close_server(front, &front->next);
    }
}

void front_change(struct front *front, const struct config *config, const struct sink_port *sinks,
                  struct instant now)
{
    if (front == NULL) {
        return;
    }
    if (!text_equal(front->config->http_listen, config->http_listen)) {
        close_server(front, &front->retired);
        front->retired = front->server;
        front->retired_until_mono_ms = now.mono_ms + RETIRED_MS;
        front->server = front->next;
        front->next = NULL;
    }
    front->config = config;
    surface_use_config(front->surface, config, sinks);
    metrics_use_config(front->metrics, config);
}

void front_note_reload(struct front *front, const struct reload_facts *facts)
{
    if (front != NULL) {
        metrics_note_reload(front->metrics, facts);
    }
}

/* --- turns, and the end ----------------------------------------------------------------------- */

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
    if (front->retired != NULL && now.mono_ms >= front->retired_until_mono_ms) {
        close_server(front, &front->retired);
    } else if (front->retired != NULL && front->retired_until_mono_ms < own_mono_ms) {
        own_mono_ms = front->retired_until_mono_ms;
    }
    int64_t next_mono_ms = own_mono_ms < wake_mono_ms ? own_mono_ms : wake_mono_ms;
    metrics_turn_ends(front->metrics, next_mono_ms);
    return next_mono_ms;
}

void front_close(struct front *front)
{
    if (front == NULL) {
        return;
    }
    close_server(front, &front->server);
    close_server(front, &front->retired);
    surface_close(front->surface);
}

bool front_is_closed(const struct front *front)
{
    return front == NULL || front->closing_count == 0;
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
