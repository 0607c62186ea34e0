#include "core/status_text.h"

#include <string.h>

/* Latin letters U+00C0 to U+00FF without their marks: French labels are often written in capitals,
 * and capitals often without accents. 0: not a letter. */
static const char latin_bases[] =
    "aaaaaaaceeeeiiiidnooooo\0ouuuuytsaaaaaaaceeeeiiiidnooooo\0ouuuuyty";
_Static_assert(sizeof latin_bases == 65, "one for each of 64 code points");

char status_text_next(const char *text, size_t *position)
{
    const unsigned char *bytes = (const unsigned char *)text;
    unsigned char byte = bytes[(*position)++];
    if (byte >= 'A' && byte <= 'Z') {
        return (char)(byte - 'A' + 'a');
    }
    if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')) {
        return (char)byte;
    }
    if (byte < 0x80) {
        return '\0';
    }
    if (byte == 0xc3 && bytes[*position] >= 0x80 && bytes[*position] <= 0xbf) {
        return latin_bases[bytes[(*position)++] - 0x80];
    }
    if (byte == 0xc2 && bytes[*position] != '\0') { /* no-break space and other signs */
        (*position)++;
        return '\0';
    }
    if (byte == 0xe2 && bytes[*position] == 0x80 && bytes[*position + 1] != '\0') {
        *position += 2; /* typographic dashes, quotes and spaces */
        return '\0';
    }
    return (char)byte;
}

/* The next one that does not only separate; '\0' at the end. */
static char next_letter(const char *text, size_t *position)
{
    char letter = '\0';
    while (letter == '\0' && text[*position] != '\0') {
        letter = status_text_next(text, position);
    }
    return letter;
}

bool status_text_same(const char *left, const char *right)
{
    if (left == NULL || right == NULL) {
        return left == right;
    }
    size_t at_left = 0;
    size_t at_right = 0;
    for (;;) {
        char letter = next_letter(left, &at_left);
        if (letter != next_letter(right, &at_right)) {
            return false;
        }
        if (letter == '\0') {
            return true;
        }
    }
}
