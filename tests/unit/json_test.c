/* JSON from outside: what is refused, what is exact, and that equal meanings print as equal text.
 */
#include "core/json.h"
#include "core/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct json *parse(const char *text)
{
    struct json *root = NULL;
    struct failure why = {0};
    if (json_parse(span_of(text), &root, &why) != STATUS_OK) {
        fail_msg("%s: %s", text, why.detail);
    }
    return root;
}

static void refuse_bytes(struct span bytes, enum status expected, const char *reason)
{
    struct json *root = NULL;
    struct failure why = {0};
    enum status status = json_parse(bytes, &root, &why);
    assert_null(root);
    assert_int_equal(status, expected);
    assert_int_equal(why.status, expected);
    if (strstr(why.detail, reason) == NULL) {
        fail_msg("\"%.*s\": \"%s\" does not say \"%s\"", (int)bytes.size, bytes.data, why.detail,
                 reason);
    }
}

static void refuse(const char *text, const char *reason)
{
    refuse_bytes(span_of(text), STATUS_INVALID, reason);
}

static void assert_canonical(const char *text, const char *expected)
{
    struct json *root = parse(text);
    struct text out;
    text_init(&out, 1 << 20);
    json_add(&out, root);
    assert_string_equal(text_cstr(&out), expected);
    text_fini(&out);
    json_destroy(root);
}

static void assert_text(const struct json *node, const char *expected)
{
    assert_non_null(node);
    struct span text = json_text(node);
    if (!span_is(text, expected)) {
        fail_msg("\"%.*s\" is not \"%s\"", (int)text.size, text.data, expected);
    }
}

static void broken_grammar_is_refused_with_its_place(void **state)
{
    (void)state;
    refuse("", "too early, at byte 0");
    refuse("  ", "too early, at byte 2");
    refuse("[1,2", "too early, at byte 4");
    refuse("{\"a\":1", "too early");
    refuse("\"abc", "too early, at byte 4");
    refuse("[1,]", "byte 3");
    refuse("[,1]", "byte 1");
    refuse("[1 2]", "byte 3");
    refuse("{\"a\":1,}", "byte 7");
    refuse("{\"a\" 1}", "colon");
    refuse("{a:1}", "member name");
    refuse("{1:1}", "member name");
    refuse("[1}", "byte 2");
    refuse("{\"a\":1]", "byte 6");
    refuse("]", "byte 0");
    refuse("{}garbage", "byte 2: something follows");
    refuse("[] []", "byte 3: something follows");
    refuse("<html>", "byte 0");
    refuse("nul", "byte 0");
    refuse("True", "byte 0");
    refuse("NaN", "byte 0");
    refuse("'a'", "byte 0");
    refuse("/**/1", "byte 0");
}

static void broken_numbers_are_refused(void **state)
{
    (void)state;
    const char *const numbers[] = {"01",   "-01",   "+1",   ".5", "1.",   "1.e1", "1e",
                                   "1e+",  "1.5.5", "--1",  "-",  "0x10", "1_0",  "Infinity",
                                   "-Inf", "1e1.5", "1e 1", "00", "1,5",  "1a",   "- 1"};
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        refuse(numbers[i], "JSON");
    }
}

static void broken_strings_are_refused(void **state)
{
    (void)state;
    refuse("\"a\tb\"", "byte 2");
    refuse("\"a\nb\"", "byte 2");
    refuse("\"\\x\"", "byte 2");
    refuse("\"\\u12\"", "JSON");
    refuse("\"\\u12g4\"", "JSON");
    refuse("\"\\ud800\"", "JSON");
    refuse("\"\\ud800x\"", "JSON");
    refuse("\"\\ud800\\u0041\"", "JSON");
    refuse("\"\\udc00\"", "JSON");
    refuse("\"\\\"", "too early");
    refuse("[\"ok\", \"\xff\xfe\"]", "byte 8");
    refuse("\"\xc3\"", "JSON");
    refuse("\"\xc0\xaf\"", "JSON");
    refuse("\"\xed\xa0\x80\"", "JSON");
    refuse("\"\xf4\x90\x80\x80\"", "JSON");
    refuse("{\"\xc3(\":1}", "JSON");
    refuse_bytes((struct span){.data = "\"a\0b\"", .size = 5}, STATUS_INVALID, "byte 2");
    refuse_bytes((struct span){.data = "[1]\0", .size = 4}, STATUS_INVALID, "byte 3");
}

static void a_key_twice_is_refused_however_it_is_spelled(void **state)
{
    (void)state;
    refuse("{\"id\":1,\"x\":2,\"id\":3}", "\"id\" twice");
    refuse("[{\"a\":{\"b\":1,\"\\u0062\":2}}]", "\"b\" twice");
    refuse("{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"c\":1}",
           "\"c\" twice");
    refuse("{\"\\u001b[31m\\n\":1,\"\\u001b[31m\\n\":2}", "twice");
    json_destroy(parse("{\"a\":{\"a\":{\"a\":1}},\"A\":[{\"a\":1},{\"a\":1}]}"));
}

