/* UTF-8: validity, code points, and the cleaning of text that came from outside. */
#ifndef CORE_UTF8_H
#define CORE_UTF8_H

#include "core/base.h"

struct text;

bool utf8_is_valid(struct span bytes); /* no surrogates, no overlong forms; NUL is valid */

/* Reads one code point at *position and moves past it. Invalid bytes give U+FFFD, one byte each. */
uint32_t utf8_next(struct span bytes, size_t *position);
void utf8_add(struct text *out, uint32_t code_point);
/* Nothing but space to ~: as it is, it is clean, in NFC, and a byte a character. */
bool utf8_is_printable_ascii(struct span bytes);
/* Controls, bidi marks, zero-width and line-separator characters, and what is no character. */
bool utf8_is_invisible(uint32_t code_point);

/* Copies upstream text made harmless for one line: C0, C1, DEL, bidi controls, zero-width and
 * line-separator characters become U+FFFD or a space; cut at bytes_max on a character with "…". */
void utf8_add_clean_line(struct text *out, struct span bytes, size_t bytes_max);
/* The same, but line breaks (any spelling) stay as LF and tabs as tabs. */
void utf8_add_clean_block(struct text *out, struct span bytes, size_t bytes_max);

#endif
