/* Five steps, and only the first three can fail, before anything has changed:
 *
 *   reading   the file and its secrets
 *   trying    each format, in a process of its own; then what differs is found part by part; the
 *             sinks that are new or changed are opened, and the new listener: nothing has left for
 *             any receiver yet
 *   storing   the store learns which sinks keep whose retained state: from now on it can be done
 *   resting   the parts that will not go on as they are start nothing more and end what they have
 *             begun; what a sink has in flight has the grace time of a shutdown, then its port is
 *             closed and it ends as "try later"
 *   changing  in one turn: those parts begin again by the new configuration, on the store
 *
 * So a changed or new part lives through what a restart would be for it alone, which the restart
 * law covers (contract.md section 6), and nothing else notices: an unchanged source keeps its sweep
 * in hand, token, budget and waits, an unchanged sink its connection. The other ways were to
 * restart the whole monitor on the same store, which abandons sweeps of hours and drops every
 * connection, and to teach every module to take other settings while it works, which is one more
 * state for each of them. A source's sweep in hand is routed by the routes at the time each order
 * is read.
 *
 * The file is read on the loop, as at the start: some milliseconds. */
#include "reload.h"

#include "core/log.h"
#include "edge/format_trial.h"
#include "edge/log.h"
#include "edge/service.h"

#include <stdlib.h>

#define PROBLEM_COUNT_MAX 1000

enum step { STEP_IDLE, STEP_TRYING, STEP_STORING, STEP_RESTING, STEP_CLOSING, STEP_UNDOING };

struct asker {
    struct asker *next;
    reload_done_fn *on_done; /* NULL: nobody waits for the answer */
    void *arg;
};

struct reload {
    struct reload_options options;
    enum step step;
    struct asker *askers;  /* of the one under way */
    struct asker *waiting; /* of the next one */
    struct problem_list problems;
    struct failure obstacle; /* what was in the way, if not the configuration */
    struct generation *next;
    struct format_trial *trial; /* of its formats, in STEP_TRYING */
    struct config_changes *changes;
    size_t closing_count; /* sinks that owe their closed */
    bool is_store_asked, is_stopping, has_failed;
    enum status stored;
    int64_t grace_until_mono_ms;
    struct reload_facts facts;
};

struct reload *reload_create(const struct reload_options *options)
{
    struct reload *reload = alloc(sizeof *reload);
    reload->options = *options;
    reload->facts = (struct reload_facts){.is_last_successful = true,
                                          .in_force_since_wall_ms = options->started_wall_ms,
                                          .fingerprint = config_fingerprint(*options->config)};
    front_note_reload(options->front, &reload->facts);
    return reload;
}

void reload_destroy(struct reload *reload)
{
    if (reload != NULL) {
        CHECK(reload_is_idle(reload));
        free(reload);
    }
}

void reload_start(void *self, reload_done_fn *on_done, void *arg)
{
    struct reload *reload = self;
    struct asker *asker = alloc(sizeof *asker);
    *asker = (struct asker){.next = reload->waiting, .on_done = on_done, .arg = arg};
    reload->waiting = asker;
}

bool reload_is_idle(const struct reload *reload)
{
    return reload == NULL || (reload->step == STEP_IDLE && reload->waiting == NULL);
}

bool reload_has_failed(const struct reload *reload)
{
    return reload != NULL && reload->has_failed;
}

void reload_stop(struct reload *reload)
{
    if (reload != NULL) {
        reload->is_stopping = true;
        reload->grace_until_mono_ms = 0;
        if (reload->trial != NULL) {
            format_trial_stop(reload->trial);
        }
    }
}

/* --- the end of one --------------------------------------------------------------------------- */

static void answer(struct reload *reload, const struct reload_result *result)
{
    while (reload->askers != NULL) {
        struct asker *asker = reload->askers;
        reload->askers = asker->next;
        if (asker->on_done != NULL) {
            asker->on_done(asker->arg, result);
        }
        free(asker);
    }
}

static void finish(struct reload *reload)
{
    front_note_reload(reload->options.front, &reload->facts);
    config_changes_destroy(reload->changes);
    reload->changes = NULL;
    problem_list_clear(&reload->problems);
    reload->next = NULL;
    reload->step = STEP_IDLE;
    if (!reload->is_stopping) {
        service_ready();
    }
}