static char *nested(size_t depth)
{
    char *text = alloc(2 * depth + 1);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return text;
}

static void depth_and_number_of_values_are_limited(void **state)
{
    (void)state;
    char *deep = nested(JSON_DEPTH_MAX);
    json_destroy(parse(deep));
    free(deep);
    deep = nested(JSON_DEPTH_MAX + 1);
    refuse_bytes(span_of(deep), STATUS_TOO_LARGE, "deeper than 32 at byte 32");
    free(deep);
    deep = nested(1000000);
    refuse_bytes(span_of(deep), STATUS_TOO_LARGE, "deeper");
    free(deep);

    struct text wide;
    text_init(&wide, 4 << 20);
    text_add_text(&wide, "[0");
    for (size_t i = 2; i < JSON_VALUE_MAX; i++) {
        text_add_text(&wide, ",0");
    }
    text_add_char(&wide, ']');
    json_destroy(parse(text_cstr(&wide)));
    wide.size--;
    text_add_text(&wide, ",0]");
    refuse_bytes(text_span(&wide), STATUS_TOO_LARGE, "more than 262144 values");
    text_fini(&wide);
}

static void every_kind_reads_as_itself(void **state)
{
    (void)state;
    struct json *root =
        parse("\xef\xbb\xbf {\"n\":null,\"t\":true,\"f\":false,\"i\":42,\"s\":\"x\",\"l\":[],"
              "\"o\":{}} \r\n");
    assert_int_equal(json_kind(root), JSON_OBJECT);
    assert_int_equal(json_count(root), 7);
    static const struct {
        const char *name, *text;
        enum json_kind kind;
    } members[] = {
        {"n", "", JSON_NULL},     {"t", "true", JSON_BOOL}, {"f", "false", JSON_BOOL},
        {"i", "42", JSON_NUMBER}, {"s", "x", JSON_STRING},  {"l", "", JSON_LIST},
        {"o", "", JSON_OBJECT},
    };
    const struct json *walk = json_first(root);
    for (size_t i = 0; i < ARRAY_COUNT(members); i++, walk = json_next(walk)) {
        assert_string_equal(json_key(walk), members[i].name);
        assert_int_equal(json_kind(walk), members[i].kind);
        assert_text(walk, members[i].text);
        assert_ptr_equal(json_member(root, members[i].name), walk);
    }
    assert_null(walk);
    assert_null(json_member(root, "I"));
    json_destroy(root);
}

static void numbers_are_exact_and_have_one_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *spelling, *canonical;
    } numbers[] = {
        {"1.0", "1"},
        {"1e0", "1"},
        {"10E-1", "1"},
        {"-0", "0"},
        {"-0.0e5", "0"},
        {"0e99999999999999999999", "0"},
        {"9007199254740993", "9007199254740993"},
        {"18446744073709551616", "18446744073709551616"},
        {"1.50", "1.5"},
        {"150e-2", "1.5"},
        {"0.000120", "0.00012"},
        {"1.2e-4", "0.00012"},
        {"-12.340e+1", "-123.4"},
        {"1e400", "1e+400"},
        {"10e399", "1e+400"},
        {"12345e-100", "1.2345e-96"},
        {"1e39", "1000000000000000000000000000000000000000"},
        {"1e40", "1e+40"},
        {"1e0000000000000000000000001", "10"},
        {"1e999999999999999999999", "1e999999999999999999999"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "1.234567890123456789012345678901234567890123456789012345678901234567890123456789e+79"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(numbers); i++) {
        assert_canonical(numbers[i].spelling, numbers[i].canonical);
        assert_canonical(numbers[i].canonical, numbers[i].canonical);
    }
}

static void numbers_find_their_places_among_strings(void **state)
{
    (void)state;
    struct json *root = parse("{\"1\":\"2\\\"3\",\"-4\":5,\"\\\\\":[\"6\",-7.0,true,8e2]}");
    assert_text(json_at(root, "/1"), "2\"3");
    assert_text(json_at(root, "/-4"), "5");
    assert_text(json_at(root, "/\\/1"), "-7");
    assert_text(json_at(root, "/\\/3"), "800");
    json_destroy(root);
}

static void escapes_become_their_characters(void **state)
{
    (void)state;
    struct json *root = parse("[\"\\u00e9\\ud83d\\ude00\\n\\/\", \"a\\u0000b\\u0000\"]");
    assert_text(json_at(root, "/0"), "\xc3\xa9\xf0\x9f\x98\x80\n/");
    assert_text(json_at(root, "/1"), "a\xef\xbf\xbd"
                                     "b\xef\xbf\xbd");
    json_destroy(root);
}

