/* The index against a naive model, by random operations; and its promised size. */
#include "core/index.h"

#include "core/hash.h"
#include "core/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_MAX 3000

struct model {
    char ids[MODEL_MAX][24];
    uint64_t raws[MODEL_MAX];
    uint32_t count;
};

static uint32_t model_find_id(const struct model *model, const char *id)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (strcmp(model->ids[i], id) == 0) {
            return i;
        }
    }
    return INDEX_NONE;
}

static void compare_all(const struct index *index, const struct model *model)
{
    assert_int_equal(index_count(index), model->count);
    for (uint32_t i = 0; i < model->count; i++) {
        assert_string_equal(index_id(index, i), model->ids[i]);
        assert_int_equal(index_find_id(index, model->ids[i]), i);
        uint32_t expected = model->raws[i] != 0 ? i : INDEX_NONE;
        assert_int_equal(index_find_raw(index, model->raws[i]), expected);
    }
}

static void one_step(struct index *index, struct model *model, struct random *random)
{
    char id[24];
    (void)snprintf(id, sizeof id, "%06d", (int)random_below(random, MODEL_MAX));
    uint32_t position = model_find_id(model, id);
    assert_int_equal(index_find_id(index, id), position);
    uint64_t old = position != INDEX_NONE ? model->raws[position] : 0;
    /* Fingerprints that collide in their low bits make long runs: where removal goes wrong. */
    uint64_t raw = random_below(random, 8) == 0 ? 0 : random_next(random) << 58 >> 58;
    raw += raw != 0 ? random_next(random) << 8 : 0;
    if (position == INDEX_NONE) {
        memcpy(model->ids[model->count], id, sizeof id);
        model->raws[model->count++] = raw;
        assert_int_equal(index_add(index, id, raw), model->count - 1);
    } else {
        index_set_raw(index, position, raw);
        model->raws[position] = raw;
        if (old != raw) {
            assert_int_equal(index_find_raw(index, old), INDEX_NONE);
        }
    }
}

static void finds_what_a_naive_model_finds(void **state)
{
    (void)state;
    struct random random = {.state = 20261123};
    struct index *index = index_create();
    struct model *model = alloc(sizeof *model);
    for (int i = 0; i < 20000; i++) {
        one_step(index, model, &random);
    }
    compare_all(index, model);
    index_forget_raw(index);
    memset(model->raws, 0, sizeof model->raws);
    compare_all(index, model);
    for (int i = 0; i < 2000; i++) {
        one_step(index, model, &random);
    }
    compare_all(index, model);
    index_clear(index);
    assert_int_equal(index_count(index), 0);
    assert_int_equal(index_find_id(index, model->ids[0]), INDEX_NONE);
    index_destroy(index);
    free(model);
}

static void keeps_entries_apart_and_zeroed(void **state)
{
    (void)state;
    struct index *index = index_create();
    uint32_t first = index_add(index, "007", 11);
    uint32_t second = index_add(index, "7", 12);
    assert_int_not_equal(first, second);
    assert_int_equal(index_find_id(index, "07"), INDEX_NONE);
    index_at(index, first)->misses = 2;
    index_at(index, first)->has_left = true;
    assert_int_equal(index_at(index, second)->misses, 0);
    assert_false(index_at(index, second)->has_left);
    index_destroy(index);
}

static void a_known_order_costs_less_than_a_hundred_bytes(void **state)
{
    (void)state;
    struct index *index = index_create();
    enum { COUNT = 200000 };
    for (uint32_t i = 0; i < COUNT; i++) {
        char id[24];
        (void)snprintf(id, sizeof id, "%010u", i);
        index_add(index, id, hash64(span_of(id)) ^ 1);
    }
    assert_true(index_memory(index) / COUNT < 100);
    index_destroy(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_naive_model_finds),
        cmocka_unit_test(keeps_entries_apart_and_zeroed),
        cmocka_unit_test(a_known_order_costs_less_than_a_hundred_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
