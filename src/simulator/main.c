/* orderwatch-sim: a simulated Order Tracking API that plays a scenario of changes and faults. */
#include "edge/config_file.h"
#include "simulator/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS 100
#define PEM_BYTES_MAX 65536

struct options {
    const char *scenario;
    char host[64];
    uint16_t port;
    const char *certificate_file, *key_file;
    const char *port_file;
    bool is_verbose;
};

static const char usage[] =
    "usage: orderwatch-sim [SCENARIO] [--listen ADDRESS:PORT] [--tls-cert FILE --tls-key FILE]\n"
    "                      [--port-file FILE] [--verbose]\n"
    "A simulated Order Tracking API with its token endpoint; plays SCENARIO (a YAML file, or the\n"
    "name of one that is shipped; default: demo).\n\n"
    "  --listen ADDRESS:PORT  default 127.0.0.1:9476; port 0 takes any free one\n"
    "  --port-file FILE       writes the port there once it listens\n"
    "  --tls-cert, --tls-key  PEM files: serve https\n"
    "  --verbose              one line per request\n\n"
    "paths: POST /oauth/v3/token, GET /order-tracking/b2b/v1/orders[/ID], …/appointments,\n"
    "       POST /_sim/steps (a step as JSON or YAML, at once), GET /_sim/requests\n"
    "steps: say order appointment note many close_order remove_order relist_order\n"
    "       remove_appointment fault clear_faults revoke_tokens\n"
    "faults: {kind, on: any|token|orders|detail|appointments, count (0 = until cleared)}, kinds:\n"
    "       status (code, api_code, retry_after, body) html truncated cut deep big (bytes)\n"
    "       gzip_bomb slow hang drop redirect (location) empty total (by) endless repeat_page\n"
    "       duplicate shift short (by) expires_in (value, or absent)\n";

static struct instant read_clocks(void)
{
    struct timespec mono;
    struct timespec wall;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &mono) == 0 && clock_gettime(CLOCK_REALTIME, &wall) == 0);
    return (struct instant){.mono_ms = mono.tv_sec * 1000 + mono.tv_nsec / 1000000,
                            .wall_ms = wall.tv_sec * 1000 + wall.tv_nsec / 1000000};
}

static bool parse_listen(const char *text, struct options *out)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof out->host) {
        return false;
    }
    char *end = NULL;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end == colon + 1 || *end != '\0' || port > UINT16_MAX) {
        return false;
    }
    memset(out->host, 0, sizeof out->host);
    memcpy(out->host, text, (size_t)(colon - text));
    out->port = (uint16_t)port;
    return true;
}

static int refuse_usage(const char *what, const char *reason)
{
    (void)fprintf(stderr,
                  "orderwatch-sim: %s: %s; `orderwatch-sim --help` tells what is accepted\n", what,
                  reason);
    return 2;
}

