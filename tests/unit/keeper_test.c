/* When old events go: in steps with pauses, hourly, and not by a clock that has just been set. */
#include "core/keeper.h"

#include "core/json.h"
#include "core/silencer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define START_WALL_MS (INT64_C(20000) * DAY_MS)
#define KEEP_MS (INT64_C(400) * DAY_MS)
#define HOUR_MS INT64_C(3600000)

/* A store that is asked, and answers when the test says so. */
struct world {
    struct keeper *keeper;
    struct instant now;
    store_forgot_fn *on_done;
    void *arg;
    int64_t before_wall_ms;
    int ask_count, commit_count;
    store_done_fn *on_committed;
    void *commit_arg;
};

static void forget_events(void *self, int64_t before_wall_ms, store_forgot_fn *on_done, void *arg)
{
    struct world *world = self;
    assert_null(world->on_done);
    world->on_done = on_done;
    world->arg = arg;
    world->before_wall_ms = before_wall_ms;
    world->ask_count++;
}

static void commit(void *self, const struct commit *asked, store_done_fn *on_done, void *arg)
{
    struct world *world = self;
    assert_int_equal(asked->value_count, 1);
    world->on_committed = on_done;
    world->commit_arg = arg;
    world->commit_count++;
}

static struct store_port port_of(struct world *world)
{
    return (struct store_port){.self = world, .forget_events = forget_events, .commit = commit};
}

static void begin(struct world *world)
{
    struct keeper_options options = {.store = port_of(world), .keep_ms = KEEP_MS};
    world->now = (struct instant){.wall_ms = START_WALL_MS, .mono_ms = 5000};
    world->keeper = keeper_create(&options);
}

static int64_t turn(struct world *world, int64_t later_ms)
{
    world->now.wall_ms += later_ms;
    world->now.mono_ms += later_ms;
    return keeper_turn(world->keeper, world->now);
}

static void answer(struct world *world, enum status status, bool is_done)
{
    store_forgot_fn *on_done = world->on_done;
    struct forgotten what = {.event_count = 1, .is_done = is_done};
    world->on_done = NULL;
    on_done(world->arg, status, "", &what);
}

static void end(struct world *world)
{
    if (world->on_done != NULL) {
        assert_false(keeper_is_idle(world->keeper));
        answer(world, STATUS_OK, true);
    }
    keeper_destroy(world->keeper);
}

static void steps_have_pauses_and_passes_come_hourly(void **state)
{
    (void)state;
    struct world world = {0};
    begin(&world);
    assert_true(turn(&world, 0) == INSTANT_NEVER); /* asked: the answer wakes */
    assert_int_equal(world.ask_count, 1);
    assert_true(world.before_wall_ms == START_WALL_MS - KEEP_MS);
    for (int step = 2; step < 10; step++) {
        answer(&world, STATUS_OK, false);
        int64_t next_mono_ms = turn(&world, 1);
        assert_true(next_mono_ms > world.now.mono_ms); /* others have their turn first */
        (void)turn(&world, next_mono_ms - world.now.mono_ms);
        assert_int_equal(world.ask_count, step);
    }
    answer(&world, STATUS_OK, true);
    assert_true(turn(&world, 1) == world.now.mono_ms + HOUR_MS);
    (void)turn(&world, HOUR_MS - 1);
    assert_int_equal(world.ask_count, 9);
    (void)turn(&world, 1);
    assert_int_equal(world.ask_count, 10);
    end(&world);
}

static void a_failing_store_is_asked_again_later(void **state)
{
    (void)state;
    struct world world = {0};
    begin(&world);
    (void)turn(&world, 0);
    answer(&world, STATUS_FULL, false);
    assert_true(turn(&world, 1) == world.now.mono_ms + 60000);
    (void)turn(&world, 60000);
    assert_int_equal(world.ask_count, 2);
    end(&world);
}

/* Four hundred days ahead by mistake, and back again after a minute: nothing has gone. */
static void a_clock_that_was_just_set_deletes_nothing(void **state)
{
    (void)state;
    struct world world = {0};
    begin(&world);
    (void)turn(&world, 0);
    answer(&world, STATUS_OK, true);
    (void)turn(&world, HOUR_MS - 1);
    world.now.wall_ms += 2 * KEEP_MS;
    assert_true(turn(&world, 1) > world.now.mono_ms + 60000);
    (void)turn(&world, 60000);
    assert_int_equal(world.ask_count, 1);
    world.now.wall_ms -= 2 * KEEP_MS;
    int64_t next_mono_ms = turn(&world, 0);
    (void)turn(&world, next_mono_ms - world.now.mono_ms);
    assert_int_equal(world.ask_count, 2);
    assert_true(world.before_wall_ms < START_WALL_MS);
    end(&world);
}

static void after_a_stop_nothing_is_asked(void **state)
{
    (void)state;
    struct world world = {0};
    begin(&world);
    (void)turn(&world, 0);
    keeper_stop(world.keeper);
    assert_false(keeper_is_idle(world.keeper));
    answer(&world, STATUS_OK, false);
    assert_true(turn(&world, HOUR_MS) == INSTANT_NEVER);
    assert_true(keeper_is_idle(world.keeper));
    end(&world);
}

static void ignore_silenced(void *arg, enum status status, const char *id, const char *detail)
{
    (void)arg;
    (void)id;
    (void)detail;
    assert_int_equal(status, STATUS_OK);
}

static void silences_that_ended_long_ago_go_too(void **state)
{
    (void)state;
    struct world world = {0};
    begin(&world);
    keeper_destroy(world.keeper);
    struct silencer *silencer = silencer_create(port_of(&world));
    struct keeper_options options = {
        .store = port_of(&world), .silencer = silencer, .keep_ms = KEEP_MS};
    world.keeper = keeper_create(&options);
    struct json *document = NULL;
    struct failure why = {0};
    assert_int_equal(json_parse(span_of("{\"order\":\"1\",\"author\":\"a\",\"comment\":\"b\","
                                        "\"end\":\"2024-10-05T00:00:00Z\"}"),
                                &document, &why),
                     STATUS_OK);
    assert_int_equal(silencer_add(silencer, document, START_WALL_MS, ignore_silenced, NULL, &why),
                     STATUS_OK);
    json_destroy(document);
    world.on_committed(world.commit_arg, STATUS_OK, "");
    (void)turn(&world, 0);
    answer(&world, STATUS_OK, true);
    (void)turn(&world, 1);
    assert_int_equal(world.commit_count, 1);
    (void)turn(&world, 200 * DAY_MS);
    assert_int_equal(world.commit_count, 2);
    assert_int_equal(silencer_list(silencer)->count, 1); /* until it is durable */
    world.on_committed(world.commit_arg, STATUS_OK, "");
    assert_int_equal(silencer_list(silencer)->count, 0);
    end(&world);
    silencer_destroy(silencer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_have_pauses_and_passes_come_hourly),
        cmocka_unit_test(a_failing_store_is_asked_again_later),
        cmocka_unit_test(a_clock_that_was_just_set_deletes_nothing),
        cmocka_unit_test(after_a_stop_nothing_is_asked),
        cmocka_unit_test(silences_that_ended_long_ago_go_too),
    };
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
