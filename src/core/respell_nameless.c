#include "core/arena.h"
#include "core/merge.h"
#include "core/respell.h"

#include <stdlib.h>
#include <string.h>

/* Both sides by their starts; what has found its other half is NULL. */
struct pairing {
    const struct appointment *known[APPOINTMENT_COUNT_MAX];
    struct appointment *shown[APPOINTMENT_COUNT_MAX];
    size_t known_count, shown_count;
};

/* The number in an id that was given here, n1, n2, …; 0: it is another one. */
static unsigned long number_of(const char *id)
{
    bool is_given = id[0] == 'n' && id[1] >= '1' && id[1] <= '9' && strlen(id) < 12 &&
                    id[1 + strspn(id + 1, "0123456789")] == '\0';
    return is_given ? strtoul(id + 1, NULL, 10) : 0;
}

static int by_start(const void *left, const void *right)
{
    const struct appointment *const *one = left;
    const struct appointment *const *other = right;
    const char *start = (*one)->fields[APPOINTMENT_START];
    const char *other_start = (*other)->fields[APPOINTMENT_START];
    int order = strcmp(start != NULL ? start : "", other_start != NULL ? other_start : "");
    return order != 0 ? order : strcmp((*one)->id, (*other)->id);
}

static bool has_own(const struct record *record, const char *id)
{
    const struct appointment *found = record_appointment(record, id);
    return found != NULL && !found->is_nameless;
}

static void gather(const struct record *before, const struct record *after,
                   struct appointment *copies, struct pairing *out)
{
    *out = (struct pairing){0};
    for (size_t i = 0; i < before->appointment_count; i++) {
        const struct appointment *known = &before->appointments[i];
        if (number_of(known->id) != 0 && !has_own(after, known->id)) {
            out->known[out->known_count++] = known;
        }
    }
    for (size_t i = 0; i < after->appointment_count; i++) {
        copies[i] = after->appointments[i];
        if (copies[i].is_nameless) {
            out->shown[out->shown_count++] = &copies[i];
        }
    }
    if (out->known_count > 1) {
        qsort(out->known, out->known_count, sizeof(const struct appointment *), by_start);
    }
    if (out->shown_count > 1) {
        qsort(out->shown, out->shown_count, sizeof(struct appointment *), by_start);
    }
}

static void pair_up(struct pairing *pairing, size_t shown, size_t known)
{
    CHECK(pairing->shown[shown] != NULL && pairing->known[known] != NULL);
    pairing->shown[shown]->id = pairing->known[known]->id;
    pairing->shown[shown] = NULL;
    pairing->known[known] = NULL;
}

static bool is_alike(const struct appointment *one, const struct appointment *other,
                     bool by_start_alone)
{
    for (size_t i = 0; i < APPOINTMENT_FIELD_COUNT; i++) {
        if ((!by_start_alone || i == APPOINTMENT_START) &&
            !text_equal(one->fields[i], other->fields[i])) {
            return false;
        }
    }
    return true;
}

/* The first that is alike; the number of known ones: there is none. */
static size_t find_alike(const struct pairing *pairing, const struct appointment *shown,
                         bool by_start_alone)
{
    size_t i = 0;
    while (i < pairing->known_count &&
           (pairing->known[i] == NULL || !is_alike(shown, pairing->known[i], by_start_alone))) {
        i++;
    }
    return i;
}

static void pair_alike(struct pairing *pairing, bool by_start_alone)
{
    for (size_t i = 0; i < pairing->shown_count; i++) {
        size_t known = pairing->known_count;
        if (pairing->shown[i] != NULL) {
            known = find_alike(pairing, pairing->shown[i], by_start_alone);
        }
        if (known < pairing->known_count) {
            pair_up(pairing, i, known);
        }
    }
}

/* From the latest on: what an API drops is over, more often than not. */
static void pair_rest(struct pairing *pairing)
{
    size_t j = pairing->known_count;
    for (size_t i = pairing->shown_count; i-- > 0;) {
        while (j > 0 && pairing->known[j - 1] == NULL) {
            j--;
        }
        if (j > 0 && pairing->shown[i] != NULL) {
            pair_up(pairing, i, --j);
        }
    }
}

static unsigned long greatest_number(const struct record *record)
{
    unsigned long greatest = 0;
    for (size_t i = 0; i < record->appointment_count; i++) {
        const struct appointment *one = &record->appointments[i];
        unsigned long number = one->is_nameless ? 0 : number_of(one->id);
        greatest = number > greatest ? number : greatest;
    }
    return greatest;
}

void respell_nameless(const struct record *before, struct record *after, struct arena *arena)
{
    struct appointment *copies = arena_array(arena, after->appointment_count, sizeof *copies);
    struct pairing pairing;
    gather(before, after, copies, &pairing);
    if (pairing.known_count == 0 || pairing.shown_count == 0) {
        return;
    }
    unsigned long latest = greatest_number(before);
    unsigned long other = greatest_number(after);
    latest = other > latest ? other : latest;
    pair_alike(&pairing, false);
    pair_alike(&pairing, true);
    pair_rest(&pairing);
    for (size_t i = 0; i < pairing.shown_count; i++) {
        if (pairing.shown[i] != NULL) {
            pairing.shown[i]->id = arena_format(arena, "n%lu", ++latest);
        }
    }
    merge_sort_appointments(copies, &after->appointment_count);
    after->appointments = copies;
}
