/* Bugs of the core for `make sim-planted`, each linked over the function that it is in the way of.
 * PLANTED_BUG names the one that is there; the others behave. */
#include "core/api_error.h"
#include "core/budget.h"
#include "core/date.h"
#include "core/index.h"
#include "core/merge.h"
#include "core/message.h"
#include "core/pager.h"
#include "core/route.h"
#include "core/settle.h"
#include "core/silence.h"
#include "core/token.h"

#include <stdlib.h>
#include <string.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names */

static bool is_planted(const char *name)
{
    const char *planted = getenv("PLANTED_BUG");
    return planted != NULL && strcmp(planted, name) == 0;
}

/* What a short page lacks is gone. */
enum pager_trust __real_pager_trust(const struct pager *pager);
enum pager_trust __wrap_pager_trust(const struct pager *pager);
enum pager_trust __wrap_pager_trust(const struct pager *pager)
{
    return is_planted("short-page") ? PAGER_PROVEN : __real_pager_trust(pager);
}

/* A request's place in the window begins to run out when it is sent. */
void __real_budget_answered(struct budget *budget, int64_t now_ms);
void __wrap_budget_answered(struct budget *budget, int64_t now_ms);
void __wrap_budget_answered(struct budget *budget, int64_t now_ms)
{
    if (!is_planted("stamp-at-start")) {
        __real_budget_answered(budget, now_ms);
    }
}

void __real_budget_throttled(struct budget *budget, int64_t now_ms);
void __wrap_budget_throttled(struct budget *budget, int64_t now_ms);
void __wrap_budget_throttled(struct budget *budget, int64_t now_ms)
{
    if (!is_planted("throttle-ignored")) {
        __real_budget_throttled(budget, now_ms);
    }
}

bool __real_retry_after_parse(struct span value, int64_t now_wall_ms, int64_t *out_ms);
bool __wrap_retry_after_parse(struct span value, int64_t now_wall_ms, int64_t *out_ms);
bool __wrap_retry_after_parse(struct span value, int64_t now_wall_ms, int64_t *out_ms)
{
    return !is_planted("retry-after-ignored") &&
           __real_retry_after_parse(value, now_wall_ms, out_ms);
}

/* Each sweep gets itself a token. */
bool __real_token_is_due(const struct token *token, int64_t now_ms);
bool __wrap_token_is_due(const struct token *token, int64_t now_ms);
bool __wrap_token_is_due(const struct token *token, int64_t now_ms)
{
    return is_planted("token-per-sweep") || __real_token_is_due(token, now_ms);
}

/* A refusal is tried again like any failure. */
void __real_api_error_read(int http_code, struct span body, struct api_error *out);
void __wrap_api_error_read(int http_code, struct span body, struct api_error *out);
void __wrap_api_error_read(int http_code, struct span body, struct api_error *out)
{
    __real_api_error_read(http_code, body, out);
    if (is_planted("refusal-retried") && out->action == API_REFUSED) {
        out->action = API_RETRY;
    }
}

/* What the detail of a look-up has no more is kept beside what it has. */
struct record __real_merge_look_up(const struct record *before, const struct record *detail,
                                   uint32_t shown, struct arena *arena);
struct record __wrap_merge_look_up(const struct record *before, const struct record *detail,
                                   uint32_t shown, struct arena *arena);
struct record __wrap_merge_look_up(const struct record *before, const struct record *detail,
                                   uint32_t shown, struct arena *arena)
{
    struct record merged = __real_merge_look_up(before, detail, shown, arena);
    for (size_t i = 0; i < ORDER_FIELD_COUNT && is_planted("look-up-mixes"); i++) {
        merged.fields[i] = merged.fields[i] != NULL ? merged.fields[i] : before->fields[i];
    }
    return merged;
}

/* A status that may come back is told at once. */
bool __real_settle_judge(const struct source_config *source, const struct record *told,
                         int64_t now_wall_ms, struct history *history, struct diff *diff);
bool __wrap_settle_judge(const struct source_config *source, const struct record *told,
                         int64_t now_wall_ms, struct history *history, struct diff *diff);
bool __wrap_settle_judge(const struct source_config *source, const struct record *told,
                         int64_t now_wall_ms, struct history *history, struct diff *diff)
{
    return !is_planted("settle-at-once") &&
           __real_settle_judge(source, told, now_wall_ms, history, diff);
}

/* A mail of several events that tells the last step of each order alone. */
enum status __real_message_compose(const struct sink_config *sink, const struct config *config,
                                   const struct delivery *delivery, int64_t now_wall_ms,
                                   struct message *out, struct failure *why);
enum status __wrap_message_compose(const struct sink_config *sink, const struct config *config,
                                   const struct delivery *delivery, int64_t now_wall_ms,
                                   struct message *out, struct failure *why);
enum status __wrap_message_compose(const struct sink_config *sink, const struct config *config,
                                   const struct delivery *delivery, int64_t now_wall_ms,
                                   struct message *out, struct failure *why)
{
    struct event *last = alloc_array(delivery->event_count, sizeof *last);
    struct delivery told = *delivery;
    told.events = last;
    told.event_count = 0;
    for (size_t i = 0; i < delivery->event_count; i++) {
        bool is_last = true;
        for (size_t j = i + 1; j < delivery->event_count && is_planted("last-step-alone"); j++) {
            is_last &= strcmp(delivery->events[i].order_id, delivery->events[j].order_id) != 0;
        }
        last[told.event_count] = delivery->events[i];
        told.event_count += is_last;
    }
    told.event_total = told.event_count;
    enum status status = __real_message_compose(sink, config, &told, now_wall_ms, out, why);
    free(last);
    return status;
}

const struct silence *__real_silence_find(const struct silence_list *list,
                                          const struct route_facts *facts, int64_t wall_ms);
const struct silence *__wrap_silence_find(const struct silence_list *list,
                                          const struct route_facts *facts, int64_t wall_ms);
const struct silence *__wrap_silence_find(const struct silence_list *list,
                                          const struct route_facts *facts, int64_t wall_ms)
{
    return is_planted("silence-ignored") ? NULL : __real_silence_find(list, facts, wall_ms);
}

/* What could not leave before quiet hours began leaves in them. */
int64_t __real_route_quiet_until(const struct config *config, const struct route_facts *facts,
                                 size_t sink_index, int64_t now_wall_ms);
int64_t __wrap_route_quiet_until(const struct config *config, const struct route_facts *facts,
                                 size_t sink_index, int64_t now_wall_ms);
int64_t __wrap_route_quiet_until(const struct config *config, const struct route_facts *facts,
                                 size_t sink_index, int64_t now_wall_ms)
{
    return is_planted("door-open")
               ? now_wall_ms
               : __real_route_quiet_until(config, facts, sink_index, now_wall_ms);
}

/* Bytes that meant the record before a look-up still count as known after it. */
void __real_index_set_raw(struct index *index, uint32_t position, uint64_t raw_fingerprint);
void __wrap_index_set_raw(struct index *index, uint32_t position, uint64_t raw_fingerprint);
void __wrap_index_set_raw(struct index *index, uint32_t position, uint64_t raw_fingerprint)
{
    if (!is_planted("bytes-believed") || raw_fingerprint != 0) {
        __real_index_set_raw(index, position, raw_fingerprint);
    }
}

/* NOLINTEND(bugprone-reserved-identifier) */
