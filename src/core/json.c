#include "core/json.h"

#include "core/arena.h"
#include "core/text.h"
#include "core/utf8.h"

#include "json_number.h"
#include "json_scan.h"

#include <cJSON.h>

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* cJSON's own reading is not exact enough: its numbers are doubles, it takes bytes that are not
 * UTF-8, and a NUL cuts its strings. So json_scan proves the bytes first and neutralises a copy;
 * cJSON only builds the tree, and the numbers get their exact text in valuestring. */

#define SMALL_OBJECT 32 /* comparing all pairs is cheaper than sorting */

/* A tree stands in an arena of its own and goes with it, not node by node. */
struct tree {
    struct arena *arena;
    cJSON root; /* its address is what callers know */
};

/* cJSON's hooks do not say for which tree they ask. */
/* NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables) */
static _Thread_local struct arena *arena_of_build;

static void *take(size_t size)
{
    return arena_alloc(arena_of_build, size);
}

static void give_back(void *memory)
{
    (void)memory;
}

static void set_hooks(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take, .free_fn = give_back});
}

static const cJSON *node_of(const struct json *node)
{
    return (const cJSON *)node;
}

static const struct json *json_of(const cJSON *node)
{
    return (const struct json *)node;
}

static size_t child_count(const cJSON *container)
{
    size_t count = 0;
    for (const cJSON *child = container->child; child != NULL; child = child->next) {
        count++;
    }
    return count;
}

static int compare_keys(const void *left, const void *right)
{
    const cJSON *const *a = left;
    const cJSON *const *b = right;
    return strcmp((*a)->string, (*b)->string);
}

/* The caller frees. */
static const cJSON **sorted_members(const cJSON *object, size_t *count)
{
    *count = child_count(object);
    const cJSON **members = alloc_array(*count, sizeof(const cJSON *));
    size_t i = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        members[i++] = child;
    }
    qsort(members, *count, sizeof(const cJSON *), compare_keys);
    return members;
}

static bool is_same_text(const char *left, const char *right)
{
    return left[0] == right[0] && strcmp(left, right) == 0;
}

static bool is_repeated(const cJSON *member)
{
    const cJSON *other = member->next;
    while (other != NULL && !is_same_text(member->string, other->string)) {
        other = other->next;
    }
    return other != NULL;
}

static const char *duplicate_of_few(const cJSON *object)
{
    const cJSON *member = object->child;
    while (member != NULL && !is_repeated(member)) {
        member = member->next;
    }
    return member != NULL ? member->string : NULL;
}

static const char *duplicate_of_many(const cJSON *object)
{
    size_t count = 0;
    const cJSON **members = sorted_members(object, &count);
    const char *duplicate = NULL;
    for (size_t i = 1; i < count && duplicate == NULL; i++) {
        if (compare_keys(&members[i - 1], &members[i]) == 0) {
            duplicate = members[i]->string;
        }
    }
    free(members);
    return duplicate;
}

static enum status check_keys(const cJSON *object, struct failure *why)
{
    const char *duplicate =
        child_count(object) <= SMALL_OBJECT ? duplicate_of_few(object) : duplicate_of_many(object);
    if (duplicate == NULL) {
        return STATUS_OK;
    }
    struct text shown;
    text_init(&shown, 64);
    utf8_add_clean_line(&shown, span_of(duplicate), 60);
    enum status status =
        fail(why, STATUS_INVALID, "JSON has the key \"%s\" twice in one object", text_cstr(&shown));
    text_fini(&shown);
    return status;
}

/* Gives the numbers, which are next in the document, their text and refuses duplicate keys. It
 * calls itself as deep as the document is nested: at most JSON_DEPTH_MAX. */
