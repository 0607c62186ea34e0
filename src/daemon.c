#include "daemon.h"

#include "core/monitor.h"
#include "core/route.h"
#include "edge/config_file.h"
#include "edge/format_trial.h"
#include "edge/http_client.h"
#include "edge/log.h"
#include "edge/loop.h"
#include "edge/service.h"
#include "edge/sinks.h"
#include "edge/store.h"
#include "edge/unicode.h"
#include "front.h"
#include "heartbeat.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>

/* The one way through life. Each phase waits for what the one before it started; only advance()
 * moves on. */
enum phase {
    PHASE_RUNNING,
    PHASE_FINISHING,     /* nothing new; what is in flight may end within the grace time */
    PHASE_CLOSING_SINKS, /* what is still in flight ends as "try later" */
    PHASE_CLOSING_HTTP,
    PHASE_SETTLING, /* the store takes down the last outcomes */
    PHASE_CLOSING_STORE,
    PHASE_CLOSED,
};

struct daemon {
    struct config_file *file;
    const struct config *config;
    struct loop *loop;
    struct http_client *http;
    struct store *store;
    struct sink_port *sinks;
    size_t sinks_opened, sinks_closed;
    struct monitor *monitor;
    struct front *front; /* NULL: nobody is served */
    enum phase phase;
    bool is_once, is_asked_to_stop;
    bool is_http_closed, is_store_closed;
    int64_t grace_until_mono_ms;
    struct heartbeat heartbeat;
    int exit_code;
};

static const char *phase_name(enum phase phase)
{
    switch (phase) {
    case PHASE_RUNNING:
        return "running";
    case PHASE_FINISHING:
        return "finishing";
    case PHASE_CLOSING_SINKS:
        return "closing_sinks";
    case PHASE_CLOSING_HTTP:
        return "closing_http";
    case PHASE_SETTLING:
        return "settling";
    case PHASE_CLOSING_STORE:
        return "closing_store";
    case PHASE_CLOSED:
        return "closed";
    }
    CHECK(!"a phase that does not exist");
}

static void enter(struct daemon *daemon, enum phase phase)
{
    CHECK(phase == daemon->phase + 1);
    LOG_DEBUG("phase", log_text("from", phase_name(daemon->phase)),
              log_text("to", phase_name(phase)));
    daemon->phase = phase;
}

/* --- start ------------------------------------------------------------------------------------ */

static int say_failure(const char *what, const struct failure *why, int exit_code)
{
    (void)fprintf(stderr, "orderwatch: %s: %s\n", what, why->detail);
    return exit_code;
}

