/* What can go wrong at an API, on demand: each fault applies to some requests, some times. */
#ifndef SIMULATOR_FAULT_H
#define SIMULATOR_FAULT_H

#include "core/node.h"

enum fault_kind {
    FAULT_STATUS,      /* answers `code` with the API's error body, in the form of `body`, and, if
                          given, `retry_after` */
    FAULT_HTML,        /* 200 with a web page */
    FAULT_TRUNCATED,   /* the connection ends in the middle of the body */
    FAULT_CUT,         /* a body that is well framed, but stops in the middle of its JSON */
    FAULT_DEEP,        /* 100,000 nested lists */
    FAULT_BIG,         /* a body of `bytes` (default 50 MB) */
    FAULT_GZIP_BOMB,   /* a small body that unpacks to 200 MB */
    FAULT_SLOW,        /* one byte a second */
    FAULT_HANG,        /* no answer at all */
    FAULT_DROP,        /* the connection is closed without an answer */
    FAULT_REDIRECT,    /* 302 to `location` */
    FAULT_EMPTY,       /* 200 with no orders */
    FAULT_TOTAL,       /* the total header is off by `by` */
    FAULT_ENDLESS,     /* every page is full, for ever */
    FAULT_REPEAT_PAGE, /* every page is the first page */
    FAULT_DUPLICATE,   /* each page begins with the last element of the one before */
    FAULT_SHIFT,       /* each page but the first skips an element */
    FAULT_SHORT,       /* each page ends `by` elements early, the total is right */
    FAULT_EXPIRES_IN,  /* token replies say expires_in `value`, as it is written */
    FAULT_KIND_COUNT,
};

enum fault_place { PLACE_ANY, PLACE_TOKEN, PLACE_ORDERS, PLACE_DETAIL, PLACE_APPOINTMENTS };

struct fault {
    enum fault_kind kind;
    enum fault_place place;
    long
        remaining; /* requests it still applies to; 0 in a scenario means until cleared: LONG_MAX */
    int http_code;
    int api_code; /* of the error body; 0: the usual one of http_code */
    char *retry_after;
    char *location;
    char *value;
    char *body; /* plain, text, list, tmf, oauth, html, empty */
    long by;
    size_t bytes;
};

struct fault_list;

struct fault_list *fault_list_create(void);
void fault_list_destroy(struct fault_list *faults);
/* {kind, on, count, code, …}; false with one line in why. */
enum status fault_list_add(struct fault_list *faults, const struct node *description,
                           struct failure *why) MUST_CHECK;
void fault_list_clear(struct fault_list *faults);
/* The first fault that applies to a request at place, or NULL; it counts as used. Valid until the
 * next call. */
const struct fault *fault_list_take(struct fault_list *faults, enum fault_place place);
const char *fault_kind_name(enum fault_kind kind);

#endif
