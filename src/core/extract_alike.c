/* Members that the profile does not read, but whose name resembles one that it does: an API that
 * renames a field says so in no other way. */
#include "core/extract_field.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/suggest.h"

#include <string.h>

#define NAME_BYTES_MAX 64
#define FUZZY_BYTES_MIN 8 /* shorter names resemble too many others */
#define EDITS_MAX 2

/* One member's name against the first segments of all pointers. */
struct comparing {
    const char *name;
    char plain[NAME_BYTES_MAX]; /* small letters and digits only: committed_date as committedDate */
    struct span alike;          /* the segment that it resembles; empty: none so far */
};

/* True ends the walk over the pointers. */
typedef bool compare_fn(struct comparing *comparing, struct span segment);

static void add_plain(struct span name, char out[static NAME_BYTES_MAX])
{
    size_t size = 0;
    for (size_t i = 0; i < name.size && size < NAME_BYTES_MAX - 1; i++) {
        char byte = name.data[i];
        if (byte >= 'A' && byte <= 'Z') {
            byte = (char)(byte + ('a' - 'A'));
        }
        if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
            out[size++] = byte;
        }
    }
    out[size] = '\0';
}

static bool is_near(const char *left, const char *right)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    size_t apart = left_size > right_size ? left_size - right_size : right_size - left_size;
    /* The dear comparison only where it can succeed. */
    return left_size >= FUZZY_BYTES_MIN && right_size >= FUZZY_BYTES_MIN && apart <= EDITS_MAX &&
           left[0] == right[0] && suggest_distance(left, right) <= EDITS_MAX;
}

static bool is_same(struct comparing *comparing, struct span segment)
{
    return span_is(segment, comparing->name);
}

static bool is_alike(struct comparing *comparing, struct span segment)
{
    char plain[NAME_BYTES_MAX];
    add_plain(segment, plain);
    bool is_found = plain[0] != '\0' &&
                    (strcmp(plain, comparing->plain) == 0 || is_near(plain, comparing->plain));
    if (is_found) {
        comparing->alike = segment;
    }
    return is_found;
}

static bool pointer_begins(struct comparing *comparing, compare_fn *compare, const char *pointer)
{
    if (pointer[0] != '/') {
        return false;
    }
    const char *first = pointer + 1;
    return compare(comparing, (struct span){.data = first, .size = strcspn(first, "/")});
}

static bool any_pointer(struct comparing *comparing, compare_fn *compare,
                        const struct candidates *where)
{
    for (size_t i = 0; i < where->count; i++) {
        if (pointer_begins(comparing, compare, where->pointers[i])) {
            return true;
        }
    }
    return false;
}

static bool any_watched(struct comparing *comparing, compare_fn *compare,
                        const struct watched_field *watch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (any_pointer(comparing, compare, &watch[i].where)) {
            return true;
        }
    }
    return false;
}

static bool any_order_field(struct comparing *comparing, compare_fn *compare,
                            const struct profile *profile)
{
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (!order_field_is_contact((enum order_field)i) &&
            any_pointer(comparing, compare, &profile->order_fields[i])) {
            return true;
        }
    }
    return false;
}

static bool any_appointment_field(struct comparing *comparing, compare_fn *compare,
                                  const struct profile *profile)
{
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        if (any_pointer(comparing, compare, &profile->appointment_fields[i])) {
            return true;
        }
    }
    return false;
}

/* An appointment may be the order itself, so that the pointers of both count for either. */
static bool any_of_profile(struct comparing *comparing, compare_fn *compare,
                           const struct profile *profile)
{
    return any_pointer(comparing, compare, &profile->order_id) ||
           any_order_field(comparing, compare, profile) ||
           any_pointer(comparing, compare, &profile->contact) ||
           any_pointer(comparing, compare, &profile->notes) ||
           any_pointer(comparing, compare, &profile->order_appointments) ||
           any_pointer(comparing, compare, &profile->appointment_id) ||
           any_pointer(comparing, compare, &profile->appointment_order_id) ||
           any_appointment_field(comparing, compare, profile) ||
           any_watched(comparing, compare, profile->watch, profile->watch_count) ||
           any_watched(comparing, compare, profile->appointment_watch,
                       profile->appointment_watch_count);
}

static bool is_ignored(const struct profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->ignore_count; i++) {
        if (text_equal(profile->ignore[i], name)) {
            return true;
        }
    }
    return false;
}

void extract_report_alike(struct extracting *work, const struct json *object)
{
    const struct profile *profile = work->extractor->profile;
    for (const struct json *node = json_first(object); node != NULL; node = json_next(node)) {
        struct comparing comparing = {.name = json_key(node)};
        if (is_ignored(profile, comparing.name)) {
            continue;
        }
        /* Nearly all are known: the dear comparison is for the others. */
        if (any_of_profile(&comparing, is_same, profile)) {
            continue;
        }
        add_plain(span_of(comparing.name), comparing.plain);
        if (any_of_profile(&comparing, is_alike, profile)) {
            const char *key =
                arena_format(work->arena, "%s.%s:like %.*s", work->scope, comparing.name,
                             (int)comparing.alike.size, comparing.alike.data);
            /* Its value may be personal: the name says enough. */
            extracting_add_novelty(work, NOVELTY_LOOKS_WATCHED, key, span_of(comparing.name));
        }
    }
}
