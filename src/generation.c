#include "generation.h"

#include "core/hash.h"
#include "core/log.h"
#include "core/mirror.h"
#include "core/route.h"
#include "core/text.h"
#include "edge/file_read.h"
#include "edge/format_trial.h"

#include <stdlib.h>
#include <string.h>

#define WATCHED_BYTES_MAX ((size_t)4 << 20) /* of a file that a configuration names */

/* --- what files hold -------------------------------------------------------------------------- */

/* A file that cannot be read has its message where it is used. */
static uint64_t add_file(uint64_t fingerprint, const char *path)
{
    if (path == NULL) {
        return fingerprint;
    }
    struct text bytes;
    struct failure why;
    text_init(&bytes, WATCHED_BYTES_MAX);
    uint64_t parts[2] = {fingerprint, 0};
    if (file_read(path, &bytes, &why) == STATUS_OK) {
        parts[1] = hash64(text_span(&bytes));
    }
    if (bytes.data != NULL) {
        explicit_bzero(bytes.data, bytes.capacity); /* it may be a key */
    }
    text_fini(&bytes);
    return hash64((struct span){.data = (const char *)parts, .size = sizeof parts});
}

static uint64_t add_tls(uint64_t fingerprint, const struct tls_config *tls)
{
    fingerprint = add_file(fingerprint, tls->ca_file);
    fingerprint = add_file(fingerprint, tls->cert_file);
    return add_file(fingerprint, tls->key_file);
}

static uint64_t files_of_sink(const struct sink_config *sink)
{
    switch (sink->kind) {
    case SINK_EMAIL:
        return add_file(0, sink->email.ca_file);
    case SINK_MQTT:
        return add_tls(0, &sink->mqtt.tls);
    case SINK_WEBHOOK:
        return add_tls(format_fingerprint(sink->webhook.format), &sink->webhook.tls);
    }
    CHECK(!"a sink kind that does not exist");
}

static void note_files(struct generation *generation)
{
    const struct config *config = generation->config;
    generation->source_files = alloc_array(config->source_count + 1, sizeof(uint64_t));
    generation->sink_files = alloc_array(config->sink_count + 1, sizeof(uint64_t));
    for (size_t i = 0; i < config->source_count; i++) {
        generation->source_files[i] = add_tls(0, &config->sources[i].tls);
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        generation->sink_files[i] = files_of_sink(&config->sinks[i]);
    }
}

/* --- life ------------------------------------------------------------------------------------- */

enum status generation_load(const char *path, struct problem_list *problems,
                            struct generation **out)
{
    struct config_file *file = NULL;
    enum status status = config_file_load(path, problems, &file);
    if (status != STATUS_OK) {
        config_file_close(file);
        return status;
    }
    const struct config *config = config_file_config(file);
    struct generation *generation = alloc(sizeof *generation);
    generation->file = file;
    generation->config = config;
    generation->sinks = alloc_array(config->sink_count + 1, sizeof *generation->sinks);
    generation->source_makers = alloc_array(config->source_count + 1, sizeof(struct generation *));
    generation->sink_makers = alloc_array(config->sink_count + 1, sizeof(struct generation *));
    note_files(generation);
    *out = generation;
    return STATUS_OK;
}

void generation_destroy(struct generation *generation)
{
    if (generation == NULL) {
        return;
    }
    config_file_close(generation->file);
    free(generation->source_files);
    free(generation->sink_files);
    free(generation->source_makers);
    free(generation->sink_makers);
    free(generation->sinks);
    free(generation);
}

struct config_side generation_side(const struct generation *generation)
{
    return (struct config_side){.config = generation->config,
                                .source_files = generation->source_files,
                                .sink_files = generation->sink_files};
}

