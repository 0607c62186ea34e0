/* The slicer: where elements begin and end, and that only a whole page ends well. */
#include "core/hash.h"
#include "core/json.h"
#include "core/random.h"
#include "core/slice.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The elements joined by |, then . for a whole page and ! for a broken one. */
static void slice_all(struct span body, const char *pointer, struct text *out)
{
    struct slicer slicer;
    struct failure why = {0};
    text_clear(out);
    if (slice_open(&slicer, body, pointer, &why) != STATUS_OK) {
        text_add_text(out, status_name(why.status));
        return;
    }
    struct span element;
    size_t count = 0;
    enum slice_result result = slice_next(&slicer, &element);
    for (; result == SLICE_ELEMENT; result = slice_next(&slicer, &element)) {
        text_add(out, element);
        text_add_char(out, '|');
        count++;
    }
    text_add_char(out, result == SLICE_END ? '.' : '!');
    assert_int_equal(slicer.element_count, count);
    assert_int_equal(slice_next(&slicer, &element), result);
}

static void assert_slices(const char *body, const char *pointer, const char *expected)
{
    struct text out;
    text_init(&out, 4096);
    /* In a block of its very size, so that a read past its end is seen. */
    size_t size = strlen(body);
    char *exact = alloc(size);
    memcpy(exact, body, size); /* NOLINT(bugprone-not-null-terminated-result): as it comes */
    slice_all((struct span){.data = exact, .size = size}, pointer, &out);
    assert_string_equal(text_cstr(&out), expected);
    free(exact);
    text_fini(&out);
}

static void elements_are_cut_at_their_edges(void **state)
{
    (void)state;
    assert_slices("[]", "", ".");
    assert_slices(" [ ] \n", "", ".");
    assert_slices("[1]", "", "1|.");
    assert_slices("\xef\xbb\xbf[1 , \"two\",{\"a\":3},[4],null,-5.0e+1]", "",
                  "1|\"two\"|{\"a\":3}|[4]|null|-5.0e+1|.");
    assert_slices("[{\"a\":\"]}[{\\\"\"},{\"b\":\"\\\\\"},\"\\\\\\\"]\"]", "",
                  "{\"a\":\"]}[{\\\"\"}|{\"b\":\"\\\\\"}|\"\\\\\\\"]\"|.");
    assert_slices("[{\"a long enough name\":[[[{}],[]],{\"x\":[1,2,3]}]},{}]", "",
                  "{\"a long enough name\":[[[{}],[]],{\"x\":[1,2,3]}]}|{}|.");
}

static void the_list_is_found_where_the_pointer_leads(void **state)
{
    (void)state;
    assert_slices("{\"items\":[1,2]}", "/items", "1|2|.");
    assert_slices(
        "{ \"total\" : 2 , \"x\" : {\"items\":[9]} , \"items\" : [ 1 , 2 ] , \"y\":[3] } ",
        "/items", "1|2|.");
    assert_slices("{\"data\":{\"n\":[],\"orders\":[{}],\"m\":1},\"k\":null}", "/data/orders",
                  "{}|.");
    assert_slices("{\"a/b\":{\"m~n\":[7]}}", "/a~1b/m~0n", "7|.");
    assert_slices("{\"\\u0069tems\":[7]}", "/items", "7|.");
    assert_slices("{\"item\":[1],\"items2\":[2],\"items\":[3]}", "/items", "3|.");
    assert_slices("{\"\":[1]}", "/", "1|.");
}

static void no_list_is_told_from_no_json(void **state)
{
    (void)state;
    assert_slices("{}", "", "not_found");
    assert_slices("null", "", "not_found");
    assert_slices("\"text\"", "", "not_found");
    assert_slices("{}", "/items", "not_found");
    assert_slices("[]", "/items", "not_found");
    assert_slices("{\"items\":{}}", "/items", "not_found");
    assert_slices("{\"items\":null}", "/items", "not_found");
    assert_slices("{\"Items\":[]}", "/items", "not_found");
    assert_slices("{\"a\":1,\"items\":[]}", "items", "not_found");
    assert_slices("", "", "invalid");
    assert_slices("   ", "", "invalid");
    assert_slices("<html>", "", "invalid");
    assert_slices("Service Unavailable", "", "invalid");
    assert_slices("{", "", "invalid");
    assert_slices("{\"items\"", "/items", "invalid");
    assert_slices("{\"items\":", "/items", "invalid");
    assert_slices("{\"a\":1", "/items", "invalid");
    assert_slices("{\"a\":\"x", "/items", "invalid");
    assert_slices("{\"a\":1 \"items\":[]}", "/items", "invalid");
    assert_slices("{items:[]}", "/items", "invalid");
}

