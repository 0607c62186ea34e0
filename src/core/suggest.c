#include "core/suggest.h"

#include <string.h>

#define WORD_BYTES_MAX 40 /* longer words are not typing errors of ours */
#define DISTANCE_FAR SIZE_MAX

static bool is_same(char left, char right)
{
    unsigned char a = (unsigned char)left;
    unsigned char b = (unsigned char)right;
    return a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
}

static size_t least(size_t left, size_t right)
{
    return left < right ? left : right;
}

typedef size_t distance_row[WORD_BYTES_MAX + 1];

/* Optimal string alignment: rows[i][j] is the distance of the first i and the first j bytes. */
static size_t next_distance(distance_row *rows, const char *left, const char *right, size_t i,
                            size_t j)
{
    if (i == 0 || j == 0) {
        return i + j;
    }
    size_t changed = rows[i - 1][j - 1] + (is_same(left[i - 1], right[j - 1]) ? 0 : 1);
    size_t distance = least(changed, least(rows[i - 1][j], rows[i][j - 1]) + 1);
    bool is_swap =
        i > 1 && j > 1 && is_same(left[i - 1], right[j - 2]) && is_same(left[i - 2], right[j - 1]);
    return is_swap ? least(distance, rows[i - 2][j - 2] + 1) : distance;
}

size_t suggest_distance(const char *left, const char *right)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    if (left_size > WORD_BYTES_MAX || right_size > WORD_BYTES_MAX) {
        return DISTANCE_FAR;
    }
    distance_row rows[WORD_BYTES_MAX + 1];
    for (size_t i = 0; i <= left_size; i++) {
        for (size_t j = 0; j <= right_size; j++) {
            rows[i][j] = next_distance(rows, left, right, i, j);
        }
    }
    return rows[left_size][right_size];
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
