#include "core/slice.h"

#include "core/hash.h"
#include "core/json.h"

#include <endian.h>
#include <string.h>

/* Pages of 16 MiB come every few minutes and hardly change, so this must cost little beside the
 * reading of the bytes: inside strings and containers it looks at eight bytes at a time. */

enum state { STATE_FIRST, STATE_NEXT, STATE_END, STATE_BROKEN };

struct cursor {
    const char *at, *end;
};

/* --- eight bytes at a time ------------------------------------------------------------------- */

#define ONES UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

static uint64_t load(const char *bytes)
{
    uint64_t block = 0;
    memcpy(&block, bytes, sizeof block);
    return le64toh(block);
}

/* The lowest set bit marks the first byte that equals; what is above it may be wrong. */
static uint64_t mark_equal(uint64_t block, unsigned char byte)
{
    uint64_t zero_where_equal = block ^ (ONES * byte);
    return (zero_where_equal - ONES) & ~zero_where_equal & HIGHS;
}

static size_t first_marked(uint64_t marks)
{
    return (size_t)__builtin_ctzll(marks) / 8;
}

/* Brackets and braces differ in the bit that 0x20 sets: [ and { become {, ] and } become }. */
static bool is_structural(char byte)
{
    char folded = (char)(byte | 0x20);
    return byte == '"' || folded == '{' || folded == '}';
}

static void go_to_structural(struct cursor *cursor)
{
    const char *at = cursor->at;
    for (; cursor->end - at >= 8; at += 8) {
        uint64_t block = load(at);
        uint64_t folded = block | (ONES * 0x20);
        uint64_t marks = mark_equal(block, '"') | mark_equal(folded, '{') | mark_equal(folded, '}');
        if (marks != 0) {
            cursor->at = at + first_marked(marks);
            return;
        }
    }
    while (at != cursor->end && !is_structural(*at)) {
        at++;
    }
    cursor->at = at;
}

static void go_to_quote_or_backslash(struct cursor *cursor)
{
    const char *at = cursor->at;
    for (; cursor->end - at >= 8; at += 8) {
        uint64_t block = load(at);
        uint64_t marks = mark_equal(block, '"') | mark_equal(block, '\\');
        if (marks != 0) {
            cursor->at = at + first_marked(marks);
            return;
        }
    }
    while (at != cursor->end && *at != '"' && *at != '\\') {
        at++;
    }
    cursor->at = at;
}

/* --- one value ------------------------------------------------------------------------------- */

static bool is_done(const struct cursor *cursor)
{
    return cursor->at == cursor->end;
}

static bool stands_on(const struct cursor *cursor, char byte)
{
    return !is_done(cursor) && *cursor->at == byte;
}

static bool take(struct cursor *cursor, char byte)
{
    if (!stands_on(cursor, byte)) {
        return false;
    }
    cursor->at++;
    return true;
}

static void skip_space(struct cursor *cursor)
{
    while (!is_done(cursor) && (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' ||
                                *cursor->at == '\t')) {
        cursor->at++;
    }
}

/* Stands on the opening quote. */
static bool skip_string(struct cursor *cursor)
{
    cursor->at++;
    for (;;) {
        go_to_quote_or_backslash(cursor);
        if (take(cursor, '"')) {
            return true;
        }
        if (cursor->end - cursor->at < 2) {
            return false;
        }
        cursor->at += 2; /* the backslash and what it escapes */
    }
}

/* Stands on the opening bracket or brace. */
static bool skip_container(struct cursor *cursor)
{
    size_t depth = 0;
    bool is_intact = true;
    do {
        go_to_structural(cursor);
        if (is_done(cursor)) {
            return false;
        }
        if (*cursor->at == '"') {
            is_intact = skip_string(cursor);
        } else if ((*cursor->at++ | 0x20) == '{') {
            depth++;
        } else {
            depth--;
        }
    } while (depth != 0 && is_intact);
    return is_intact;
}

static bool is_scalar_byte(char byte)
{
    char lower = (char)(byte | 0x20);
    return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'z') || byte == '-' ||
           byte == '+' || byte == '.';
}

static bool skip_scalar(struct cursor *cursor)
{
    const char *from = cursor->at;
    while (!is_done(cursor) && is_scalar_byte(*cursor->at)) {
        cursor->at++;
    }
    return cursor->at != from;
}

static bool skip_value(struct cursor *cursor)
{
    if (stands_on(cursor, '"')) {
        return skip_string(cursor);
    }
    if (stands_on(cursor, '{') || stands_on(cursor, '[')) {
        return skip_container(cursor);
    }
    return skip_scalar(cursor);
}

