/* Base64 with padding (RFC 4648 section 4): what HTTP Basic and signatures are written in. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/text.h"

void base64_add(struct text *out, struct span bytes);

#endif
