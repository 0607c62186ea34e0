/* A profile of orders, written by hand, for tests of what comes after it. */
#ifndef TESTS_SUPPORT_ORDER_PROFILE_H
#define TESTS_SUPPORT_ORDER_PROFILE_H

#include "core/profile.h"

#define CANDIDATES(...)                                                                            \
    {                                                                                              \
        .pointers = (const char *const[]){__VA_ARGS__},                                            \
        .count = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)                 \
    }

static const struct status_meaning world_order_meanings[] = {
    {"acknowledged", ORDER_OPEN},   {"inprogress", ORDER_OPEN},     {"held", ORDER_HELD},
    {"pending", ORDER_HELD},        {"completed", ORDER_COMPLETED}, {"closed", ORDER_COMPLETED},
    {"cancelled", ORDER_CANCELLED}, {"rejected", ORDER_CANCELLED},  {"failed", ORDER_FAILED},
};
static const struct status_meaning world_appointment_meanings[] = {
    {"initialized", APPOINTMENT_NEW},     {"confirmed", APPOINTMENT_CONFIRMED},
    {"cancelled", APPOINTMENT_CANCELLED}, {"completed", APPOINTMENT_COMPLETED},
    {"missed", APPOINTMENT_MISSED},       {"failed", APPOINTMENT_MISSED},
};

static const struct watched_field world_watch[] = {
    {"speed", CANDIDATES("/speed")},
    {"options", CANDIDATES("/options")},
};

#define NAME(text)                                                                                 \
    {                                                                                              \
        .data = (text), .size = sizeof(text) - 1                                                   \
    }
static const struct span world_names[] = {
    NAME("id"),
    NAME("customerReference"),
    NAME("reference"),
    NAME("status"),
    NAME("state"),
    NAME("step"),
    NAME("site"),
    NAME("offer"),
    NAME("requestedDate"),
    NAME("committedDate"),
    NAME("completedDate"),
    NAME("url"),
    NAME("contact"),
    NAME("notes"),
    NAME("note"),
    NAME("appointments"),
    NAME("items"),
    NAME("orderId"),
    NAME("related"),
    NAME("start"),
    NAME("validFor"),
    NAME("end"),
    NAME("location"),
    NAME("speed"),
    NAME("options"),
};

static const char *const world_ignored[] = {"lastUpdate", "links"};

static const struct profile world_profile = {
    .name = "test",
    .order_id = CANDIDATES("/id"),
    .order_fields =
        {
            [ORDER_REFERENCE] = CANDIDATES("/customerReference", "/reference"),
            [ORDER_STATUS] = CANDIDATES("/status", "/state"),
            [ORDER_STEP] = CANDIDATES("/step"),
            [ORDER_SITE] = CANDIDATES("/site/name", "/site"),
            [ORDER_OFFER] = CANDIDATES("/offer", "/offer/name"),
            [ORDER_REQUESTED_DATE] = CANDIDATES("/requestedDate"),
            [ORDER_COMMITTED_DATE] = CANDIDATES("/committedDate"),
            [ORDER_COMPLETED_DATE] = CANDIDATES("/completedDate"),
            [ORDER_URL] = CANDIDATES("/url"),
            [ORDER_CONTACT_NAME] = CANDIDATES("/name"),
            [ORDER_CONTACT_PHONE] = CANDIDATES("/phone"),
            [ORDER_CONTACT_EMAIL] = CANDIDATES("/email"),
        },
    .contact = CANDIDATES("/contact"),
    .notes = CANDIDATES("/notes", "/note"),
    .note_id = CANDIDATES("/id"),
    .note_date = CANDIDATES("/date"),
    .note_author = CANDIDATES("/author"),
    .note_text = CANDIDATES("/text"),
    .order_appointments = CANDIDATES("/appointments", "/items/-/appointment"),
    .appointment_id = CANDIDATES("/id"),
    .appointment_fields =
        {
            [APPOINTMENT_STATUS] = CANDIDATES("/status"),
            [APPOINTMENT_START] = CANDIDATES("/start", "/validFor/startDateTime"),
            [APPOINTMENT_END] = CANDIDATES("/end", "/validFor/endDateTime"),
            [APPOINTMENT_LOCATION] = CANDIDATES("/location"),
        },
    .appointment_order_id = CANDIDATES("/orderId", "/related/-/id"),
    .order_statuses = {world_order_meanings, ARRAY_COUNT(world_order_meanings)},
    .appointment_statuses = {world_appointment_meanings, ARRAY_COUNT(world_appointment_meanings)},
    .watch = world_watch,
    .watch_count = ARRAY_COUNT(world_watch),
    .ignore = world_ignored,
    .ignore_count = ARRAY_COUNT(world_ignored),
    .names = world_names,
    .name_count = ARRAY_COUNT(world_names),
};

#endif
