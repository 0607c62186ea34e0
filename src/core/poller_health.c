#include "core/date.h"
#include "core/log.h"
#include "core/retry.h"

#include "poller_internal.h"

#include <stdio.h>
#include <string.h>

#define REFUSED_FIRST_MS (5 * MINUTE_MS)
#define QUARTER_MS (15 * MINUTE_MS)
#define EXCUSED_MAX_MS HOUR_MS
#define UNREACHABLE_INTERVALS 3
#define STORE_TRIAL_MAX_MS 20000

bool poller_in_maintenance(const struct poller *poller, int64_t wall_ms)
{
    for (size_t i = 0; i < poller->source->maintenance_count; i++) {
        const struct window *window = &poller->source->maintenance[i];
        if (wall_ms >= window->from_wall_ms && wall_ms < window->to_wall_ms) {
            return true;
        }
    }
    return false;
}

/* --- when to read next ------------------------------------------------------------------------ */

static int64_t refused_delay_ms(uint32_t failure_count)
{
    static const int64_t steps[] = {REFUSED_FIRST_MS, QUARTER_MS, HOUR_MS};
    return steps[failure_count < 3 ? failure_count - 1 : 2];
}

static int64_t failure_delay_ms(struct poller *poller)
{
    const struct health *health = &poller->health;
    int64_t every_ms = poller->source->every_ms;
    int64_t cap_ms = every_ms > QUARTER_MS ? every_ms : QUARTER_MS;
    struct retry_policy policy = {.first_ms = 5000, .cap_ms = cap_ms};
    int64_t delay_ms = retry_delay_ms(&policy, health->failure_count, 0, &poller->random);
    switch (health->failing_as) {
    case API_REFUSED:
        return refused_delay_ms(health->failure_count);
    case API_FIX: /* the same request will get the same answer: never faster than usual */
        return delay_ms > every_ms ? delay_ms : every_ms;
    case API_RETRY:
    case API_RENEW_TOKEN:
    case API_SLOW_DOWN:
        return delay_ms;
    }
    CHECK(!"an action that does not exist");
}

void poller_schedule_next(struct poller *poller, struct instant now)
{
    int64_t every_ms = poller->source->every_ms;
    int64_t jitter_ms = random_below(&poller->random, every_ms / 10 + 1);
    int64_t due_ms = poller->sweep.started.mono_ms + every_ms + jitter_ms;
    if (poller->health.failure_count != 0) {
        due_ms = now.mono_ms + failure_delay_ms(poller);
    }
    poller->schedule.due_ms = due_ms > now.mono_ms ? due_ms : now.mono_ms;
}

#define LEAD_MAX_MS (5 * MINUTE_MS)

int64_t poller_lead_ms(const struct poller *poller)
{
    int64_t lead_ms = 500 + poller->schedule.sweep_ms + poller->schedule.sweep_ms / 2;
    return lead_ms < LEAD_MAX_MS ? lead_ms : LEAD_MAX_MS;
}

/* --- what went wrong -------------------------------------------------------------------------- */

/* What the API asks of all requests, also of those that only looked for a detail. */
void poller_note_limits(struct poller *poller, const struct trouble *trouble, struct instant now)
{
    if (trouble->action == API_SLOW_DOWN) {
        budget_throttled(&poller->budget, now.mono_ms);
    }
    if (trouble->wait_ms <= 0) {
        return;
    }
    poller->schedule.wait_ms = now.mono_ms + trouble->wait_ms;
    poller->schedule.wait_wall_ms = now.wall_ms + trouble->wait_ms;
    poller->health.excused_ms +=
        trouble->wait_ms < EXCUSED_MAX_MS ? trouble->wait_ms : EXCUSED_MAX_MS;
}

static void keep_sample(char *samples, size_t size, size_t *count, const char *sample)
{
    if (sample[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(samples + i * size, sample) == 0) {
            return;
        }
    }
    if (*count == HEALTH_SAMPLES) {
        memmove(samples, samples + size, (HEALTH_SAMPLES - 1) * size);
        --*count;
    }
    (void)snprintf(samples + *count * size, size, "%s", sample);
    ++*count;
}

