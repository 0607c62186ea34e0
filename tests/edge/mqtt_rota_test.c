/* Which broker comes next, and when. */
#include "src/edge/mqtt_rota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct mqtt_loss refused = {.detail = "refused"};
static const struct mqtt_loss lost = {.was_up = true, .was_logged_in = true, .detail = "lost"};
static const struct mqtt_loss taken = {
    .was_up = true, .was_logged_in = true, .is_taken_over = true, .detail = "taken"};
static const struct mqtt_loss denied = {.is_login_refused = true, .detail = "denied"};

static struct mqtt_rota rota_of(size_t broker_count)
{
    return (struct mqtt_rota){.broker_count = broker_count, .random = {.state = 1}};
}

static void each_round_goes_through_the_list_and_then_waits(void **state)
{
    (void)state;
    struct mqtt_rota rota = rota_of(3);
    assert_int_equal(100, mqtt_rota_down(&rota, &refused, 0));
    assert_int_equal(1, rota.index);
    assert_int_equal(1, rota.loss_count);
    assert_int_equal(100, mqtt_rota_down(&rota, &refused, 0));
    assert_int_equal(2, rota.index);
    int64_t wait_ms = mqtt_rota_down(&rota, &refused, 0);
    assert_true(wait_ms >= 100 && wait_ms <= 1000);
    assert_int_equal(0, rota.index);
    for (int i = 0; i < 300; i++) {
        assert_true(mqtt_rota_down(&rota, &refused, 0) <= 5000);
    }
}

static void a_lost_connection_begins_with_the_first_again(void **state)
{
    (void)state;
    struct mqtt_rota rota = rota_of(3);
    (void)mqtt_rota_down(&rota, &refused, 0);
    mqtt_rota_up(&rota, 1000);
    assert_int_equal(0, mqtt_rota_down(&rota, &lost, 61000));
    assert_int_equal(0, rota.index);
    assert_int_equal(1, rota.loss_count);
}

static void whoever_took_the_session_over_is_left_alone_longer_each_time(void **state)
{
    (void)state;
    struct mqtt_rota rota = rota_of(1);
    int64_t now_ms = 0;
    int64_t longest_ms = 0;
    for (int i = 0; i < 20; i++) {
        mqtt_rota_up(&rota, now_ms);
        now_ms += 60000; /* steady in between: two clients that take turns */
        int64_t wait_ms = mqtt_rota_down(&rota, &taken, now_ms);
        assert_true(wait_ms >= 5000 && wait_ms <= 900000);
        longest_ms = wait_ms > longest_ms ? wait_ms : longest_ms;
        now_ms += wait_ms;
    }
    assert_true(longest_ms > 120000);
    mqtt_rota_up(&rota, now_ms);
    assert_true(mqtt_rota_down(&rota, &taken, now_ms + INT64_C(31) * 60000) <= 10000);
}

static void a_silent_take_over_is_guessed_and_a_dying_broker_is_none(void **state)
{
    (void)state;
    struct mqtt_rota rota = rota_of(1);
    mqtt_rota_up(&rota, 1000);
    assert_int_equal(0, mqtt_rota_down(&rota, &lost, 1500));
    mqtt_rota_up(&rota, 2000);
    assert_int_equal(0, mqtt_rota_down(&rota, &lost, 2500));
    assert_false(rota.is_contended);
    mqtt_rota_up(&rota, 3000);
    assert_true(mqtt_rota_down(&rota, &lost, 3500) >= 5000);
    assert_true(rota.is_contended);

    rota = rota_of(1);
    for (int64_t i = 0; i < 20; i++) { /* killed every second: the next attempt is refused */
        mqtt_rota_up(&rota, i * 1000);
        assert_int_equal(0, mqtt_rota_down(&rota, &lost, i * 1000 + 500));
        assert_true(mqtt_rota_down(&rota, &refused, i * 1000 + 600) <= 5000);
        assert_false(rota.is_contended);
    }
}

static void a_refused_login_is_not_asked_again_soon(void **state)
{
    (void)state;
    struct mqtt_rota rota = rota_of(1);
    for (int i = 0; i < 20; i++) {
        int64_t wait_ms = mqtt_rota_down(&rota, &denied, 0);
        assert_true(wait_ms >= 30000 && wait_ms <= 300000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_round_goes_through_the_list_and_then_waits),
        cmocka_unit_test(a_lost_connection_begins_with_the_first_again),
        cmocka_unit_test(whoever_took_the_session_over_is_left_alone_longer_each_time),
        cmocka_unit_test(a_silent_take_over_is_guessed_and_a_dying_broker_is_none),
        cmocka_unit_test(a_refused_login_is_not_asked_again_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