static void refuse(struct reload *reload)
{
    const char *lines[PROBLEM_COUNT_MAX + 1] = {"no reason is known"};
    struct reload_result result = {.outcome = RELOAD_REFUSED, .problems = lines};
    for (const struct problem *problem = reload->problems.first;
         problem != NULL && result.problem_count < PROBLEM_COUNT_MAX; problem = problem->next) {
        if (!problem->is_warning) {
            LOG_ERROR("config_problem", log_text("problem", problem->line_text));
            lines[result.problem_count++] = problem->line_text;
        }
    }
    if (reload->obstacle.status != STATUS_OK) {
        bool is_ours = reload->obstacle.status == STATUS_INVALID;
        result.outcome = is_ours ? RELOAD_REFUSED : RELOAD_FAILED;
        lines[result.problem_count++] = reload->obstacle.detail;
    }
    LOG_ERROR("reload_failed", log_number("problems", (int64_t)result.problem_count),
              log_text("reason", lines[0]),
              log_text("remedy", "the configuration before stays in force; correct it, reload"));
    reload->facts.is_last_successful = false;
    generation_destroy(reload->next);
    answer(reload, &result);
    finish(reload);
}

static void on_undone(void *arg)
{
    struct reload *reload = arg;
    reload->closing_count--;
}

/* What was opened for the new configuration is closed again. */
static void undo(struct reload *reload, struct failure obstacle)
{
    reload->obstacle = obstacle;
    front_undo(reload->options.front);
    reload->closing_count = generation_close_sinks(reload->next, NULL, on_undone, reload);
    reload->step = STEP_UNDOING;
}

/* --- reading ---------------------------------------------------------------------------------- */

static void log_changes(const struct config_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct config_change *change = &changes->items[i];
        struct log_field fields[] = {log_text("change", change_kind_name(change->kind)),
                                     log_text("section", change->section),
                                     log_text("name", change->name),
                                     log_text("keys", change->keys),
                                     {.key = NULL}};
        log_write(LOG_LEVEL_INFO, "config_changed", fields);
    }
}

static bool compare(struct reload *reload)
{
    const struct config_side before = generation_side(*reload->options.generation);
    const struct config_side after = generation_side(reload->next);
    reload->changes = config_compare(&before, &after);
    if (reload->changes->is_database_changed) {
        problem_add_at(&reload->problems, after.config->file, 0, 0,
                       "state.database: cannot change while the daemon runs, from %s to %s; "
                       "restart it for that",
                       before.config->database_path, after.config->database_path);
    }
    return !reload->changes->is_database_changed;
}

static void on_stored(void *arg, enum status status, const char *detail)
{
    struct reload *reload = arg;
    reload->is_store_asked = false;
    reload->stored = status;
    if (status != STATUS_OK) {
        (void)fail(&reload->obstacle, status, "the state cannot be written (%s): %s",
                   status_name(status), detail);
    }
}

static void ask_store(struct reload *reload)
{
    size_t count = 0;
    struct state_sink *pairs = generation_state_sinks(reload->next, &count);
    reload->is_store_asked = true;
    reload->step = STEP_STORING;
    store_change_state_sinks(reload->options.store, pairs, count, on_stored, reload);
    free(pairs);
}

static void refuse_stopping(struct reload *reload)
{
    (void)fail(&reload->obstacle, STATUS_UNAVAILABLE, "the daemon is stopping");
    refuse(reload);
}

static void open_or_undo(struct reload *reload)
{
    struct failure why;
    if (generation_open_sinks(reload->next, reload->options.environment,
                              reload->changes->is_sink_kept, &why) != STATUS_OK ||
        front_prepare(reload->options.front, reload->next->config, &why) != STATUS_OK) {
        undo(reload, why);
        return;
    }
    ask_store(reload);
}

static void judge(struct reload *reload)
{
    enum status tried = format_trial_end(reload->trial);
    reload->trial = NULL;
    if (reload->is_stopping) {
        refuse_stopping(reload);
    } else if (tried != STATUS_OK || !compare(reload)) {
        refuse(reload);
    } else {
        open_or_undo(reload);
    }
}

static void begin(struct reload *reload)
{
    service_reloading();
    reload->askers = reload->waiting;
    reload->waiting = NULL;
    reload->obstacle = (struct failure){.status = STATUS_OK};
    if (reload->is_stopping) {
        refuse_stopping(reload);
        return;
    }
    if (generation_load(reload->options.config_path, &reload->problems, &reload->next) !=
        STATUS_OK) {
        refuse(reload);
        return;
    }
    reload->step = STEP_TRYING;
    reload->trial = format_trial_start(reload->options.environment->uv, reload->next->config,
                                       &reload->problems);
}

