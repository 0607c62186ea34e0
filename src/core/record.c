#include "core/record.h"

#include <string.h>

static const char *const order_fields[] = {
    [ORDER_REFERENCE] = "reference",
    [ORDER_STATUS] = "status",
    [ORDER_STEP] = "step",
    [ORDER_SITE] = "site",
    [ORDER_OFFER] = "offer",
    [ORDER_REQUESTED_DATE] = "requested_date",
    [ORDER_COMMITTED_DATE] = "committed_date",
    [ORDER_COMPLETED_DATE] = "completed_date",
    [ORDER_URL] = "url",
    [ORDER_CONTACT_NAME] = "contact.name",
    [ORDER_CONTACT_PHONE] = "contact.phone",
    [ORDER_CONTACT_EMAIL] = "contact.email",
};
_Static_assert(ARRAY_COUNT(order_fields) == ORDER_FIELD_COUNT, "every order field has a name");

static const char *const appointment_fields[] = {
    [APPOINTMENT_STATUS] = "status",
    [APPOINTMENT_START] = "start",
    [APPOINTMENT_END] = "end",
    [APPOINTMENT_LOCATION] = "location",
};
_Static_assert(ARRAY_COUNT(appointment_fields) == APPOINTMENT_FIELD_COUNT,
               "every appointment field has a name");

static const char *const order_kinds[] = {
    [ORDER_UNKNOWN] = "unknown",     [ORDER_OPEN] = "open",           [ORDER_HELD] = "held",
    [ORDER_COMPLETED] = "completed", [ORDER_CANCELLED] = "cancelled", [ORDER_FAILED] = "failed",
};

static const char *const appointment_kinds[] = {
    [APPOINTMENT_UNKNOWN] = "unknown",     [APPOINTMENT_NEW] = "new",
    [APPOINTMENT_CONFIRMED] = "confirmed", [APPOINTMENT_CANCELLED] = "cancelled",
    [APPOINTMENT_COMPLETED] = "completed", [APPOINTMENT_MISSED] = "missed",
};

static const char extra_prefix[] = "extra.";
static const char contact_prefix[] = "contact.";

const char *order_field_name(enum order_field field)
{
    CHECK((size_t)field < ARRAY_COUNT(order_fields));
    return order_fields[field];
}

const char *appointment_field_name(enum appointment_field field)
{
    CHECK((size_t)field < ARRAY_COUNT(appointment_fields));
    return appointment_fields[field];
}

const char *order_kind_name(enum order_kind kind)
{
    CHECK((size_t)kind < ARRAY_COUNT(order_kinds));
    return order_kinds[kind];
}

const char *appointment_kind_name(enum appointment_kind kind)
{
    CHECK((size_t)kind < ARRAY_COUNT(appointment_kinds));
    return appointment_kinds[kind];
}

enum order_kind order_kind_named(const char *name)
{
    enum order_kind kind = ORDER_FAILED;
    while (kind != ORDER_UNKNOWN && !text_equal(order_kinds[kind], name)) {
        kind--;
    }
    return kind;
}

enum appointment_kind appointment_kind_named(const char *name)
{
    enum appointment_kind kind = APPOINTMENT_MISSED;
    while (kind != APPOINTMENT_UNKNOWN && !text_equal(appointment_kinds[kind], name)) {
        kind--;
    }
    return kind;
}

bool order_kind_is_final(enum order_kind kind)
{
    return kind == ORDER_COMPLETED || kind == ORDER_CANCELLED || kind == ORDER_FAILED;
}

bool order_field_is_date(enum order_field field)
{
    return field == ORDER_REQUESTED_DATE || field == ORDER_COMMITTED_DATE ||
           field == ORDER_COMPLETED_DATE;
}

bool order_field_is_contact(enum order_field field)
{
    return field == ORDER_CONTACT_NAME || field == ORDER_CONTACT_PHONE ||
           field == ORDER_CONTACT_EMAIL;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* True when one name of a filter covers a field: itself, or the group that it belongs to. */
static bool name_covers(const char *allowed, const char *name)
{
    return text_equal(allowed, name) ||
           (text_equal(allowed, "contact") && starts_with(name, contact_prefix)) ||
           (text_equal(allowed, "extra") && starts_with(name, extra_prefix));
}

bool field_filter_allows(const struct field_filter *filter, const char *name)
{
    if (filter->names == NULL) {
        return !text_equal(name, "contact") && !starts_with(name, contact_prefix);
    }
    if (text_equal(name, "id")) {
        return true; /* an order without its id would be of no use to anybody */
    }
    for (size_t i = 0; i < filter->count; i++) {
        if (name_covers(filter->names[i], name)) {
            return true;
        }
    }
    return false;
}

const struct appointment *record_appointment(const struct record *record, const char *id)
{
    for (size_t i = 0; i < record->appointment_count; i++) {
        if (text_equal(record->appointments[i].id, id)) {
            return &record->appointments[i];
        }
    }
    return NULL;
}

static const char *extra_value(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->extra_count; i++) {
        if (text_equal(record->extras[i].name, name)) {
            return record->extras[i].value;
        }
    }
    return NULL;
}

const char *record_value(const struct record *record, const char *name)
{
    if (text_equal(name, "id")) {
        return record->id;
    }
    if (text_equal(name, "status_kind")) {
        return order_kind_name(record->kind);
    }
    if (starts_with(name, extra_prefix)) {
        return extra_value(record, name + strlen(extra_prefix));
    }
    for (size_t i = 0; i < ARRAY_COUNT(order_fields); i++) {
        if (text_equal(order_fields[i], name)) {
            return record->fields[i];
        }
    }
    return NULL;
}
