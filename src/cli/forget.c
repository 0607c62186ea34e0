#include "cli/cli.h"
#include "cli/client.h"
#include "core/utf8.h"
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_BYTES_MAX ((size_t)128 << 20)

static const char usage[] =
    "usage: orderwatch forget [SOURCE/]ORDER [--drop] [--yes] [-c FILE] [--json]\n"
    "Erases one order: its record, events, personal data, deliveries, calendar and ticket memory.\n"
    "There is no way back. While the order is listed upstream, the next sweep knows it anew: as "
    "it\n"
    "is then, without an event.\n"
    "  --drop   deliveries that are pending or parked are dropped; else they are in the way\n"
    "  --yes    without being asked\n\n"
    "exit: 0; 1 nothing is known of it, or deliveries are in the way; 2 usage; 69 no daemon "
    "answers\n";

/* What is to be forgotten. */
struct target {
    char *source, *order_id; /* source NULL: not known yet */
    int source_count;        /* those that know the order */
};

static void target_fini(struct target *target)
{
    free(target->source);
    free(target->order_id);
}

/* SOURCE/ORDER where there is such a source; ids may have slashes of their own. */
static bool splits(struct target *target, const char *operand, const struct json *sources)
{
    const char *slash = strchr(operand, '/');
    const struct json *item = json_first(json_member(sources, "items"));
    for (; item != NULL && slash != NULL; item = json_next(item)) {
        struct span name = json_text(json_member(item, "name"));
        if (name.size == (size_t)(slash - operand) && strncmp(name.data, operand, name.size) == 0) {
            target->source = alloc_text(name.data);
            target->order_id = alloc_text(slash + 1);
            return true;
        }
    }
    return false;
}

static void look_for(struct client *client, struct target *target, const struct json *sources,
                     int *exit_code)
{
    struct text answer;
    text_init(&answer, ANSWER_BYTES_MAX);
    const struct json *item = json_first(json_member(sources, "items"));
    for (; item != NULL && *exit_code == EXIT_CODE_OK; item = json_next(item)) {
        struct span name = json_text(json_member(item, "name"));
        if (client_try_order(client, name, target->order_id, &answer, exit_code) == 200) {
            free(target->source);
            target->source = alloc_text(name.data);
            target->source_count++;
        }
    }
    text_fini(&answer);
}

static int refuse(const char *operand, const char *why, int exit_code)
{
    struct text clean;
    text_init(&clean, 4096);
    utf8_add_clean_line(&clean, span_of(operand), 1000);
    (void)fprintf(stderr, "orderwatch: forget: %s: %s\n", text_cstr(&clean), why);
    text_fini(&clean);
    return exit_code;
}

/* A source that is no longer configured is taken at its word. */
static int find(struct client *client, const char *operand, struct target *target)
{
    int exit_code = EXIT_CODE_OK;
    struct json *sources = client_ask_json(client, "/api/v1/sources", NULL, &exit_code);
    if (sources != NULL && !splits(target, operand, sources)) {
        target->order_id = alloc_text(operand);
        look_for(client, target, sources, &exit_code);
        const char *slash = strchr(operand, '/');
        if (exit_code == EXIT_CODE_OK && target->source_count > 1) {
            exit_code =
                refuse(operand, "several sources have it; name one: SOURCE/ORDER", EXIT_CODE_USAGE);
        } else if (exit_code == EXIT_CODE_OK && target->source == NULL && slash != NULL) {
            target->source = strndup(operand, (size_t)(slash - operand));
            CHECK(target->source != NULL);
            free(target->order_id);
            target->order_id = alloc_text(slash + 1);
        } else if (exit_code == EXIT_CODE_OK && target->source == NULL) {
            exit_code = refuse(operand,
                               "no such order; `orderwatch orders` lists those that are "
                               "known",
                               EXIT_CODE_NEGATIVE);
        }
    }
    json_destroy(sources);
    return exit_code;
}

static bool is_confirmed(const struct target *target)
{
    char line[16] = "";
    struct text clean;
    text_init(&clean, 4096);
    utf8_add_clean_line(&clean, span_of(target->order_id), 1000);
    (void)printf("Order %s of source %s will be erased for good. Type yes to go on: ",
                 text_cstr(&clean), target->source);
    (void)fflush(stdout);
    text_fini(&clean);
    return fgets(line, sizeof line, stdin) != NULL && strcmp(line, "yes\n") == 0;
}

static int tell(const struct target *target, const struct text *answer, bool is_json)
{
    struct json *what = NULL;
    if (is_json) {
        client_print(answer);
        return EXIT_CODE_OK;
    }
    if (json_parse(text_span(answer), &what, NULL) != STATUS_OK) {
        return EXIT_CODE_UNAVAILABLE;
    }
    struct text clean;
    text_init(&clean, 4096);
    utf8_add_clean_line(&clean, span_of(target->order_id), 1000);
    (void)printf("%s/%s: erased: %s, %lld events, %lld deliveries (%lld of them dropped), "
                 "%lld tickets\n",
                 target->source, text_cstr(&clean),
                 json_member_true(what, "record") ? "the record" : "no record",
                 (long long)json_member_integer(what, "events", 0),
                 (long long)json_member_integer(what, "deliveries", 0),
                 (long long)json_member_integer(what, "dropped", 0),
                 (long long)json_member_integer(what, "tickets", 0));
    text_fini(&clean);
    json_destroy(what);
    return EXIT_CODE_OK;
}

static int forget(struct client *client, const struct target *target, bool drops, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    struct text path;
    struct text answer;
    text_init(&path, 16384);
    text_init(&answer, ANSWER_BYTES_MAX);
    text_add_text(&path, "/api/v1/orders/");
    text_add_percent(&path, span_of(target->source));
    text_add_char(&path, '/');
    text_add_percent(&path, span_of(target->order_id));
    text_add_text(&path, "/forget");
    if (client_ask(client, text_cstr(&path), drops ? "{\"drop\":true}" : "{}", &answer,
                   &exit_code)) {
        exit_code = tell(target, &answer, is_json);
    }
    text_fini(&answer);
    text_fini(&path);
    return exit_code;
}

int cli_forget(int argc, char **argv)
{
    bool drops = false;
    bool is_sure = false;
    const struct option_place places[] = {{.name = "drop", .is_given = &drops},
                                          {.name = "yes", .is_given = &is_sure}};
    struct options options = {.command = "forget",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true,
                              .operand_count_max = 1};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    if (options.operand_count == 0) {
        return refuse("ORDER", "is missing; `orderwatch forget --help` tells more",
                      EXIT_CODE_USAGE);
    }
    if (!is_sure && isatty(STDIN_FILENO) == 0) {
        return refuse(options.operands[0], "is not erased without --yes where nobody can be asked",
                      EXIT_CODE_USAGE);
    }
    struct client *client = client_open(&options, &exit_code);
    if (client == NULL) {
        return exit_code;
    }
    struct target target = {.source_count = 0};
    exit_code = find(client, options.operands[0], &target);
    if (exit_code == EXIT_CODE_OK && !is_sure && !is_confirmed(&target)) {
        exit_code = refuse(options.operands[0], "nothing was erased", EXIT_CODE_NEGATIVE);
    } else if (exit_code == EXIT_CODE_OK) {
        exit_code = forget(client, &target, drops, options.is_json);
    }
    target_fini(&target);
    client_close(client);
    return exit_code;
}
