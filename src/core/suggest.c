#include "core/suggest.h"

#include <string.h>

#define WORD_BYTES_MAX 40 /* longer words are not typing errors of ours */
#define DISTANCE_FAR SIZE_MAX

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static size_t least(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* Optimal string alignment: row[i][j] is the distance of the first i and the first j bytes. */
size_t suggest_distance(const char *left, const char *right)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    if (left_size > WORD_BYTES_MAX || right_size > WORD_BYTES_MAX) {
        return DISTANCE_FAR;
    }
    size_t row[WORD_BYTES_MAX + 1][WORD_BYTES_MAX + 1];
    for (size_t i = 0; i <= left_size; i++) {
        for (size_t j = 0; j <= right_size; j++) {
            if (i == 0 || j == 0) {
                row[i][j] = i + j;
                continue;
            }
            bool is_same = lower(left[i - 1]) == lower(right[j - 1]);
            row[i][j] = least(row[i - 1][j - 1] + (is_same ? 0 : 1),
                              least(row[i - 1][j], row[i][j - 1]) + 1);
            if (i > 1 && j > 1 && lower(left[i - 1]) == lower(right[j - 2]) &&
                lower(left[i - 2]) == lower(right[j - 1])) {
                row[i][j] = least(row[i][j], row[i - 2][j - 2] + 1);
            }
        }
    }
    return row[left_size][right_size];
}

struct suggestion suggest_begin(const char *word)
{
    /* A third of the letters may be wrong, and always one. */
    size_t size = strlen(word);
    return (struct suggestion){.word = word, .best_distance = (size < 3 ? 3 : size) / 3 + 1};
}

void suggest_offer(struct suggestion *suggestion, const char *candidate)
{
    size_t distance = suggest_distance(suggestion->word, candidate);
    if (distance < suggestion->best_distance) {
        suggestion->best = candidate;
        suggestion->best_distance = distance;
    }
}
