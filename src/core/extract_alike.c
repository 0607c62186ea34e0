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

/* Small letters and digits only: committed_date as committedDate. */
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

/* True: the profile reads a member of this name. */
static bool is_read(const struct profile *profile, struct span name)
{
    for (size_t i = 0; i < profile->name_count; i++) {
        if (span_equal(profile->names[i], name)) {
            return true;
        }
    }
    return false;
}

/* The name that the profile reads and this one resembles; NULL: there is none. */
static const struct span *find_alike(const struct profile *profile, struct span name)
{
    char plain[NAME_BYTES_MAX];
    char other[NAME_BYTES_MAX];
    add_plain(name, plain);
    for (size_t i = 0; i < profile->name_count; i++) {
        add_plain(profile->names[i], other);
        if (other[0] != '\0' && (strcmp(other, plain) == 0 || is_near(other, plain))) {
            return &profile->names[i];
        }
    }
    return NULL;
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
        struct span name = span_of(json_key(node));
        /* Nearly all are known: the dear comparison is for the others. */
        if (is_read(profile, name) || is_ignored(profile, name.data)) {
            continue;
        }
        const struct span *alike = find_alike(profile, name);
        if (alike != NULL) {
            const char *key = arena_format(work->arena, "%s.%s:like %.*s", work->scope, name.data,
                                           (int)alike->size, alike->data);
            /* Its value may be personal: the name says enough. */
            extracting_add_novelty(work, NOVELTY_LOOKS_WATCHED, key, name);
        }
    }
}
