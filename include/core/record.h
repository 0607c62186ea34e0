/* The canonical order with its appointments: what the API's answer means, free of its spelling. */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "core/base.h"

struct arena;
struct json;
struct text;

enum order_kind {
    ORDER_UNKNOWN,
    ORDER_OPEN,
    ORDER_HELD,
    ORDER_COMPLETED,
    ORDER_CANCELLED,
    ORDER_FAILED
};

enum appointment_kind {
    APPOINTMENT_UNKNOWN,
    APPOINTMENT_NEW,
    APPOINTMENT_CONFIRMED,
    APPOINTMENT_CANCELLED,
    APPOINTMENT_COMPLETED,
    APPOINTMENT_MISSED,
};

enum order_field {
    ORDER_REFERENCE,
    ORDER_STATUS,
    ORDER_STEP,
    ORDER_SITE,
    ORDER_OFFER,
    ORDER_REQUESTED_DATE,
    ORDER_COMMITTED_DATE,
    ORDER_COMPLETED_DATE,
    ORDER_URL,
    ORDER_CONTACT_NAME,
    ORDER_CONTACT_PHONE,
    ORDER_CONTACT_EMAIL,
    ORDER_FIELD_COUNT
};

enum appointment_field {
    APPOINTMENT_STATUS,
    APPOINTMENT_START,
    APPOINTMENT_END,
    APPOINTMENT_LOCATION, /* where it is, if the API says so; else the order's site counts */
    APPOINTMENT_FIELD_COUNT
};

struct extra { /* a field that the profile watches besides the canonical ones */
    const char *name;
    const char *value; /* canonical text; a list or object as canonical JSON */
};

struct note {
    const char *id, *date, *author, *text; /* each NULL if absent */
};

struct appointment {
    const char *id; /* never NULL; made from content where the API gives none */
    const char *fields[APPOINTMENT_FIELD_COUNT]; /* NULL if absent */
    enum appointment_kind kind;
    const struct extra *extras; /* sorted by name */
    size_t extra_count;
    bool is_nameless; /* just read, and its id is made: n1, n2, … by its place in the answer */
};

/* All strings are UTF-8, NFC, at most 4 KiB (longer ones are cut with a mark), NULL if absent;
 * dates are canonical (date.h) or, where unreadable, the text as it is. Lists are sorted by id. */
struct record {
    const char *id; /* at most 1 KiB; leading zeros and all */
    const char *fields[ORDER_FIELD_COUNT];
    enum order_kind kind;
    const struct note *notes; /* the latest NOTE_COUNT_MAX, oldest first */
    size_t note_count;
    size_t older_note_count; /* notes beyond those kept */
    const struct extra *extras;
    size_t extra_count;
    const struct appointment *appointments;
    size_t appointment_count;
};

#define NOTE_COUNT_MAX 20
#define RECORD_TEXT_MAX 4096
#define RECORD_ID_MAX 1024
#define APPOINTMENT_COUNT_MAX 64 /* further ones are left out and logged */

const char *order_field_name(enum order_field field); /* reference, status, … contact.name */
const char *appointment_field_name(enum appointment_field field); /* status, start, end, location */
const char *order_kind_name(enum order_kind kind); /* open held completed … unknown */
const char *appointment_kind_name(enum appointment_kind kind);
enum order_kind order_kind_named(const char *name); /* of another name, or NULL: unknown */
enum appointment_kind appointment_kind_named(const char *name);
bool order_kind_is_final(enum order_kind kind); /* completed, cancelled, failed */
bool order_field_is_date(enum order_field field);
bool order_field_is_contact(enum order_field field);

/* The record as the store keeps it: equal records give equal bytes. */
void record_encode(const struct record *record, struct text *out);
/* Everything in *out lives in arena. STATUS_CORRUPT: these are not bytes that record_encode made,
 * nor the JSON that earlier versions kept. */
enum status record_decode(struct span bytes, struct arena *arena, struct record *out,
                          struct failure *why) MUST_CHECK;
bool record_is_packed(struct span bytes); /* false: JSON, if anything */
/* What record_add_order wrote, and the appointments that the store's JSON had beside it. */
enum status record_read_json(struct span bytes, struct arena *arena, struct record *out,
                             struct failure *why) MUST_CHECK;

/* Which fields leave for a sink: the default is all but contact. */
struct field_filter {
    const char *const
        *names; /* NULL: the default. Names as in data.order: id reference … extra.NAME */
    size_t count;
};

bool field_filter_allows(const struct field_filter *filter,
                         const char *name); /* "contact.name" too */
/* data.order and data.appointment of an event, and the retained state payloads. */
void record_add_order(const struct record *record, const struct field_filter *filter,
                      struct text *out);
void record_add_appointment(const struct appointment *appointment, struct text *out);
void record_add_contact(const struct record *record, struct text *out); /* {…}; nothing if none */

const struct appointment *record_appointment(const struct record *record,
                                             const char *id); /* NULL */
/* The value that a route's `where` or a `watch` names: site, status_kind, extra.X …; NULL if
 * absent. */
const char *record_value(const struct record *record, const char *name);

#endif
