#include "mail_job.h"

#include "core/arena.h"

#include <stdlib.h>
#include <string.h>

/* A field is its size (u32, big-endian) and its bytes; a number is a field of four bytes. */
#define FIELD_HEAD_SIZE ((size_t)4)

static void add_number(struct text *out, uint32_t number)
{
    char bytes[4] = {(char)(number >> 24), (char)(number >> 16), (char)(number >> 8), (char)number};
    text_add(out, (struct span){.data = bytes, .size = sizeof bytes});
}

static void add_field(struct text *out, struct span bytes)
{
    CHECK(bytes.size <= UINT32_MAX);
    add_number(out, (uint32_t)bytes.size);
    text_add(out, bytes);
}

static void add_text(struct text *out, const char *text)
{
    add_field(out, span_of(text));
}

static size_t job_size(const struct mail_job *job)
{
    size_t size = 13 * FIELD_HEAD_SIZE; /* heads and numbers of the fixed part */
    size += strlen(job->host) + strlen(job->ca_file) + strlen(job->username);
    size += strlen(job->hello_name) + strlen(job->from) + strlen(job->envelope_id);
    size += job->password.size + job->message.size;
    for (size_t i = 0; i < job->to_count; i++) {
        size += FIELD_HEAD_SIZE + strlen(job->to[i]);
    }
    return size;
}

void mail_job_encode(const struct mail_job *job, struct text *out)
{
    CHECK(job->to_count <= MAIL_RECIPIENT_COUNT_MAX);
    size_t size = job_size(job);
    *out = (struct text){.data = alloc(size + 1), .size_max = size, .capacity = size + 1};
    add_text(out, job->host);
    add_number(out, job->port);
    add_number(out, job->is_tls_required ? 1 : 0);
    add_text(out, job->ca_file);
    add_text(out, job->username);
    add_field(out, job->password);
    add_text(out, job->hello_name);
    add_text(out, job->from);
    add_text(out, job->envelope_id);
    add_number(out, job->timeout_ms);
    add_number(out, job->is_probe ? 1 : 0);
    add_number(out, (uint32_t)job->to_count);
    for (size_t i = 0; i < job->to_count; i++) {
        add_text(out, job->to[i]);
    }
    add_field(out, job->message);
    CHECK(out->status == STATUS_OK && out->size == size);
}

void mail_job_wipe(struct text *encoded)
{
    if (encoded->data != NULL) {
        explicit_bzero(encoded->data, encoded->capacity);
    }
    text_fini(encoded);
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
    struct span rest;
    struct arena *arena;
    bool is_broken; /* sticks */
};

static struct span take(struct reader *reader, size_t size)
{
    if (reader->is_broken || size > reader->rest.size) {
        reader->is_broken = true;
        return (struct span){.data = "", .size = 0};
    }
    struct span bytes = {.data = reader->rest.data, .size = size};
    reader->rest.data += size;
    reader->rest.size -= size;
    return bytes;
}

static uint32_t take_number(struct reader *reader)
{
    struct span bytes = take(reader, 4);
    uint32_t number = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        number = (number << 8) | (unsigned char)bytes.data[i];
    }
    return number;
}

static struct span take_field(struct reader *reader)
{
    return take(reader, take_number(reader));
}

/* A text with a NUL inside would read as another text: it breaks the job. */
static const char *take_text(struct reader *reader)
{
    struct span bytes = take_field(reader);
    if (bytes.size != 0 && memchr(bytes.data, '\0', bytes.size) != NULL) {
        reader->is_broken = true;
    }
    return arena_text(reader->arena, bytes);
}

static enum status end_of_reading(const struct reader *reader, const char *what,
                                  struct failure *why)
{
    if (reader->is_broken || reader->rest.size != 0) {
        return fail(why, STATUS_INVALID, "mail helper: the %s is not what was agreed", what);
    }
    return STATUS_OK;
}

enum status mail_job_decode(struct span bytes, struct arena *arena, struct mail_job *out,
                            struct failure *why)
{
    struct reader reader = {.rest = bytes, .arena = arena};
    struct mail_job job = {.host = take_text(&reader)};
    job.port = (uint16_t)take_number(&reader);
    job.is_tls_required = take_number(&reader) != 0;
    job.ca_file = take_text(&reader);
    job.username = take_text(&reader);
    job.password = take_field(&reader);
    job.hello_name = take_text(&reader);
    job.from = take_text(&reader);
    job.envelope_id = take_text(&reader);
    job.timeout_ms = take_number(&reader);
    job.is_probe = take_number(&reader) != 0;
    job.to_count = take_number(&reader);
    if (job.to_count > MAIL_RECIPIENT_COUNT_MAX) {
        return fail(why, STATUS_INVALID, "mail helper: %zu recipients, at most %d are taken",
                    job.to_count, MAIL_RECIPIENT_COUNT_MAX);
    }
    const char **to = arena_array(arena, job.to_count, sizeof *to);
    for (size_t i = 0; i < job.to_count; i++) {
        to[i] = take_text(&reader);
    }
    job.to = to;
    job.message = take_field(&reader);
    enum status status = end_of_reading(&reader, "job", why);
    if (status == STATUS_OK) {
        *out = job;
    }
    return status;
}

void mail_answer_encode(const struct mail_answer *answer, struct text *out)
{
    add_number(out, (uint32_t)answer->stage);
    add_number(out, (uint32_t)answer->code);
    add_text(out, answer->text);
    add_number(out, (uint32_t)answer->reply_count);
    for (size_t i = 0; i < answer->reply_count; i++) {
        add_number(out, (uint32_t)answer->replies[i].code);
        add_text(out, answer->replies[i].text);
    }
}

enum status mail_answer_decode(struct span bytes, struct arena *arena, struct mail_answer *out,
                               struct failure *why)
{
    struct reader reader = {.rest = bytes, .arena = arena};
    uint32_t stage = take_number(&reader);
    struct mail_answer answer = {.code = (int)take_number(&reader)};
    answer.text = take_text(&reader);
    answer.reply_count = take_number(&reader);
    if (stage >= MAIL_STAGE_COUNT || answer.reply_count > MAIL_RECIPIENT_COUNT_MAX) {
        return fail(why, STATUS_INVALID, "mail helper: the answer is not what was agreed");
    }
    answer.stage = (enum mail_stage)stage;
    struct mail_reply *replies = arena_array(arena, answer.reply_count, sizeof *replies);
    for (size_t i = 0; i < answer.reply_count; i++) {
        replies[i].code = (int)take_number(&reader);
        replies[i].text = take_text(&reader);
    }
    answer.replies = replies;
    enum status status = end_of_reading(&reader, "answer", why);
    if (status == STATUS_OK) {
        *out = answer;
    }
    return status;
}