static enum status complete(cJSON *node, const char *document,
                            const struct scanned_number **numbers, struct failure *why)
{
    if (cJSON_IsNumber(node)) {
        const struct scanned_number *number = *numbers;
        struct span spelt = {.data = document + number->position, .size = number->size};
        node->valuestring = json_number_canonical(spelt, arena_of_build);
        *numbers = number->next;
    }
    if (cJSON_IsObject(node) && check_keys(node, why) != STATUS_OK) {
        return STATUS_INVALID;
    }
    for (cJSON *child = node->child; child != NULL; child = child->next) {
        if (complete(child, document, numbers, why) != STATUS_OK) {
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

static bool has_byte_order_mark(struct span bytes)
{
    return bytes.size >= 3 && memcmp(bytes.data, "\xef\xbb\xbf", 3) == 0;
}

static enum status build(struct span bytes, char *copy, struct tree *tree, struct failure *why)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CHECK(pthread_once(&once, set_hooks) == 0);
    size_t from = has_byte_order_mark(bytes) ? 3 : 0;
    const struct scanned_number *numbers = NULL;
    enum status status = json_scan(copy, bytes.size, from, tree->arena, &numbers, why);
    if (status != STATUS_OK) {
        return status;
    }
    arena_of_build = tree->arena;
    const cJSON *root = cJSON_ParseWithLengthOpts(copy + from, bytes.size - from + 1, NULL, 0);
    if (root == NULL) {
        return fail(why, STATUS_INVALID, "JSON of %zu bytes was refused by its reader", bytes.size);
    }
    tree->root = *root;
    return complete(&tree->root, bytes.data, &numbers, why);
}

/* The trees of orders take six to eight times their bytes. */
static size_t first_block_size(size_t document_size)
{
    return 512 + 8 * (document_size < 4096 ? document_size : 4096);
}

enum status json_parse(struct span bytes, struct json **out, struct failure *why)
{
    struct arena *arena = arena_create_small(first_block_size(bytes.size));
    struct tree *tree = arena_alloc(arena, sizeof *tree);
    tree->arena = arena;
    char *copy = alloc(bytes.size + 1);
    if (bytes.size != 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    enum status status = build(bytes, copy, tree, why);
    free(copy);
    if (status == STATUS_OK) {
        *out = (struct json *)&tree->root;
    } else {
        arena_destroy(arena);
    }
    return status;
}

void json_destroy(struct json *root)
{
    if (root != NULL) {
        const void *tree = (const char *)root - offsetof(struct tree, root);
        arena_destroy(((const struct tree *)tree)->arena);
    }
}

enum json_kind json_kind(const struct json *node)
{
    switch (node_of(node)->type & 0xff) {
    case cJSON_NULL:
        return JSON_NULL;
    case cJSON_True:
    case cJSON_False:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_LIST;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        CHECK(!"a kind of node that is never built");
    }
}

struct span json_text(const struct json *node)
{
    const cJSON *item = node_of(node);
    if (cJSON_IsBool(item)) {
        return span_of(cJSON_IsTrue(item) ? "true" : "false");
    }
    return span_of(item->valuestring != NULL ? item->valuestring : "");
}

const struct json *json_member(const struct json *object, const char *name)
{
    if (object == NULL || json_kind(object) != JSON_OBJECT) {
        return NULL;
    }
    const cJSON *member = node_of(object)->child;
    while (member != NULL && !is_same_text(member->string, name)) {
        member = member->next;
    }
    return json_of(member);
}

/* Compares a key with one token of a pointer, where ~1 stands for / and ~0 for ~. */
static bool key_is_token(const char *key, struct span token)
{
    size_t i = 0;
    for (; *key != '\0' && i < token.size; key++, i++) {
        char byte = token.data[i];
        if (byte == '~' && i + 1 < token.size) {
            i++;
            byte = token.data[i] == '1' ? '/' : '~';
        }
        if (*key != byte) {
            return false;
        }
    }
    return *key == '\0' && i == token.size;
}

static bool read_index(struct span token, size_t *out)
{
    if (token.size == 0 || token.size > 9 || (token.size > 1 && token.data[0] == '0')) {
        return false;
    }
    size_t index = 0;
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] < '0' || token.data[i] > '9') {
            return false;
        }
        index = index * 10 + (size_t)(token.data[i] - '0');
    }
    *out = index;
    return true;
}

