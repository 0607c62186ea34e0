#include "json_scan.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/utf8.h"

#include <string.h>

enum expectation {
    EXPECT_VALUE,
    EXPECT_FIRST_ITEM, /* a value or ] */
    EXPECT_KEY,
    EXPECT_FIRST_KEY, /* a key or } */
    EXPECT_COMMA,     /* or the end of the container */
    EXPECT_END,
};

struct scan {
    char *bytes; /* NUL behind the last one: no grammar rule accepts it, so none looks further */
    size_t size;
    size_t position;
    size_t value_count;
    size_t depth;
    char closers[JSON_DEPTH_MAX]; /* what ends each open container */
    enum expectation expectation;
    bool is_not_utf8; /* the string at position */
    struct arena *arena;
    struct scanned_number *first_number, *last_number;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static char peek(const struct scan *scan)
{
    return scan->bytes[scan->position];
}

static void skip_space(struct scan *scan)
{
    for (char byte = peek(scan); byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
         byte = peek(scan)) {
        scan->position++;
    }
}

static bool take(struct scan *scan, char byte)
{
    if (peek(scan) != byte) {
        return false;
    }
    scan->position++;
    return true;
}

static bool take_digits(struct scan *scan)
{
    size_t from = scan->position;
    while (is_digit(peek(scan))) {
        scan->position++;
    }
    return scan->position != from;
}

static void note_number(struct scan *scan, size_t from)
{
    struct scanned_number *number = arena_alloc(scan->arena, sizeof *number);
    number->position = from;
    number->size = scan->position - from;
    if (scan->last_number != NULL) {
        scan->last_number->next = number;
    } else {
        scan->first_number = number;
    }
    scan->last_number = number;
}

static bool take_number(struct scan *scan)
{
    size_t from = scan->position;
    (void)take(scan, '-');
    bool is_number = take(scan, '0') || take_digits(scan);
    if (is_number && take(scan, '.')) {
        is_number = take_digits(scan);
    }
    if (is_number && (take(scan, 'e') || take(scan, 'E'))) {
        (void)(take(scan, '+') || take(scan, '-'));
        is_number = take_digits(scan);
    }
    if (is_number) {
        note_number(scan, from);
        memset(scan->bytes + from, ' ', scan->position - from);
        scan->bytes[from] = '0';
    }
    return is_number;
}

static bool take_word(struct scan *scan, const char *word)
{
    size_t size = strlen(word);
    if (scan->size - scan->position < size ||
        memcmp(scan->bytes + scan->position, word, size) != 0) {
        return false;
    }
    scan->position += size;
    return true;
}

static int hex_value(char byte)
{
    if (is_digit(byte)) {
        return byte - '0';
    }
    char lower = (char)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 if they are not. */
static int32_t take_hex4(struct scan *scan)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(peek(scan));
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
        scan->position++;
    }
    return value;
}

static bool take_unicode_escape(struct scan *scan)
{
    int32_t unit = take_hex4(scan);
    if (unit == 0) {
        memcpy(scan->bytes + scan->position - 4, "fffd", 4);
        return true;
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        int32_t low = take(scan, '\\') && take(scan, 'u') ? take_hex4(scan) : -1;
        return low >= 0xdc00 && low <= 0xdfff;
    }
    return unit > 0 && (unit < 0xdc00 || unit > 0xdfff);
}

static bool take_escape(struct scan *scan)
{
    if (take(scan, 'u')) {
        return take_unicode_escape(scan);
    }
    char byte = peek(scan);
    if (byte == '\0' || strchr("\"\\/bfnrt", byte) == NULL) {
        return false;
    }
    scan->position++;
    return true;
}

/* Stands on the opening quote. */
static bool take_string(struct scan *scan)
{
    size_t from = ++scan->position;
    unsigned char seen = 0;
    for (;;) {
        unsigned char byte = (unsigned char)peek(scan);
        if (byte < 0x20) {
            return false;
        }
        seen |= byte;
        scan->position++;
        if (byte == '"') {
            break;
        }
        if (byte == '\\' && !take_escape(scan)) {
            return false;
        }
    }
    struct span inside = {.data = scan->bytes + from, .size = scan->position - 1 - from};
    if (seen >= 0x80 && !utf8_is_valid(inside)) {
        scan->position = from; /* so that the failure names where the string is */
        scan->is_not_utf8 = true;
        return false;
    }
    return true;
}

