#include "core/base64.h"

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