static const cJSON *item_at(const cJSON *list, struct span token)
{
    size_t index = 0;
    if (!read_index(token, &index)) {
        return NULL;
    }
    const cJSON *item = list->child;
    while (item != NULL && index-- != 0) {
        item = item->next;
    }
    return item;
}

static const cJSON *child_at(const cJSON *container, struct span token)
{
    if (cJSON_IsArray(container)) {
        return item_at(container, token);
    }
    const cJSON *member = container->child;
    while (member != NULL && !key_is_token(member->string, token)) {
        member = member->next;
    }
    return member;
}

const struct json *json_at(const struct json *root, const char *pointer)
{
    const cJSON *node = node_of(root);
    while (node != NULL && *pointer == '/') {
        const char *token = pointer + 1;
        pointer = strchrnul(token, '/');
        node = child_at(node, (struct span){.data = token, .size = (size_t)(pointer - token)});
    }
    return *pointer == '\0' ? json_of(node) : NULL;
}

const struct json *json_first(const struct json *container)
{
    return container != NULL ? json_of(node_of(container)->child) : NULL;
}

const struct json *json_next(const struct json *node)
{
    return node != NULL ? json_of(node_of(node)->next) : NULL;
}

const char *json_key(const struct json *member)
{
    return member != NULL ? node_of(member)->string : NULL;
}

size_t json_count(const struct json *container)
{
    return container != NULL ? child_count(node_of(container)) : 0;
}

static void add_list(struct text *out, const cJSON *list)
{
    text_add_char(out, '[');
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        json_add(out, json_of(item));
        if (item->next != NULL) {
            text_add_char(out, ',');
        }
    }
    text_add_char(out, ']');
}

static void add_object(struct text *out, const cJSON *object)
{
    size_t count = 0;
    const cJSON **members = sorted_members(object, &count);
    text_add_char(out, '{');
    for (size_t i = 0; i < count; i++) {
        if (i != 0) {
            text_add_char(out, ',');
        }
        text_add_json_text(out, members[i]->string);
        text_add_char(out, ':');
        json_add(out, json_of(members[i]));
    }
    text_add_char(out, '}');
    free(members);
}

void json_add(struct text *out, const struct json *node)
{
    switch (json_kind(node)) {
    case JSON_NULL:
        text_add_text(out, "null");
        return;
    case JSON_BOOL:
    case JSON_NUMBER:
        text_add(out, json_text(node));
        return;
    case JSON_STRING:
        text_add_json_string(out, json_text(node));
        return;
    case JSON_LIST:
        add_list(out, node_of(node));
        return;
    case JSON_OBJECT:
        add_object(out, node_of(node));
        return;
    }
}

static const struct json *member_of_kind(const struct json *object, const char *name,
                                         enum json_kind kind)
{
    const struct json *member = json_member(object, name);
    return member != NULL && json_kind(member) == kind ? member : NULL;
}

const char *json_member_text(const struct json *object, const char *name)
{
    const struct json *member = member_of_kind(object, name, JSON_STRING);
    return member != NULL ? node_of(member)->valuestring : NULL;
}

int64_t json_member_integer(const struct json *object, const char *name, int64_t fallback)
{
    const struct json *member = member_of_kind(object, name, JSON_NUMBER);
    if (member == NULL) {
        return fallback;
    }
    char *end = NULL;
    errno = 0;
    long long value = strtoll(node_of(member)->valuestring, &end, 10);
    return *end == '\0' && errno == 0 ? value : fallback;
}

bool json_member_true(const struct json *object, const char *name)
{
    const struct json *member = member_of_kind(object, name, JSON_BOOL);
    return member != NULL && cJSON_IsTrue(node_of(member));
}