static void a_page_that_is_not_whole_is_broken(void **state)
{
    (void)state;
    assert_slices("[", "", "!");
    assert_slices("[1", "", "1|!");
    assert_slices("[1,", "", "1|!");
    assert_slices("[1,]", "", "1|!");
    assert_slices("[,1]", "", "!");
    assert_slices("[1 2]", "", "1|!");
    assert_slices("[{\"a\":1},{\"b\":2", "", "{\"a\":1}|!");
    assert_slices("[\"a\",\"b", "", "\"a\"|!");
    assert_slices("[\"a\\", "", "!");
    assert_slices("[1}", "", "1|!");
    assert_slices("[1]]", "", "1|!");
    assert_slices("[1] x", "", "1|!");
    assert_slices("[1][2]", "", "1|!");
    assert_slices("{\"items\":[1]", "/items", "1|!");
    assert_slices("{\"items\":[1],", "/items", "1|!");
    assert_slices("{\"items\":[1],}", "/items", "1|!");
    assert_slices("{\"items\":[1],\"a\"}", "/items", "1|!");
    assert_slices("{\"items\":[1],\"a\":}", "/items", "1|!");
    assert_slices("{\"items\":[1],\"a\":{}", "/items", "1|!");
    assert_slices("{\"items\":[1]]", "/items", "1|!");
    assert_slices("{\"items\":[1]}{}", "/items", "1|!");
    assert_slices("{\"a\":{\"items\":[1]}", "/a/items", "1|!");
    assert_slices("{\"items\":[1],\"items\":[2]}", "/items", "1|!");
}

static void values_beside_the_list_are_found(void **state)
{
    (void)state;
    struct span body = span_of("{\"orders\":[{\"next\":0}],\"paging\":{\"next\": \"a\\\"b\" }, "
                               "\"total\": 25}");
    struct span value;
    struct failure why;
    assert_int_equal(slice_find(body, "/total", &value, &why), STATUS_OK);
    assert_true(span_is(value, "25"));
    assert_int_equal(slice_find(body, "/paging/next", &value, &why), STATUS_OK);
    assert_true(span_is(value, "\"a\\\"b\""));
    assert_int_equal(slice_find(body, "/orders", &value, &why), STATUS_OK);
    assert_true(span_is(value, "[{\"next\":0}]"));
    assert_int_equal(slice_find(body, "/next", &value, &why), STATUS_NOT_FOUND);
    assert_int_equal(slice_find(body, "/orders/0", &value, &why), STATUS_NOT_FOUND);
    assert_int_equal(slice_find(span_of("{\"a\":"), "/a", &value, &why), STATUS_INVALID);
    assert_int_equal(slice_find(span_of(""), "", &value, &why), STATUS_INVALID);
}

static void a_hostile_depth_costs_no_stack(void **state)
{
    (void)state;
    size_t depth = 4000000;
    char *deep = alloc(2 * depth);
    memset(deep, '[', depth);
    memset(deep + depth, ']', depth);
    struct slicer slicer;
    struct span element;
    struct failure why;
    assert_int_equal(slice_open(&slicer, (struct span){.data = deep, .size = 2 * depth}, "", &why),
                     STATUS_OK);
    assert_int_equal(slice_next(&slicer, &element), SLICE_ELEMENT);
    assert_int_equal(element.size, 2 * depth - 2);
    assert_int_equal(slice_next(&slicer, &element), SLICE_END);
    free(deep);
}

/* --- random documents ------------------------------------------------------------------------ */

static void add_space(struct text *out, struct random *random)
{
    static const char *const spaces[] = {"", "", "", "", " ", "\n  ", "\t\r\n", "               "};
    text_add_text(out, spaces[random_below(random, ARRAY_COUNT(spaces))]);
}

static void add_random_string(struct text *out, struct random *random)
{
    static const char *const pieces[] = {"a",        "order", "]", "}",   "[{",
                                         "\\\"",     "\\\\",  ",", ":",   "\\u005d",
                                         "\xc3\xa9", " ",     "/", "\\n", "12345678901234567890"};
    text_add_char(out, '"');
    for (int64_t i = random_below(random, 6); i > 0; i--) {
        text_add_text(out, pieces[random_below(random, ARRAY_COUNT(pieces))]);
    }
    text_add_char(out, '"');
}

static void add_random_value(struct text *out, struct random *random, int depth);

static void add_random_list(struct text *out, struct random *random, int depth)
{
    int64_t count = random_below(random, 5);
    text_add_char(out, '[');
    for (int64_t i = 0; i < count; i++) {
        text_add_char(out, i != 0 ? ',' : ' ');
        add_random_value(out, random, depth);
    }
    text_add_char(out, ']');
}

static void add_random_object(struct text *out, struct random *random, int depth)
{
    int64_t count = random_below(random, 5);
    text_add_char(out, '{');
    for (int64_t i = 0; i < count; i++) {
        text_addf(out, "%s\"k%d\"", i != 0 ? "," : "", (int)i);
        add_space(out, random);
        text_add_char(out, ':');
        add_random_value(out, random, depth);
    }
    text_add_char(out, '}');
}

