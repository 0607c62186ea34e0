/* What comes packed, in every form that servers send, whole or broken, in pieces of any size. */
#include "src/edge/unpack.h"

#include "core/text.h"

#define ZLIB_CONST
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GZIP_BITS (MAX_WBITS + 16)
#define ZLIB_BITS MAX_WBITS
#define RAW_BITS (-MAX_WBITS)
#define TEXT_BYTES_MAX ((size_t)8 << 20)

static const size_t piece_sizes[] = {1, 2, 3, 1000, SIZE_MAX};

struct form {
    const char *encoding;
    int window_bits;
};

static const struct form forms[] = {
    {"gzip", GZIP_BITS}, {"deflate", ZLIB_BITS}, {"deflate", RAW_BITS}};
/* What servers call them besides. */
static const struct form names[] = {{"GZip", GZIP_BITS},
                                    {"x-gzip", GZIP_BITS},
                                    {"gzip", ZLIB_BITS},
                                    {",gzip ,", GZIP_BITS},
                                    {"identity, gzip", GZIP_BITS}};

/* One of a deflate stream's three forms. */
static void pack(struct text *out, struct span bytes, int window_bits)
{
    z_stream stream = {0};
    assert_int_equal(Z_OK, deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8,
                                        Z_DEFAULT_STRATEGY));
    unsigned char *packed = alloc(deflateBound(&stream, bytes.size));
    stream.next_in = (const Bytef *)bytes.data;
    stream.avail_in = (uInt)bytes.size;
    stream.next_out = packed;
    stream.avail_out = (uInt)deflateBound(&stream, bytes.size);
    assert_int_equal(Z_STREAM_END, deflate(&stream, Z_FINISH));
    text_add(out, (struct span){.data = (const char *)packed, .size = stream.total_out});
    assert_int_equal(Z_OK, deflateEnd(&stream));
    free(packed);
}

/* Numbers, longer than zlib's window and than one step. */
static void make_plain(struct text *plain)
{
    text_init(plain, TEXT_BYTES_MAX);
    for (size_t i = 0; plain->size < 300000; i++) {
        text_addf(plain, "%zu,", i * i);
    }
}

/* Pieces of this size, as they would come; what unpack_check says in the end. */
static enum status unpack_all(const char *encoding, struct span packed, size_t piece_size,
                              struct text *out, struct failure *why)
{
    struct unpack *unpack = unpack_create(encoding);
    assert_non_null(unpack);
    enum unpack_step step = UNPACK_TAKEN;
    while (packed.size != 0 && step != UNPACK_DAMAGED) {
        size_t size = packed.size < piece_size ? packed.size : piece_size;
        struct span piece = {.data = packed.data, .size = size};
        struct span unpacked;
        while ((step = unpack_next(unpack, &piece, &unpacked)) == UNPACK_SOME) {
            assert_in_range(unpacked.size, 1, 65536);
            text_add(out, unpacked);
        }
        assert_true(step == UNPACK_DAMAGED || piece.size == 0);
        packed.data += size;
        packed.size -= size;
    }
    enum status status = unpack_check(unpack, why);
    assert_true(step != UNPACK_DAMAGED || status != STATUS_OK);
    unpack_destroy(unpack);
    return status;
}

/* detail NULL: it is sound, and unpacks to plain; otherwise how its fault is told. */
static void expect(const char *encoding, struct span packed, struct span plain, const char *detail)
{
    for (size_t i = 0; i < ARRAY_COUNT(piece_sizes); i++) {
        struct text out;
        struct failure why;
        text_init(&out, TEXT_BYTES_MAX);
        enum status status = unpack_all(encoding, packed, piece_sizes[i], &out, &why);
        if (detail == NULL) {
            assert_int_equal(STATUS_OK, status);
            assert_true(span_equal(plain, text_span(&out)));
        } else {
            assert_int_equal(STATUS_UNAVAILABLE, status);
            assert_string_equal(detail, why.detail);
        }
        text_fini(&out);
    }
}

static void expect_sound(const struct form *form, struct span body)
{
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    pack(&packed, body, form->window_bits);
    expect(form->encoding, text_span(&packed), body, NULL);
    text_fini(&packed);
}

static void each_form_unpacks_in_pieces_of_any_size(void **state)
{
    (void)state;
    struct text plain;
    make_plain(&plain);
    const struct span bodies[] = {
        text_span(&plain), {.data = "{}", .size = 2}, {.data = "a", .size = 1}, {.size = 0}};
    for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
        for (size_t form = 0; form < ARRAY_COUNT(forms); form++) {
            expect_sound(&forms[form], bodies[i]);
        }
        for (size_t name = 0; name < ARRAY_COUNT(names); name++) {
            expect_sound(&names[name], bodies[i]);
        }
    }
    text_fini(&plain);
}

static void several_members_are_one_body(void **state)
{
    (void)state;
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    pack(&packed, span_of("one, "), GZIP_BITS);
    pack(&packed, span_of(""), GZIP_BITS);
    pack(&packed, span_of("two"), GZIP_BITS);
    expect("gzip", text_span(&packed), span_of("one, two"), NULL);
    text_fini(&packed);
}

