#include "shape.h"

#include "core/utf8.h"
#include "edge/file_read.h"
#include "edge/helper.h"
#include "edge/share.h"
#include "shape_job.h"

#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 2000
#define TRIES_MAX 2 /* a machine under load is not the program's fault */
#define INPUT_BYTES_MAX ((size_t)512 << 10)
#define PATH_BYTES_MAX 4096
#define DETAIL_BYTES_MAX 400

struct shaping {
    struct shaping *next;
    struct text job;
    int tries;
    shape_done_fn *on_done;
    void *arg;
};

struct shape {
    char *format;
    char *program;
    size_t program_size;
    struct helper *helper;
    struct shaping *first, *last; /* the first one is with the helper */
    bool is_closing;
    closed_fn *on_closed;
    void *closed_arg;
};

bool shape_is_native(const char *format)
{
    return strcmp(format, "cloudevents") == 0;
}

enum status shape_read_program(const char *format, struct text *program, struct failure *why)
{
    struct text path;
    text_init(&path, PATH_BYTES_MAX);
    text_init(program, SHAPE_PROGRAM_BYTES_MAX);
    share_path("formats", format, ".jq", &path);
    enum status status = file_read(text_cstr(&path), program, why);
    if (status == STATUS_OK && program->size != 0 &&
        memchr(program->data, '\0', program->size) != NULL) {
        status = fail(why, STATUS_INVALID, "%s: is not text", text_cstr(&path));
    }
    text_fini(&path);
    if (status != STATUS_OK) {
        text_fini(program);
    }
    return status;
}

struct shape *shape_create(struct uv_loop_s *uv, const char *format, struct span program)
{
    struct shape *shape = alloc(sizeof *shape);
    shape->format = alloc_text(format);
    shape->program = alloc(program.size + 1);
    if (program.size != 0) {
        memcpy(shape->program, program.data, program.size);
    }
    shape->program_size = program.size;
    shape->helper = helper_create(uv, "shape");
    return shape;
}

static void start_first(struct shape *shape);

static void finish(struct shape *shape, enum shape_outcome outcome, struct span output,
                   struct span words)
{
    struct shaping *shaping = shape->first;
    shape->first = shaping->next;
    if (shape->first == NULL) {
        shape->last = NULL;
    }
    struct text detail;
    text_init(&detail, PATH_BYTES_MAX + 2 * DETAIL_BYTES_MAX);
    if (outcome != SHAPE_MADE) {
        text_addf(&detail, "format %s: ", shape->format);
        utf8_add_clean_line(&detail, words, DETAIL_BYTES_MAX);
    }
    struct shape_result result = {
        .outcome = outcome, .output = output, .detail = text_cstr(&detail)};
    shaping->on_done(shaping->arg, &result);
    text_fini(&detail);
    text_fini(&shaping->job);
    free(shaping);
}

static void finish_with(struct shape *shape, enum shape_outcome outcome, const char *words)
{
    finish(shape, outcome, span_of(""), span_of(words));
}

static void take_answer(struct shape *shape, struct span answer)
{
    int kind = answer.size != 0 ? (unsigned char)answer.data[0] : 0;
    struct span rest = {.data = answer.data + 1, .size = answer.size != 0 ? answer.size - 1 : 0};
    if (kind == SHAPE_OUTPUT) {
        finish(shape, SHAPE_MADE, rest, span_of(""));
    } else if (kind == SHAPE_NOTHING) {
        finish_with(shape, SHAPE_EMPTY,
                    "gave nothing for this event; route only what the format is for");
    } else if (kind == SHAPE_FAILED || kind == SHAPE_NO_PROGRAM) {
        finish(shape, kind == SHAPE_FAILED ? SHAPE_REFUSED : SHAPE_BROKEN, span_of(""), rest);
    } else {
        finish_with(shape, SHAPE_LATER, "the helper's answer is not what was agreed");
    }
}

static void on_helper_done(void *arg, const struct helper_result *result)
{
    struct shape *shape = arg;
    struct shaping *shaping = shape->first;
    CHECK(shaping != NULL);
    if (result->status == STATUS_OK) {
        take_answer(shape, result->result);
    } else if (shape->is_closing || !result->has_run) {
        finish_with(shape, SHAPE_LATER, result->detail);
    } else if (shaping->tries >= TRIES_MAX) {
        finish_with(shape, SHAPE_REFUSED, result->detail);
    }
    start_first(shape);
}

static void start_first(struct shape *shape)
{
    if (shape->first == NULL || shape->is_closing || !helper_is_idle(shape->helper)) {
        return;
    }
    shape->first->tries++;
    helper_start(shape->helper, text_span(&shape->first->job), DEADLINE_MS, on_helper_done, shape);
}

void shape_start(struct shape *shape, struct span input, shape_done_fn *on_done, void *arg)
{
    CHECK(!shape->is_closing);
    struct shaping *shaping = alloc(sizeof *shaping);
    struct shape_job job = {
        .program = {.data = shape->program, .size = shape->program_size},
        .input = input,
    };
    text_init(&shaping->job, SHAPE_PROGRAM_BYTES_MAX + INPUT_BYTES_MAX);
    shape_job_encode(&job, &shaping->job);
    CHECK(shaping->job.status == STATUS_OK);
    shaping->on_done = on_done;
    shaping->arg = arg;
    if (shape->last != NULL) {
        shape->last->next = shaping;
    } else {
        shape->first = shaping;
    }
    shape->last = shaping;
    start_first(shape);
}

static void on_helper_closed(void *arg)
{
    struct shape *shape = arg;
    while (shape->first != NULL) {
        finish_with(shape, SHAPE_LATER, "the sink was closed");
    }
    closed_fn *on_closed = shape->on_closed;
    void *closed_arg = shape->closed_arg;
    free(shape->format);
    free(shape->program);
    free(shape);
    on_closed(closed_arg);
}

void shape_close(struct shape *shape, closed_fn *on_closed, void *arg)
{
    CHECK(!shape->is_closing);
    shape->is_closing = true;
    shape->on_closed = on_closed;
    shape->closed_arg = arg;
    helper_close(shape->helper, on_helper_closed, shape);
}
