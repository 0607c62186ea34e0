#include "core/json.h"
#include "core/json_write.h"
#include "core/silencer.h"
#include "core/text.h"

#include "tests/support/order_world.h"

#define NOW WORLD_NOW_MS
#define WHO "\"author\":\"Duty desk\",\"comment\":\"moving the site\""
#define TIMES "\"start\":\"2026-11-23T08:00:00Z\",\"end\":\"2026-11-24T08:00:00Z\""
#define ORDER_JSON(more) "{\"id\":\"123456\",\"status\":\"InProgress\",\"site\":\"Lyon\"" more "}"

static struct json *parse(const char *text)
{
    struct json *root;
    struct failure why = {0};
    assert_int_equal(json_parse(span_of(text), &root, &why), STATUS_OK);
    return root;
}

static enum status read(const char *text, struct arena *arena, struct silence *out,
                        struct failure *why)
{
    struct json *root = parse(text);
    enum status status = silence_read(root, NOW, arena, out, why);
    json_destroy(root);
    return status;
}

static void test_refuses_what_is_not_a_silence(void **state)
{
    (void)state;
    static const struct {
        const char *document, *says;
    } cases[] = {
        {"[]", "object"},
        {"{\"order\":\"1\"," TIMES ",\"comment\":\"c\"}", "author:"},
        {"{\"order\":\"1\"," TIMES ",\"author\":\"a\",\"comment\":\" \"}", "comment:"},
        {"{\"order\":\"1\"," WHO "}", "end: is needed"},
        {"{\"order\":\"1\"," WHO ",\"end\":\"2026-11-23T08:00:00Z\"}", "end: must be after"},
        {"{\"order\":\"1\"," WHO ",\"end\":\"2126-11-23T08:00:00Z\"}", "ten years"},
        {"{\"order\":\"1\"," WHO ",\"end\":\"soon\"}", "end: soon is not a time"},
        {"{" TIMES "," WHO "}", "every event"},
        {"{\"type\":\"*\",\"source\":\"**\"," TIMES "," WHO "}", "every event"},
        {"{\"is_all\":true,\"order\":\"1\"," TIMES "," WHO "}", "is_all:"},
        {"{\"order\":5," TIMES "," WHO "}", "order: must be a text"},
        {"{\"type\":\"apointment.*\"," TIMES "," WHO "}", "matches no event type"},
        {"{\"severity\":\"bad\"," TIMES "," WHO "}", "severity: bad"},
        {"{\"where\":{\"colour\":\"red\"}," TIMES "," WHO "}", "where: colour"},
        {"{\"where\":\"Lyon\"," TIMES "," WHO "}", "where: must be"},
        {"{\"orders\":\"1\"," TIMES "," WHO "}", "orders: unknown key"},
        {"{\"order\":\"1\\\\\"," TIMES "," WHO "}", "order: not a pattern"},
    };
    struct arena *arena = arena_create();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct silence silence;
        struct failure why = {0};
        assert_int_equal(read(cases[i].document, arena, &silence, &why), STATUS_INVALID);
        if (strstr(why.detail, cases[i].says) == NULL) {
            fail_msg("%s\nsays: %s\nnot: %s", cases[i].document, why.detail, cases[i].says);
        }
    }
    arena_destroy(arena);
}

static void test_a_list_survives_the_store(void **state)
{
    (void)state;
    struct arena *arena = arena_create();
    struct silence items[2];
    struct failure why;
    assert_int_equal(read("{\"source\":\"or*\",\"order\":\"12?\",\"type\":\"order.*\",\"severity\":"
                          "\"warning\",\"where\":{\"site\":\"Ly*\",\"extra.x\":\"\\\\*\"}," TIMES
                          "," WHO "}",
                          arena, &items[0], &why),
                     STATUS_OK);
    assert_int_equal(
        read("{\"is_all\":true,\"end\":\"2026-11-24T08:00:00Z\"," WHO "}", arena, &items[1], &why),
        STATUS_OK);
    assert_true(items[1].start_wall_ms == NOW);
    assert_string_not_equal(items[0].id, items[1].id);
    struct silence_list list = {.items = items, .count = 2};
    struct text first;
    struct text again;
    text_init(&first, 65536);
    text_init(&again, 65536);
    silence_list_encode(&list, &first);
    struct silence_list decoded;
    assert_int_equal(silence_list_decode(text_span(&first), arena, &decoded, &why), STATUS_OK);
    silence_list_encode(&decoded, &again);
    assert_string_equal(text_cstr(&first), text_cstr(&again));
    assert_int_equal(silence_list_decode(span_of("[{}]"), arena, &decoded, &why), STATUS_CORRUPT);
    assert_int_equal(silence_list_decode(span_of("{"), arena, &decoded, &why), STATUS_CORRUPT);
    text_fini(&first);
    text_fini(&again);
    arena_destroy(arena);
}

