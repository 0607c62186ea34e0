/* Takes a fuzzer's bytes apart: a byte for a choice, a text up to the next 0xff. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include "core/arena.h"
#include "core/text.h"
#include "core/utf8.h"

#include <string.h>

struct fuzz_input {
    struct span rest;
    struct arena *arena; /* of the texts */
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->rest.size == 0) {
        return 0;
    }
    input->rest.size--;
    return (uint8_t)*input->rest.data++;
}

static inline struct span fuzz_bytes(struct fuzz_input *input)
{
    const char *end =
        input->rest.size == 0 ? NULL : memchr(input->rest.data, 0xff, input->rest.size);
    struct span bytes = {.data = input->rest.data,
                         .size = end != NULL ? (size_t)(end - input->rest.data) : input->rest.size};
    size_t taken = bytes.size + (end != NULL ? 1 : 0);
    input->rest.data += taken;
    input->rest.size -= taken;
    return bytes;
}

/* As records have it: valid UTF-8 without NUL, whatever the bytes were. */
static inline const char *fuzz_text(struct fuzz_input *input)
{
    struct span bytes = fuzz_bytes(input);
    struct text valid;
    text_init(&valid, 1 << 22);
    for (size_t position = 0; position < bytes.size;) {
        uint32_t code_point = utf8_next(bytes, &position);
        utf8_add(&valid, code_point != 0 ? code_point : '?');
    }
    const char *text = arena_text(input->arena, text_span(&valid));
    text_fini(&valid);
    return text;
}

#endif
