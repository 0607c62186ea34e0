#include "cli/cli.h"
#include "cli/list.h"
#include "cli/words.h"
#include "core/config.h"
#include "core/json_write.h"
#include "daemon.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char usage[] =
    "usage: orderwatch silence add --for DURATION|--until INSTANT --author NAME --comment WHY\n"
    "                              [--source GLOB] [--order GLOB] [--type GLOB] [--severity WORD]\n"
    "                              [--all] [-c FILE] [--json]\n"
    "       orderwatch silence list [-c FILE] [--json]\n"
    "       orderwatch silence end ID [-c FILE] [--json]\n"
    "What a silence matches is kept and shown, but not sent, until its end. --severity: this or\n"
    "milder. One that matches everything needs --all.\n\n"
    "exit: 0; 1 no such silence; 2 refused, with the reason; 69 no daemon answers\n";

static const struct column columns[] = {
    {"ID", "/id", CELL_ID},
    {"START", "/start", CELL_TIME},
    {"END", "/end", CELL_TIME},
    {"SOURCE", "/source", CELL_TEXT},
    {"ORDER", "/order", CELL_TEXT},
    {"TYPE", "/type", CELL_TEXT},
    {"SEVERITY", "/severity", CELL_TEXT},
    {"AUTHOR", "/author", CELL_TEXT},
    {"COMMENT", "/comment", CELL_TEXT},
};

static const struct list_kind silences = {.name = "silence",
                                          .columns = columns,
                                          .column_count = ARRAY_COUNT(columns),
                                          .none = "no silences"};

struct wish {
    const char *source, *order, *type, *severity, *author, *comment, *until, *duration;
    bool is_all;
};

static bool write_end(struct json_writer *writer, const struct wish *wish)
{
    int64_t duration_ms = 0;
    if (wish->duration == NULL) {
        json_write_text(writer, "end", wish->until);
        return true;
    }
    if (wish->until != NULL || !duration_parse(wish->duration, &duration_ms)) {
        return false;
    }
    struct text end;
    text_init(&end, 64);
    date_add_wall(&end, (int64_t)time(NULL) * 1000 + duration_ms);
    json_write_text(writer, "end", text_cstr(&end));
    text_fini(&end);
    return true;
}

/* False: the duration is none. */
static bool compose(const struct wish *wish, struct text *body)
{
    struct json_writer writer = {.out = body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "source", wish->source);
    json_write_text(&writer, "order", wish->order);
    json_write_text(&writer, "type", wish->type);
    json_write_text(&writer, "severity", wish->severity);
    json_write_text(&writer, "author", wish->author);
    json_write_text(&writer, "comment", wish->comment);
    json_write_true(&writer, "is_all", wish->is_all);
    bool is_good = write_end(&writer, wish);
    json_write_close(&writer, '}');
    return is_good;
}

static int send(struct client *client, const char *path, const char *body, bool is_json)
{
    int exit_code = EXIT_CODE_OK;
    struct text answer;
    text_init(&answer, 65536);
    if (client_ask(client, path, body, &answer, &exit_code)) {
        struct json *result = NULL;
        if (is_json) {
            client_print(&answer);
        } else if (json_parse(text_span(&answer), &result, NULL) == STATUS_OK) {
            const char *id = json_member_text(result, "id");
            (void)printf("%s\n", id != NULL ? id : "done");
        }
        json_destroy(result);
    }
    text_fini(&answer);
    return exit_code;
}

static int add(struct client *client, const struct wish *wish, bool is_json)
{
    struct text body;
    text_init(&body, 65536);
    int exit_code = EXIT_CODE_USAGE;
    if (compose(wish, &body)) {
        const struct words_renamed renamed[] = {
            {"end", wish->duration != NULL ? "for" : "until"},
            {"source", "source"},
            {"order", "order"},
            {"type", "type"},
            {"severity", "severity"},
            {NULL, NULL},
        };
        client_rename(client, renamed);
        exit_code = send(client, "/api/v1/silences", text_cstr(&body), is_json);
        client_rename(client, NULL);
    } else {
        (void)fputs("orderwatch: silence: --for: not a duration, or --until beside it; accepted: "
                    "such as 2h or 1d, or --until INSTANT\n",
                    stderr);
    }
    text_fini(&body);
    return exit_code;
}

