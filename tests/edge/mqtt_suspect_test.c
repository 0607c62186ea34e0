/* Which message makes a broker hang up. */
#include "src/edge/mqtt_suspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Sent when the connection was well, and lost at once. */
static struct mqtt_lone_loss sudden(uint64_t message)
{
    return (struct mqtt_lone_loss){
        .message = message, .up_mono_ms = 1000, .sent_mono_ms = 9000, .lost_mono_ms = 9050};
}

static enum suspicion judge(struct mqtt_suspects *suspects, struct mqtt_lone_loss loss)
{
    return mqtt_suspects_judge(suspects, &loss);
}

static void the_third_time_is_no_accident(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    assert_int_equal(SUSPICION_BEGINS, judge(&suspects, sudden(7)));
    assert_int_equal(SUSPICION_GROWS, judge(&suspects, sudden(7)));
    assert_int_equal(SUSPICION_SURE, judge(&suspects, sudden(7)));
    assert_int_equal(SUSPICION_BEGINS, judge(&suspects, sudden(7))); /* sent again by hand */
}

static void what_was_answered_in_between_is_innocent(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    for (int i = 0; i < 20; i++) {
        assert_int_equal(SUSPICION_BEGINS, judge(&suspects, sudden(7)));
        assert_int_equal(SUSPICION_GROWS, judge(&suspects, sudden(7)));
        assert_true(mqtt_suspects_has(&suspects, 7));
        mqtt_suspects_clear(&suspects, 7);
        assert_false(mqtt_suspects_has(&suspects, 7));
    }
}

/* Two clients of one name throw each other out at once; a dying line takes its time. */
static void a_connection_that_was_not_well_proves_nothing(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    struct mqtt_lone_loss early = sudden(7);
    early.up_mono_ms = early.sent_mono_ms - 10;
    struct mqtt_lone_loss slow = sudden(8);
    slow.lost_mono_ms += 20000;
    for (int i = 0; i < 20; i++) {
        assert_int_not_equal(SUSPICION_SURE, judge(&suspects, early));
        assert_int_not_equal(SUSPICION_SURE, judge(&suspects, slow));
    }
}

static void the_brokers_word_is_proof(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    struct mqtt_lone_loss loss = sudden(7);
    loss.reason = 0x95;
    assert_int_equal(SUSPICION_SURE, judge(&suspects, loss));
    loss.reason = 0x8b; /* it shuts down */
    assert_int_equal(SUSPICION_BEGINS, judge(&suspects, loss));
}

static void several_are_found_in_turns(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    for (uint64_t message = 1; message <= SUSPECTS_MAX; message++) {
        assert_int_equal(SUSPICION_BEGINS, judge(&suspects, sudden(message)));
    }
    for (uint64_t message = 1; message <= SUSPECTS_MAX; message++) {
        assert_int_equal(SUSPICION_GROWS, judge(&suspects, sudden(message)));
    }
    /* One too many takes a place, and the rest is found all the same. */
    assert_int_equal(SUSPICION_BEGINS, judge(&suspects, sudden(99)));
    int sure_count = 0;
    for (uint64_t message = 1; message <= SUSPECTS_MAX; message++) {
        sure_count += judge(&suspects, sudden(message)) == SUSPICION_SURE ? 1 : 0;
    }
    assert_true(sure_count >= SUSPECTS_MAX - 1);
}

static void a_convict_is_remembered_among_the_latest(void **state)
{
    (void)state;
    struct mqtt_suspects suspects = {0};
    assert_false(mqtt_suspects_is_convict(&suspects, 0));
    for (uint64_t message = 1; message <= CONVICTS_MAX + 1; message++) {
        mqtt_suspects_convict(&suspects, message);
        assert_true(mqtt_suspects_is_convict(&suspects, message));
    }
    assert_false(mqtt_suspects_is_convict(&suspects, 1));
    assert_true(mqtt_suspects_is_convict(&suspects, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_time_is_no_accident),
        cmocka_unit_test(what_was_answered_in_between_is_innocent),
        cmocka_unit_test(a_connection_that_was_not_well_proves_nothing),
        cmocka_unit_test(the_brokers_word_is_proof),
        cmocka_unit_test(a_convict_is_remembered_among_the_latest),
        cmocka_unit_test(several_are_found_in_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
