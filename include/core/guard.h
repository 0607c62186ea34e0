/* Whether what a sweep saw is too much at once to be told without asking. */
#ifndef CORE_GUARD_H
#define CORE_GUARD_H

#include "core/config.h"

#define GUARD_CHANGED_MIN 20 /* so many changes are never held */
#define GUARD_VANISHED_MIN 5

struct guard_counts {
    uint64_t known;    /* orders on the list before this sweep */
    uint64_t changed;  /* of them; new ones never count */
    uint64_t vanished; /* of them, absent for the first time */
};

bool guard_exceeds(const struct guard_config *config, const struct guard_counts *counts);
bool guard_exceeds_vanished(const struct guard_config *config, const struct guard_counts *counts);

#endif
