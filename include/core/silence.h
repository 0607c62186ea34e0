/* Silences: which events are kept but not sent, for a time, by whom and why. Pure. */
#ifndef CORE_SILENCE_H
#define CORE_SILENCE_H

#include "core/route.h"

struct json;
struct json_writer;

#define SILENCES_MAX 200

struct silence {
    const char *id;
    const char *source, *order, *type; /* globs; NULL: any */
    bool has_severity;
    enum severity severity; /* this or milder: what is worse is sent */
    const struct where_rule *where;
    size_t where_count;
    bool is_all; /* on purpose without any of these */
    int64_t start_wall_ms, end_wall_ms;
    const char *author, *comment;
};

struct silence_list {
    const struct silence *items;
    size_t count;
};

/* A request for one: {"source", "order", "type", "severity", "where": {FIELD: PATTERN}, "is_all",
 * "start", "end", "author", "comment"}; texts, is_all true. Without start it begins now. Author,
 * comment, end and something to match (or is_all) are needed. STATUS_INVALID: why says what. */
enum status silence_read(const struct json *document, int64_t now_wall_ms, struct arena *arena,
                         struct silence *out, struct failure *why) MUST_CHECK;
/* The same members with id, as one object. */
void silence_write(const struct silence *silence, struct json_writer *writer, const char *name);

bool silence_is_active(const struct silence *silence, int64_t wall_ms);
/* The first active one that matches; NULL: the event is sent. */
const struct silence *silence_find(const struct silence_list *list, const struct route_facts *facts,
                                   int64_t wall_ms);

/* The whole list as bytes for the store, and back. STATUS_CORRUPT: not what was written. */
void silence_list_encode(const struct silence_list *list, struct text *out);
enum status silence_list_decode(struct span bytes, struct arena *arena, struct silence_list *out,
                                struct failure *why) MUST_CHECK;

#endif