/* --- what becomes of an event --- */

static const struct new_event *change_under(struct world *world, const char *document,
                                            int64_t now_wall_ms)
{
    struct silence silence;
    struct failure why = {0};
    if (read(document, world->arena, &silence, &why) != STATUS_OK) {
        fail_msg("%s", why.detail);
    }
    struct silence_list list = {.items = &silence, .count = 1};
    world->context.silences = &list;
    world->context.now_wall_ms = now_wall_ms;
    world->context.is_baseline = false;
    world_show(world, ORDER_JSON(",\"step\":\"Survey\""));
    world->context.silences = NULL;
    assert_int_equal(world->result.staged.event_count, 1);
    return &world->result.staged.events[0];
}

static void test_an_event_is_silenced_or_sent(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        int64_t after_ms;
        bool is_silenced;
    } cases[] = {
        {"{\"order\":\"123*\"," TIMES "," WHO "}", 0, true},
        {"{\"order\":\"12345\"," TIMES "," WHO "}", 0, false},
        {"{\"source\":\"orange\"," TIMES "," WHO "}", 0, true},
        {"{\"source\":\"other\"," TIMES "," WHO "}", 0, false},
        {"{\"type\":\"order.status.*\"," TIMES "," WHO "}", 0, true},
        {"{\"type\":\"appointment.*\"," TIMES "," WHO "}", 0, false},
        {"{\"severity\":\"info\"," TIMES "," WHO "}", 0, true},
        {"{\"where\":{\"status\":\"In*\"}," TIMES "," WHO "}", 0, true},
        {"{\"where\":{\"status\":\"In*\",\"offer\":\"*\"}," TIMES "," WHO "}", 0, false},
        {"{\"is_all\":true," TIMES "," WHO "}", 0, true},
        {"{\"is_all\":true," TIMES "," WHO "}", DAY_MS, false},
        {"{\"is_all\":true,\"start\":\"2026-11-23T09:00:00Z\",\"end\":\"2026-11-24T08:00:00Z\"," WHO
         "}",
         0, false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct world world;
        world_init(&world);
        world_show(&world, ORDER_JSON(""));
        const struct new_event *event =
            change_under(&world, cases[i].document, NOW + cases[i].after_ms);
        if ((event->silence_id != NULL) != cases[i].is_silenced) {
            fail_msg("%s", cases[i].document);
        }
        assert_int_equal(event->delivery_count, 3); /* of a silenced one they are counted */
        world_fini(&world);
    }
}

static void test_what_is_worse_is_sent(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world_show(&world, ORDER_JSON(""));
    struct silence silence;
    struct failure why;
    assert_int_equal(
        read("{\"severity\":\"warning\"," TIMES "," WHO "}", world.arena, &silence, &why),
        STATUS_OK);
    struct silence_list list = {.items = &silence, .count = 1};
    world.context.silences = &list;
    world.context.is_baseline = false;
    world_show(&world, "{\"id\":\"123456\",\"status\":\"Cancelled\"}");
    assert_int_equal(world.result.staged.events[0].event.severity, SEVERITY_CRITICAL);
    assert_null(world.result.staged.events[0].silence_id);
    world_fini(&world);
}

/* --- kept durably --- */

struct desk {
    struct silencer *silencer;
    char value[8192];
    store_done_fn *on_done;
    void *arg;
    size_t commit_count, done_count;
    enum status status;
    char id[64];
};

static void keep_commit(void *self, const struct commit *commit, store_done_fn *on_done, void *arg)
{
    struct desk *desk = self;
    assert_int_equal(commit->value_count, 1);
    assert_string_equal(commit->values[0].key, "silences");
    assert_true(commit->values[0].value.size < sizeof desk->value);
    memcpy(desk->value, commit->values[0].value.data, commit->values[0].value.size);
    desk->value[commit->values[0].value.size] = '\0';
    desk->on_done = on_done;
    desk->arg = arg;
    desk->commit_count++;
}

static void on_silenced(void *arg, enum status status, const char *id, const char *detail)
{
    struct desk *desk = arg;
    (void)detail;
    desk->done_count++;
    desk->status = status;
    (void)snprintf(desk->id, sizeof desk->id, "%s", id != NULL ? id : "");
}

