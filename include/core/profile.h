/* An API as data: where its collections, pages and fields are, and what its words mean. */
#ifndef CORE_PROFILE_H
#define CORE_PROFILE_H

#include "core/node.h"
#include "core/record.h"

enum paging_kind { PAGING_NONE, PAGING_OFFSET, PAGING_PAGE, PAGING_LINK, PAGING_CURSOR };

struct paging {
    enum paging_kind kind;
    const char *offset_parameter; /* offset: "offset"; page: "page"; cursor: "cursor" */
    const char *limit_parameter;  /* "limit"; NULL: none is sent */
    int first_page;               /* page: the number of the first page, 0 or 1 */
    const char *cursor_pointer;   /* cursor: where the next cursor is in the body */
    const char *total_header;     /* X-Total-Count; NULL: none */
    const char *total_pointer;    /* where the total is in the body; NULL: not there */
    uint32_t page_size;           /* default elements a page; the source's `page` overrides */
};

/* JSON Pointers in order of preference; the first that gives a value wins. A "-" segment stands for
 * every element of a list (/productOrderItem/-/appointment). */
struct candidates {
    const char *const *pointers;
    size_t count;
};

/* A collection: one list resource of the API. */
struct collection {
    const char *path;          /* below base_url, with its fixed query: /orders?status=Current */
    const char *detail_path;   /* /orders/{id}; NULL: there is none */
    const char *items_pointer; /* where the list is in a page; "" = the page itself */
    struct paging paging;
};

/* A status text compared by profile_key_of, and what it means. */
struct status_meaning {
    const char *key; /* normalised: lower case, letters and digits only */
    int kind;        /* enum order_kind or enum appointment_kind */
};

struct status_table {
    const struct status_meaning *meanings;
    size_t count;
};

struct watched_field { /* an extra field: extra.NAME in the record */
    const char *name;
    struct candidates where;
};

struct profile {
    const char *name;
    const char *description;
    uint64_t fingerprint; /* of the document; another value re-baselines */
    const char *accept;   /* Accept header; default application/json */

    struct collection orders;
    bool has_appointments_collection; /* else nested in their order, by appointments */
    struct collection appointments;

    struct candidates order_id;
    /* An empty one: this API has it not. Those of ORDER_CONTACT_ fields are below contact. */
    struct candidates order_fields[ORDER_FIELD_COUNT];
    struct candidates contact; /* the object; without one, the order itself */
    struct candidates notes;   /* a list, or one note */
    struct candidates note_id, note_date, note_author, note_text; /* below a note */
    /* Below an order: a list, or one appointment. "" is the order itself (TMF646). */
    struct candidates order_appointments;
    struct candidates appointment_id; /* below an appointment */
    struct candidates appointment_fields[APPOINTMENT_FIELD_COUNT];
    struct candidates appointment_order_id; /* own collection only: the id of its order */

    struct status_table order_statuses;
    struct status_table appointment_statuses;
    const struct watched_field *watch;
    size_t watch_count;
    const struct watched_field *appointment_watch;
    size_t appointment_watch_count;
    const char *const *ignore; /* names of members that never count as novelty */
    size_t ignore_count;
    /* The members of an order or an appointment that some pointer begins with, each once. */
    const struct span *names;
    size_t name_count;

    struct arena *arena; /* owns all of the above */
};

/* Builds a profile from its document; every problem of the document goes to problems.
 * STATUS_INVALID when there was an error. The caller owns *out. */
enum status profile_create(const struct node *document, const char *name,
                           struct problem_list *problems, struct profile **out) MUST_CHECK;
void profile_destroy(struct profile *profile); /* NULL is fine */

enum order_kind profile_order_kind(const struct profile *profile, const char *status);
enum appointment_kind profile_appointment_kind(const struct profile *profile, const char *status);

#endif
