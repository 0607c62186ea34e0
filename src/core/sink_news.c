#include "core/sink_news.h"

#include "core/arena.h"
#include "core/date.h"
#include "core/json.h"
#include "core/utf8.h"

#include <inttypes.h>

static bool is_failing_due(const struct sink_memory *memory, const struct sink_condition *condition,
                           struct instant now)
{
    return !memory->is_failing_told && condition->failing_since.wall_ms != 0 &&
           now.mono_ms - condition->failing_since.mono_ms >= condition->failing_after_ms;
}

static bool is_recovery_due(const struct sink_memory *memory,
                            const struct sink_condition *condition)
{
    return memory->is_failing_told && condition->failing_since.wall_ms == 0 &&
           condition->has_answered;
}

static bool may_tell_parked(const struct sink_condition *condition, struct instant now)
{
    return condition->parked_told_mono_ms == INT64_MIN ||
           now.mono_ms - condition->parked_told_mono_ms >= PARKED_TOLD_EVERY_MS;
}

static bool is_parking_due(const struct sink_memory *memory, const struct sink_condition *condition,
                           struct instant now)
{
    return condition->parked_count > memory->parked_told && may_tell_parked(condition, now);
}

/* A shorter pause is over when a restart is. The wall clock is set now and then, by little. */
#define HOLD_MS_MIN 10000

static bool is_hold_due(const struct sink_memory *memory, const struct sink_condition *condition,
                        struct instant now)
{
    int64_t until = condition->held_until_wall_ms;
    if (until == 0) {
        return memory->held_until_wall_ms > now.wall_ms; /* somebody ended it */
    }
    int64_t change_ms = until - memory->held_until_wall_ms;
    return until - now.wall_ms >= HOLD_MS_MIN &&
           (change_ms >= HOLD_MS_MIN || change_ms <= -HOLD_MS_MIN);
}

bool sink_news_is_due(const struct sink_memory *memory, const struct sink_condition *condition,
                      struct instant now)
{
    return memory->is_disabled != condition->is_disabled ||
           is_failing_due(memory, condition, now) || is_recovery_due(memory, condition) ||
           is_parking_due(memory, condition, now) || is_hold_due(memory, condition, now);
}

int64_t sink_news_next_mono_ms(const struct sink_memory *memory,
                               const struct sink_condition *condition)
{
    int64_t next = INSTANT_NEVER;
    if (!memory->is_failing_told && condition->failing_since.wall_ms != 0) {
        next = condition->failing_since.mono_ms + condition->failing_after_ms;
    }
    if (condition->parked_count > memory->parked_told &&
        condition->parked_told_mono_ms != INT64_MIN) {
        int64_t parked = condition->parked_told_mono_ms + PARKED_TOLD_EVERY_MS;
        next = parked < next ? parked : next;
    }
    return next;
}

struct telling {
    const struct sink_condition *condition;
    const char *detail; /* cleaned */
    struct arena *arena;
    struct instant now;
    uint64_t sequence;
};

static const char *clean(struct arena *arena, const char *detail)
{
    struct text text;
    text_init(&text, 512);
    utf8_add_clean_line(&text, span_of(detail), 240);
    const char *copy = arena_text(arena, text_span(&text));
    text_fini(&text);
    return copy;
}

/* members: what data.sink has besides name and detail, finished. */
static struct event tell(struct telling *telling, enum event_type type, const char *summary,
                         const char *members)
{
    struct text sink_json;
    text_init(&sink_json, 4096);
    text_add_text(&sink_json, "\"sink\":{\"name\":");
    text_add_json_text(&sink_json, telling->condition->sink_name);
    text_add_text(&sink_json, ",\"detail\":");
    text_add_json_text(&sink_json, telling->detail);
    text_add_text(&sink_json, members);
    text_add_char(&sink_json, '}');
    CHECK(sink_json.status == STATUS_OK);
    struct event_facts facts = {.type = type,
                                .severity = event_type_severity(type),
                                .sink_name = telling->condition->sink_name,
                                .sequence = ++telling->sequence,
                                .wall_ms = telling->now.wall_ms,
                                .summary = summary,
                                .extra_json = text_span(&sink_json)};
    struct event event;
    event_compose(&facts, telling->arena, &event);
    text_fini(&sink_json);
    return event;
}

