/* Any text in a log line: one line, and reading it gives the text back (JSON by the core's reader,
 * logfmt by the rules of a quoted JSON string). */
#include "core/json.h"
#include "edge/log.h"

#include "tests/fuzz/fuzz_input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SHOWN_BYTES_MAX 1024 /* longer texts are cut, and not compared */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the log writes to stderr for this value. */
static void write_and_read(const char *value, bool is_json, struct text *out)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(fcntl(ends[1], F_SETPIPE_SZ, 1 << 16) > 0);
    int stderr_copy = dup(STDERR_FILENO);
    CHECK(stderr_copy >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    log_configure(LOG_LEVEL_DEBUG, is_json);
    LOG_INFO("tried", log_text("value", value));
    CHECK(dup2(stderr_copy, STDERR_FILENO) >= 0);
    (void)close(stderr_copy);
    (void)close(ends[1]);
    char chunk[4096];
    for (ssize_t got = 0; (got = read(ends[0], chunk, sizeof chunk)) > 0;) {
        text_add(out, (struct span){.data = chunk, .size = (size_t)got});
    }
    (void)close(ends[0]);
}

static void check_frame(const struct text *line)
{
    CHECK(line->size > 0 && line->data[line->size - 1] == '\n');
    CHECK(memchr(line->data, '\n', line->size - 1) == NULL);
    CHECK(utf8_is_valid(text_span(line)));
    for (size_t i = 0; i + 1 < line->size; i++) {
        CHECK((unsigned char)line->data[i] >= 0x20 && line->data[i] != 0x7f);
    }
}

static void check_json(struct span object, const char *value)
{
    struct json *root = NULL;
    struct failure why;
    CHECK(json_parse(object, &root, &why) == STATUS_OK);
    const char *read = json_member_text(root, "value");
    CHECK(read != NULL && (strlen(value) >= SHOWN_BYTES_MAX || strcmp(read, value) == 0));
    json_destroy(root);
}

/* The value is the last field: bare, or a JSON string. */
static void check_logfmt(struct span line, const char *value)
{
    static const char before[] = " event=tried value=";
    const char *found = memmem(line.data, line.size, before, sizeof before - 1);
    CHECK(found != NULL);
    const char *shown = found + sizeof before - 1;
    size_t size = (size_t)(line.data + line.size - shown);
    struct text object;
    text_init(&object, 1 << 20);
    text_add_text(&object, "{\"value\":");
    if (size > 0 && shown[0] == '"') {
        text_add(&object, (struct span){.data = shown, .size = size});
    } else {
        CHECK(memchr(shown, ' ', size) == NULL && memchr(shown, '"', size) == NULL);
        text_add_json_string(&object, (struct span){.data = shown, .size = size});
    }
    text_add_char(&object, '}');
    check_json(text_span(&object), value);
    text_fini(&object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {.rest = {.data = (const char *)data, .size = size},
                               .arena = arena_create()};
    bool is_json = (fuzz_byte(&input) & 1) != 0;
    const char *value = fuzz_text(&input);
    struct text line;
    text_init(&line, 1 << 20);
    write_and_read(value, is_json, &line);
    check_frame(&line);
    struct span fields = {.data = line.data, .size = line.size - 1};
    if (is_json) {
        check_json(fields, value);
    } else {
        check_logfmt(fields, value);
    }
    text_fini(&line);
    arena_destroy(input.arena);
    return 0;
}