static void count_trouble(struct poller *poller, const struct trouble *trouble, struct instant now)
{
    struct health *health = &poller->health;
    if (health->trouble_count++ == 0) {
        health->first_wall_ms = now.wall_ms;
    }
    health->last_wall_ms = now.wall_ms;
    keep_sample(health->codes[0], sizeof health->codes[0], &health->code_count, trouble->code);
    keep_sample(health->request_ids[0], sizeof health->request_ids[0], &health->request_id_count,
                trouble->request_id);
}

/* A failure that is the same as before is not worth another line. */
static void log_trouble(const struct poller *poller, const struct trouble *trouble,
                        bool is_maintenance)
{
    bool is_same = strcmp(poller->health.last_code, trouble->code) == 0;
    struct log_field fields[] = {log_text("source", poller->source->name),
                                 log_text("detail", trouble->detail),
                                 log_number("failures", poller->health.failure_count),
                                 {.key = NULL}};
    log_write(is_same || is_maintenance ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "sweep_failed", fields);
}

/* A new token that is called expired may not be known everywhere yet. Once more, and what it was
 * got with has expired: no API wants to be asked for a token at each retry. */
static enum api_action failing_as(const struct health *health, const struct trouble *trouble)
{
    bool is_again = health->failure_count > 1 &&
                    (health->failing_as == API_RENEW_TOKEN || health->failing_as == API_REFUSED);
    return trouble->action == API_RENEW_TOKEN && is_again ? API_REFUSED : trouble->action;
}

void poller_note_trouble(struct poller *poller, const struct trouble *trouble, struct instant now)
{
    struct health *health = &poller->health;
    poller_note_limits(poller, trouble, now);
    if (!trouble->is_partial) {
        health->failure_count++;
        health->failing_as = failing_as(health, trouble);
    } else {
        health->failure_count = 0;
    }
    bool is_maintenance = poller_in_maintenance(poller, now.wall_ms);
    if (!is_maintenance && !trouble->is_ours) {
        count_trouble(poller, trouble, now);
    }
    log_trouble(poller, trouble, is_maintenance);
    (void)snprintf(health->last_code, sizeof health->last_code, "%s", trouble->code);
    (void)snprintf(health->last_failure, sizeof health->last_failure, "%s", trouble->detail);
}

void poller_note_store_failure(struct poller *poller, const char *doing)
{
    static const struct retry_policy policy = {.first_ms = 1000, .cap_ms = STORE_TRIAL_MAX_MS};
    struct schedule *schedule = &poller->schedule;
    if (schedule->store_failure_count++ == 0) {
        LOG_ERROR("store_failed", log_text("source", poller->source->name),
                  log_text("doing", doing), log_text("status", status_name(poller->stored.status)),
                  log_text("detail", poller->stored.detail));
    }
    schedule->is_store_shut = schedule->is_store_shut || schedule->is_store_trial;
    schedule->is_store_trial = false;
    schedule->store_ms = poller->now_ms + 500 +
                         retry_delay_ms(&policy, schedule->store_failure_count, 0, &poller->random);
}

/* A trial is a few bytes and the promise of room: what a sweep brings may still not fit. So a sweep
 * is what proves it, and only where the trial says something new does it come before its time. */
void poller_note_store_trial(struct poller *poller)
{
    struct schedule *schedule = &poller->schedule;
    schedule->is_store_trial = false;
    schedule->store_ms = 0;
    if (!schedule->is_sweep_unstored) {
        poller_note_stored(poller);
    } else if (schedule->is_store_shut && poller->health.failing_as == API_RETRY) {
        schedule->is_store_shut = false;
        schedule->due_ms = earlier(schedule->due_ms, poller->now_ms);
    }
}

void poller_note_stored(struct poller *poller)
{
    struct schedule *schedule = &poller->schedule;
    if (schedule->store_failure_count != 0) {
        LOG_INFO("store_works_again", log_text("source", poller->source->name));
    }
    schedule->store_failure_count = 0;
    schedule->is_sweep_unstored = false;
    schedule->is_store_shut = false;
}

/* --- well again ------------------------------------------------------------------------------- */

