/* Status texts are compared without regard to case, accents and separators: "In Progress",
 * IN_PROGRESS and inProgress are one, and so are Terminée and TERMINEE. */
#ifndef CORE_STATUS_TEXT_H
#define CORE_STATUS_TEXT_H

#include "core/base.h"

/* The letter or digit at *position, plain and small, or the byte as it is where it is of another
 * script, and moves past it. '\0': what is there only separates. Not to be called at the end. */
char status_text_next(const char *text, size_t *position);

/* Two spellings of one status; NULL is a spelling of NULL alone. */
bool status_text_same(const char *left, const char *right);

#endif
