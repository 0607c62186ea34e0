/* JSON from outside: guarded, exact, read-only. The only module that knows cJSON. */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/base.h"

struct json; /* a node; the whole tree belongs to its root */
struct text;

#define JSON_DEPTH_MAX 32
#define JSON_VALUE_MAX 262144 /* in one document; a tree of them is some 25 MiB */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_LIST, JSON_OBJECT };

/* Strict RFC 8259: valid UTF-8, no lone surrogates, no duplicate keys, nothing after the value,
 * depth at most JSON_DEPTH_MAX. \u0000 inside a string reads as U+FFFD. A byte order mark is
 * skipped. STATUS_INVALID names the byte offset or the key that is there twice; STATUS_TOO_LARGE:
 * too deep, or too many values. Any thread. */
enum status json_parse(struct span bytes, struct json **out, struct failure *why) MUST_CHECK;
void json_destroy(struct json *root); /* NULL is fine */

enum json_kind json_kind(const struct json *node);
/* A string's bytes; a number in canonical decimal spelling, exact at any size (1.0, 1 and 1e0 are
 * "1"); "true", "false"; empty for null, lists and objects. Valid while the tree lives. */
struct span json_text(const struct json *node);

/* All accept NULL and then give NULL, so look-ups chain. */
const struct json *json_member(const struct json *object, const char *name); /* case-sensitive */
const struct json *json_at(const struct json *root, const char *pointer);    /* RFC 6901 */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *node); /* the next in the same container */
const char *json_key(const struct json *member);       /* NULL in lists */
size_t json_count(const struct json *container);

/* Canonical text: keys sorted, no white space, numbers as json_text. */
void json_add(struct text *out, const struct json *node);

/* Convenience for our own documents: NULL or the fallback where it is absent or of another kind. */
const char *json_member_text(const struct json *object, const char *name);
int64_t json_member_integer(const struct json *object, const char *name, int64_t fallback);
bool json_member_true(const struct json *object, const char *name);

#endif