static int load_config(struct daemon *daemon, const char *path)
{
    struct problem_list problems = {0};
    enum status status = config_file_load(path, &problems, &daemon->file);
    if (status == STATUS_OK) {
        status = format_trial(config_file_config(daemon->file), &problems);
    }
    for (const struct problem *problem = problems.first; problem != NULL; problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
    problem_list_clear(&problems);
    if (status != STATUS_OK) {
        return EXIT_CODE_CONFIG;
    }
    daemon->config = config_file_config(daemon->file);
    log_configure((enum log_level)daemon->config->log_level, daemon->config->is_log_json);
    return EXIT_CODE_OK;
}

/* Which sinks keep the retained state of which source: every state sink that a route could reach.
 */
static size_t list_state_sinks(const struct config *config, struct state_sink *out)
{
    size_t count = 0;
    for (size_t i = 0; i < config->source_count * config->sink_count; i++) {
        const char *source_name = config->sources[i / config->sink_count].name;
        size_t sink_index = i % config->sink_count;
        const struct sink_config *sink = &config->sinks[sink_index];
        if (sink->kind == SINK_MQTT && sink->mqtt.has_state &&
            route_leads_to(config, source_name, sink_index)) {
            out[count++] = (struct state_sink){.source_name = source_name, .sink_name = sink->name};
        }
    }
    return count;
}

static int exit_code_of_store(enum status status)
{
    switch (status) {
    case STATUS_BUSY:
        return EXIT_CODE_TEMPORARY;
    case STATUS_CORRUPT:
    case STATUS_INVALID:
        return EXIT_CODE_IO;
    case STATUS_OK:
    case STATUS_TOO_LARGE:
    case STATUS_NOT_FOUND:
    case STATUS_UNAVAILABLE:
    case STATUS_FULL:
        break;
    }
    return EXIT_CODE_UNAVAILABLE;
}

static int open_store(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    struct state_sink *state_sinks =
        alloc_array(config->source_count * config->sink_count, sizeof *state_sinks);
    struct store_options options = {.uv = loop_uv(daemon->loop),
                                    .path = config->database_path,
                                    .state_sinks = state_sinks,
                                    .state_sink_count = list_state_sinks(config, state_sinks)};
    struct failure why;
    enum status status = store_open(&options, &daemon->store, &why);
    free(state_sinks);
    return status == STATUS_OK ? EXIT_CODE_OK
                               : say_failure("state", &why, exit_code_of_store(status));
}

static sink_open_fn *sink_opener(enum sink_kind kind)
{
    switch (kind) {
    case SINK_EMAIL:
        return sink_mail_open;
    case SINK_MQTT:
        return sink_mqtt_open;
    case SINK_WEBHOOK:
        return sink_webhook_open;
    }
    CHECK(!"a sink kind that does not exist");
}

static int open_sinks(struct daemon *daemon)
{
    const struct config *config = daemon->config;
    const struct store_port store = store_port(daemon->store);
    const struct sink_environment environment = {.uv = loop_uv(daemon->loop),
                                                 .store = &store,
                                                 .http = daemon->http,
                                                 .config = config,
                                                 .version = ORDERWATCH_VERSION};
    daemon->sinks = alloc_array(config->sink_count, sizeof *daemon->sinks);
    for (; daemon->sinks_opened < config->sink_count; daemon->sinks_opened++) {
        const struct sink_config *sink = &config->sinks[daemon->sinks_opened];
        struct failure why;
        if (sink_opener(sink->kind)(sink, &environment, &daemon->sinks[daemon->sinks_opened],
                                    &why) != STATUS_OK) {
            return say_failure(sink->name, &why, EXIT_CODE_CONFIG);
        }
    }
    return EXIT_CODE_OK;
}

static int start_monitor(struct daemon *daemon)
{
    uint64_t seed = 0;
    CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
    const struct monitor_options options = {.config = daemon->config,
                                            .http = http_client_port(daemon->http),
                                            .store = store_port(daemon->store),
                                            .unicode = unicode_port(),
                                            .sinks = daemon->sinks,
                                            .seed = seed,
                                            .is_once = daemon->is_once};
    daemon->monitor = monitor_create(&options);
    struct failure why;
    enum status status = monitor_load(daemon->monitor, &why);
    return status == STATUS_OK ? EXIT_CODE_OK
                               : say_failure("state", &why, exit_code_of_store(status));
}

static int open_front(struct daemon *daemon)
{
    const struct front_options options = {.config = daemon->config,
                                          .loop = daemon->loop,
                                          .store = daemon->store,
                                          .monitor = daemon->monitor,
                                          .sinks = daemon->sinks};
    struct failure why;
    return daemon->is_once || front_open(&options, &daemon->front, &why) == STATUS_OK
               ? EXIT_CODE_OK
               : say_failure("http", &why, EXIT_CODE_UNAVAILABLE);
}

/* The order matters: a wrong configuration touches nothing, a busy or damaged state opens no
 * connection. */
static int start(struct daemon *daemon, const char *config_path)
{
    int exit_code = load_config(daemon, config_path);
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    struct failure why;
    if (loop_create(&daemon->loop, &why) != STATUS_OK) {
        return say_failure("loop", &why, EXIT_CODE_INTERNAL);
    }
    exit_code = open_store(daemon);
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    if (http_client_create(loop_uv(daemon->loop), &daemon->http, &why) != STATUS_OK) {
        return say_failure("http", &why, EXIT_CODE_INTERNAL);
    }
    exit_code = open_sinks(daemon);
    if (exit_code != EXIT_CODE_OK) {
        return exit_code;
    }
    exit_code = start_monitor(daemon);
    return exit_code == EXIT_CODE_OK ? open_front(daemon) : exit_code;
}

/* --- stop ------------------------------------------------------------------------------------- */

static void on_sink_closed(void *arg)
{
    struct daemon *daemon = arg;
    daemon->sinks_closed++;
}

static void on_http_closed(void *arg)
{
    struct daemon *daemon = arg;
    daemon->is_http_closed = true;
}

static void on_store_closed(void *arg)
{
    struct daemon *daemon = arg;
    daemon->is_store_closed = true;
}

static void begin_stop(struct daemon *daemon, struct instant now)
{
    service_stopping();
    LOG_INFO("stopping", log_number("grace_ms", daemon->config->shutdown_grace_ms));
    daemon->grace_until_mono_ms = now.mono_ms + daemon->config->shutdown_grace_ms;
    front_close(daemon->front);
    if (daemon->monitor != NULL) {
        monitor_stop(daemon->monitor);
    }
    enter(daemon, PHASE_FINISHING);
}

static bool is_idle(const struct daemon *daemon)
{
    return daemon->monitor == NULL || monitor_is_idle(daemon->monitor);
}

static void close_sinks(struct daemon *daemon)
{
    enter(daemon, PHASE_CLOSING_SINKS);
    for (size_t i = 0; i < daemon->sinks_opened; i++) {
        daemon->sinks[i].ops->close(daemon->sinks[i].self, on_sink_closed, daemon);
    }
}

static void close_http(struct daemon *daemon)
{
    enter(daemon, PHASE_CLOSING_HTTP);
    if (daemon->http == NULL) {
        daemon->is_http_closed = true;
        return;
    }
    http_client_close(daemon->http, on_http_closed, daemon);
    daemon->http = NULL;
}

static void close_store(struct daemon *daemon)
{
    enter(daemon, PHASE_CLOSING_STORE);
    if (daemon->monitor != NULL) {
        monitor_destroy(daemon->monitor);
        daemon->monitor = NULL;
    }
    if (daemon->store == NULL) {
        daemon->is_store_closed = true;
        return;
    }
    store_close(daemon->store, on_store_closed, daemon);
    daemon->store = NULL;
}

/* What the phase waits for has come. */
static bool is_over(const struct daemon *daemon, struct instant now)
{
    switch (daemon->phase) {
    case PHASE_RUNNING:
        return daemon->is_asked_to_stop;
    case PHASE_FINISHING:
        return is_idle(daemon) || now.mono_ms >= daemon->grace_until_mono_ms;
    case PHASE_CLOSING_SINKS:
        return daemon->sinks_closed == daemon->sinks_opened;
    case PHASE_CLOSING_HTTP:
        return daemon->is_http_closed && front_is_closed(daemon->front);
    case PHASE_SETTLING:
        return is_idle(daemon);
    case PHASE_CLOSING_STORE:
        return daemon->is_store_closed;
    case PHASE_CLOSED:
        return false;
    }
    CHECK(!"a phase that does not exist");
}

static void advance(struct daemon *daemon, struct instant now)
{
    switch (daemon->phase) {
    case PHASE_RUNNING:
        begin_stop(daemon, now);
        return;
    case PHASE_FINISHING:
        close_sinks(daemon);
        return;
    case PHASE_CLOSING_SINKS:
        close_http(daemon);
        return;
    case PHASE_CLOSING_HTTP:
        enter(daemon, PHASE_SETTLING);
        return;
    case PHASE_SETTLING:
        close_store(daemon);
        return;
    case PHASE_CLOSING_STORE:
        enter(daemon, PHASE_CLOSED);
        loop_close(daemon->loop);
        return;
    case PHASE_CLOSED:
        return;
    }
}

/* --- the turn --------------------------------------------------------------------------------- */

static void look_at_once(struct daemon *daemon)
{
    switch (monitor_once_outcome(daemon->monitor)) {
    case ONCE_RUNNING:
        return;
    case ONCE_DELIVERED:
        daemon->exit_code = EXIT_CODE_OK;
        break;
    case ONCE_PENDING:
        daemon->exit_code = EXIT_CODE_TEMPORARY;
        break;
    case ONCE_UNSWEPT:
        daemon->exit_code = EXIT_CODE_UNAVAILABLE;
        break;
    }
    daemon->is_asked_to_stop = true;
}

static int64_t turn(struct daemon *daemon, struct instant now)
{
    int64_t due_mono_ms = INSTANT_NEVER;
    /* Settlements still need turns while the rest closes. */
    if (daemon->monitor != NULL) {
        due_mono_ms = monitor_turn(daemon->monitor, now);
    }
    if (daemon->store != NULL && store_has_failed(daemon->store) && !daemon->is_asked_to_stop) {
        LOG_ERROR("store_failed", log_text("database", daemon->config->database_path));
        daemon->exit_code = EXIT_CODE_INTERNAL;
        daemon->is_asked_to_stop = true;
    }
    if (daemon->is_once && daemon->phase == PHASE_RUNNING && !daemon->is_asked_to_stop) {
        look_at_once(daemon);
    }
    while (is_over(daemon, now)) {
        advance(daemon, now);
    }
    if (daemon->phase == PHASE_RUNNING) {
        int64_t heartbeat_mono_ms = heartbeat_turn(&daemon->heartbeat, daemon->store, now);
        due_mono_ms = heartbeat_mono_ms < due_mono_ms ? heartbeat_mono_ms : due_mono_ms;
    }
    if (daemon->phase == PHASE_FINISHING && daemon->grace_until_mono_ms < due_mono_ms) {
        return daemon->grace_until_mono_ms;
    }
    return due_mono_ms;
}

static int64_t on_turn(void *arg, struct instant now)
{
    struct daemon *daemon = arg;
    front_turn_begins(daemon->front, now);
    return front_turn_ends(daemon->front, now, turn(daemon, now));
}

static void on_terminate(void *arg)
{
    struct daemon *daemon = arg;
    daemon->is_asked_to_stop = true;
}

static void on_reload(void *arg)
{
    (void)arg;
    LOG_WARN("reload_ignored", log_text("remedy", "restart to apply a changed configuration"));
}

int daemon_run(const char *config_path, bool is_once)
{
    /* Secrets live in this memory: no core file, no attaching by others of the same user. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct daemon daemon = {.is_once = is_once};
    int start_code = start(&daemon, config_path);
    if (daemon.loop != NULL) {
        daemon.is_asked_to_stop = start_code != EXIT_CODE_OK;
        if (start_code == EXIT_CODE_OK) {
            LOG_INFO("started", log_text("version", ORDERWATCH_VERSION),
                     log_text("config", daemon.config->file),
                     log_number("sources", (int64_t)daemon.config->source_count),
                     log_number("sinks", (int64_t)daemon.config->sink_count));
            service_ready();
        }
        const struct loop_events events = {.on_turn = on_turn,
                                           .on_terminate = on_terminate,
                                           .on_reload = on_reload,
                                           .arg = &daemon};
        loop_run(daemon.loop, &events);
        loop_destroy(daemon.loop);
        LOG_INFO("stopped",
                 log_number("exit_code", start_code != 0 ? start_code : daemon.exit_code));
    }
    front_destroy(daemon.front);
    free(daemon.sinks);
    if (daemon.file != NULL) {
        config_file_close(daemon.file);
    }
    return start_code != EXIT_CODE_OK ? start_code : daemon.exit_code;
}