struct state_sink *generation_state_sinks(const struct generation *generation, size_t *out_count)
{
    const struct config *config = generation->config;
    struct state_sink *list =
        alloc_array(config->source_count * config->sink_count + 1, sizeof *list);
    *out_count = 0;
    for (size_t i = 0; i < config->source_count * config->sink_count; i++) {
        const char *source_name = config->sources[i / config->sink_count].name;
        size_t sink_index = i % config->sink_count;
        const struct sink_config *sink = &config->sinks[sink_index];
        if (sink->kind == SINK_MQTT && sink->mqtt.has_state &&
            route_leads_to(config, source_name, sink_index)) {
            list[(*out_count)++] = (struct state_sink){
                .source_name = source_name, .sink_name = sink->name, .shape = mirror_shape(sink)};
        }
    }
    return list;
}

/* --- sinks ------------------------------------------------------------------------------------ */

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

enum status generation_open_sinks(struct generation *generation,
                                  const struct sink_environment *environment, const bool *is_kept,
                                  struct failure *why)
{
    for (size_t i = 0; i < generation->config->sink_count; i++) {
        const struct sink_config *sink = &generation->config->sinks[i];
        if (is_kept != NULL && is_kept[i]) {
            continue;
        }
        enum status status = sink_opener(sink->kind)(sink, environment, &generation->sinks[i], why);
        if (status != STATUS_OK) {
            generation->sinks[i].ops = NULL;
            return status;
        }
    }
    return STATUS_OK;
}

size_t generation_close_sinks(struct generation *generation, const bool *is_kept,
                              closed_fn *on_closed, void *arg)
{
    size_t count = 0;
    for (size_t i = 0; i < generation->config->sink_count; i++) {
        struct sink_port *sink = &generation->sinks[i];
        if (sink->ops != NULL && (is_kept == NULL || !is_kept[i])) {
            const struct sink_port closing = *sink;
            sink->ops = NULL;
            closing.ops->close(closing.self, on_closed, arg);
            count++;
        }
    }
    return count;
}

bool *generation_kept_sinks(const struct generation *generation, const struct generation *after,
                            const struct config_changes *changes)
{
    bool *is_kept = alloc_array(generation->config->sink_count + 1, sizeof *is_kept);
    for (size_t i = 0; i < generation->config->sink_count; i++) {
        const struct sink_config *found =
            config_sink(after->config, generation->config->sinks[i].name);
        is_kept[i] = found != NULL && changes->is_sink_kept[found - after->config->sinks];
    }
    return is_kept;
}

/* --- one after the other ---------------------------------------------------------------------- */

void generation_succeed(struct generation *generation, struct generation *before,
                        const struct config_changes *changes)
{
    const struct config *config = generation->config;
    generation->user_count = 1;
    for (size_t i = 0; i < config->source_count; i++) {
        struct generation *maker = generation;
        if (before != NULL && changes->is_source_kept[i]) {
            size_t index = (size_t)(config_source(before->config, config->sources[i].name) -
                                    before->config->sources);
            maker = before->source_makers[index];
        }
        generation->source_makers[i] = maker;
        maker->user_count++;
    }
    for (size_t i = 0; i < config->sink_count; i++) {
        struct generation *maker = generation;
        if (before != NULL && changes->is_sink_kept[i]) {
            size_t index = (size_t)(config_sink(before->config, config->sinks[i].name) -
                                    before->config->sinks);
            maker = before->sink_makers[index];
            generation->sinks[i] = before->sinks[index];
        }
        generation->sink_makers[i] = maker;
        maker->user_count++;
    }
}

static void leave(struct generation *generation)
{
    CHECK(generation->user_count > 0);
    if (--generation->user_count == 0) {
        generation_destroy(generation);
    }
}

/* What it handed on is counted by after as well; its own being in force ends last. */
void generation_retire(struct generation *before)
{
    for (size_t i = 0; i < before->config->source_count; i++) {
        leave(before->source_makers[i]);
    }
    for (size_t i = 0; i < before->config->sink_count; i++) {
        leave(before->sink_makers[i]);
    }
    leave(before);
}

void generation_log_warnings(const struct problem_list *problems)
{
    for (const struct problem *problem = problems->first; problem != NULL;
         problem = problem->next) {
        if (problem->is_warning) {
            LOG_WARN("config_problem", log_text("problem", problem->line_text));
        }
    }
}