static void desk_init(struct desk *desk)
{
    *desk = (struct desk){.on_done = NULL};
    desk->silencer = silencer_create((struct store_port){.self = desk, .commit = keep_commit});
}

static enum status desk_add(struct desk *desk, const char *document)
{
    struct failure why;
    struct json *root = parse(document);
    enum status status = silencer_add(desk->silencer, root, NOW, on_silenced, desk, &why);
    json_destroy(root);
    return status;
}

static void desk_answer(struct desk *desk, enum status status)
{
    desk->on_done(desk->arg, status, status == STATUS_OK ? "" : "the disk is full");
}

static void test_a_silence_counts_once_it_is_durable(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk);
    struct failure why;
    assert_int_equal(desk_add(&desk, "{}"), STATUS_INVALID);
    assert_int_equal(desk_add(&desk, "{\"order\":\"1\"," TIMES "," WHO "}"), STATUS_OK);
    assert_int_equal(silencer_list(desk.silencer)->count, 0);
    assert_false(silencer_is_idle(desk.silencer));
    assert_int_equal(desk_add(&desk, "{\"order\":\"2\"," TIMES "," WHO "}"), STATUS_BUSY);
    desk_answer(&desk, STATUS_FULL);
    assert_int_equal(desk.status, STATUS_FULL);
    assert_int_equal(silencer_list(desk.silencer)->count, 0);
    assert_int_equal(desk_add(&desk, "{\"order\":\"1\"," TIMES "," WHO "}"), STATUS_OK);
    desk_answer(&desk, STATUS_OK);
    assert_int_equal(silencer_list(desk.silencer)->count, 1);
    assert_string_equal(silencer_list(desk.silencer)->items[0].id, desk.id);
    assert_int_equal(desk_add(&desk, "{\"order\":\"1\"," TIMES "," WHO "}"), STATUS_INVALID);
    assert_int_equal(silencer_end(desk.silencer, "unknown", NOW + 1, on_silenced, &desk, &why),
                     STATUS_NOT_FOUND);
    assert_int_equal(desk.done_count, 2);
    silencer_destroy(desk.silencer);
}

static void test_an_ended_silence_stays_known_for_a_while(void **state)
{
    (void)state;
    struct desk desk;
    desk_init(&desk);
    struct failure why;
    assert_int_equal(desk_add(&desk, "{\"order\":\"1\"," TIMES "," WHO "}"), STATUS_OK);
    desk_answer(&desk, STATUS_OK);
    char id[64];
    memcpy(id, desk.id, sizeof id);
    assert_int_equal(silencer_end(desk.silencer, id, NOW + 1, on_silenced, &desk, &why), STATUS_OK);
    desk_answer(&desk, STATUS_OK);
    assert_string_equal(desk.id, id);
    assert_false(silence_is_active(&silencer_list(desk.silencer)->items[0], NOW + 1));
    assert_int_equal(silencer_end(desk.silencer, id, NOW + 2, on_silenced, &desk, &why),
                     STATUS_NOT_FOUND);
    struct desk restarted;
    desk_init(&restarted);
    struct stored_value value = {.key = "silences", .value = span_of(desk.value)};
    silencer_restore(restarted.silencer, &value);
    assert_int_equal(silencer_list(restarted.silencer)->count, 1);
    assert_string_equal(silencer_list(restarted.silencer)->items[0].comment, "moving the site");
    struct json *late = parse("{\"order\":\"9\",\"end\":\"2027-06-01T00:00:00Z\"," WHO "}");
    assert_int_equal(
        silencer_add(restarted.silencer, late, NOW + 100 * DAY_MS, on_silenced, &restarted, &why),
        STATUS_OK);
    json_destroy(late);
    desk_answer(&restarted, STATUS_OK);
    assert_int_equal(silencer_list(restarted.silencer)->count, 1);
    assert_string_equal(silencer_list(restarted.silencer)->items[0].order, "9");
    silencer_destroy(restarted.silencer);
    silencer_destroy(desk.silencer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_what_is_not_a_silence),
        cmocka_unit_test(test_a_list_survives_the_store),
        cmocka_unit_test(test_an_event_is_silenced_or_sent),
        cmocka_unit_test(test_what_is_worse_is_sent),
        cmocka_unit_test(test_a_silence_counts_once_it_is_durable),
        cmocka_unit_test(test_an_ended_silence_stays_known_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
