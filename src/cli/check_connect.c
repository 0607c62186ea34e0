#include "cli/check.h"

#include "check_source.h"
#include "core/config.h"
#include "daemon.h"
#include "edge/http_client.h"
#include "edge/log.h"
#include "edge/loop.h"
#include "edge/probe.h"
#include "edge/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

struct check_sink {
    bool is_done, is_ok;
    char *detail;
};

/* Sources and sinks are tried side by side; their lines come in the configuration's order. */
struct connecting {
    const struct config *config;
    struct loop *loop;
    struct http_client *http;
    struct check_source *sources;
    struct check_sink *sinks;
    size_t told_count; /* sources, then sinks */
    bool is_started, is_closing, has_failed;
};

/* --- what is told ----------------------------------------------------------------------------- */

static void tell(struct connecting *connecting, const char *name, bool is_ok, const char *detail)
{
    (void)printf("%s: %s%s\n", name, is_ok ? "ok, " : "failed: ", detail);
    (void)fflush(stdout);
    connecting->has_failed = connecting->has_failed || !is_ok;
    connecting->told_count++;
}

static bool tell_source(struct connecting *connecting, const struct check_source *source)
{
    if (source->step != CHECK_SOURCE_DONE) {
        return false;
    }
    tell(connecting, source->config->name, source->is_ok, text_cstr(&source->detail));
    if (source->warning.size != 0) {
        (void)fprintf(stderr, "%s\n", text_cstr(&source->warning));
    }
    return true;
}

static bool tell_sink(struct connecting *connecting, size_t index)
{
    const struct check_sink *sink = &connecting->sinks[index];
    if (sink->is_done) {
        tell(connecting, connecting->config->sinks[index].name, sink->is_ok, sink->detail);
    }
    return sink->is_done;
}

/* True when all of it is told. */
static bool tell_next(struct connecting *connecting)
{
    const struct config *config = connecting->config;
    while (connecting->told_count < config->source_count) {
        if (!tell_source(connecting, &connecting->sources[connecting->told_count])) {
            return false;
        }
    }
    while (connecting->told_count < config->source_count + config->sink_count) {
        if (!tell_sink(connecting, connecting->told_count - config->source_count)) {
            return false;
        }
    }
    return true;
}

/* --- the work --------------------------------------------------------------------------------- */

static void on_probed(void *arg, const struct probe_result *result)
{
    struct check_sink *sink = arg;
    sink->is_done = true;
    sink->is_ok = result->is_open;
    sink->detail = alloc_text(result->detail);
}

static probe_fn *probe_of(enum sink_kind kind)
{
    switch (kind) {
    case SINK_EMAIL:
        return probe_mail;
    case SINK_MQTT:
        return probe_mqtt;
    case SINK_WEBHOOK:
        return probe_webhook;
    }
    CHECK(!"a sink kind that does not exist");
}

static void start_probes(struct connecting *connecting)
{
    const struct config *config = connecting->config;
    const struct sink_environment environment = {.uv = loop_uv(connecting->loop),
                                                 .http = connecting->http,
                                                 .config = &config,
                                                 .version = ORDERWATCH_VERSION};
    for (size_t i = 0; i < config->sink_count; i++) {
        const struct sink_config *sink = &config->sinks[i];
        probe_of(sink->kind)(sink, &environment, on_probed, &connecting->sinks[i]);
    }
}

static void on_http_closed(void *arg)
{
    struct connecting *connecting = arg;
    loop_close(connecting->loop);
}

static int64_t on_turn(void *arg, struct instant now)
{
    struct connecting *connecting = arg;
    (void)now;
    if (!connecting->is_started) {
        connecting->is_started = true;
        start_probes(connecting);
    }
    for (size_t i = 0; i < connecting->config->source_count; i++) {
        check_source_turn(&connecting->sources[i]);
    }
    if (!connecting->is_closing && tell_next(connecting)) {
        connecting->is_closing = true;
        http_client_close(connecting->http, on_http_closed, connecting);
    }
    return INSTANT_NEVER;
}

/* Nothing here is worth an orderly end; helper processes go with their parent. */
static void on_terminate(void *arg)
{
    (void)arg;
    _exit(EXIT_CODE_UNAVAILABLE);
}

static void run(struct connecting *connecting)
{
    const struct config *config = connecting->config;
    connecting->sources = alloc_array(config->source_count, sizeof *connecting->sources);
    connecting->sinks = alloc_array(config->sink_count, sizeof *connecting->sinks);
    for (size_t i = 0; i < config->source_count; i++) {
        check_source_init(&connecting->sources[i], &config->sources[i],
                          http_client_port(connecting->http), unicode_port());
    }
    const struct loop_events events = {
        .on_turn = on_turn, .on_terminate = on_terminate, .arg = connecting};
    loop_run(connecting->loop, &events);
    for (size_t i = 0; i < config->source_count; i++) {
        check_source_fini(&connecting->sources[i]);
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        free(connecting->sinks[i].detail);
    }
    free(connecting->sources);
    free(connecting->sinks);
}

int check_connect(const struct config *config)
{
    struct connecting connecting = {.config = config};
    struct failure why;
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);            /* secrets live in this memory */
    log_configure(LOG_LEVEL_ERROR, config->is_log_json); /* the lines say it all */
    if (loop_create(&connecting.loop, &why) != STATUS_OK ||
        http_client_create(loop_uv(connecting.loop), &connecting.http, &why) != STATUS_OK) {
        (void)fprintf(stderr, "orderwatch: check: %s\n", why.detail);
        return EXIT_CODE_INTERNAL; /* the process ends, and its loop with it */
    }
    run(&connecting);
    loop_destroy(connecting.loop);
    return connecting.has_failed ? EXIT_CODE_UNAVAILABLE : EXIT_CODE_OK;
}