/* since_wall_ms: of a failure that began before a restart; 0: it did not. */
static void add_failure(const struct health *health, int64_t since_wall_ms, struct text *out)
{
    text_add_text(out, "\"failure\":{\"first\":\"");
    date_add_wall(out, since_wall_ms != 0 ? since_wall_ms : health->first_wall_ms);
    text_add_text(out, "\",\"last\":\"");
    date_add_wall(out, health->last_wall_ms);
    text_addf(out, "\",\"count\":%llu,\"codes\":[", (unsigned long long)health->trouble_count);
    for (size_t i = 0; i < health->code_count; i++) {
        text_add_text(out, i != 0 ? "," : "");
        text_add_json_text(out, health->codes[i]);
    }
    text_add_text(out, "],\"request_ids\":[");
    for (size_t i = 0; i < health->request_id_count; i++) {
        text_add_text(out, i != 0 ? "," : "");
        text_add_json_text(out, health->request_ids[i]);
    }
    text_add_text(out, "],\"detail\":");
    text_add_json_text(out, health->last_failure);
    text_add_char(out, '}');
}

static void tell_failure(struct poller *poller, enum event_type type, const char *summary)
{
    struct text extra;
    text_init(&extra, 16384);
    if (poller->health.trouble_count != 0) {
        add_failure(&poller->health, poller->state.failing_since_wall_ms, &extra);
    }
    notice_add(&poller->notices, type, summary, &extra);
    text_fini(&extra);
}

void poller_note_complete(struct poller *poller, struct instant now)
{
    struct source_state *state = &poller->state;
    state->last_complete_wall_ms = now.wall_ms;
    if (state->is_unreachable_told || state->is_rejected_told) {
        state->is_unreachable_told = false;
        state->is_rejected_told = false;
        tell_failure(poller, EVENT_SOURCE_RECOVERED, "The source can be read completely again");
        state->failing_since_wall_ms = 0;
    }
}

void poller_end_trouble(struct poller *poller, struct instant now)
{
    struct health *health = &poller->health;
    if (health->last_failure[0] != '\0') {
        LOG_INFO("source_recovered", log_text("source", poller->source->name));
    }
    *health = (struct health){
        .has_completed = true,
        .well_ms = now.mono_ms,
        .certificate_expires_wall_ms = health->certificate_expires_wall_ms,
        .own_certificate_expires_wall_ms = health->own_certificate_expires_wall_ms,
        .token_certificate_expires_wall_ms = health->token_certificate_expires_wall_ms,
    };
}

/* --- what is to be told ----------------------------------------------------------------------- */

int64_t poller_health_due(const struct poller *poller)
{
    const struct health *health = &poller->health;
    if (health->trouble_count == 0 || poller->state.is_unreachable_told) {
        return INSTANT_NEVER;
    }
    int64_t every_ms = poller->source->every_ms;
    return health->well_ms + UNREACHABLE_INTERVALS * every_ms + every_ms / 2 + health->excused_ms;
}

static void note_failing(struct poller *poller)
{
    if (poller->state.failing_since_wall_ms == 0) {
        poller->state.failing_since_wall_ms = poller->health.first_wall_ms;
    }
}

static void check_reach(struct poller *poller, struct instant now)
{
    struct source_state *state = &poller->state;
    const struct health *health = &poller->health;
    bool is_refused = health->failure_count != 0 && health->failing_as == API_REFUSED;
    if (is_refused && !state->is_rejected_told) {
        state->is_rejected_told = true;
        note_failing(poller);
        tell_failure(poller, EVENT_SOURCE_REJECTED, health->last_failure);
    }
    if (now.mono_ms >= poller_health_due(poller)) {
        state->is_unreachable_told = true;
        note_failing(poller);
        tell_failure(poller, EVENT_SOURCE_UNREACHABLE,
                     "The source could not be read completely for three intervals");
    }
}

static int nearest_threshold(int64_t left_ms)
{
    static const int days[] = {1, 7, 14, 30, 60};
    for (size_t i = 0; i < ARRAY_COUNT(days); i++) {
        if (left_ms <= days[i] * DAY_MS) {
            return days[i];
        }
    }
    return 0;
}

