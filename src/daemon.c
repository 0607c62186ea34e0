#include "daemon.h"

#include "core/monitor.h"
#include "edge/format_trial.h"
#include "edge/http_client.h"
#include "edge/log.h"
#include "edge/loop.h"
#include "edge/service.h"
#include "edge/store_query.h"
#include "edge/unicode.h"
#include "heartbeat.h"
#include "reload.h"

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
    const char *config_path;
    struct generation *generation; /* in force */
    const struct config *config;   /* its configuration */
    struct loop *loop;
    struct http_client *http;
    struct store *store;
    struct store_port store_port;
    struct sink_environment environment; /* of every sink that is opened */
    size_t sinks_closing;
    struct monitor *monitor;
    struct front *front;   /* NULL: nobody is served */
    struct reload *reload; /* NULL: not yet, or run --once */
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

static void print_problems(const struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem != NULL;
         problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
}

static int load_config(struct daemon *daemon)
{
    struct problem_list problems = {0};
    enum status status = generation_load(daemon->config_path, &problems, &daemon->generation);
    if (status == STATUS_OK) {
        status = format_trial(daemon->generation->config, &problems);
    }
    if (status != STATUS_OK) {
        print_problems(&problems);
        problem_list_clear(&problems);
        return EXIT_CODE_CONFIG;
    }
    generation_succeed(daemon->generation, NULL, NULL);
    daemon->config = daemon->generation->config;
    log_configure((enum log_level)daemon->config->log_level, daemon->config->is_log_json);
    generation_log_warnings(&problems); /* from here on every line is one of the log */
    problem_list_clear(&problems);
    return EXIT_CODE_OK;
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
    size_t pair_count = 0;
    struct state_sink *pairs = generation_state_sinks(daemon->generation, &pair_count);
    struct store_options options = {.uv = loop_uv(daemon->loop),
                                    .path = daemon->config->database_path,
                                    .state_sinks = pairs,
                                    .state_sink_count = pair_count};
    struct failure why;
    enum status status = store_open(&options, &daemon->store, &why);
    free(pairs);
    if (status != STATUS_OK) {
        return say_failure("state", &why, exit_code_of_store(status));
    }
    daemon->store_port = store_port(daemon->store);
    return EXIT_CODE_OK;
}

static int open_sinks(struct daemon *daemon)
{
    daemon->environment = (struct sink_environment){.uv = loop_uv(daemon->loop),
                                                    .store = &daemon->store_port,
                                                    .http = daemon->http,
                                                    .config = &daemon->config,
                                                    .version = ORDERWATCH_VERSION};
    struct failure why;
    enum status status =
        generation_open_sinks(daemon->generation, &daemon->environment, NULL, &why);
    return status == STATUS_OK ? EXIT_CODE_OK : say_failure("sinks", &why, EXIT_CODE_CONFIG);
}

static int start_monitor(struct daemon *daemon)
{
    uint64_t seed = 0;
    CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
    const struct monitor_options options = {.config = daemon->config,
                                            .http = http_client_port(daemon->http),
                                            .store = daemon->store_port,
                                            .query = store_query_port(daemon->store),
                                            .unicode = unicode_port(),
                                            .sinks = daemon->generation->sinks,
                                            .seed = seed,
                                            .is_once = daemon->is_once};
    daemon->monitor = monitor_create(&options);
    struct failure why;
    enum status status = monitor_load(daemon->monitor, &why);
    return status == STATUS_OK ? EXIT_CODE_OK
                               : say_failure("state", &why, exit_code_of_store(status));
}

static void ask_reload(void *self, reload_done_fn *on_done, void *arg)
{
    struct daemon *daemon = self;
    reload_start(daemon->reload, on_done, arg);
}