static void what_follows_the_last_member_is_ignored(void **state)
{
    (void)state;
    static const struct span rests[] = {
        {"garbage", 7}, {"\0\0\0\0", 4}, {"\x1f", 1}, {"\x1f\x1f\x8b", 3}, {"\n", 1}};
    for (size_t i = 0; i < ARRAY_COUNT(rests) * ARRAY_COUNT(forms); i++) {
        const struct form *form = &forms[i % ARRAY_COUNT(forms)];
        struct text packed;
        text_init(&packed, TEXT_BYTES_MAX);
        pack(&packed, span_of("body"), form->window_bits);
        text_add(&packed, rests[i / ARRAY_COUNT(forms)]);
        expect(form->encoding, text_span(&packed), span_of("body"), NULL);
        text_fini(&packed);
    }
}

/* Wherever it is cut, from this size on. */
static void expect_cut_short(const char *encoding, const struct text *packed, size_t size)
{
    for (; size < packed->size; size++) {
        struct span begin = {.data = packed->data, .size = size};
        expect(encoding, begin, begin, "the answer ends in the middle of its packing");
    }
}

static void what_is_cut_short_is_not_whole_wherever_it_is_cut(void **state)
{
    (void)state;
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    for (size_t form = 0; form < ARRAY_COUNT(forms); form++) {
        text_clear(&packed);
        pack(&packed, span_of("[{\"id\":\"1\"},{\"id\":\"2\"}]"), forms[form].window_bits);
        expect_cut_short(forms[form].encoding, &packed, 0);
    }
    text_clear(&packed);
    pack(&packed, span_of("one"), GZIP_BITS);
    size_t first_size = packed.size;
    pack(&packed, span_of("two"), GZIP_BITS);
    expect_cut_short("gzip", &packed, first_size + 2);
    text_fini(&packed);
}

static void damage_is_told_as_such(void **state)
{
    (void)state;
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    pack(&packed, span_of("body"), GZIP_BITS);
    packed.data[packed.size - 8]++; /* the check sum */
    expect("gzip", text_span(&packed), span_of(""),
           "the answer's packing is damaged: incorrect data check");
    text_clear(&packed);
    pack(&packed, span_of("one"), GZIP_BITS);
    pack(&packed, span_of("two"), GZIP_BITS);
    packed.data[packed.size - 8]++;
    expect("gzip", text_span(&packed), span_of(""),
           "the answer's packing is damaged: incorrect data check");
    text_fini(&packed);
    expect("gzip", span_of("{\"id\": 1}"), span_of(""),
           "the answer's packing is damaged: incorrect header check");
    expect("deflate", span_of("{\"id\": 1}"), span_of(""),
           "the answer's packing is damaged: invalid distance too far back");
    expect("deflate", span_of("\x78\xbb\1\1\1\1"), span_of(""),
           "the answer's packing is damaged: need dictionary");
}

static void what_is_in_clear_needs_no_unpacking(void **state)
{
    (void)state;
    static const char *const encodings[] = {NULL,   "",    "identity", "Identity",
                                            "none", " , ", ", ",       "identity,identity"};
    for (size_t i = 0; i < ARRAY_COUNT(encodings); i++) {
        assert_null(unpack_create(encodings[i]));
    }
    unpack_destroy(NULL);
}

static void what_was_not_asked_for_is_refused(void **state)
{
    (void)state;
    expect("br", span_of("whatever"), span_of(""),
           "the answer is packed as \"br\", which was not asked for; gzip or deflate, once, can be "
           "read");
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    pack(&packed, span_of("body"), GZIP_BITS);
    expect("gzip,gzip", text_span(&packed), span_of(""),
           "the answer is packed as \"gzip,gzip\", which was not asked for; gzip or deflate, once, "
           "can be read");
    expect("g\x1b[31m", text_span(&packed), span_of(""),
           "the answer is packed as \"g\xef\xbf\xbd[31m\", which was not asked for; gzip or "
           "deflate, once, can be read");
    text_fini(&packed);
}

/* The limit of a body counts what it unpacks to: one step is never more than its share. */
static void a_bomb_goes_off_in_steps(void **state)
{
    (void)state;
    char *zeros = alloc(TEXT_BYTES_MAX);
    struct text packed;
    text_init(&packed, TEXT_BYTES_MAX);
    pack(&packed, (struct span){.data = zeros, .size = TEXT_BYTES_MAX}, GZIP_BITS);
    assert_true(packed.size < (size_t)16 * 1024);
    struct unpack *unpack = unpack_create("gzip");
    struct span piece = text_span(&packed);
    size_t size = 0;
    struct span unpacked;
    while (unpack_next(unpack, &piece, &unpacked) == UNPACK_SOME) {
        assert_in_range(unpacked.size, 1, 65536);
        size += unpacked.size;
    }
    assert_int_equal(TEXT_BYTES_MAX, size);
    assert_int_equal(STATUS_OK, unpack_check(unpack, NULL));
    unpack_destroy(unpack);
    text_fini(&packed);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_unpacks_in_pieces_of_any_size),
        cmocka_unit_test(several_members_are_one_body),
        cmocka_unit_test(what_follows_the_last_member_is_ignored),
        cmocka_unit_test(what_is_cut_short_is_not_whole_wherever_it_is_cut),
        cmocka_unit_test(damage_is_told_as_such),
        cmocka_unit_test(what_is_in_clear_needs_no_unpacking),
        cmocka_unit_test(what_was_not_asked_for_is_refused),
        cmocka_unit_test(a_bomb_goes_off_in_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
