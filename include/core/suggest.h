/* "Did you mean …": the word that somebody probably wanted to write. */
#ifndef CORE_SUGGEST_H
#define CORE_SUGGEST_H

#include "core/base.h"

struct suggestion {
    const char *word;
    const char *best; /* the closest one offered; NULL: none is close */
    size_t best_distance;
};

struct suggestion suggest_begin(const char *word);
/* candidate is kept, not copied; of equally close ones the first stays. */
void suggest_offer(struct suggestion *suggestion, const char *candidate);
/* Edits (insert, delete, change, swap neighbours) from one to the other, without regard to case. */
size_t suggest_distance(const char *left, const char *right);

#endif