/* The one that serves and the one that reloads know each other. */
static int open_front(struct daemon *daemon)
{
    if (daemon->is_once) {
        return EXIT_CODE_OK;
    }
    const struct front_options front = {.config = daemon->config,
                                        .loop = daemon->loop,
                                        .store = daemon->store,
                                        .monitor = daemon->monitor,
                                        .sinks = daemon->generation->sinks,
                                        .reload = {.self = daemon, .start = ask_reload}};
    struct failure why;
    if (front_open(&front, &daemon->front, &why) != STATUS_OK) {
        return say_failure("http", &why, EXIT_CODE_UNAVAILABLE);
    }
    const struct reload_options reload = {.config_path = daemon->config_path,
                                          .generation = &daemon->generation,
                                          .config = &daemon->config,
                                          .environment = &daemon->environment,
                                          .store = daemon->store,
                                          .monitor = daemon->monitor,
                                          .front = daemon->front,
                                          .started_wall_ms = loop_now(daemon->loop).wall_ms};
    daemon->reload = reload_create(&reload);
    return EXIT_CODE_OK;
}

/* The order matters: a wrong configuration touches nothing, a busy or damaged state opens no
 * connection. */
static int start(struct daemon *daemon)
{
    int exit_code = load_config(daemon);
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
    daemon->sinks_closing--;
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
    daemon->sinks_closing =
        generation_close_sinks(daemon->generation, NULL, on_sink_closed, daemon);
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
        return daemon->is_asked_to_stop && reload_is_idle(daemon->reload);
    case PHASE_FINISHING:
        return is_idle(daemon) || now.mono_ms >= daemon->grace_until_mono_ms;
    case PHASE_CLOSING_SINKS:
        return daemon->sinks_closing == 0;
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

static void ask_to_stop(struct daemon *daemon)
{
    daemon->is_asked_to_stop = true;
    reload_stop(daemon->reload);
}

static void look_at_store(struct daemon *daemon)
{
    bool has_failed = (daemon->store != NULL && store_has_failed(daemon->store)) ||
                      reload_has_failed(daemon->reload);
    if (has_failed && !daemon->is_asked_to_stop) {
        LOG_ERROR("store_failed", log_text("database", daemon->config->database_path));
        daemon->exit_code = EXIT_CODE_INTERNAL;
        ask_to_stop(daemon);
    }
}

static int64_t turn(struct daemon *daemon, struct instant now)
{
    int64_t due_mono_ms = reload_turn(daemon->reload, now);
    /* Settlements still need turns while the rest closes. */
    if (daemon->monitor != NULL) {
        due_mono_ms = earlier(due_mono_ms, monitor_turn(daemon->monitor, now));
    }
    look_at_store(daemon);
    if (daemon->is_once && daemon->phase == PHASE_RUNNING && !daemon->is_asked_to_stop) {
        look_at_once(daemon);
    }
    while (is_over(daemon, now)) {
        advance(daemon, now);
    }
    if (daemon->phase == PHASE_RUNNING) {
        int64_t heartbeat_mono_ms = heartbeat_turn(&daemon->heartbeat, daemon->store, now);
        due_mono_ms = earlier(due_mono_ms, heartbeat_mono_ms);
    }
    return daemon->phase == PHASE_FINISHING ? earlier(due_mono_ms, daemon->grace_until_mono_ms)
                                            : due_mono_ms;
}

static int64_t on_turn(void *arg, struct instant now)
{
    struct daemon *daemon = arg;
    log_turn();
    front_turn_begins(daemon->front, now);
    return front_turn_ends(daemon->front, now, turn(daemon, now));
}

static void on_terminate(void *arg)
{
    ask_to_stop(arg);
}

static void on_reload(void *arg)
{
    struct daemon *daemon = arg;
    if (daemon->reload != NULL && !daemon->is_asked_to_stop) {
        reload_start(daemon->reload, NULL, NULL);
    }
}

int daemon_run(const char *config_path, bool is_once)
{
    /* Secrets live in this memory: no core file, no attaching by others of the same user. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    struct daemon daemon = {.is_once = is_once, .config_path = config_path};
    int start_code = start(&daemon);
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
        log_end();
        LOG_INFO("stopped",
                 log_number("exit_code", start_code != 0 ? start_code : daemon.exit_code));
    }
    reload_destroy(daemon.reload);
    front_destroy(daemon.front);
    if (daemon.generation != NULL) {
        generation_retire(daemon.generation);
    }
    return start_code != EXIT_CODE_OK ? start_code : daemon.exit_code;
}