static void check_credential(struct poller *poller, enum credential credential,
                             int64_t expires_wall_ms, struct instant now)
{
    int64_t left_ms = expires_wall_ms - now.wall_ms;
    int days = expires_wall_ms != 0 ? nearest_threshold(left_ms) : 0;
    struct expiry_told told = {credential, expires_wall_ms, days};
    if (days == 0 || !source_state_note_expiry(&poller->state, &told, now.wall_ms)) {
        return;
    }
    struct text extra;
    text_init(&extra, 1024);
    text_addf(&extra, "\"credential\":{\"name\":\"%s\",\"expires\":\"",
              credential_name(credential));
    date_add_wall(&extra, expires_wall_ms);
    int64_t days_left = left_ms > 0 ? left_ms / DAY_MS : 0;
    text_addf(&extra, "\",\"days_left\":%lld}", (long long)days_left);
    char summary[160];
    (void)snprintf(summary, sizeof summary, "The %s of source %s %s", credential_name(credential),
                   poller->source->name, left_ms > 0 ? "expires soon" : "has expired");
    notice_add(&poller->notices, EVENT_SOURCE_CREDENTIAL_EXPIRING, summary, &extra);
    text_fini(&extra);
}

static int64_t expiry_of(struct date issued, int64_t valid_for_ms)
{
    return issued.kind != DATE_NONE && valid_for_ms > 0 ? issued.ms + valid_for_ms : 0;
}

static void check_credentials(struct poller *poller, struct instant now)
{
    const struct source_config *source = poller->source;
    if (now.mono_ms < poller->schedule.credential_ms) {
        return;
    }
    poller->schedule.credential_ms = now.mono_ms + HOUR_MS;
    if (source->api_key.header != NULL) {
        check_credential(poller, CREDENTIAL_API_KEY,
                         expiry_of(source->api_key.issued, source->api_key.valid_for_ms), now);
    }
    if (source->oauth2.token_url != NULL) {
        check_credential(
            poller, CREDENTIAL_CLIENT_SECRET,
            expiry_of(source->oauth2.secret_issued, source->oauth2.secret_valid_for_ms), now);
    }
    check_credential(poller, CREDENTIAL_CERTIFICATE, poller->health.certificate_expires_wall_ms,
                     now);
    check_credential(poller, CREDENTIAL_CLIENT_CERTIFICATE,
                     poller->health.own_certificate_expires_wall_ms, now);
    check_credential(poller, CREDENTIAL_TOKEN_CERTIFICATE,
                     poller->health.token_certificate_expires_wall_ms, now);
}

/* How long it failed in the window says nothing of how long it goes on failing. It has failed all
 * the same, until a sweep says otherwise: what is known is old. */
static void end_maintenance(struct poller *poller, struct instant now)
{
    int64_t spread_ms = poller->source->every_ms / 10;
    spread_ms = spread_ms < MINUTE_MS ? spread_ms : MINUTE_MS;
    int64_t soon_ms = now.mono_ms + random_below(&poller->random, spread_ms + 1);
    poller->health.failure_count = 1;
    poller->schedule.due_ms = earlier(poller->schedule.due_ms, soon_ms);
}

bool poller_check_health(struct poller *poller, struct instant now)
{
    struct health *health = &poller->health;
    bool was_maintenance = health->is_maintenance;
    health->is_maintenance = poller_in_maintenance(poller, now.wall_ms);
    if (was_maintenance && !health->is_maintenance && health->failure_count != 0) {
        end_maintenance(poller, now);
    }
    if (health->is_maintenance) {
        health->well_ms = now.mono_ms; /* what was announced is nobody's failure */
        return false;
    }
    check_reach(poller, now);
    check_credentials(poller, now);
    bool is_waiting = poller->schedule.wait_ms > now.mono_ms;
    bool is_dirty = is_waiting && poller->state.wait_until_wall_ms != poller->schedule.wait_wall_ms;
    if (is_dirty) {
        poller->state.wait_until_wall_ms = poller->schedule.wait_wall_ms;
    }
    return is_dirty || poller->notices.count != 0;
}
