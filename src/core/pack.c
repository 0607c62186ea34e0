#include "core/pack.h"

#include "core/text.h"

#include <string.h>

#define NUMBER_BYTES_MAX 10 /* seven bits in each */
#define MORE 0x80U

/* Signs go to the lowest bit, so that what is near zero is small. */
static uint64_t fold(int64_t number)
{
    uint64_t bits = (uint64_t)number;
    return number < 0 ? ~(bits << 1) : bits << 1;
}

static int64_t unfold(uint64_t folded)
{
    uint64_t bits = (folded & 1) != 0 ? ~(folded >> 1) : folded >> 1;
    return (int64_t)bits;
}

static void pack_bits(struct text *out, uint64_t bits)
{
    char bytes[NUMBER_BYTES_MAX];
    size_t size = 0;
    for (; bits >= MORE; bits >>= 7) {
        bytes[size++] = (char)(bits | MORE);
    }
    bytes[size++] = (char)bits;
    text_add(out, (struct span){.data = bytes, .size = size});
}

void pack_number(struct text *out, int64_t number)
{
    pack_bits(out, fold(number));
}

/* 0 is NULL, else its size and one; with its NUL, so that it can be used where it stands. */
void pack_text(struct text *out, const char *text)
{
    if (text == NULL) {
        pack_bits(out, 0);
        return;
    }
    size_t size = strlen(text);
    pack_bits(out, (uint64_t)size + 1);
    text_add(out, (struct span){.data = text, .size = size + 1});
}

struct pack_reader pack_reader(struct span bytes)
{
    return (struct pack_reader){.at = bytes.data, .end = bytes.data + bytes.size};
}

static void break_off(struct pack_reader *reader)
{
    reader->is_broken = true;
    reader->at = reader->end;
}

static uint64_t read_bits(struct pack_reader *reader)
{
    uint64_t bits = 0;
    for (unsigned int shift = 0; shift < 64 && reader->at != reader->end; shift += 7) {
        unsigned char byte = (unsigned char)*reader->at++;
        bits |= (uint64_t)(byte & ~MORE) << shift;
        if (byte < MORE) {
            return bits;
        }
    }
    break_off(reader);
    return 0;
}

int64_t pack_read_number(struct pack_reader *reader)
{
    return unfold(read_bits(reader));
}

size_t pack_read_count(struct pack_reader *reader)
{
    int64_t count = pack_read_number(reader);
    if (count < 0 || (uint64_t)count > (uint64_t)(reader->end - reader->at)) {
        break_off(reader);
        return 0;
    }
    return (size_t)count;
}

const char *pack_read_text(struct pack_reader *reader)
{
    uint64_t size = read_bits(reader); /* with its NUL */
    const char *text = reader->at;
    if (size == 0) {
        return NULL;
    }
    if (size > (uint64_t)(reader->end - text) || memchr(text, '\0', size) != text + size - 1) {
        break_off(reader);
        return NULL;
    }
    reader->at += size;
    return text;
}

bool pack_is_whole(const struct pack_reader *reader)
{
    return !reader->is_broken && reader->at == reader->end;
}
