/* Owned, growing text with a ceiling. Errors stick: append freely, check once at the end. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/base.h"

struct text {
    char *data; /* NULL while empty, otherwise NUL-terminated */
    size_t size;
    size_t size_max; /* an append past this is dropped and latches STATUS_TOO_LARGE */
    size_t capacity;
    enum status status; /* STATUS_OK or the first error */
};

void text_init(struct text *text, size_t size_max);
void text_fini(struct text *text);
void text_clear(struct text *text); /* empty and STATUS_OK again, memory kept */
void text_expect(struct text *text,
                 size_t size); /* room for so many bytes in all, at most its max */
void text_add(struct text *text, struct span bytes);
void text_add_text(struct text *text, const char *bytes); /* NUL-terminated; NULL adds nothing */
void text_add_char(struct text *text, char byte);
/* In decimal, with zeros in front up to digits_min (at most 20) of them. */
void text_add_number(struct text *text, int64_t number, size_t digits_min);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/* A JSON string with its quotes; the input must be valid UTF-8. NULL adds null. */
void text_add_json_string(struct text *text, struct span bytes);
void text_add_json_text(struct text *text, const char *bytes);

/* Percent-encodes every byte outside [A-Za-z0-9_.-], upper-case hex (contract.md sections 3, 4). */
void text_add_percent(struct text *text, struct span bytes);

struct span text_span(const struct text *text);
const char *text_cstr(const struct text *text); /* "" while empty; valid until the next append */
char *text_take(struct text *text);             /* caller frees; the text is empty again */

#endif