static void pointers_lead_to_their_nodes(void **state)
{
    (void)state;
    struct json *root = parse("{\"a/b\":[10,{\"m~n\":20}],\"\":30,\"x\":{\"0\":40}}");
    assert_ptr_equal(json_at(root, ""), root);
    assert_text(json_at(root, "/a~1b/0"), "10");
    assert_text(json_at(root, "/a~1b/1/m~0n"), "20");
    assert_text(json_at(root, "/"), "30");
    assert_text(json_at(root, "/x/0"), "40");
    const char *const nowhere[] = {
        "/a",     "/a~1b/2", "/a~1b/-",  "/a~1b/01", "/a~1b/",
        "/x/0/y", "x",       "/a~1b/0/", "/x/",      "/a~1b/99999999999999999999"};
    for (size_t i = 0; i < ARRAY_COUNT(nowhere); i++) {
        assert_null(json_at(root, nowhere[i]));
    }
    assert_null(json_at(NULL, "/a"));
    assert_null(json_member(NULL, "a"));
    assert_null(json_member(json_at(root, "/a~1b"), "0"));
    assert_null(json_first(NULL));
    assert_null(json_next(NULL));
    assert_null(json_key(json_at(root, "/a~1b/0")));
    assert_int_equal(json_count(NULL), 0);
    json_destroy(root);
    json_destroy(NULL);
}

static void equal_meanings_print_as_equal_text(void **state)
{
    (void)state;
    assert_canonical(" { \"b\" : [ 1.0 , null , true ] , \"a\" : \"\\u0041\\n\" } ",
                     "{\"a\":\"A\\n\",\"b\":[1,null,true]}");
    assert_canonical("{\"\\u00e9\":1,\"z\":2,\"Z\":3,\"\":4}",
                     "{\"\":4,\"Z\":3,\"z\":2,\"\xc3\xa9\":1}");
    assert_canonical("[]", "[]");
    assert_canonical("{}", "{}");
    assert_canonical("\"x\"", "\"x\"");
    assert_canonical("1e1", "10");
}

static void members_of_another_kind_give_the_fallback(void **state)
{
    (void)state;
    struct json *root = parse("{\"s\":\"x\",\"i\":-9223372036854775808,\"f\":1.5,"
                              "\"big\":9223372036854775808,\"e\":1e3,\"t\":true,\"u\":false}");
    assert_string_equal(json_member_text(root, "s"), "x");
    assert_null(json_member_text(root, "i"));
    assert_null(json_member_text(root, "absent"));
    assert_true(json_member_integer(root, "i", 7) == INT64_MIN);
    assert_int_equal(json_member_integer(root, "e", 7), 1000);
    assert_int_equal(json_member_integer(root, "f", 7), 7);
    assert_int_equal(json_member_integer(root, "big", 7), 7);
    assert_int_equal(json_member_integer(root, "s", 7), 7);
    assert_int_equal(json_member_integer(NULL, "s", 7), 7);
    assert_true(json_member_true(root, "t"));
    assert_false(json_member_true(root, "u"));
    assert_false(json_member_true(root, "i"));
    assert_false(json_member_true(NULL, "t"));
    json_destroy(root);
}

/* Walking a long list or checking a wide object must not cost the square of its size: with a
 * square law this test would need minutes. */
static void wide_documents_are_walked_in_line(void **state)
{
    (void)state;
    struct text wide;
    text_init(&wide, 8 << 20);
    text_add_char(&wide, '{');
    for (int i = 0; i < 100000; i++) {
        text_addf(&wide, "%s\"k%d\":%d", i != 0 ? "," : "", i, i);
    }
    text_add_char(&wide, '}');
    struct json *root = parse(text_cstr(&wide));
    size_t count = 0;
    for (const struct json *node = json_first(root); node != NULL; node = json_next(node)) {
        count++;
    }
    assert_int_equal(count, 100000);
    assert_text(json_at(root, "/k99999"), "99999");
    json_destroy(root);
    text_fini(&wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_grammar_is_refused_with_its_place),
        cmocka_unit_test(broken_numbers_are_refused),
        cmocka_unit_test(broken_strings_are_refused),
        cmocka_unit_test(a_key_twice_is_refused_however_it_is_spelled),
        cmocka_unit_test(depth_and_number_of_values_are_limited),
        cmocka_unit_test(every_kind_reads_as_itself),
        cmocka_unit_test(numbers_are_exact_and_have_one_spelling),
        cmocka_unit_test(numbers_find_their_places_among_strings),
        cmocka_unit_test(escapes_become_their_characters),
        cmocka_unit_test(pointers_lead_to_their_nodes),
        cmocka_unit_test(equal_meanings_print_as_equal_text),
        cmocka_unit_test(members_of_another_kind_give_the_fallback),
        cmocka_unit_test(wide_documents_are_walked_in_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
