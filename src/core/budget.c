#include "core/budget.h"

#include "core/json.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_MAX 10
#define GROUPS_PER_WINDOW 64 /* how finely the past is written down */
#define RESTORED_MAX 1000000
#define VALUE_BYTES_MAX 65536

void budget_init(struct budget *budget, struct rate rate)
{
    CHECK(rate.count >= 1);
    CHECK(rate.window_ms >= 1);
    *budget = (struct budget){.rate = rate, .limit = rate.count};
    text_init(&budget->restored, VALUE_BYTES_MAX);
}

void budget_fini(struct budget *budget)
{
    free(budget->stamps);
    text_fini(&budget->restored);
    *budget = (struct budget){.rate = budget->rate};
}

static int64_t *stamp_at(const struct budget *budget, size_t position)
{
    return &budget->stamps[(budget->head + position) % budget->capacity];
}

static void grow(struct budget *budget)
{
    size_t capacity = budget->capacity != 0 ? budget->capacity * 2 : 16;
    int64_t *stamps = alloc_array(capacity, sizeof *stamps);
    for (size_t i = 0; i < budget->count; i++) {
        stamps[i] = *stamp_at(budget, i);
    }
    free(budget->stamps);
    budget->stamps = stamps;
    budget->head = 0;
    budget->capacity = capacity;
}

static void push(struct budget *budget, int64_t stamp_ms)
{
    if (budget->count == budget->capacity) {
        grow(budget);
    }
    budget->count++;
    *stamp_at(budget, budget->count - 1) = stamp_ms;
}

/* A stamp exactly one window old still counts: receivers may take the window's ends as inside. */
static void forget_old(struct budget *budget, int64_t now_ms)
{
    while (budget->count != 0 && now_ms - *stamp_at(budget, 0) > budget->rate.window_ms) {
        budget->head = (budget->head + 1) % budget->capacity;
        budget->count--;
    }
}

/* --- the value that survives a restart -------------------------------------------------------- */

void budget_restore(struct budget *budget, struct span value)
{
    text_clear(&budget->restored);
    text_add(&budget->restored, value);
}

static int64_t element_integer(const struct json **element)
{
    int64_t value = strtoll(json_text(*element).data, NULL, 10);
    *element = json_next(*element);
    return value;
}

/* How long ago it was. The wall clock may have been set since, the monotonic one may have begun
 * anew: the younger age of those that make sense is the safe one. */
static int64_t age_of(int64_t wall_ms, int64_t mono_ms, struct instant now)
{
    int64_t age = now.wall_ms > wall_ms ? now.wall_ms - wall_ms : 0;
    int64_t mono_age = now.mono_ms - mono_ms;
    return mono_age >= 0 && mono_age < age ? mono_age : age;
}

static void push_restored(struct budget *budget, int64_t stamp_ms, int64_t count)
{
    if (budget->count != 0 && stamp_ms < *stamp_at(budget, budget->count - 1)) {
        stamp_ms = *stamp_at(budget, budget->count - 1);
    }
    for (int64_t i = 0; i < count && budget->count < RESTORED_MAX; i++) {
        push(budget, stamp_ms);
    }
}

static bool is_group(const struct json *group)
{
    const struct json *element = json_first(group);
    for (int i = 0; i < 3; i++, element = json_next(element)) {
        if (element == NULL || json_kind(element) != JSON_NUMBER) {
            return false;
        }
    }
    return true;
}

static void take_restored(struct budget *budget, const struct json *root, struct instant now)
{
    const struct json *group = json_first(json_member(root, "used"));
    for (; group != NULL && is_group(group); group = json_next(group)) {
        const struct json *element = json_first(group);
        int64_t count = element_integer(&element);
        int64_t wall_ms = element_integer(&element);
        int64_t mono_ms = element_integer(&element);
        push_restored(budget, now.mono_ms - age_of(wall_ms, mono_ms, now), count);
    }
    push_restored(budget, now.mono_ms, json_member_integer(root, "lease", 0));
    int64_t limit = json_member_integer(root, "limit", budget->rate.count);
    if (limit >= 1 && limit < budget->rate.count) {
        budget->limit = (uint32_t)limit;
    }
}

