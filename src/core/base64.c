#include "core/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct text *out, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)(unsigned char)bytes.data[i] << 16;
        if (left > 1) {
            three |= (uint32_t)(unsigned char)bytes.data[i + 1] << 8;
        }
        if (left > 2) {
            three |= (uint32_t)(unsigned char)bytes.data[i + 2];
        }
        const char four[] = {alphabet[three >> 18], alphabet[three >> 12 & 63],
                             alphabet[three >> 6 & 63], alphabet[three & 63]};
        size_t size = left < 3 ? left + 1 : 4;
        text_add(out, (struct span){.data = four, .size = size});
        text_add(out, (struct span){.data = "==", .size = 4 - size});
    }
}

/* The 24 bits of four letters, without the padding that only the last four may end with. */
static bool read_four(const char *letters, bool is_last, uint32_t *bits, size_t *padding)
{
    *bits = 0;
    *padding = 0;
    for (size_t i = 0; i < 4; i++) {
        const char *letter = memchr(alphabet, letters[i], sizeof alphabet - 1);
        bool is_padding = letters[i] == '=' && is_last && i >= 2;
        if (!is_padding && (letter == NULL || *padding != 0)) {
            return false;
        }
        *padding += is_padding ? 1 : 0;
        *bits = *bits << 6 | (is_padding ? 0 : (uint32_t)(letter - alphabet));
    }
    return true;
}

bool base64_decode(struct text *out, struct span text)
{
    if (text.size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        uint32_t bits = 0;
        size_t padding = 0;
        if (!read_four(text.data + i, i + 4 == text.size, &bits, &padding)) {
            return false;
        }
        const char bytes[] = {(char)(bits >> 16 & 255), (char)(bits >> 8 & 255),
                              (char)(bits & 255)};
        text_add(out, (struct span){.data = bytes, .size = 3 - padding});
    }
    return out->status == STATUS_OK;
}
