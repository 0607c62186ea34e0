/* What a source keeps of itself comes back as it was. */
#include "core/source_state.h"

#include "core/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void comes_back_as_it_was(void **state)
{
    (void)state;
    struct source_state before = {.is_baselined = true,
                                  .sweep_count = 17,
                                  .sequence = 5,
                                  .profile_fingerprint = UINT64_C(0xfedcba9876543210),
                                  .locale_fingerprint = UINT64_C(0x0123456789abcdef),
                                  .fields_found = 0xfff,
                                  .totals = {{true, 3}, {false, 1}},
                                  .last_complete_wall_ms = INT64_C(1795000000123),
                                  .held_since_wall_ms = 7,
                                  .held = {.known = 100, .changed = 60, .vanished = 1},
                                  .is_unreachable_told = true,
                                  .failing_since_wall_ms = 8,
                                  .wait_until_wall_ms = 9};
    assert_true(source_state_note_novelty(&before, "order.status:\"Pau\nsed\""));
    assert_false(source_state_note_novelty(&before, "order.status:\"Pau\nsed\""));
    assert_false(source_state_note_novelty(&before, "order.status:PAU SED"));
    assert_true(source_state_note_novelty(&before, "appointment.status:Paused"));
    assert_true(source_state_note_novelty(&before, "order.site:list"));
    assert_true(source_state_note_novelty(&before, "order.Site:list"));
    struct expiry_told told = {CREDENTIAL_CERTIFICATE, INT64_C(1795000000000), 14};
    assert_true(source_state_note_expiry(&before, &told, 0));
    struct text first;
    text_init(&first, SOURCE_STATE_BYTES_MAX);
    source_state_add(&before, &first);
    struct source_state after = {0};
    assert_int_equal(source_state_read(&after, text_span(&first), NULL), STATUS_OK);
    assert_true(after.profile_fingerprint == before.profile_fingerprint);
    assert_true(after.locale_fingerprint == before.locale_fingerprint);
    assert_int_equal(after.held.changed, 60);
    assert_true(after.failing_since_wall_ms == 8);
    assert_false(source_state_note_novelty(&after, "order.status:\"Pau\nsed\""));
    struct text second;
    text_init(&second, SOURCE_STATE_BYTES_MAX);
    source_state_add(&after, &second);
    assert_string_equal(text_cstr(&first), text_cstr(&second));
    text_fini(&first);
    text_fini(&second);
    source_state_fini(&before);
    source_state_fini(&after);
}

static void other_bytes_are_corrupt_and_change_nothing(void **state)
{
    (void)state;
    struct source_state kept = {.sequence = 4};
    assert_int_equal(source_state_read(&kept, span_of("{"), NULL), STATUS_CORRUPT);
    assert_int_equal(source_state_read(&kept, span_of("{}"), NULL), STATUS_CORRUPT);
    assert_int_equal(kept.sequence, 4);
}

static void only_nearer_thresholds_of_one_credential_are_news(void **state)
{
    (void)state;
    struct source_state kept = {0};
    struct expiry_told told = {CREDENTIAL_API_KEY, 100 * DAY_MS, 30};
    assert_true(source_state_note_expiry(&kept, &told, 0));
    assert_false(source_state_note_expiry(&kept, &told, 0));
    told.days = 7;
    assert_true(source_state_note_expiry(&kept, &told, 0));
    told.days = 14; /* the clock went back */
    assert_false(source_state_note_expiry(&kept, &told, 0));
    for (int i = 1; i <= EXPIRIES_TOLD_MAX; i++) { /* servers with certificates of their own */
        struct expiry_told other = {CREDENTIAL_CERTIFICATE, (100 + i) * DAY_MS, 60};
        assert_int_equal(source_state_note_expiry(&kept, &other, 0), i < EXPIRIES_TOLD_MAX);
    }
    struct expiry_told late = {CREDENTIAL_CERTIFICATE, 300 * DAY_MS, 60};
    assert_true(source_state_note_expiry(&kept, &late, 250 * DAY_MS));
    assert_int_equal(kept.expiry_count, 1);
}

static void novelties_have_a_limit(void **state)
{
    (void)state;
    struct source_state kept = {0};
    for (int i = 0; i < NOVELTIES_MAX + 5; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "field.%d", i);
        assert_int_equal(source_state_note_novelty(&kept, key), i < NOVELTIES_MAX);
    }
    source_state_fini(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(other_bytes_are_corrupt_and_change_nothing),
        cmocka_unit_test(only_nearer_thresholds_of_one_credential_are_news),
        cmocka_unit_test(novelties_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
