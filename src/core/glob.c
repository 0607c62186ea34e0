#include "core/glob.h"

#include "core/utf8.h"

#include <string.h>

bool glob_is_valid(const char *pattern)
{
    struct span bytes = span_of(pattern);
    for (const char *byte = pattern; *byte != '\0'; byte++) {
        if (*byte == '\\' && *++byte == '\0') {
            return false;
        }
    }
    return bytes.size != 0 && utf8_is_valid(bytes);
}

/* Matches one character of the text with one element of the pattern that is not a star. Moves both
 * past it, or neither. */
static bool take_one(const char *pattern, size_t *pattern_at, struct span text, size_t *text_at)
{
    size_t i = *pattern_at;
    if (pattern[i] == '?') {
        (void)utf8_next(text, text_at);
        *pattern_at = i + 1;
        return true;
    }
    i += pattern[i] == '\\' && pattern[i + 1] != '\0' ? 1 : 0;
    if (pattern[i] != text.data[*text_at]) {
        return false;
    }
    *pattern_at = i + 1;
    *text_at += 1;
    return true;
}

/* When what follows a star does not fit, only the latest star needs to take more: an earlier one
 * could not lead further. So there is nothing to go back to but one place. */
bool glob_matches(const char *pattern, const char *text)
{
    struct span bytes = span_of(text);
    size_t pattern_at = 0;
    size_t text_at = 0;
    bool has_star = false;
    size_t star_pattern_at = 0;
    size_t star_text_at = 0;
    while (text_at < bytes.size) {
        if (pattern[pattern_at] == '*') {
            has_star = true;
            star_pattern_at = ++pattern_at;
            star_text_at = text_at;
        } else if (pattern[pattern_at] == '\0' ||
                   !take_one(pattern, &pattern_at, bytes, &text_at)) {
            if (!has_star) {
                return false;
            }
            (void)utf8_next(bytes, &star_text_at);
            pattern_at = star_pattern_at;
            text_at = star_text_at;
        }
    }
    pattern_at += strspn(pattern + pattern_at, "*");
    return pattern[pattern_at] == '\0';
}
