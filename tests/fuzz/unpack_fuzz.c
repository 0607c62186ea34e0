/* Any bytes as a packed body, in pieces of any size: what zlib makes of the whole is what comes
 * out, with the same verdict; and what was packed comes out as it was. */
#include "src/edge/unpack.h"

#include "core/text.h"

#define ZLIB_CONST
#include <zlib.h>

#include <string.h>

#define TEXT_BYTES_MAX ((size_t)4 << 20)
#define GZIP_BITS (MAX_WBITS + 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* False: damaged, or not whole. */
static bool unpack_in_pieces(const char *encoding, struct span packed, size_t piece_size,
                             struct text *out)
{
    struct unpack *unpack = unpack_create(encoding);
    enum unpack_step step = UNPACK_TAKEN;
    while (packed.size != 0 && step != UNPACK_DAMAGED && out->status == STATUS_OK) {
        struct span piece = {.data = packed.data,
                             .size = packed.size < piece_size ? packed.size : piece_size};
        packed.data += piece.size;
        packed.size -= piece.size;
        struct span unpacked;
        while ((step = unpack_next(unpack, &piece, &unpacked)) == UNPACK_SOME) {
            CHECK(unpacked.size != 0);
            text_add(out, unpacked);
        }
        CHECK(step == UNPACK_DAMAGED || piece.size == 0);
    }
    bool is_whole = unpack_check(unpack, NULL) == STATUS_OK;
    CHECK(step != UNPACK_DAMAGED || !is_whole);
    unpack_destroy(unpack);
    return is_whole;
}

/* The first member, by zlib at one go; *rest is what follows it. */
static bool inflate_whole(struct span packed, int window_bits, struct text *out, struct span *rest)
{
    static unsigned char bytes[TEXT_BYTES_MAX];
    z_stream stream = {.next_in = (const Bytef *)packed.data,
                       .avail_in = (uInt)packed.size,
                       .next_out = bytes,
                       .avail_out = sizeof bytes};
    CHECK(inflateInit2(&stream, window_bits) == Z_OK);
    bool is_whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    text_add(out, (struct span){.data = (const char *)bytes, .size = stream.total_out});
    *rest =
        (struct span){.data = packed.data + stream.total_in, .size = packed.size - stream.total_in};
    CHECK(inflateEnd(&stream) == Z_OK);
    return is_whole;
}

static void check_same(struct span packed, const char *encoding, int window_bits, size_t piece_size)
{
    struct text got;
    struct text expected;
    struct span rest;
    text_init(&got, TEXT_BYTES_MAX);
    text_init(&expected, TEXT_BYTES_MAX);
    bool is_whole = inflate_whole(packed, window_bits, &expected, &rest);
    bool may_follow =
        window_bits == GZIP_BITS && rest.size >= 2 && memcmp(rest.data, "\x1f\x8b", 2) == 0;
    if (expected.size < TEXT_BYTES_MAX && !(is_whole && may_follow)) {
        CHECK(unpack_in_pieces(encoding, packed, piece_size, &got) == is_whole);
        CHECK(span_equal(text_span(&got), text_span(&expected)));
    }
    text_fini(&got);
    text_fini(&expected);
}

static void check_packed(struct span bytes, int window_bits, size_t piece_size)
{
    static unsigned char packed[TEXT_BYTES_MAX];
    z_stream stream = {.next_in = (const Bytef *)bytes.data,
                       .avail_in = (uInt)bytes.size,
                       .next_out = packed,
                       .avail_out = sizeof packed};
    CHECK(deflateInit2(&stream, 1, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    struct span whole = {.data = (const char *)packed, .size = stream.total_out};
    CHECK(deflateEnd(&stream) == Z_OK);
    struct text got;
    text_init(&got, TEXT_BYTES_MAX);
    const char *encoding = window_bits == GZIP_BITS ? "gzip" : "deflate";
    CHECK(unpack_in_pieces(encoding, whole, piece_size, &got));
    CHECK(span_equal(bytes, text_span(&got)));
    text_fini(&got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int forms[] = {GZIP_BITS, MAX_WBITS, -MAX_WBITS};
    if (size == 0) {
        return 0;
    }
    size_t piece_size = 1 + data[0] % 32;
    struct span bytes = {.data = (const char *)data + 1, .size = size - 1};
    bool is_gzip = bytes.size >= 2 && memcmp(bytes.data, "\x1f\x8b", 2) == 0;
    bool is_zlib =
        bytes.size >= 2 && (data[1] & 0x0f) == Z_DEFLATED && (data[1] * 256 + data[2]) % 31 == 0;
    if (is_gzip) {
        check_same(bytes, "gzip", GZIP_BITS, piece_size);
    }
    check_same(bytes, "deflate", is_zlib ? MAX_WBITS : -MAX_WBITS, piece_size);
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        check_packed(bytes, forms[i], piece_size);
    }
    return 0;
}