/* --- resting and changing --------------------------------------------------------------------- */

static struct monitor_change change_of(const struct reload *reload)
{
    return (struct monitor_change){.config = reload->next->config,
                                   .sinks = reload->next->sinks,
                                   .is_source_kept = reload->changes->is_source_kept,
                                   .is_sink_kept = reload->changes->is_sink_kept};
}

static void rest_or_undo(struct reload *reload, struct instant now)
{
    if (reload->stored != STATUS_OK) {
        undo(reload, reload->obstacle);
        return;
    }
    const struct monitor_change change = change_of(reload);
    monitor_rest(reload->options.monitor, &change);
    reload->step = STEP_RESTING;
    reload->grace_until_mono_ms = reload->is_stopping
                                      ? now.mono_ms
                                      : now.mono_ms + (*reload->options.config)->shutdown_grace_ms;
}

static void on_closed(void *arg)
{
    struct reload *reload = arg;
    reload->closing_count--;
}

static void close_sinks(struct reload *reload)
{
    struct generation *before = *reload->options.generation;
    bool *is_kept = generation_kept_sinks(before, reload->next, reload->changes);
    reload->closing_count = generation_close_sinks(before, is_kept, on_closed, reload);
    free(is_kept);
    reload->step = STEP_CLOSING;
}

static void change(struct reload *reload, struct instant now)
{
    struct generation *before = *reload->options.generation;
    struct generation *after = reload->next;
    generation_succeed(after, before, reload->changes);
    const struct monitor_change change = change_of(reload);
    *reload->options.generation = after;
    *reload->options.config = after->config;
    struct failure why;
    reload->has_failed = monitor_change(reload->options.monitor, &change, &why) != STATUS_OK;
    if (reload->has_failed) {
        LOG_ERROR("store_failed", log_text("doing", "reading what is known of changed sources"),
                  log_text("detail", why.detail));
    }
    front_change(reload->options.front, after->config, after->sinks, now);
    log_changes(reload->changes);
    log_configure((enum log_level)after->config->log_level, after->config->is_log_json);
    generation_log_warnings(&reload->problems);
    generation_retire(before);
    reload->facts = (struct reload_facts){.is_last_successful = true,
                                          .in_force_since_wall_ms = now.wall_ms,
                                          .fingerprint = config_fingerprint(after->config)};
    LOG_INFO("reloaded", log_number("changes", (int64_t)reload->changes->count));
    const struct reload_result result = {.outcome = RELOAD_DONE, .changes = reload->changes};
    answer(reload, &result);
    finish(reload);
}

/* --- the turn --------------------------------------------------------------------------------- */

/* What the step waits for has come. */
static bool is_over(const struct reload *reload, struct instant now)
{
    switch (reload->step) {
    case STEP_IDLE:
        return reload->waiting != NULL;
    case STEP_TRYING:
        return format_trial_is_over(reload->trial);
    case STEP_STORING:
        return !reload->is_store_asked;
    case STEP_RESTING:
        return monitor_is_rested(reload->options.monitor) ||
               now.mono_ms >= reload->grace_until_mono_ms;
    case STEP_CLOSING:
        return reload->closing_count == 0 && monitor_is_rested(reload->options.monitor);
    case STEP_UNDOING:
        return reload->closing_count == 0;
    }
    CHECK(!"a step that does not exist");
}

static void advance(struct reload *reload, struct instant now)
{
    switch (reload->step) {
    case STEP_IDLE:
        begin(reload);
        return;
    case STEP_TRYING:
        judge(reload);
        return;
    case STEP_STORING:
        rest_or_undo(reload, now);
        return;
    case STEP_RESTING:
        close_sinks(reload);
        return;
    case STEP_CLOSING:
        change(reload, now);
        return;
    case STEP_UNDOING:
        refuse(reload);
        return;
    }
}

int64_t reload_turn(struct reload *reload, struct instant now)
{
    if (reload == NULL) {
        return INSTANT_NEVER;
    }
    while (is_over(reload, now)) {
        advance(reload, now);
    }
    return reload->step == STEP_RESTING ? reload->grace_until_mono_ms : INSTANT_NEVER;
}
