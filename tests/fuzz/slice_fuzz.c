/* Any bytes, at several pointers: where the whole document is valid, the slicer gives the elements
 * that the parser gives; where it is not, it ends all the same. */
#include "core/hash.h"
#include "core/json.h"
#include "core/slice.h"
#include "core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(struct span element, const struct json *item)
{
    struct json *alone = NULL;
    CHECK(item != NULL && json_parse(element, &alone, NULL) == STATUS_OK);
    struct text got;
    struct text expected;
    text_init(&got, 64u << 20);
    text_init(&expected, 64u << 20);
    json_add(&got, alone);
    json_add(&expected, item);
    CHECK(span_equal(text_span(&got), text_span(&expected)));
    text_fini(&got);
    text_fini(&expected);
    json_destroy(alone);
}

static void check_value(struct span body, const char *pointer, const struct json *whole)
{
    struct span value = {0};
    const struct json *expected = json_at(whole, pointer);
    bool is_found = slice_find(body, pointer, &value, NULL) == STATUS_OK;
    CHECK(whole == NULL || is_found == (expected != NULL));
    if (whole != NULL && is_found) {
        check_same(value, expected);
    }
}

/* Taken by what is known of each, the elements are the same ones, and so is the end. */
static void check_known(struct span body, const char *pointer)
{
    struct slicer cutting;
    struct slicer knowing;
    if (slice_open(&cutting, body, pointer, NULL) != STATUS_OK) {
        return;
    }
    CHECK(slice_open(&knowing, body, pointer, NULL) == STATUS_OK);
    struct span element;
    enum slice_result result = slice_next(&cutting, &element);
    for (; result == SLICE_ELEMENT; result = slice_next(&cutting, &element)) {
        uint64_t fingerprint = hash64(element);
        CHECK(!slice_next_known(&knowing, element.size, fingerprint + 1));
        if (!slice_next_known(&knowing, element.size, fingerprint)) {
            CHECK(slice_next(&knowing, &element) == SLICE_ELEMENT); /* broken behind it */
        }
        CHECK(knowing.position == cutting.position);
        CHECK(knowing.element_count == cutting.element_count);
    }
    CHECK(slice_next(&knowing, &element) == result);
}

static void check(struct span body, const char *pointer, const struct json *whole)
{
    struct slicer slicer;
    const struct json *list = json_at(whole, pointer);
    bool has_list = list != NULL && json_kind(list) == JSON_LIST;
    if (slice_open(&slicer, body, pointer, NULL) != STATUS_OK) {
        CHECK(!has_list);
        return;
    }
    CHECK(whole == NULL || has_list);
    const struct json *item = json_first(list);
    struct span element;
    enum slice_result result = slice_next(&slicer, &element);
    for (; result == SLICE_ELEMENT; result = slice_next(&slicer, &element)) {
        CHECK(element.size != 0 && element.data >= body.data &&
              element.data + element.size <= body.data + body.size);
        if (whole != NULL) {
            check_same(element, item);
            item = json_next(item);
        }
    }
    CHECK(whole == NULL || (result == SLICE_END && item == NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pointers[] = {"", "/items", "/a/b", "/"};
    struct span body = {.data = (const char *)data, .size = size};
    struct json *whole = NULL;
    if (json_parse(body, &whole, NULL) != STATUS_OK) {
        whole = NULL;
    }
    for (size_t i = 0; i < ARRAY_COUNT(pointers); i++) {
        check(body, pointers[i], whole);
        check_value(body, pointers[i], whole);
        check_known(body, pointers[i]);
    }
    json_destroy(whole);
    return 0;
}
