/* A status that comes back within the settle window is one event; one that stays is told once. */
#include "tests/support/order_world.h"

#define SETTLE_MS (10 * MINUTE_MS)
#define ORDER(status) "{'id':'1','status':'" status "'}"

static void begin(struct world *world)
{
    world_init(world);
    world->source.settle_ms = SETTLE_MS;
    world_show(world, ORDER("InProgress"));
}

static void pass(struct world *world, int64_t ms)
{
    world->context.now_wall_ms += ms;
}

static bool waits(const struct world *world)
{
    bool does = false;
    for (size_t i = 0; i < world->deadline_count; i++) {
        does = does || world->deadlines[i].kind == DEADLINE_SETTLED;
    }
    return does;
}

static struct deadline settled(const struct world *world)
{
    size_t index = 0;
    assert_true(waits(world));
    while (world->deadlines[index].kind != DEADLINE_SETTLED) {
        index++;
    }
    return world->deadlines[index];
}

static void come(struct world *world)
{
    struct deadline due = settled(world);
    struct failure why;
    assert_int_equal(reconcile_deadline(&world->context, &world->known, &due, world->arena,
                                        &world->result, &why),
                     STATUS_OK);
    world_commit(world);
}

static void a_status_that_comes_back_is_one_event(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    pass(&world, MINUTE_MS);
    world_show(&world, ORDER("Held"));
    expect_told(&world, "");
    assert_true(world.result.is_changed); /* what is known is the truth all the same */
    assert_int_equal(settled(&world).due_wall_ms, world.context.now_wall_ms + SETTLE_MS);
    pass(&world, MINUTE_MS);
    world_show(&world, ORDER("InProgress"));
    expect_told(&world, "order.status.reverted/info");
    expect_has(world_event_json(&world, 0), "\"from\":\"Held\",\"to\":\"InProgress\"");
    expect_has(world_event_json(&world, 0), "\"sequence\":\"1\"");
    assert_false(waits(&world));
    world_fini(&world);
}

static void a_status_that_stays_is_told_when_the_time_is_up(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, ORDER("Held"));
    pass(&world, SETTLE_MS - 1);
    struct deadline early = settled(&world);
    come(&world);
    expect_told(&world, "");
    assert_int_equal(settled(&world).due_wall_ms, early.due_wall_ms);
    pass(&world, 1);
    come(&world);
    expect_told(&world, "order.status.held/warning");
    expect_has(world_event_json(&world, 0), "\"from\":\"InProgress\",\"to\":\"Held\"");
    assert_false(waits(&world));
    world_show(&world, "{'id':'1','status':'Held','site':'Lyon'}");
    expect_told(&world, "order.updated/info");
    world_fini(&world);
}

static void what_lies_between_is_not_told(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, ORDER("Held"));
    int64_t due_wall_ms = settled(&world).due_wall_ms;
    pass(&world, MINUTE_MS);
    world_show(&world, ORDER("Completed"));
    expect_told(&world, "");
    assert_int_equal(settled(&world).due_wall_ms, due_wall_ms); /* it does not begin anew */
    pass(&world, SETTLE_MS);
    come(&world);
    expect_told(&world, "order.status.completed/notice");
    expect_has(world_event_json(&world, 0), "\"from\":\"InProgress\",\"to\":\"Completed\"");
    world_fini(&world);
}

static void a_sweep_after_the_time_tells_it_too(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, ORDER("Held"));
    pass(&world, SETTLE_MS);
    world_show(&world, "{'id':'1','status':'Held','step':'Survey'}");
    expect_told(&world, "order.status.held/warning");
    expect_has(world_event_json(&world, 0), "\"field\":\"step\"");
    assert_false(waits(&world));
    world_fini(&world);
}

static void only_the_status_waits(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, "{'id':'1','status':'Held','site':'Lyon'}");
    expect_told(&world, "order.updated/info");
    pass(&world, MINUTE_MS);
    world_show(&world, "{'id':'1','status':'Held','site':'Paris'}");
    expect_told(&world, "order.updated/info");
    pass(&world, MINUTE_MS);
    world_show(&world, "{'id':'1','status':'InProgress','site':'Nice'}");
    expect_told(&world, "order.status.reverted/info order.updated/info");
    world_fini(&world);
}

static void an_order_that_leaves_takes_what_waited_with_it(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, ORDER("Completed"));
    expect_told(&world, "");
    struct reconcile_input gone = {.sighting = SIGHTING_CLOSED};
    world_step(&world, &gone);
    expect_told(&world, "order.status.completed/notice order.closed/notice");
    assert_int_equal(world.deadline_count, 0);
    world_show(&world, ORDER("Completed"));
    expect_told(&world, "order.reappeared/notice");
    world_fini(&world);
}

static void switched_off_meanwhile_it_is_told_at_once(void **state)
{
    (void)state;
    struct world world;
    begin(&world);
    world_show(&world, ORDER("Held"));
    world.source.settle_ms = 0;
    come(&world);
    expect_told(&world, "order.status.held/warning");
    world_show(&world, ORDER("InProgress"));
    expect_told(&world, "order.status.resumed/info");
    assert_false(waits(&world));
    world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_status_that_comes_back_is_one_event),
        cmocka_unit_test(a_status_that_stays_is_told_when_the_time_is_up),
        cmocka_unit_test(what_lies_between_is_not_told),
        cmocka_unit_test(a_sweep_after_the_time_tells_it_too),
        cmocka_unit_test(only_the_status_waits),
        cmocka_unit_test(an_order_that_leaves_takes_what_waited_with_it),
        cmocka_unit_test(switched_off_meanwhile_it_is_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