/* -1: go on; otherwise the exit code. */
static int parse_options(int argc, char **argv, struct options *out)
{
    static const struct option known[] = {{"listen", required_argument, NULL, 'l'},
                                          {"port-file", required_argument, NULL, 'p'},
                                          {"tls-cert", required_argument, NULL, 'c'},
                                          {"tls-key", required_argument, NULL, 'k'},
                                          {"verbose", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *listen_text = "127.0.0.1:9476";
    *out = (struct options){.scenario = "demo"};
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before anything else runs */
    for (int option = 0; (option = getopt_long(argc, argv, "l:vh", known, NULL)) != -1;) {
        switch (option) {
        case 'l':
            listen_text = optarg;
            break;
        case 'p':
            out->port_file = optarg;
            break;
        case 'c':
            out->certificate_file = optarg;
            break;
        case 'k':
            out->key_file = optarg;
            break;
        case 'v':
            out->is_verbose = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return 0;
        default:
            return refuse_usage(argv[optind - 1], "no such option, or its value is missing");
        }
    }
    if (!parse_listen(listen_text, out)) {
        (void)fprintf(stderr, "orderwatch-sim: --listen %s: not ADDRESS:PORT\n", listen_text);
        return 2;
    }
    if (argc - optind > 1) {
        return refuse_usage(argv[optind + 1], "unexpected");
    }
    if ((out->certificate_file == NULL) != (out->key_file == NULL)) {
        return refuse_usage("--tls-cert, --tls-key", "they belong together");
    }
    out->scenario = optind < argc ? argv[optind] : out->scenario;
    return -1;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        (void)fprintf(stderr, "orderwatch-sim: %s: cannot be opened\n", path);
        return NULL;
    }
    char *bytes = alloc(PEM_BYTES_MAX + 1);
    size_t size = fread(bytes, 1, PEM_BYTES_MAX, file);
    bytes[size] = '\0';
    (void)fclose(file);
    return bytes;
}

/* A name without a slash or suffix is one of the shipped scenarios. */
static void scenario_path(const char *name, struct text *out)
{
    if (strchr(name, '/') == NULL && strchr(name, '.') == NULL) {
        text_addf(out, "%s/scenarios/%s.yaml", share_folder(), name);
    } else {
        text_add_text(out, name);
    }
}

static enum status load_scenario(const char *name, struct yaml_document **document,
                                 struct scenario *out)
{
    struct text path;
    text_init(&path, 4096);
    scenario_path(name, &path);
    struct problem_list problems = {0};
    enum status status = yaml_load(text_cstr(&path), &problems, document);
    if (status == STATUS_OK) {
        status = scenario_read(yaml_root(*document), &problems, out);
    }
    for (const struct problem *problem = problems.first; problem != NULL; problem = problem->next) {
        (void)fprintf(stderr, "%s\n", problem->line_text);
    }
    problem_list_clear(&problems);
    text_fini(&path);
    return status;
}

static void announce(const struct options *options, uint16_t port)
{
    (void)printf("orderwatch-sim: http%s://%s:%u/order-tracking/b2b/v1\n",
                 options->key_file != NULL ? "s" : "", options->host, port);
    (void)fflush(stdout);
    if (options->port_file != NULL) {
        FILE *file = fopen(options->port_file, "we");
        if (file != NULL) {
            (void)fprintf(file, "%u\n", port);
            (void)fclose(file);
        }
    }
}

static bool is_asked_to_stop(const sigset_t *signals)
{
    const struct timespec at_once = {0};
    return sigtimedwait(signals, NULL, &at_once) > 0;
}

static void serve(struct server *server, struct scenario *scenario, struct stage *stage)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    int64_t started_mono_ms = INSTANT_NEVER;
    while (!is_asked_to_stop(&signals)) {
        struct instant now = read_clocks();
        int64_t wait_ms = TURN_MS;
        if (started_mono_ms == INSTANT_NEVER &&
            (scenario->starts_at_once || server_gave_baseline(server))) {
            started_mono_ms = now.mono_ms;
        }
        if (started_mono_ms != INSTANT_NEVER) {
            scenario_play(scenario, stage, now.mono_ms - started_mono_ms);
        }
        server_run(server, now, wait_ms);
    }
}

static int run(const struct options *options, struct scenario *scenario, const struct node *root)
{
    struct stage stage = {.world = world_create(read_clocks().wall_ms, scenario->zone),
                          .faults = fault_list_create()};
    scenario_populate(scenario, root, stage.world);
    char *certificate = options->key_file != NULL ? read_file(options->certificate_file) : NULL;
    char *key = options->key_file != NULL ? read_file(options->key_file) : NULL;
    const struct server_options server_options = {.host = options->host,
                                                  .port = options->port,
                                                  .certificate_pem = certificate,
                                                  .key_pem = key,
                                                  .scenario = scenario,
                                                  .stage = &stage,
                                                  .is_verbose = options->is_verbose};
    struct server *server = NULL;
    struct failure why;
    enum status status = server_start(&server_options, &server, &why);
    if (status == STATUS_OK) {
        announce(options, server_port(server));
        serve(server, scenario, &stage);
    } else {
        (void)fprintf(stderr, "orderwatch-sim: %s\n", why.detail);
    }
    server_stop(server);
    free(certificate);
    free(key);
    fault_list_destroy(stage.faults);
    world_destroy(stage.world);
    return status == STATUS_OK ? 0 : 69;
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    struct options options;
    int exit_code = parse_options(argc, argv, &options);
    if (exit_code >= 0) {
        return exit_code;
    }
    struct yaml_document *document = NULL;
    struct scenario scenario = {.own_zone = NULL};
    exit_code = 78;
    if (load_scenario(options.scenario, &document, &scenario) == STATUS_OK) {
        exit_code = run(&options, &scenario, yaml_root(document));
    }
    scenario_fini(&scenario);
    yaml_close(document);
    return exit_code;
}