static int end(struct client *client, const char *id, bool is_json)
{
    struct text path;
    text_init(&path, 8192);
    text_add_text(&path, "/api/v1/silences/");
    text_add_percent(&path, span_of(id));
    text_add_text(&path, "/end");
    int exit_code = send(client, text_cstr(&path), "{}", is_json);
    text_fini(&path);
    return exit_code;
}

enum verb { VERB_ADD, VERB_LIST, VERB_END, VERB_COUNT };

/* VERB_COUNT: what follows the command is none of them, or too much or too little for it. */
static enum verb verb_of(const struct options *options)
{
    static const struct {
        const char *name;
        int operand_count;
    } verbs[VERB_COUNT] = {{"add", 1}, {"list", 1}, {"end", 2}};
    for (int i = 0; i < VERB_COUNT && options->operand_count != 0; i++) {
        if (strcmp(options->operands[0], verbs[i].name) == 0 &&
            options->operand_count == verbs[i].operand_count) {
            return (enum verb)i;
        }
    }
    return VERB_COUNT;
}

/* What no daemon has to be asked for; NULL: nothing. */
static const char *missing_of(const struct wish *wish)
{
    if (wish->author == NULL || wish->author[0] == '\0') {
        return "--author is missing: who silences this";
    }
    if (wish->comment == NULL || wish->comment[0] == '\0') {
        return "--comment is missing: why this is silenced";
    }
    return wish->until == NULL && wish->duration == NULL ? "--for or --until is missing" : NULL;
}

static int act(enum verb verb, struct client *client, const struct options *options,
               const struct wish *wish)
{
    switch (verb) {
    case VERB_ADD:
        return add(client, wish, options->is_json);
    case VERB_LIST:
        return list_print(client, "/api/v1/silences?limit=1000", options->is_json, &silences);
    case VERB_END:
        return end(client, options->operands[1], options->is_json);
    case VERB_COUNT:
        break;
    }
    CHECK(!"a verb that does not exist");
}

int cli_silence(int argc, char **argv)
{
    struct wish wish = {.is_all = false};
    const struct option_place places[] = {
        {.name = "source", .value = &wish.source}, {.name = "order", .value = &wish.order},
        {.name = "type", .value = &wish.type},     {.name = "severity", .value = &wish.severity},
        {.name = "author", .value = &wish.author}, {.name = "comment", .value = &wish.comment},
        {.name = "until", .value = &wish.until},   {.name = "for", .value = &wish.duration},
        {.name = "all", .is_given = &wish.is_all},
    };
    struct options options = {.command = "silence",
                              .usage = usage,
                              .places = places,
                              .place_count = ARRAY_COUNT(places),
                              .takes_json = true,
                              .operand_count_max = 2};
    int exit_code = EXIT_CODE_OK;
    if (!options_parse(&options, argc, argv, &exit_code)) {
        return exit_code;
    }
    enum verb verb = verb_of(&options);
    if (verb == VERB_COUNT) {
        (void)fputs("orderwatch: silence: accepted: add, list, or end ID; `orderwatch silence "
                    "--help` tells more\n",
                    stderr);
        return EXIT_CODE_USAGE;
    }
    const char *missing = verb == VERB_ADD ? missing_of(&wish) : NULL;
    if (missing != NULL) {
        (void)fprintf(stderr, "orderwatch: silence: %s; `orderwatch silence --help` tells more\n",
                      missing);
        return EXIT_CODE_USAGE;
    }
    struct client *client = client_open(&options, &exit_code);
    if (client != NULL) {
        exit_code = act(verb, client, &options, &wish);
        client_close(client);
    }
    return exit_code;
}
