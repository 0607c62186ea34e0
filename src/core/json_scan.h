/* The grammar of RFC 8259, walked without recursion. Private to json.c. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include "core/base.h"

/* bytes is a private copy with a NUL at bytes[size]; the document starts at from. On STATUS_OK it
 * is valid (but for duplicate keys), and what cJSON would misread is gone from the copy: every
 * number is a 0 with spaces behind, every \u0000 is \ufffd. */
enum status json_scan(char *bytes, size_t size, size_t from, struct failure *why) MUST_CHECK;

/* The next number of a valid document at or behind *position, which moves past it. */
struct span json_scan_number(struct span document, size_t *position);

#endif
