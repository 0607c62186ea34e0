/* One value out of an element, by its candidates: found, checked, cleaned, made canonical. */
#ifndef CORE_EXTRACT_FIELD_H
#define CORE_EXTRACT_FIELD_H

#include "core/extract.h"

struct json;
struct text;

#define NOVELTY_COUNT_MAX 16 /* of one element; the same ones come back with the next */

struct extracting {
    const struct extractor *extractor;
    struct arena *arena;
    const char *scope; /* order, appointment: the first word of a novelty's key */
    struct novelty *novelties;
    size_t novelty_count;
    bool is_status_no_text; /* the latest SHAPE_STATUS: told already as of another type */
};

struct extracting extracting_begin(const struct extractor *extractor, const char *scope,
                                   struct arena *arena);
/* The sample is cleaned and shortened. A key that is there already is not added again. */
void extracting_add_novelty(struct extracting *work, enum novelty_kind kind, const char *key,
                            struct span sample);

enum field_shape {
    SHAPE_TEXT,   /* a line: text or number, or an object that has a name */
    SHAPE_STATUS, /* a word: text, or an object that has a name */
    SHAPE_DATE,   /* text */
    SHAPE_BLOCK,  /* text with line breaks */
    SHAPE_ANY,    /* whatever it is: lists and objects as canonical JSON */
};

struct field_rule {
    const char *name; /* for novelties; NULL: another shape is no news */
    enum field_shape shape;
};

/* The first candidate's value, NULL if there is none. *is_found (may be NULL) is set when a member
 * was there, even without a value. */
const char *extract_value(struct extracting *work, const struct json *root,
                          const struct candidates *where, const struct field_rule *rule,
                          bool *is_found);

/* The candidate that gives a value, whatever its shape; NULL: none. */
const char *extract_matched(struct extracting *work, const struct json *root,
                            const struct candidates *where);

/* A true id: its bytes as they are; numbers in canonical spelling. NULL: none, or one that is too
 * long (*is_too_long). */
const char *extract_id(struct extracting *work, const struct json *root,
                       const struct candidates *where, bool *is_too_long);

/* The elements of the first candidate that has any: of a list its elements, else the node itself;
 * over all lists that a "-" walks. */
size_t extract_elements(struct extracting *work, const struct json *root,
                        const struct candidates *where, const struct json *const **out);

/* What a profile watches besides, sorted by name. */
const struct extra *extract_extras(struct extracting *work, const struct json *root,
                                   const struct watched_field *watch, size_t watch_count,
                                   size_t *out_count);

/* extract_composite.c: a list or an object as JSON whose bytes are the same where it means the
 * same: keys sorted, without what is null or empty and what the profile ignores, lists whose
 * elements have an "id" sorted by it, instants in UTC. Nothing is added where nothing is left. */
void extract_add_composite(const struct extracting *work, const struct json *node,
                           struct text *out);
/* Date, T and time of day: as an instant in UTC. False: it is another text. */
bool extract_add_instant(const struct extracting *work, struct span text, struct text *out);

/* extract_alike.c: members that nobody reads, named almost like one that is read. */
void extract_report_alike(struct extracting *work, const struct json *object);

/* extract_appointment.c: one appointment; its id is NULL if it has none. */
struct appointment extract_one_appointment(struct extracting *work, const struct json *node);
/* All appointments nested in an order, each with an id of its own, sorted by it. */
void extract_nested_appointments(struct extracting *work, const struct json *order,
                                 struct record *out);

#endif
