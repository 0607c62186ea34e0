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

struct match {
    const char *pattern;
    struct span text;
    size_t pattern_at, text_at;
    bool has_star;
    size_t star_pattern_at, star_text_at; /* behind the latest star; where what it takes ends */
};

/* Matches one character of the text with one element of the pattern that is not a star. Moves both
 * past it, or neither. */
static bool take_one(struct match *match)
{
    const char *element = match->pattern + match->pattern_at;
    if (*element == '?') {
        (void)utf8_next(match->text, &match->text_at);
        match->pattern_at++;
        return true;
    }
    size_t escape = element[0] == '\\' && element[1] != '\0' ? 1 : 0;
    if (element[escape] != match->text.data[match->text_at]) {
        return false; /* the end of the pattern, too: no text has a NUL */
    }
    match->pattern_at += escape + 1;
    match->text_at++;
    return true;
}

/* When what follows a star does not fit, only the latest star needs to take more: an earlier one
 * could not lead further. So there is but one place to go back to. */
static bool give_star_more(struct match *match)
{
    if (!match->has_star) {
        return false;
    }
    (void)utf8_next(match->text, &match->star_text_at);
    match->pattern_at = match->star_pattern_at;
    match->text_at = match->star_text_at;
    return true;
}

static bool take_next(struct match *match)
{
    if (match->pattern[match->pattern_at] == '*') {
        match->has_star = true;
        match->star_pattern_at = ++match->pattern_at;
        match->star_text_at = match->text_at;
        return true;
    }
    return take_one(match) || give_star_more(match);
}

bool glob_matches(const char *pattern, const char *text)
{
    struct match match = {.pattern = pattern, .text = span_of(text)};
    while (match.text_at < match.text.size) {
        if (!take_next(&match)) {
            return false;
        }
    }
    const char *rest = pattern + match.pattern_at;
    return rest[strspn(rest, "*")] == '\0';
}