/* --- from the outside to the list ------------------------------------------------------------- */

/* Takes "key" and its colon; key is what stands between the quotes. */
static bool take_key(struct cursor *cursor, struct span *key)
{
    const char *from = cursor->at + 1;
    if (!stands_on(cursor, '"') || !skip_string(cursor)) {
        return false;
    }
    *key = (struct span){.data = from, .size = (size_t)(cursor->at - 1 - from)};
    skip_space(cursor);
    if (!take(cursor, ':')) {
        return false;
    }
    skip_space(cursor);
    return true;
}

static bool plain_key_is(struct span key, struct span token)
{
    size_t i = 0;
    size_t j = 0;
    for (; i < key.size && j < token.size; i++, j++) {
        char byte = token.data[j];
        if (byte == '~' && j + 1 < token.size) {
            j++;
            byte = token.data[j] == '1' ? '/' : '~';
        }
        if (key.data[i] != byte) {
            return false;
        }
    }
    return i == key.size && j == token.size;
}

/* token is one step of a JSON Pointer. A key may be spelled with escapes. */
static bool key_is(struct span key, struct span token)
{
    if (key.size == 0 || memchr(key.data, '\\', key.size) == NULL) {
        return plain_key_is(key, token);
    }
    struct span quoted = {.data = key.data - 1, .size = key.size + 2};
    struct json *decoded = NULL;
    if (json_parse(quoted, &decoded, NULL) != STATUS_OK) {
        return false;
    }
    bool is_same = plain_key_is(json_text(decoded), token);
    json_destroy(decoded);
    return is_same;
}

struct walk {
    struct cursor cursor;
    struct span body;
    const char *pointer; /* for messages */
    size_t depth;
    struct span key; /* the latest that was entered */
};

static enum status broken(const struct walk *walk, struct failure *why)
{
    size_t offset = (size_t)(walk->cursor.at - walk->body.data);
    if (is_done(&walk->cursor)) {
        return fail(why, STATUS_INVALID, "JSON ends too early, at byte %zu", offset);
    }
    return fail(why, STATUS_INVALID, "JSON is broken at byte %zu", offset);
}

static enum status absent(const struct walk *walk, const char *what, struct failure *why)
{
    return fail(why, STATUS_NOT_FOUND, "the answer has no %s at \"%s\"", what, walk->pointer);
}

/* Goes to the value of the member that token names. */
static enum status enter(struct walk *walk, struct span token, struct failure *why)
{
    struct cursor *cursor = &walk->cursor;
    if (!take(cursor, '{')) {
        return skip_value(cursor) ? absent(walk, "member", why) : broken(walk, why);
    }
    walk->depth++;
    skip_space(cursor);
    if (take(cursor, '}')) {
        return absent(walk, "member", why);
    }
    while (take_key(cursor, &walk->key)) {
        if (key_is(walk->key, token)) {
            return STATUS_OK;
        }
        if (!skip_value(cursor)) {
            break;
        }
        skip_space(cursor);
        if (take(cursor, '}')) {
            return absent(walk, "member", why);
        }
        if (!take(cursor, ',')) {
            break;
        }
        skip_space(cursor);
    }
    return broken(walk, why);
}

static enum status walk_to(struct walk *walk, struct span body, const char *pointer,
                           struct failure *why)
{
    *walk = (struct walk){.cursor = {.at = body.data, .end = body.data + body.size},
                          .body = body,
                          .pointer = pointer};
    if (body.size >= 3 && memcmp(body.data, "\xef\xbb\xbf", 3) == 0) {
        walk->cursor.at += 3; /* a byte order mark */
    }
    skip_space(&walk->cursor);
    enum status status = STATUS_OK;
    while (status == STATUS_OK && *pointer == '/') {
        const char *token = pointer + 1;
        pointer = strchrnul(token, '/');
        status = enter(walk, (struct span){.data = token, .size = (size_t)(pointer - token)}, why);
    }
    if (status == STATUS_OK && *pointer != '\0') {
        return absent(walk, "place", why);
    }
    return status;
}

/* There is something else than a list: a value of another kind, or no JSON. */
static enum status refuse_no_list(struct walk *walk, struct failure *why)
{
    const char *from = walk->cursor.at;
    bool is_object = stands_on(&walk->cursor, '{');
    if (!skip_value(&walk->cursor)) {
        return broken(walk, why);
    }
    struct json *value = NULL;
    struct span bytes = {.data = from, .size = (size_t)(walk->cursor.at - from)};
    bool is_json = is_object || json_parse(bytes, &value, NULL) == STATUS_OK;
    json_destroy(value);
    walk->cursor.at = from;
    return is_json ? absent(walk, "list", why) : broken(walk, why);
}

