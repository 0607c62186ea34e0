/* Any bytes as an element: a canonical record that reads back as itself, told in sound events. */
#include "core/arena.h"
#include "core/config.h"
#include "core/extract.h"
#include "core/json.h"
#include "core/reconcile.h"
#include "core/text.h"
#include "core/utf8.h"
#include "core/zone.h"
#include "tests/support/order_profile.h"

static void check_bytes(const struct record *record, struct arena *arena)
{
    struct text first;
    struct text second;
    struct record read;
    text_init(&first, SIZE_MAX / 4);
    text_init(&second, SIZE_MAX / 4);
    record_encode(record, &first);
    CHECK(record_decode(text_span(&first), arena, &read, NULL) == STATUS_OK);
    record_encode(&read, &second);
    CHECK(span_equal(text_span(&first), text_span(&second)));
    text_fini(&first);
    text_fini(&second);
}

static void check_event(const struct event *event)
{
    struct json *root = NULL;
    CHECK(event->json.size + event->personal.size < EVENT_BYTES_MAX);
    CHECK(utf8_is_valid(event->json));
    CHECK(json_parse(event->json, &root, NULL) == STATUS_OK);
    json_destroy(root);
}

static struct reconcile_result reconcile(const struct stored_order *before,
                                         const struct record *after, bool is_baseline,
                                         struct arena *arena)
{
    static const int64_t remind_ms[] = {DAY_MS};
    struct source_config source = {.name = "orange",
                                   .profile = &world_profile,
                                   .zone = zone_utc(),
                                   .remind_ms = remind_ms,
                                   .remind_count = 1,
                                   .stalled_after_ms = DAY_MS};
    struct config config = {.sources = &source, .source_count = 1};
    struct reconcile_context context = {.config = &config,
                                        .source = &source,
                                        .sweep = 1,
                                        .now_wall_ms = INT64_C(1795421730123),
                                        .is_baseline = is_baseline};
    struct reconcile_input input = {.before = before, .after = after};
    struct reconcile_result result;
    CHECK(reconcile_order(&context, &input, arena, &result, NULL) == STATUS_OK);
    for (size_t i = 0; i < result.staged.event_count; i++) {
        check_event(&result.staged.events[i].event);
    }
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create();
    struct extractor extractor = {.profile = &world_profile, .zone = zone_utc()};
    struct span element = {.data = (const char *)data, .size = size};
    struct extraction found;
    if (extract_order(&extractor, element, arena, &found, NULL) == STATUS_OK) {
        struct record bare = {.id = found.record.id};
        check_bytes(&found.record, arena);
        (void)reconcile(NULL, &found.record, false, arena);
        struct reconcile_result base = reconcile(NULL, &bare, true, arena);
        struct reconcile_result moved = reconcile(&base.staged.order, &found.record, false, arena);
        if (moved.is_changed) {
            struct reconcile_result again =
                reconcile(&moved.staged.order, &found.record, false, arena);
            CHECK(!again.is_changed);
            (void)reconcile(&moved.staged.order, &bare, false, arena);
        }
    }
    struct appointment_extraction appointment;
    (void)extract_appointment(&extractor, element, arena, &appointment, NULL);
    arena_destroy(arena);
    return 0;
}
