/* Base64 with padding (RFC 4648 section 4): what HTTP Basic, signatures and their keys are written
 * in. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/text.h"

void base64_add(struct text *out, struct span bytes);
/* Appends what text stands for; false: it is not base64 with its padding. */
bool base64_decode(struct text *out, struct span text);

#endif
