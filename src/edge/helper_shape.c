/* The helper that runs webhook formats: libjq aborts on some programs and never ends on others. */
#include "core/text.h"
#include "edge/helper.h"
#include "shape_job.h"

#include <jq.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MEMORY_BYTES_MAX ((size_t)512 << 20)
#define COMPLAINT_BYTES_MAX 2000

/* On one line, so that the lines of a complaint are those of the file. A format sees the event as
 * its input; what it would print beside its output goes nowhere. */
#define PROLOGUE "def stderr: .; .context as {$ticket, $settings, $sink} | .event | ("
#define EPILOGUE "\n)"

/* One program, compiled once: a helper serves one format. */
struct machine {
    jq_state *jq; /* NULL: none is compiled */
    char *program;
    struct text complaint; /* what the compiler said */
};

static const char *skip(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : text;
}

/* Without the words that are for users of the command line. */
static void add_plain(struct text *out, const char *words)
{
    static const char *const left_out[] = {" (Unix shell quoting issues?)", " at <top-level>"};
    while (*words != '\0' && *words != '\n') {
        const char *rest = words;
        for (size_t i = 0; i < ARRAY_COUNT(left_out); i++) {
            rest = skip(rest, left_out[i]);
        }
        if (rest == words) {
            text_add_char(out, *words++);
        } else {
            words = rest;
        }
    }
    while (out->size != 0 && (out->data[out->size - 1] == ':' || out->data[out->size - 1] == ' ')) {
        out->data[--out->size] = '\0';
    }
}

/* The first complaint says what is wrong; the count at the end says nothing. */
static void on_complaint(void *arg, jv message)
{
    struct machine *machine = arg;
    if (machine->complaint.size == 0 && jv_get_kind(message) == JV_KIND_STRING) {
        add_plain(&machine->complaint, skip(skip(jv_string_value(message), "jq: "), "error: "));
    }
    jv_free(message);
}

static void on_debug(void *arg, jv value)
{
    (void)arg;
    jv_free(value);
}

/* A program has one event. Without this, jq says of `input` no more than "break". */
static jv on_input(jq_state *jq, void *arg)
{
    (void)jq;
    (void)arg;
    return jv_invalid_with_msg(jv_string("input: a program is given one event, and it has it"));
}

static void machine_clear(struct machine *machine)
{
    if (machine->jq != NULL) {
        jq_teardown(&machine->jq);
    }
    free(machine->program);
    machine->program = NULL;
}

static bool machine_compile(struct machine *machine, const char *program)
{
    if (machine->jq != NULL && strcmp(machine->program, program) == 0) {
        return true;
    }
    machine_clear(machine);
    text_clear(&machine->complaint);
    machine->jq = jq_init();
    CHECK(machine->jq != NULL);
    jq_set_error_cb(machine->jq, on_complaint, machine);
    jq_set_debug_cb(machine->jq, on_debug, machine);
    jq_set_input_cb(machine->jq, on_input, machine);
    machine->program = alloc_text(program);
    struct text whole;
    text_init(&whole, strlen(program) + sizeof PROLOGUE + sizeof EPILOGUE);
    text_add_text(&whole, PROLOGUE);
    text_add_text(&whole, program);
    text_add_text(&whole, EPILOGUE);
    bool is_compiled = jq_compile(machine->jq, text_cstr(&whole)) != 0;
    text_fini(&whole);
    if (!is_compiled) {
        machine_clear(machine);
    }
    return is_compiled;
}

static void answer_with(struct text *result, enum shape_answer_kind kind, const char *words)
{
    text_add_char(result, (char)kind);
    text_add_text(result, words);
}

/* Takes output. */
static void answer_output(struct text *result, jv output)
{
    jv json = jv_dump_string(output, 0);
    int size = jv_string_length_bytes(jv_copy(json));
    if ((size_t)size > SHAPE_OUTPUT_BYTES_MAX) {
        answer_with(result, SHAPE_FAILED, "its output is too large");
    } else {
        answer_with(result, SHAPE_OUTPUT, jv_string_value(json));
    }
    jv_free(json);
}

/* Takes end: why there was no output, or no more. */
static void answer_end(struct text *result, jv end, bool is_halted)
{
    if (is_halted || !jv_invalid_has_msg(jv_copy(end))) {
        jv_free(end);
        answer_with(result, is_halted ? SHAPE_FAILED : SHAPE_NOTHING, is_halted ? "it halts" : "");
        return;
    }
    jv message = jv_invalid_get_msg(end);
    if (jv_get_kind(message) != JV_KIND_STRING) {
        message = jv_dump_string(message, 0);
    }
    answer_with(result, SHAPE_FAILED, jv_string_value(message));
    jv_free(message);
}

/* Takes output, the first value. What comes after it, or goes wrong then, is never dropped. */
static void answer_only(struct machine *machine, jv output, struct text *result)
{
    jv end = jq_next(machine->jq);
    if (jv_is_valid(end)) {
        jv_free(end);
        answer_with(result, SHAPE_FAILED,
                    "gave more than one value: a request is one; put them into an array or object");
    } else if (jq_halted(machine->jq) != 0 || jv_invalid_has_msg(jv_copy(end))) {
        answer_end(result, end, jq_halted(machine->jq) != 0);
    } else if (jv_get_kind(output) == JV_KIND_NULL) {
        jv_free(end);
        answer_with(result, SHAPE_NOTHING, "");
    } else {
        jv_free(end);
        answer_output(result, jv_copy(output));
    }
    jv_free(output);
}

static void run(struct machine *machine, struct span input, struct text *result)
{
    jv value = jv_parse_sized(input.data, (int)input.size);
    if (!jv_is_valid(value)) {
        jv_free(value);
        answer_with(result, SHAPE_FAILED, "the event is no JSON");
        return;
    }
    jq_start(machine->jq, value, 0);
    jv output = jq_next(machine->jq);
    if (!jv_is_valid(output)) {
        answer_end(result, output, jq_halted(machine->jq) != 0);
    } else {
        answer_only(machine, output, result);
    }
}

static void work(struct span bytes, struct text *result)
{
    static struct machine machine; /* helper_serve lends no place for it */
    struct shape_job job;
    CHECK(shape_job_decode(bytes, &job));
    if (machine.complaint.size_max == 0) {
        text_init(&machine.complaint, COMPLAINT_BYTES_MAX);
    }
    char *program = alloc(job.program.size + 1);
    memcpy(program, job.program.data, job.program.size);
    if (machine_compile(&machine, program)) {
        run(&machine, job.input, result);
    } else {
        answer_with(result, SHAPE_NO_PROGRAM, text_cstr(&machine.complaint));
    }
    free(program);
}

/* A build that maps more from the start (sanitizers do) is left alone. */
static void limit_memory(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    bool is_known = file != NULL && fgets(line, sizeof line, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (is_known && strtoul(line, NULL, 10) < MEMORY_BYTES_MAX / 2 / 4096) {
        struct rlimit limit = {.rlim_cur = MEMORY_BYTES_MAX, .rlim_max = MEMORY_BYTES_MAX};
        (void)setrlimit(RLIMIT_AS, &limit);
    }
}

int helper_shape_main(void)
{
    limit_memory();
    return helper_serve(work);
}
