#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTEGER_BYTES_MAX 21 /* a sign and the digits of 64 bits */
#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

void text_init(struct text *text, size_t size_max)
{
    *text = (struct text){.size_max = size_max};
}

void text_fini(struct text *text)
{
    free(text->data);
    *text = (struct text){.size_max = text->size_max};
}

void text_clear(struct text *text)
{
    text->size = 0;
    text->status = STATUS_OK;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

void text_expect(struct text *text, size_t size)
{
    size_t wanted = (size < text->size_max ? size : text->size_max) + 1;
    if (wanted > text->capacity) {
        text->capacity = wanted;
        text->data = alloc_resize(text->data, text->capacity, 1);
        text->data[text->size] = '\0';
    }
}

/* Makes room for more bytes and the NUL; false when that would pass the ceiling. */
static bool reserve(struct text *text, size_t more)
{
    if (text->status != STATUS_OK) {
        return false;
    }
    if (more > text->size_max - text->size) {
        text->status = STATUS_TOO_LARGE;
        return false;
    }
    size_t wanted = text->size + more + 1;
    if (wanted > text->capacity) {
        size_t doubled = text->capacity < 32 ? 64 : text->capacity * 2;
        text->capacity = wanted > doubled ? wanted : doubled;
        text->data = alloc_resize(text->data, text->capacity, 1);
    }
    return true;
}

void text_add(struct text *text, struct span bytes)
{
    CHECK(text->size <= text->size_max);
    if (!reserve(text, bytes.size)) {
        return;
    }
    if (bytes.size != 0) {
        memcpy(text->data + text->size, bytes.data, bytes.size);
    }
    text->size += bytes.size;
    text->data[text->size] = '\0';
}

void text_add_text(struct text *text, const char *bytes)
{
    text_add(text, span_of(bytes));
}

void text_add_char(struct text *text, char byte)
{
    if (reserve(text, 1)) {
        text->data[text->size++] = byte;
        text->data[text->size] = '\0';
    }
}

void text_add_number(struct text *text, int64_t number, size_t digits_min)
{
    char digits[INTEGER_BYTES_MAX];
    size_t from = sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    CHECK(digits_min < sizeof digits);
    do {
        digits[--from] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0 || sizeof digits - from < digits_min);
    if (number < 0) {
        digits[--from] = '-';
    }
    text_add(text, (struct span){.data = digits + from, .size = sizeof digits - from});
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    CHECK(size >= 0);
    if (reserve(text, (size_t)size)) {
        (void)vsnprintf(text->data + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

static void add_json_escape(struct text *text, unsigned char byte)
{
    switch (byte) {
    case '"':
        text_add_text(text, "\\\"");
        return;
    case '\\':
        text_add_text(text, "\\\\");
        return;
    case '\n':
        text_add_text(text, "\\n");
        return;
    case '\r':
        text_add_text(text, "\\r");
        return;
    case '\t':
        text_add_text(text, "\\t");
        return;
    default:
        text_addf(text, "\\u%04x", byte);
    }
}

static bool is_json_plain(unsigned char byte)
{
    return byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f;
}

/* The high bit of each byte that is zero, and perhaps of one above such a byte. */
static uint64_t zeros_of(uint64_t block)
{
    return (block - EACH_BYTE(0x01)) & ~block & EACH_BYTE(0x80);
}

/* Eight bytes at once; false may also mean that it has to be looked at byte by byte. */
static bool is_json_plain_block(const char *bytes)
{
    uint64_t block = 0;
    memcpy(&block, bytes, sizeof block);
    uint64_t controls = (block - EACH_BYTE(0x20)) & ~block & EACH_BYTE(0x80);
    return (controls | zeros_of(block ^ EACH_BYTE('"')) | zeros_of(block ^ EACH_BYTE('\\')) |
            zeros_of(block ^ EACH_BYTE(0x7f))) == 0;
}

/* How many bytes from here on stand for themselves. */
static size_t json_plain_run(struct span bytes)
{
    size_t i = 0;
    while (bytes.size - i >= 8 && is_json_plain_block(bytes.data + i)) {
        i += 8;
    }
    while (i < bytes.size && is_json_plain((unsigned char)bytes.data[i])) {
        i++;
    }
    return i;
}

static void add_quoted(struct text *text, struct span bytes)
{
    if (!reserve(text, bytes.size + 2)) {
        return;
    }
    char *at = text->data + text->size;
    *at++ = '"';
    if (bytes.size != 0) {
        memcpy(at, bytes.data, bytes.size);
    }
    at[bytes.size] = '"';
    at[bytes.size + 1] = '\0';
    text->size += bytes.size + 2;
}

void text_add_json_string(struct text *text, struct span bytes)
{
    size_t run = json_plain_run(bytes);
    if (run == bytes.size) { /* nearly all of them */
        add_quoted(text, bytes);
        return;
    }
    text_add_char(text, '"');
    for (; run != bytes.size; run = json_plain_run(bytes)) {
        text_add(text, (struct span){.data = bytes.data, .size = run});
        add_json_escape(text, (unsigned char)bytes.data[run]);
        bytes = (struct span){.data = bytes.data + run + 1, .size = bytes.size - run - 1};
    }
    text_add(text, bytes);
    text_add_char(text, '"');
}

void text_add_json_text(struct text *text, const char *bytes)
{
    if (bytes == NULL) {
        text_add_text(text, "null");
        return;
    }
    text_add_json_string(text, span_of(bytes));
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '.' || byte == '-';
}

void text_add_percent(struct text *text, struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (is_unreserved(byte)) {
            text_add_char(text, (char)byte);
        } else {
            text_addf(text, "%%%02X", byte);
        }
    }
}

struct span text_span(const struct text *text)
{
    return (struct span){.data = text->data, .size = text->size};
}

const char *text_cstr(const struct text *text)
{
    return text->data != NULL ? text->data : "";
}

char *text_take(struct text *text)
{
    char *data = text->data != NULL ? text->data : alloc(1);
    *text = (struct text){.size_max = text->size_max};
    return data;
}
