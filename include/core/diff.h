/* Two records of one order compared: which fields changed, sorted by aspect. */
#ifndef CORE_DIFF_H
#define CORE_DIFF_H

#include "core/event.h"
#include "core/record.h"

struct change_list {
    struct change *items;
    size_t count;
};

const struct change *change_list_find(const struct change_list *list,
                                      const char *field); /* NULL if there is none */

struct appointment_diff {
    const struct appointment *before; /* NULL: it is new */
    const struct appointment *after;  /* NULL: it is gone */
    struct change_list changes;
    bool is_status_moved; /* to a text of another meaning */
};

/* One aspect each; empty where nothing changed. All of it lives in the arena. */
struct diff {
    struct change_list status; /* status and step, with completed_date if one of them moved */
    bool is_status_moved;      /* the status itself, not only the step */
    struct change_list dates;
    struct change_list rest; /* other fields, extras, notes edited or taken away */
    const struct note *const *new_notes;
    size_t new_note_count;
    size_t unkept_note_count; /* new as well, but older than the latest NOTE_COUNT_MAX */
    const struct appointment_diff *appointments; /* the changed ones, by id */
    size_t appointment_count;
};

/* before NULL: everything of after is new: all fields in rest, all appointments. */
void diff_records(const struct record *before, const struct record *after, struct arena *arena,
                  struct diff *out);

/* All field changes of a diff but those of appointments, in the order of the aspects. */
struct change_list diff_all_changes(const struct diff *diff, struct arena *arena);

#endif