static enum status broken(const struct scan *scan, const char *what, struct failure *why)
{
    if (scan->position >= scan->size) {
        return fail(why, STATUS_INVALID, "JSON ends too early, at byte %zu", scan->size);
    }
    return fail(why, STATUS_INVALID, "JSON is broken at byte %zu: %s", scan->position,
                scan->is_not_utf8 ? "this text is not UTF-8" : what);
}

static void value_is_done(struct scan *scan)
{
    scan->expectation = scan->depth != 0 ? EXPECT_COMMA : EXPECT_END;
}

static enum status open_container(struct scan *scan, struct failure *why)
{
    if (scan->depth == JSON_DEPTH_MAX) {
        return fail(why, STATUS_TOO_LARGE, "JSON is nested deeper than %d at byte %zu",
                    JSON_DEPTH_MAX, scan->position);
    }
    bool is_list = peek(scan) == '[';
    scan->position++;
    scan->closers[scan->depth++] = is_list ? ']' : '}';
    scan->expectation = is_list ? EXPECT_FIRST_ITEM : EXPECT_FIRST_KEY;
    return STATUS_OK;
}

static bool take_scalar(struct scan *scan)
{
    switch (peek(scan)) {
    case '"':
        return take_string(scan);
    case 't':
        return take_word(scan, "true");
    case 'f':
        return take_word(scan, "false");
    case 'n':
        return take_word(scan, "null");
    default:
        return take_number(scan);
    }
}

static enum status take_value(struct scan *scan, struct failure *why)
{
    if (++scan->value_count > JSON_VALUE_MAX) {
        return fail(why, STATUS_TOO_LARGE, "JSON has more than %d values", JSON_VALUE_MAX);
    }
    if (peek(scan) == '[' || peek(scan) == '{') {
        return open_container(scan, why);
    }
    if (!take_scalar(scan)) {
        return broken(scan, "a value was expected here, or it is not a valid one", why);
    }
    value_is_done(scan);
    return STATUS_OK;
}

static enum status take_key(struct scan *scan, struct failure *why)
{
    if (peek(scan) != '"' || !take_string(scan)) {
        return broken(scan, "a member name was expected here, or it is not a valid one", why);
    }
    skip_space(scan);
    if (!take(scan, ':')) {
        return broken(scan, "a colon was expected", why);
    }
    scan->expectation = EXPECT_VALUE;
    return STATUS_OK;
}

static bool take_closer(struct scan *scan)
{
    if (!take(scan, scan->closers[scan->depth - 1])) {
        return false;
    }
    scan->depth--;
    value_is_done(scan);
    return true;
}

static enum status take_comma(struct scan *scan, struct failure *why)
{
    if (take_closer(scan)) {
        return STATUS_OK;
    }
    if (!take(scan, ',')) {
        return broken(scan, "a comma or the end of the list or object was expected", why);
    }
    scan->expectation = scan->closers[scan->depth - 1] == ']' ? EXPECT_VALUE : EXPECT_KEY;
    return STATUS_OK;
}

static enum status take_next(struct scan *scan, struct failure *why)
{
    switch (scan->expectation) {
    case EXPECT_FIRST_ITEM:
        return take_closer(scan) ? STATUS_OK : take_value(scan, why);
    case EXPECT_VALUE:
        return take_value(scan, why);
    case EXPECT_FIRST_KEY:
        return take_closer(scan) ? STATUS_OK : take_key(scan, why);
    case EXPECT_KEY:
        return take_key(scan, why);
    case EXPECT_COMMA:
        return take_comma(scan, why);
    case EXPECT_END:
        return broken(scan, "something follows the value", why);
    }
    CHECK(!"an expectation that does not exist");
}

enum status json_scan(char *bytes, size_t size, size_t from, struct arena *arena,
                      const struct scanned_number **numbers, struct failure *why)
{
    CHECK(from <= size && bytes[size] == '\0');
    struct scan scan = {.size = size, .position = from, .arena = arena};
    scan.bytes = bytes;
    enum status status = STATUS_OK;
    skip_space(&scan);
    while (status == STATUS_OK && (scan.expectation != EXPECT_END || scan.position < size)) {
        status = take_next(&scan, why);
        skip_space(&scan);
    }
    *numbers = scan.first_number;
    return status;
}
