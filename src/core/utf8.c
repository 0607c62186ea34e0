#include "core/utf8.h"

#include "core/text.h"

#include <string.h>

#define REPLACEMENT 0xfffd
#define ELLIPSIS "\xe2\x80\xa6"

/* Length of the sequence that a lead byte starts; 0 if no sequence starts with it. */
static size_t sequence_size(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if ((lead & 0xf0) == 0xe0) {
        return 3;
    }
    return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static bool is_overlong_or_surrogate(uint32_t code_point, size_t size)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return code_point < smallest[size] || code_point > 0x10ffff ||
           (code_point >= 0xd800 && code_point <= 0xdfff);
}

/* Reads one sequence of at most left bytes; gives its size, 0 if it is not valid. */
static size_t decode(const unsigned char *bytes, size_t left, uint32_t *code_point)
{
    size_t size = sequence_size(bytes[0]);
    if (size == 0 || size > left) {
        return 0;
    }
    uint32_t value = size == 1 ? bytes[0] : bytes[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    if (is_overlong_or_surrogate(value, size)) {
        return 0;
    }
    *code_point = value;
    return size;
}

static bool is_ascii_block(const char *bytes)
{
    uint64_t block = 0;
    memcpy(&block, bytes, sizeof block);
    return (block & UINT64_C(0x8080808080808080)) == 0;
}

bool utf8_is_valid(struct span bytes)
{
    size_t i = 0;
    while (i < bytes.size) {
        if (bytes.size - i >= 8 && is_ascii_block(bytes.data + i)) {
            i += 8;
            continue;
        }
        uint32_t code_point = 0;
        size_t size = decode((const unsigned char *)bytes.data + i, bytes.size - i, &code_point);
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

uint32_t utf8_next(struct span bytes, size_t *position)
{
    CHECK(*position < bytes.size);
    uint32_t code_point = REPLACEMENT;
    size_t size =
        decode((const unsigned char *)bytes.data + *position, bytes.size - *position, &code_point);
    *position += size != 0 ? size : 1;
    return code_point;
}

static size_t encode(uint32_t code_point, char out[static 4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)((0xf00u >> size & 0xff) | code_point);
    return size;
}

void utf8_add(struct text *out, uint32_t code_point)
{
    char bytes[4];
    CHECK(!is_overlong_or_surrogate(code_point, 0));
    size_t size = encode(code_point, bytes);
    text_add(out, (struct span){.data = bytes, .size = size});
}

static bool is_line_break(uint32_t code_point)
{
    return (code_point >= '\n' && code_point <= '\r') || code_point == 0x85 ||
           code_point == 0x2028 || code_point == 0x2029;
}

struct range {
    uint32_t first, last;
};

/* What shows nothing, or changes how its neighbours show: a text could pretend to be another. */
bool utf8_is_invisible(uint32_t code_point)
{
    static const struct range ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x061c, 0x061c},   {0x180e, 0x180e},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0xfffe, 0xffff}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        if (code_point >= ranges[i].first && code_point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

/* The next character of the cleaned text. */
static uint32_t next_clean(struct span bytes, size_t *position, bool is_block)
{
    uint32_t code_point = utf8_next(bytes, position);
    if (code_point >= ' ' && code_point < 0x7f) {
        return code_point;
    }
    if (is_line_break(code_point)) {
        bool is_pair =
            code_point == '\r' && *position < bytes.size && bytes.data[*position] == '\n';
        *position += is_pair ? 1 : 0;
        return is_block ? '\n' : ' ';
    }
    if (code_point == '\t') {
        return is_block ? '\t' : ' ';
    }
    return utf8_is_invisible(code_point) ? REPLACEMENT : code_point;
}

/* Where in the input to stop so that what comes out, with its mark, fits; bytes.size: no cut. */
static size_t find_cut(struct span bytes, size_t bytes_max, bool is_block)
{
    size_t cut = 0;
    size_t size = 0;
    for (size_t i = 0; i < bytes.size;) {
        char encoded[4];
        size += encode(next_clean(bytes, &i, is_block), encoded);
        if (size > bytes_max) {
            return cut;
        }
        if (size + strlen(ELLIPSIS) <= bytes_max) {
            cut = i;
        }
    }
    return bytes.size;
}

bool utf8_is_printable_ascii(struct span bytes)
{
    bool is_printable = true;
    for (size_t i = 0; i < bytes.size; i++) {
        is_printable &= bytes.data[i] >= ' ' && bytes.data[i] < 0x7f;
    }
    return is_printable;
}

static void add_clean(struct text *out, struct span bytes, size_t bytes_max, bool is_block)
{
    if (bytes.size <= bytes_max && utf8_is_printable_ascii(bytes)) {
        text_add(out, bytes);
        return;
    }
    size_t cut = find_cut(bytes, bytes_max, is_block);
    for (size_t i = 0; i < cut;) {
        utf8_add(out, next_clean(bytes, &i, is_block));
    }
    if (cut < bytes.size && bytes_max >= strlen(ELLIPSIS)) {
        text_add_text(out, ELLIPSIS);
    }
}

void utf8_add_clean_line(struct text *out, struct span bytes, size_t bytes_max)
{
    add_clean(out, bytes, bytes_max, false);
}

void utf8_add_clean_block(struct text *out, struct span bytes, size_t bytes_max)
{
    add_clean(out, bytes, bytes_max, true);
}
