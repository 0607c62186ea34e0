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
    bool is_known;
    struct span alike; /* the segment that it resembles; empty: none */
};

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

static void compare_pointer(struct comparing *comparing, const char *pointer)
{
    if (pointer[0] != '/' || comparing->is_known) {
        return;
    }
    const char *first = pointer + 1;
    struct span segment = {.data = first, .size = strcspn(first, "/")};
    if (span_is(segment, comparing->name)) {
        comparing->is_known = true;
        return;
    }
    char plain[NAME_BYTES_MAX];
    add_plain(segment, plain);
    if (comparing->alike.size == 0 && plain[0] != '\0' &&
        (strcmp(plain, comparing->plain) == 0 || is_near(plain, comparing->plain))) {
        comparing->alike = segment;
    }
}

static void compare(struct comparing *comparing, const struct candidates *where)
{
    for (size_t i = 0; i < where->count; i++) {
        compare_pointer(comparing, where->pointers[i]);
    }
}

static void compare_watch(struct comparing *comparing, const struct watched_field *watch,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        compare(comparing, &watch[i].where);
    }
}

/* An appointment may be the order itself, so that the pointers of both count for either. */
static void compare_profile(struct comparing *comparing, const struct profile *profile)
{
    compare(comparing, &profile->order_id);
    for (size_t i = 0; i < ORDER_FIELD_COUNT; i++) {
        if (!order_field_is_contact((enum order_field)i)) {
            compare(comparing, &profile->order_fields[i]);
        }
    }
    compare(comparing, &profile->contact);
    compare(comparing, &profile->notes);
    compare(comparing, &profile->order_appointments);
    compare(comparing, &profile->appointment_id);
    compare(comparing, &profile->appointment_order_id);
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        compare(comparing, &profile->appointment_fields[i]);
    }
    compare_watch(comparing, profile->watch, profile->watch_count);
    compare_watch(comparing, profile->appointment_watch, profile->appointment_watch_count);
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
        add_plain(span_of(comparing.name), comparing.plain);
        compare_profile(&comparing, profile);
        if (!comparing.is_known && comparing.alike.size != 0) {
            const char *key =
                arena_format(work->arena, "%s.%s:like %.*s", work->scope, comparing.name,
                             (int)comparing.alike.size, comparing.alike.data);
            /* Its value may be personal: the name says enough. */
            extracting_add_novelty(work, NOVELTY_LOOKS_WATCHED, key, span_of(comparing.name));
        }
    }
}
