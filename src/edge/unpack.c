#include "unpack.h"

#include "core/text.h"
#include "core/utf8.h"

#define ZLIB_CONST
#include <zlib.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define STEP_BYTES_MAX ((size_t)64 << 10)
#define PACKED_BYTES_MAX ((size_t)1 << 30) /* zlib counts in unsigned int */
#define HEAD_BYTES 2                       /* tell the formats apart */
#define ENCODING_SHOWN_MAX ((size_t)60)
#define GZIP_OR_ZLIB_BITS (MAX_WBITS + 32)

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_DEFLATE, PACKING_UNKNOWN };

struct unpack {
    enum packing packing;
    z_stream stream;
    /* A gzip body is one member or several, each with a head and a check sum of its own. */
    bool is_in_member, had_member;
    char head[HEAD_BYTES];
    size_t head_size;
    struct span unread_head;
    struct failure fault; /* STATUS_OK: none */
    unsigned char bytes[STEP_BYTES_MAX];
};

/* --- which packing -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum packing packing;
} encodings[] = {
    {"gzip", PACKING_GZIP}, {"x-gzip", PACKING_GZIP},   {"deflate", PACKING_DEFLATE},
    {"", PACKING_NONE},     {"identity", PACKING_NONE}, {"none", PACKING_NONE},
};

static enum packing packing_named(const char *name, size_t size)
{
    for (size_t i = 0; i < ARRAY_COUNT(encodings); i++) {
        if (strlen(encodings[i].name) == size && strncasecmp(encodings[i].name, name, size) == 0) {
            return encodings[i].packing;
        }
    }
    return PACKING_UNKNOWN;
}

/* Nobody packs twice but to make little look like less. */
static enum packing packing_of(const char *encoding)
{
    static const char between[] = ", \t";
    enum packing packing = PACKING_NONE;
    while (encoding != NULL && *encoding != '\0') {
        size_t size = strcspn(encoding, between);
        enum packing each = packing_named(encoding, size);
        if (each != PACKING_NONE && packing != PACKING_NONE) {
            return PACKING_UNKNOWN;
        }
        packing = each != PACKING_NONE ? each : packing;
        encoding += size;
        encoding += strspn(encoding, between);
    }
    return packing;
}

static void refuse(struct unpack *unpack, const char *encoding)
{
    struct text shown;
    text_init(&shown, 4 * ENCODING_SHOWN_MAX);
    utf8_add_clean_line(&shown, span_of(encoding), ENCODING_SHOWN_MAX);
    (void)fail(&unpack->fault, STATUS_UNAVAILABLE,
               "the answer is packed as \"%s\", which was not asked for; gzip or deflate, once, "
               "can be read",
               text_cstr(&shown));
    text_fini(&shown);
}

/* --- zlib ----------------------------------------------------------------------------------- */

static voidpf take_memory(voidpf arg, uInt count, uInt size)
{
    (void)arg;
    return alloc_array(count, size);
}

static void give_memory(voidpf arg, voidpf memory)
{
    (void)arg;
    free(memory);
}

struct unpack *unpack_create(const char *encoding)
{
    enum packing packing = packing_of(encoding);
    if (packing == PACKING_NONE) {
        return NULL;
    }
    struct unpack *unpack = alloc(sizeof *unpack);
    unpack->packing = packing;
    unpack->stream.zalloc = take_memory;
    unpack->stream.zfree = give_memory;
    CHECK(inflateInit2(&unpack->stream, GZIP_OR_ZLIB_BITS) == Z_OK);
    if (packing == PACKING_UNKNOWN) {
        refuse(unpack, encoding);
    }
    return unpack;
}

void unpack_destroy(struct unpack *unpack)
{
    if (unpack != NULL) {
        CHECK(inflateEnd(&unpack->stream) == Z_OK);
        free(unpack);
    }
}

static bool is_gzip(const char *head)
{
    return (unsigned char)head[0] == 0x1f && (unsigned char)head[1] == 0x8b;
}

static bool is_zlib(const char *head)
{
    unsigned first = (unsigned char)head[0];
    return (first & 0x0f) == Z_DEFLATED && (first * 256 + (unsigned char)head[1]) % 31 == 0;
}

/* Half of those who say deflate leave the head away that the standard wants. */
static int window_bits(const struct unpack *unpack)
{
    if (unpack->packing == PACKING_GZIP) {
        return GZIP_OR_ZLIB_BITS;
    }
    return is_zlib(unpack->head) ? MAX_WBITS : -MAX_WBITS;
}

/* False: more bytes have to tell, or those behind the last member are no other. The latter are
 * ignored, as gzip does: some servers fill up with zeros. */
static bool begin_member(struct unpack *unpack, struct span *packed)
{
    while (unpack->head_size < HEAD_BYTES && packed->size != 0) {
        unpack->head[unpack->head_size++] = *packed->data++;
        packed->size--;
    }
    bool may_begin =
        !unpack->had_member || (unpack->packing == PACKING_GZIP && is_gzip(unpack->head));
    if (unpack->head_size < HEAD_BYTES || !may_begin) {
        packed->data += packed->size;
        packed->size = 0;
        return false;
    }
    CHECK(inflateReset2(&unpack->stream, window_bits(unpack)) == Z_OK);
    unpack->unread_head = (struct span){.data = unpack->head, .size = HEAD_BYTES};
    unpack->is_in_member = true;
    return true;
}

static void end_member(struct unpack *unpack)
{
    unpack->is_in_member = false;
    unpack->had_member = true;
    unpack->head_size = 0;
}

/* zlib's result: Z_BUF_ERROR if there was nothing to work on. */
static int inflate_some(struct unpack *unpack, struct span *from, struct span *unpacked)
{
    z_stream *stream = &unpack->stream;
    size_t size = from->size < PACKED_BYTES_MAX ? from->size : PACKED_BYTES_MAX;
    stream->next_in = (const Bytef *)from->data;
    stream->avail_in = (uInt)size;
    stream->next_out = unpack->bytes;
    stream->avail_out = sizeof unpack->bytes;
    int result = inflate(stream, Z_NO_FLUSH);
    size_t taken = size - stream->avail_in;
    from->data += taken;
    from->size -= taken;
    *unpacked = (struct span){.data = (const char *)unpack->bytes,
                              .size = sizeof unpack->bytes - stream->avail_out};
    if (result == Z_STREAM_END) {
        end_member(unpack);
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
        (void)fail(&unpack->fault, STATUS_UNAVAILABLE, "the answer's packing is damaged: %s",
                   stream->msg != NULL ? stream->msg : zError(result));
    }
    return result;
}

enum unpack_step unpack_next(struct unpack *unpack, struct span *packed, struct span *unpacked)
{
    while (unpack->fault.status == STATUS_OK) {
        if (!unpack->is_in_member && !begin_member(unpack, packed)) {
            return UNPACK_TAKEN;
        }
        struct span *from = unpack->unread_head.size != 0 ? &unpack->unread_head : packed;
        int result = inflate_some(unpack, from, unpacked);
        if (unpacked->size != 0) {
            return UNPACK_SOME;
        }
        if (result == Z_BUF_ERROR) {
            return UNPACK_TAKEN;
        }
    }
    return UNPACK_DAMAGED;
}

enum status unpack_check(const struct unpack *unpack, struct failure *why)
{
    if (unpack->fault.status != STATUS_OK) {
        return fail(why, unpack->fault.status, "%s", unpack->fault.detail);
    }
    if (unpack->is_in_member || !unpack->had_member) {
        return fail(why, STATUS_UNAVAILABLE, "the answer ends in the middle of its packing");
    }
    return STATUS_OK;
}
