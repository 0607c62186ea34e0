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
        text_add_char(out, alphabet[three >> 18]);
        text_add_char(out, alphabet[three >> 12 & 63]);
        text_add_char(out, left > 1 ? alphabet[three >> 6 & 63] : '=');
        text_add_char(out, left > 2 ? alphabet[three & 63] : '=');
    }
}

bool base64_decode(struct text *out, struct span text)
{
    if (text.size % 4 != 0) {
        return false;
    }
    for (size_t i = 0; i < text.size; i += 4) {
        uint32_t three = 0;
        size_t padding = 0;
        for (size_t j = i; j < i + 4; j++) {
            const char *letter = memchr(alphabet, text.data[j], sizeof alphabet - 1);
            bool is_padding = text.data[j] == '=' && i + 4 == text.size && j >= i + 2;
            if (!is_padding && (letter == NULL || padding != 0)) {
                return false;
            }
            padding += is_padding ? 1 : 0;
            three = three << 6 | (is_padding ? 0 : (uint32_t)(letter - alphabet));
        }
        const char bytes[] = {(char)(three >> 16 & 255), (char)(three >> 8 & 255),
                              (char)(three & 255)};
        text_add(out, (struct span){.data = bytes, .size = 3 - padding});
    }
    return out->status == STATUS_OK;
}