void budget_begin(struct budget *budget, struct instant now)
{
    budget->limited_at_ms = now.mono_ms;
    if (budget->restored.size == 0) {
        return;
    }
    struct json *root = NULL;
    if (json_parse(text_span(&budget->restored), &root, NULL) == STATUS_OK) {
        take_restored(budget, root, now);
    } else {
        push_restored(budget, now.mono_ms, budget->rate.count); /* unreadable: all may be used */
    }
    json_destroy(root);
    text_fini(&budget->restored);
}

static uint32_t lease_size(const struct budget *budget)
{
    uint32_t size = budget->rate.count / 10;
    return size < 1 ? 1 : size > LEASE_MAX ? LEASE_MAX : size;
}

/* Requests close together are written as one group with the youngest stamp of them. */
static void add_groups(const struct budget *budget, struct instant now, struct text *out)
{
    int64_t span_ms = budget->rate.window_ms / GROUPS_PER_WINDOW;
    for (size_t first = 0; first < budget->count;) {
        size_t next = first;
        while (next < budget->count &&
               *stamp_at(budget, next) - *stamp_at(budget, first) <= span_ms) {
            next++;
        }
        int64_t stamp_ms = *stamp_at(budget, next - 1);
        text_addf(out, "%s[%zu,%lld,%lld]", first != 0 ? "," : "", next - first,
                  (long long)(now.wall_ms - (now.mono_ms - stamp_ms)), (long long)stamp_ms);
        first = next;
    }
}

uint32_t budget_add_lease(const struct budget *budget, struct instant now, struct text *out)
{
    uint32_t lease = lease_size(budget);
    text_addf(out, "{\"limit\":%u,\"lease\":%u,\"used\":[", budget->limit,
              lease + budget->lease_left);
    add_groups(budget, now, out);
    text_add_text(out, "]}");
    return lease;
}

void budget_grant(struct budget *budget, uint32_t lease)
{
    budget->lease_left += lease;
}

/* --- the gate --------------------------------------------------------------------------------- */

enum budget_answer budget_ask(struct budget *budget, int64_t now_ms, int64_t *again_ms)
{
    CHECK(budget->restored.size == 0);
    budget_recover(budget, now_ms);
    forget_old(budget, now_ms);
    if (budget->count >= budget->limit) {
        *again_ms = *stamp_at(budget, budget->count - budget->limit) + budget->rate.window_ms + 1;
        return BUDGET_WAIT;
    }
    return budget->lease_left != 0 ? BUDGET_GO : BUDGET_NEEDS_LEASE;
}

void budget_take(struct budget *budget, int64_t now_ms)
{
    CHECK(budget->lease_left != 0);
    CHECK(budget->count < budget->limit);
    budget->lease_left--;
    push(budget, now_ms);
}

void budget_answered(struct budget *budget, int64_t now_ms)
{
    if (budget->count != 0) {
        *stamp_at(budget, budget->count - 1) = now_ms;
    }
}

void budget_throttled(struct budget *budget, int64_t now_ms)
{
    budget->limit = budget->limit > 1 ? budget->limit / 2 : 1;
    budget->limited_at_ms = now_ms;
}

void budget_recover(struct budget *budget, int64_t now_ms)
{
    uint32_t step = budget->rate.count / 10 + 1;
    while (budget->limit < budget->rate.count && now_ms - budget->limited_at_ms >= HOUR_MS) {
        uint32_t missing = budget->rate.count - budget->limit;
        budget->limit += missing < step ? missing : step;
        budget->limited_at_ms += HOUR_MS;
    }
}

uint32_t budget_left(const struct budget *budget, int64_t now_ms)
{
    size_t used = budget->count;
    for (size_t i = 0; i < budget->count && now_ms - *stamp_at(budget, i) > budget->rate.window_ms;
         i++) {
        used--;
    }
    return used < budget->limit ? budget->limit - (uint32_t)used : 0;
}
