/* The status's words for retained states that a broker refused. */
#include "src/edge/mqtt_withheld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct mqtt_withheld *withheld, const char *words)
{
    struct text text;
    text_init(&text, 2048);
    mqtt_withheld_describe(withheld, &text);
    assert_string_equal(text_cstr(&text), words);
    text_fini(&text);
}

static void test_each_topic_counts_once_until_it_has_its_state(void **state)
{
    (void)state;
    struct mqtt_withheld withheld = {.count = 0};
    expect(&withheld, "");
    mqtt_withheld_remove(&withheld, "p/a");
    mqtt_withheld_add(&withheld, "p/a");
    mqtt_withheld_add(&withheld, "p/a");
    expect(&withheld, "; 1 state refused, its topic is empty: p/a");
    mqtt_withheld_add(&withheld, "p/b");
    mqtt_withheld_add(&withheld, "p/c");
    mqtt_withheld_remove(&withheld, "p/a");
    expect(&withheld, "; 2 states refused, their topics are empty, the latest: p/c");
    mqtt_withheld_remove(&withheld, "p/c");
    mqtt_withheld_remove(&withheld, "p/b");
    expect(&withheld, "");
    mqtt_withheld_fini(&withheld);
}

static void test_more_than_fit_and_long_ones(void **state)
{
    (void)state;
    struct mqtt_withheld withheld = {.count = 0};
    char topic[400];
    for (int i = 0; i <= MQTT_WITHHELD_MAX; i++) {
        (void)snprintf(topic, sizeof topic, "p/%0395d", i);
        mqtt_withheld_add(&withheld, topic);
    }
    struct text text;
    text_init(&text, 2048);
    mqtt_withheld_describe(&withheld, &text);
    assert_non_null(strstr(text_cstr(&text), "; 1000 states or more refused"));
    assert_string_equal(text_cstr(&text) + text.size - 4, "0...");
    assert_true(text.size < 400);
    text_fini(&text);
    mqtt_withheld_fini(&withheld);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_topic_counts_once_until_it_has_its_state),
        cmocka_unit_test(test_more_than_fit_and_long_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