static struct event tell_failing(struct telling *telling)
{
    const struct sink_condition *condition = telling->condition;
    struct text since;
    text_init(&since, 64);
    date_add_wall(&since, condition->failing_since.wall_ms);
    const char *summary = arena_format(telling->arena, "Sink %s is failing since %s: %s",
                                       condition->sink_name, text_cstr(&since), telling->detail);
    const char *members =
        arena_format(telling->arena, ",\"failing_since\":\"%s\"", text_cstr(&since));
    text_fini(&since);
    return tell(telling, EVENT_SINK_FAILING, summary, members);
}

static struct event tell_recovered(struct telling *telling)
{
    const char *summary =
        arena_format(telling->arena, "Sink %s works again", telling->condition->sink_name);
    return tell(telling, EVENT_SINK_RECOVERED, summary, "");
}

static struct event tell_parked(struct telling *telling, uint64_t parked_before)
{
    const struct sink_condition *condition = telling->condition;
    uint64_t parked_new = condition->parked_count - parked_before;
    const char *summary = arena_format(
        telling->arena, "Sink %s: %" PRIu64 " %s parked, %" PRIu64 " in all: %s%s",
        condition->sink_name, parked_new, parked_new == 1 ? "delivery is" : "deliveries are",
        condition->parked_count, telling->detail,
        condition->is_disabled ? "; nothing is sent to it until `orderwatch resume`" : "");
    const char *members =
        arena_format(telling->arena, ",\"parked\":%" PRIu64 ",\"parked_in_all\":%" PRIu64,
                     parked_new, condition->parked_count);
    return tell(telling, EVENT_SINK_PARKED, summary, members);
}

size_t sink_news_compose(const struct sink_memory *memory, const struct sink_condition *condition,
                         struct instant now, struct arena *arena,
                         struct event events[static SINK_NEWS_MAX], struct sink_memory *after)
{
    struct telling telling = {.condition = condition,
                              .detail = clean(arena, condition->detail),
                              .arena = arena,
                              .now = now,
                              .sequence = memory->sequence};
    size_t count = 0;
    *after = *memory;
    after->is_disabled = condition->is_disabled;
    after->held_until_wall_ms = condition->held_until_wall_ms;
    after->held_from_wall_ms = now.wall_ms;
    if (is_failing_due(memory, condition, now)) {
        events[count++] = tell_failing(&telling);
        after->is_failing_told = true;
    }
    if (is_parking_due(memory, condition, now)) {
        events[count++] = tell_parked(&telling, memory->parked_told);
        after->parked_told = condition->parked_count;
    }
    if (is_recovery_due(memory, condition)) {
        events[count++] = tell_recovered(&telling);
        after->is_failing_told = false;
    }
    after->sequence = telling.sequence;
    return count;
}

void sink_memory_encode(const struct sink_memory *memory, struct text *out)
{
    text_addf(out,
              "{\"sequence\":%" PRIu64 ",\"parked_told\":%" PRIu64
              ",\"failing_told\":%s,\"disabled\":%s,\"digest\":%" PRId64 ",\"held_until\":%" PRId64
              ",\"held_from\":%" PRId64 "}",
              memory->sequence, memory->parked_told, memory->is_failing_told ? "true" : "false",
              memory->is_disabled ? "true" : "false", memory->digest_wall_ms,
              memory->held_until_wall_ms, memory->held_from_wall_ms);
}

enum status sink_memory_decode(struct span bytes, struct sink_memory *out, struct failure *why)
{
    struct json *root;
    enum status status = json_parse(bytes, &root, why);
    if (status != STATUS_OK) {
        return status;
    }
    int64_t sequence = json_member_integer(root, "sequence", -1);
    int64_t parked_told = json_member_integer(root, "parked_told", -1);
    bool is_complete = sequence >= 0 && parked_told >= 0;
    if (is_complete) {
        *out =
            (struct sink_memory){.sequence = (uint64_t)sequence,
                                 .parked_told = (uint64_t)parked_told,
                                 .is_failing_told = json_member_true(root, "failing_told"),
                                 .is_disabled = json_member_true(root, "disabled"),
                                 .digest_wall_ms = json_member_integer(root, "digest", 0),
                                 .held_until_wall_ms = json_member_integer(root, "held_until", 0),
                                 .held_from_wall_ms = json_member_integer(root, "held_from", 0)};
    }
    json_destroy(root);
    return is_complete ? STATUS_OK : fail(why, STATUS_CORRUPT, "not a sink's memory");
}
