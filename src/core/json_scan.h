/* The grammar of RFC 8259, walked without recursion. Private to json.c. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include "core/base.h"

struct arena;

struct scanned_number {
    struct scanned_number *next;
    size_t position, size; /* in the document */
};

/* bytes is a private copy with a NUL at bytes[size]; the document starts at from. On STATUS_OK it
 * is valid (but for duplicate keys), and what cJSON would misread is gone from the copy: every
 * number is a 0 with spaces behind, every \u0000 is \ufffd. The numbers are in the arena, in the
 * order of the document; NULL: it has none. */
enum status json_scan(char *bytes, size_t size, size_t from, struct arena *arena,
                      const struct scanned_number **numbers, struct failure *why) MUST_CHECK;

#endif
