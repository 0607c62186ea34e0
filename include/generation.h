/* One configuration of the daemon with what was made by it: sinks, and who still lives by it. */
#ifndef GENERATION_H
#define GENERATION_H

#include "core/config_change.h"
#include "edge/config_file.h"
#include "edge/sinks.h"
#include "edge/store.h"

/* A source or sink that a reload leaves as it was goes on with the configuration that made it,
 * which says the same of it as every one since. So a generation lives as long as one of its parts
 * does, and there are never more of them than sources and sinks, and the one in force. */
struct generation {
    struct config_file *file;
    const struct config *config;
    uint64_t *source_files, *sink_files; /* what the files that they name held */
    size_t user_count;                   /* its parts that live; one more while it is in force */
    /* One per source and sink of config. */
    struct generation **source_makers, **sink_makers;
    struct sink_port *sinks; /* ops NULL: not open */
};

/* Without a trial of its webhook formats, which takes time. STATUS_INVALID: problems says what is
 * wrong; warnings come with STATUS_OK too. */
enum status generation_load(const char *path, struct problem_list *problems,
                            struct generation **out) MUST_CHECK;
void generation_log_warnings(const struct problem_list *problems); /* config_problem */
struct config_side generation_side(const struct generation *generation);
/* Which sinks keep the retained state of which source; the caller frees it. */
struct state_sink *generation_state_sinks(const struct generation *generation, size_t *out_count);
/* Opens the sinks that are not kept (NULL: all). On failure some are open: close them. */
enum status generation_open_sinks(struct generation *generation,
                                  const struct sink_environment *environment, const bool *is_kept,
                                  struct failure *why) MUST_CHECK;
/* Closes those that are open and not kept (NULL: all). Returns how many on_closed will come. */
size_t generation_close_sinks(struct generation *generation, const bool *is_kept,
                              closed_fn *on_closed, void *arg);
/* generation comes into force after before, or as the first one (before and changes NULL). */
void generation_succeed(struct generation *generation, struct generation *before,
                        const struct config_changes *changes);
/* It is not in force any more; all its parts have ended, or another one has succeeded. */
void generation_retire(struct generation *before);
/* One that never was in force; its sinks are closed. NULL is fine. */
void generation_destroy(struct generation *generation);
/* changes->is_sink_kept by generation's own sinks, not by those of after. The caller frees it. */
bool *generation_kept_sinks(const struct generation *generation, const struct generation *after,
                            const struct config_changes *changes);

#endif
