/* A value that cannot be printed by accident: no function formats it, and it is wiped when freed.
 */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include "core/base.h"

struct secret; /* opaque: passing it to a printf-like function does not compile under -Wformat */

struct secret *secret_create(struct span bytes);
void secret_destroy(struct secret *secret); /* wipes; NULL is fine */
/* The bytes themselves, for the one call that needs them. Never log, never store. */
struct span secret_reveal(const struct secret *secret);
const char *secret_reveal_text(const struct secret *secret); /* NUL-terminated */

#endif
