/* Reads a map of nodes into a struct by a table of keys, and prints it back as YAML. */
#ifndef CORE_WALKER_H
#define CORE_WALKER_H

#include "core/node.h"

struct arena;
struct config_loader;
struct text;

struct walker {
    struct problem_list *problems;
    struct arena *arena;                /* owns what is read */
    const struct config_loader *loader; /* NULL: no key of the shape needs one */
    char path[256];                     /* of the value at hand: sources[0].oauth2.token_url */
    size_t path_size;
};

enum key_kind {
    KEY_TEXT,      /* const char * */
    KEY_PATH,      /* const char *: a relative one is relative to the document's folder */
    KEY_FILE,      /* const char *: the same, and it can be read now */
    KEY_DURATION,  /* int64_t, ms */
    KEY_SIZE,      /* size_t, bytes */
    KEY_COUNT,     /* uint32_t */
    KEY_PERCENT,   /* uint32_t */
    KEY_RATE,      /* struct rate */
    KEY_CHOICE,    /* int or an enum: the value of one of words */
    KEY_SWITCH,    /* bool: the value of one of words, or on and off */
    KEY_DATE,      /* struct date, a plain day */
    KEY_SECRET,    /* const struct secret *, written as NAME or as NAME_file */
    KEY_ZONE,      /* const struct zone * */
    KEY_TEXTS,     /* const char *const *, and a size_t count; one text may stand for the list */
    KEY_DURATIONS, /* const int64_t *, and a size_t count; the same */
    KEY_MAP,       /* a struct in its place, by shape */
    KEY_MAPS,      /* an array of structs by shape, and a size_t count */
    KEY_CUSTOM,    /* whatever read makes of it */
    KEY_KIND_COUNT
};

/* Of lists of texts and of durations: a pointer or an int64_t. */
#define WALKER_ELEMENT_SIZE sizeof(int64_t)
_Static_assert(sizeof(const char *) == WALKER_ELEMENT_SIZE, "a list has one element size");

struct word {
    const char *text;
    int value;
};

struct key {
    const char *name;
    enum key_kind kind;
    size_t offset;       /* of the field; KEY_CUSTOM: none, read gets the whole struct */
    size_t count_offset; /* of the count, for lists */
    bool is_required;
    const char *initial; /* what an absent key means, as it would be written; NULL: zero.
                          * For a map "{}": walked as an empty one. */
    int64_t min, max;    /* of numbers and durations, and of the count of a list; max 0: none */
    const struct word *words; /* ends with a NULL text */
    const struct shape *shape;
    const char *accepted;                   /* the end of a message: what would be right */
    const char *(*fault)(const char *text); /* of texts: what is wrong with it; NULL: nothing */
    void (*read)(struct walker *walker, const struct node *node, void *target);
    /* Custom: writes the value; what it does not write is not shown. Context is walker_print's. */
    void (*print)(const void *source, const void *context, struct text *out);
    bool (*is_set)(const void *field); /* of maps: it is there, so print it; NULL: it always is */
    /* Custom: both structs mean the same by it; NULL: what print writes is all there is. */
    bool (*is_same)(const void *left, const void *right);
};

struct shape {
    const struct key *keys;
    size_t count;
    size_t size; /* of the struct */
    /* Once all keys are read: what several of them decide together. */
    void (*finish)(struct walker *walker, const struct node *map, void *target);
};

/* Problems go to walker->problems; what is wrong keeps its zero in target. */
void walker_read(struct walker *walker, const struct shape *shape, const struct node *map,
                 void *target);
void walker_print(const struct shape *shape, const void *source, const void *context,
                  struct text *out);

/* For custom readers. */
size_t walker_enter(struct walker *walker, const char *key); /* gives what walker_leave wants */
size_t walker_enter_index(struct walker *walker, size_t index);
/* The same, but one text that stands for a list has the list's path. */
size_t walker_enter_entry(struct walker *walker, const struct node *list, size_t index);
void walker_leave(struct walker *walker, size_t path_size);
/* True if it is a text of one line; else the problem is told, here or before. */
bool walker_is_text(struct walker *walker, const struct node *node, const char *accepted);
/* The value as a message may show it: quoted and cut, or not at all if it came from a variable. */
const char *walker_shown(struct walker *walker, const struct node *node);
/* Counts the entries of a list; a text counts as a list of one. False: the problem is told. */
bool walker_list_size(struct walker *walker, const struct node *node, const char *accepted,
                      size_t *out);
const struct node *walker_list_first(const struct node *list);
/* ; did you mean …? accepted are … */
const char *walker_choices(struct walker *walker, const char *wrong, const char *const *words,
                           size_t count);
/* The name of something shipped, or the path of a file of one's own: what has a slash or the
 * suffix. A path that is returned has a slash. */
const char *walker_name_or_path(struct walker *walker, const struct node *node, const char *suffix);
/* A relative path as seen from the folder of the file that names it. */
const char *walker_file_path(struct walker *walker, const struct node *node);
/* One value by its key, lists and maps too; the key's offset counts from target. */
void walker_read_value(struct walker *walker, const struct key *key, const struct node *node,
                       void *target);
void walker_set_pointer(void *field, const void *value); /* whatever it points to */
/* Reads the scalar kinds; shared between the walker's own files. */
void walker_read_scalar(struct walker *walker, const struct key *key, const struct node *node,
                        void *field);

void print_yaml_scalar(struct text *out, const char *scalar); /* quoted where it must be */

#endif