static void add_random_value(struct text *out, struct random *random, int depth)
{
    static const char *const scalars[] = {"0", "-1.5e3", "true", "false", "null", "1234567"};
    add_space(out, random);
    int64_t kind = random_below(random, depth > 0 ? 4 : 2);
    if (kind == 0) {
        text_add_text(out, scalars[random_below(random, ARRAY_COUNT(scalars))]);
    } else if (kind == 1) {
        add_random_string(out, random);
    } else if (kind == 2) {
        add_random_list(out, random, depth - 1);
    } else {
        add_random_object(out, random, depth - 1);
    }
    add_space(out, random);
}

static void assert_same_elements(struct span body, const char *pointer)
{
    struct json *whole = NULL;
    struct failure why = {0};
    if (json_parse(body, &whole, &why) != STATUS_OK) {
        fail_msg("%s: %.*s", why.detail, (int)body.size, body.data);
    }
    struct slicer slicer;
    assert_int_equal(slice_open(&slicer, body, pointer, &why), STATUS_OK);
    struct span element;
    struct text expected;
    struct text got;
    text_init(&expected, 1 << 20);
    text_init(&got, 1 << 20);
    const struct json *item = json_first(json_at(whole, pointer));
    for (; slice_next(&slicer, &element) == SLICE_ELEMENT; item = json_next(item)) {
        struct json *alone = NULL;
        assert_int_equal(json_parse(element, &alone, &why), STATUS_OK);
        assert_non_null(item);
        text_clear(&expected);
        text_clear(&got);
        json_add(&expected, item);
        json_add(&got, alone);
        assert_string_equal(text_cstr(&got), text_cstr(&expected));
        json_destroy(alone);
    }
    assert_null(item);
    assert_int_equal(slice_next(&slicer, &element), SLICE_END);
    text_fini(&expected);
    text_fini(&got);
    json_destroy(whole);
}

/* No beginning of a whole page is a whole page, but for white space at its end. */
static void assert_no_prefix_is_whole(struct span body, const char *pointer)
{
    struct text out;
    text_init(&out, 1 << 20);
    for (size_t size = 0; size < body.size; size++) {
        slice_all((struct span){.data = body.data, .size = size}, pointer, &out);
        bool ends_whole = out.size != 0 && out.data[out.size - 1] == '.';
        bool is_space_left = strspn(body.data + size, " \t\r\n") == body.size - size;
        assert_int_equal(ends_whole, is_space_left);
    }
    text_fini(&out);
}

static void random_documents_agree_with_the_parser(void **state)
{
    (void)state;
    struct text body;
    text_init(&body, 1 << 20);
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct random random = {.state = seed};
        bool is_bare = seed % 2 == 0;
        text_clear(&body);
        if (is_bare) {
            add_space(&body, &random);
            add_random_list(&body, &random, 4);
        } else {
            text_add_text(&body, "{\"before\":");
            add_random_value(&body, &random, 3);
            text_add_text(&body, ",\"data\":{\"orders\":");
            add_random_list(&body, &random, 4);
            text_add_text(&body, ",\"after\":");
            add_random_value(&body, &random, 3);
            text_add_text(&body, "}}");
        }
        add_space(&body, &random);
        const char *pointer = is_bare ? "" : "/data/orders";
        assert_same_elements(text_span(&body), pointer);
        if (body.size < 400) {
            assert_no_prefix_is_whole(text_span(&body), pointer);
        }
    }
    text_fini(&body);
}

static void what_is_known_by_its_bytes_is_taken_whole_and_nothing_else_is(void **state)
{
    (void)state;
    struct span body = span_of("[{\"id\":1}, {\"id\":2} ,{\"id\":3}] ");
    struct span known = span_of("{\"id\":1}");
    struct slicer slicer;
    struct span element;
    assert_int_equal(slice_open(&slicer, body, "", NULL), STATUS_OK);
    assert_true(slice_next_known(&slicer, known.size, hash64(known)));
    assert_false(slice_next_known(&slicer, known.size, hash64(known)));  /* other bytes */
    assert_false(slice_next_known(&slicer, SIZE_MAX, hash64(known)));    /* past the end */
    assert_false(slice_next_known(&slicer, 3, hash64(span_of("{\"i")))); /* amid an element */
    assert_int_equal(slice_next(&slicer, &element), SLICE_ELEMENT);
    assert_true(span_equal(element, span_of("{\"id\":2}")));
    known = span_of("{\"id\":3}");
    assert_true(slice_next_known(&slicer, known.size, hash64(known)));
    assert_false(slice_next_known(&slicer, known.size, hash64(known)));
    assert_int_equal(slice_next(&slicer, &element), SLICE_END);
    assert_int_equal(slicer.element_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_cut_at_their_edges),
        cmocka_unit_test(the_list_is_found_where_the_pointer_leads),
        cmocka_unit_test(no_list_is_told_from_no_json),
        cmocka_unit_test(a_page_that_is_not_whole_is_broken),
        cmocka_unit_test(values_beside_the_list_are_found),
        cmocka_unit_test(a_hostile_depth_costs_no_stack),
        cmocka_unit_test(what_is_known_by_its_bytes_is_taken_whole_and_nothing_else_is),
        cmocka_unit_test(random_documents_agree_with_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
