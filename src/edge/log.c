#include "edge/log.h"

#include "core/date.h"
#include "core/text.h"
#include "core/utf8.h"
#include "log_fold.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define VALUE_BYTES_MAX 1024 /* longer values are cut with a mark */
#define LINE_BYTES_MAX (1u << 20)

/* Written by the loop, also in a reload; read by every thread. */
struct settings {
    atomic_int level;
    atomic_bool is_json;
};

static struct settings *log_settings(void)
{
    static struct settings settings = {.level = LOG_LEVEL_INFO};
    return &settings;
}

void log_configure(enum log_level level, bool is_json)
{
    atomic_store(&log_settings()->level, (int)level);
    atomic_store(&log_settings()->is_json, is_json);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error";
    case LOG_LEVEL_WARN:
        return "warn";
    case LOG_LEVEL_INFO:
        return "info";
    case LOG_LEVEL_DEBUG:
        return "debug";
    }
    CHECK(!"a level that does not exist");
}

static void add_escape(struct text *line, uint32_t code_point)
{
    switch (code_point) {
    case '"':
        text_add_text(line, "\\\"");
        return;
    case '\\':
        text_add_text(line, "\\\\");
        return;
    case '\n':
        text_add_text(line, "\\n");
        return;
    case '\r':
        text_add_text(line, "\\r");
        return;
    case '\t':
        text_add_text(line, "\\t");
        return;
    default:
        break;
    }
    if (code_point > 0xffff) {
        text_addf(line, "\\u%04x", 0xd7c0 + (code_point >> 10));
        code_point = 0xdc00 | (code_point & 0x3ff);
    }
    text_addf(line, "\\u%04x", code_point);
}

/* Quoted as a JSON string, in logfmt too: its readers know the same escapes. Bytes that are not
 * UTF-8 become U+FFFD, and nothing that is invisible stays so. */
static void add_quoted(struct text *line, const char *value)
{
    struct span bytes = span_of(value);
    size_t i = 0;
    text_add_char(line, '"');
    while (i < bytes.size && i < VALUE_BYTES_MAX) {
        uint32_t code_point = utf8_next(bytes, &i);
        if (code_point == '"' || code_point == '\\' || utf8_is_invisible(code_point)) {
            add_escape(line, code_point);
        } else {
            utf8_add(line, code_point);
        }
    }
    text_add_text(line, i < bytes.size ? "\xe2\x80\xa6\"" : "\"");
}

/* What logfmt readers take without quotes whatever their dialect. */
static bool is_bare(const char *value)
{
    const char *byte = value;
    while (*byte > ' ' && *byte < 0x7f && *byte != '"' && *byte != '=' && *byte != '\\') {
        byte++;
    }
    return *byte == '\0' && byte != value && byte - value <= VALUE_BYTES_MAX;
}

static void add_key(struct text *line, const char *key, bool is_json)
{
    if (line->size > 1) {
        text_add_char(line, is_json ? ',' : ' ');
    }
    if (is_json) {
        add_quoted(line, key);
        text_add_char(line, ':');
    } else {
        text_addf(line, "%s=", key);
    }
}

static void add_text_field(struct text *line, const char *key, const char *value, bool is_json)
{
    add_key(line, key, is_json);
    if (!is_json && is_bare(value)) {
        text_add_text(line, value);
    } else {
        add_quoted(line, value);
    }
}

static void add_time(struct text *line, bool is_json)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct text shown;
    text_init(&shown, 64);
    date_add_wall(&shown, now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000);
    add_text_field(line, "ts", text_cstr(&shown), is_json);
    text_fini(&shown);
}

static void add_field(struct text *line, const struct log_field *field, bool is_json)
{
    if (field->text != NULL) {
        add_text_field(line, field->key, field->text, is_json);
        return;
    }
    add_key(line, field->key, is_json);
    text_addf(line, "%lld", (long long)field->number);
}

/* One write for each line, so that lines of several threads do not mix. Where the log cannot be
 * written there is nowhere to say so. */
static void write_line(const struct text *line)
{
    while (write(STDERR_FILENO, line->data, line->size) < 0 && errno == EINTR) {
    }
}

static void write_event(enum log_level level, const char *event, const struct log_field *fields)
{
    bool is_json = atomic_load(&log_settings()->is_json);
    struct text line;
    text_init(&line, LINE_BYTES_MAX);
    if (is_json) {
        text_add_char(&line, '{');
    }
    add_time(&line, is_json);
    add_text_field(&line, "level", level_name(level), is_json);
    add_text_field(&line, "event", event, is_json);
    for (; fields->key != NULL; fields++) {
        add_field(&line, fields, is_json);
    }
    text_add_text(&line, is_json ? "}\n" : "\n");
    write_line(&line);
    text_fini(&line);
}

/* --- what repeats itself ---------------------------------------------------------------------- */

struct memory {
    pthread_mutex_t mutex;
    struct log_fold fold;
};

static struct memory *log_memory(void)
{
    static struct memory memory = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    return &memory;
}

static int64_t steady_ms(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void tell_repeated(const struct fold_kind *kind, int64_t now_mono_ms)
{
    struct log_field fields[6] = {{.key = NULL}};
    size_t count = 0;
    fields[count++] = log_text("of", kind->event);
    if (kind->source[0] != '\0') {
        fields[count++] = log_text("source", kind->source);
    }
    if (kind->sink[0] != '\0') {
        fields[count++] = log_text("sink", kind->sink);
    }
    fields[count++] = log_number("times", kind->folded);
    fields[count++] = log_number("seconds", (now_mono_ms - kind->since_mono_ms) / 1000);
    write_event(kind->level, "repeated", fields);
}

static bool is_worth_writing(enum log_level level, const char *event,
                             const struct log_field *fields)
{
    if (level > LOG_LEVEL_WARN) {
        return true;
    }
    struct memory *memory = log_memory();
    CHECK(pthread_mutex_lock(&memory->mutex) == 0);
    bool is_worth = fold_admits(&memory->fold, level, event, fields, steady_ms(), tell_repeated);
    CHECK(pthread_mutex_unlock(&memory->mutex) == 0);
    return is_worth;
}

static void turn_memory(bool is_last)
{
    struct memory *memory = log_memory();
    CHECK(pthread_mutex_lock(&memory->mutex) == 0);
    fold_turn(&memory->fold, steady_ms(), is_last, tell_repeated);
    CHECK(pthread_mutex_unlock(&memory->mutex) == 0);
}

void log_turn(void)
{
    turn_memory(false);
}

void log_end(void)
{
    turn_memory(true);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level <= atomic_load(&log_settings()->level) &&
        is_worth_writing(level, event, fields)) {
        write_event(level, event, fields);
    }
}
