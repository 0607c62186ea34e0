#include "core/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_problem_is_one_line_with_its_place(void **state)
{
    (void)state;
    const struct node node = {.kind = NODE_SCALAR, .file = "a.yaml", .line = 3, .column = 7};
    struct problem_list problems = {0};
    problem_add(&problems, &node, "sources[0].every", "\"%s\" is not a duration; 90s or 5m is",
                "five\nminutes");
    problem_warn(&problems, &node, "sinks[1]", "no route uses it; name it in a route");
    problem_add_at(&problems, "b.yaml", 0, 0, "cannot be read; make it readable");
    assert_int_equal(problems.error_count, 2);
    assert_int_equal(problems.warning_count, 1);
    const struct problem *first = problems.first;
    assert_string_equal(first->line_text, "a.yaml:3:7: sources[0].every: \"five?minutes\" is not a "
                                          "duration; 90s or 5m is");
    assert_string_equal(first->next->line_text,
                        "a.yaml:3:7: sinks[1]: warning: no route uses it; name it in a route");
    assert_true(first->next->is_warning);
    assert_string_equal(first->next->next->line_text, "b.yaml: cannot be read; make it readable");
    problem_list_clear(&problems);
    assert_null(problems.first);
    assert_null(problems.last);
}

static void an_endless_value_does_not_hide_its_place(void **state)
{
    (void)state;
    char huge[20000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    const struct node node = {.kind = NODE_SCALAR, .file = "a.yaml", .line = 1, .column = 1};
    struct problem_list problems = {0};
    problem_add(&problems, &node, "name", "%s", huge);
    assert_non_null(strstr(problems.first->line_text, "a.yaml:1:1: name: xxx"));
    problem_list_clear(&problems);
}

static void sorted_problems_are_in_the_order_of_the_files(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        int line, column;
    } places[] = {{"b", 2, 1}, {"a", 9, 9}, {"b", 1, 5}, {"ab", 1, 1}, {"b", 1, 2}, {"a", 9, 9}};
    static const char *const sorted[] = {"a:9:9: 1", "a:9:9: 5", "ab:1:1: 3",
                                         "b:1:2: 4", "b:1:5: 2", "b:2:1: 0"};
    struct problem_list problems = {0};
    problem_list_sort(&problems);
    for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
        problem_add_at(&problems, places[i].file, places[i].line, places[i].column, "%zu", i);
    }
    problem_list_sort(&problems);
    const struct problem *problem = problems.first;
    for (size_t i = 0; i < ARRAY_COUNT(sorted); i++, problem = problem->next) {
        assert_string_equal(problem->line_text, sorted[i]);
        assert_true(problem->next != NULL || problem == problems.last);
    }
    assert_null(problem);
    problem_list_clear(&problems);
}

static void members_are_found_by_key(void **state)
{
    (void)state;
    struct node second = {.kind = NODE_SCALAR, .key = "b", .text = "2"};
    struct node first = {.kind = NODE_SCALAR, .key = "a", .text = "1", .next = &second};
    const struct node map = {.kind = NODE_MAP, .child = &first};
    assert_ptr_equal(node_member(&map, "b"), &second);
    assert_null(node_member(&map, "c"));
    assert_null(node_member(&first, "a"));
    assert_null(node_member(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_is_one_line_with_its_place),
        cmocka_unit_test(an_endless_value_does_not_hide_its_place),
        cmocka_unit_test(sorted_problems_are_in_the_order_of_the_files),
        cmocka_unit_test(members_are_found_by_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
