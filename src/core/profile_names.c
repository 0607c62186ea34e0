/* The members by which a profile reads an order or an appointment. */
#include "core/arena.h"
#include "core/profile_shape.h"

#include <string.h>

/* Distinct names in the order in which the profile prefers them. */
struct gathering {
    struct span *names; /* NULL: they are only counted, repeats too */
    size_t count;
};

static bool is_there(const struct gathering *gathering, struct span name)
{
    for (size_t i = 0; i < gathering->count; i++) {
        if (span_equal(gathering->names[i], name)) {
            return true;
        }
    }
    return false;
}

static void add_pointers(struct gathering *gathering, const struct candidates *where)
{
    for (size_t i = 0; i < where->count; i++) {
        const char *pointer = where->pointers[i];
        if (pointer[0] != '/') {
            continue;
        }
        struct span name = {.data = pointer + 1, .size = strcspn(pointer + 1, "/")};
        if (gathering->names == NULL) {
            gathering->count++;
        } else if (!is_there(gathering, name)) {
            gathering->names[gathering->count++] = name;
        }
    }
}

static void add_watched(struct gathering *gathering, const struct watched_field *watch,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_pointers(gathering, &watch[i].where);
    }
}

/* An appointment may be the order itself, so that the pointers of both count for either. */
static void add_all(struct gathering *gathering, const struct profile *profile)
{
    add_pointers(gathering, &profile->order_id);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (!order_field_is_contact((enum order_field)i)) {
            add_pointers(gathering, &profile->order_fields[i]);
        }
    }
    add_pointers(gathering, &profile->contact);
    add_pointers(gathering, &profile->notes);
    add_pointers(gathering, &profile->order_appointments);
    add_pointers(gathering, &profile->appointment_id);
    add_pointers(gathering, &profile->appointment_order_id);
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        add_pointers(gathering, &profile->appointment_fields[i]);
    }
    add_watched(gathering, profile->watch, profile->watch_count);
    add_watched(gathering, profile->appointment_watch, profile->appointment_watch_count);
}

void profile_gather_names(struct profile *profile, struct arena *arena)
{
    struct gathering all = {0};
    add_all(&all, profile);
    struct gathering distinct = {.names = arena_array(arena, all.count, sizeof *distinct.names)};
    add_all(&distinct, profile);
    profile->names = distinct.names;
    profile->name_count = distinct.count;
}
