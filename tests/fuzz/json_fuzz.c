/* Any bytes: json_parse refuses them, or prints them canonically, which reads and prints the same
 * again. */
#include "core/json.h"
#include "core/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print(const struct json *root, struct text *out)
{
    text_init(out, 64u << 20);
    json_add(out, root);
    CHECK(out->status == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct json *root = NULL;
    struct failure why;
    if (json_parse((struct span){.data = (const char *)data, .size = size}, &root, &why) !=
        STATUS_OK) {
        CHECK(root == NULL && why.detail[0] != '\0');
        return 0;
    }
    struct text once;
    print(root, &once);
    json_destroy(root);
    CHECK(json_parse(text_span(&once), &root, &why) == STATUS_OK);
    struct text twice;
    print(root, &twice);
    json_destroy(root);
    CHECK(span_equal(text_span(&once), text_span(&twice)));
    text_fini(&once);
    text_fini(&twice);
    return 0;
}