enum status slice_open(struct slicer *slicer, struct span body, const char *items_pointer,
                       struct failure *why)
{
    struct walk walk;
    enum status status = walk_to(&walk, body, items_pointer, why);
    if (status != STATUS_OK) {
        return status;
    }
    if (!take(&walk.cursor, '[')) {
        return refuse_no_list(&walk, why);
    }
    *slicer = (struct slicer){.body = body,
                              .position = (size_t)(walk.cursor.at - body.data),
                              .state = STATE_FIRST,
                              .depth = walk.depth,
                              .list_key = walk.key};
    return STATUS_OK;
}

enum status slice_find(struct span body, const char *pointer, struct span *value,
                       struct failure *why)
{
    struct walk walk;
    enum status status = walk_to(&walk, body, pointer, why);
    if (status != STATUS_OK) {
        return status;
    }
    const char *from = walk.cursor.at;
    if (!skip_value(&walk.cursor)) {
        return broken(&walk, why);
    }
    *value = (struct span){.data = from, .size = (size_t)(walk.cursor.at - from)};
    return STATUS_OK;
}

/* --- element by element ----------------------------------------------------------------------- */

/* Goes past the end of the object that the cursor is in, behind one of its members. A member that
 * is called as the list was makes it unclear which of them is the list. */
static bool leave_object(struct cursor *cursor, const struct span *list_key)
{
    for (;;) {
        skip_space(cursor);
        if (take(cursor, '}')) {
            return true;
        }
        struct span key;
        if (!take(cursor, ',')) {
            return false;
        }
        skip_space(cursor);
        if (!take_key(cursor, &key) || (list_key != NULL && span_equal(key, *list_key)) ||
            !skip_value(cursor)) {
            return false;
        }
    }
}

/* Behind the list: is the document whole? */
static enum slice_result finish(struct slicer *slicer, struct cursor *cursor)
{
    slicer->state = STATE_BROKEN;
    for (size_t i = 0; i < slicer->depth; i++) {
        if (!leave_object(cursor, i == 0 ? &slicer->list_key : NULL)) {
            return SLICE_BROKEN;
        }
    }
    skip_space(cursor);
    if (!is_done(cursor)) {
        return SLICE_BROKEN;
    }
    slicer->state = STATE_END;
    return SLICE_END;
}

static enum slice_result next_element(struct slicer *slicer, struct cursor *cursor,
                                      struct span *element)
{
    skip_space(cursor);
    if (take(cursor, ']')) {
        return finish(slicer, cursor);
    }
    bool is_separated = slicer->state == STATE_FIRST || take(cursor, ',');
    skip_space(cursor);
    const char *from = cursor->at;
    if (!is_separated || !skip_value(cursor)) {
        slicer->state = STATE_BROKEN;
        return SLICE_BROKEN;
    }
    *element = (struct span){.data = from, .size = (size_t)(cursor->at - from)};
    slicer->state = STATE_NEXT;
    slicer->element_count++;
    return SLICE_ELEMENT;
}

enum slice_result slice_next(struct slicer *slicer, struct span *element)
{
    if (slicer->state == STATE_END || slicer->state == STATE_BROKEN) {
        return slicer->state == STATE_END ? SLICE_END : SLICE_BROKEN;
    }
    struct cursor cursor = {.at = slicer->body.data + slicer->position,
                            .end = slicer->body.data + slicer->body.size};
    enum slice_result result = next_element(slicer, &cursor, element);
    slicer->position = (size_t)(cursor.at - slicer->body.data);
    return result;
}

static bool is_end_of_element(char byte)
{
    return byte == ',' || byte == ']' || byte == ' ' || byte == '\n' || byte == '\r' ||
           byte == '\t';
}

/* That these bytes are one whole value was found out when they were first cut. */
bool slice_next_known(struct slicer *slicer, size_t size, uint64_t fingerprint)
{
    struct cursor cursor = {.at = slicer->body.data + slicer->position,
                            .end = slicer->body.data + slicer->body.size};
    skip_space(&cursor);
    bool is_separated =
        slicer->state == STATE_FIRST || (slicer->state == STATE_NEXT && take(&cursor, ','));
    skip_space(&cursor);
    if (!is_separated || (size_t)(cursor.end - cursor.at) <= size ||
        !is_end_of_element(cursor.at[size]) ||
        hash64((struct span){.data = cursor.at, .size = size}) != fingerprint) {
        return false;
    }
    slicer->position = (size_t)(cursor.at - slicer->body.data) + size;
    slicer->state = STATE_NEXT;
    slicer->element_count++;
    return true;
}
