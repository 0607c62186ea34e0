#include "tokens.h"

#include <stdio.h>
#include <string.h>

const char *tokens_issue(struct tokens *tokens, int64_t now_mono_ms, int64_t lifetime_ms)
{
    size_t slot = tokens->issued_count % ARRAY_COUNT(tokens->recent);
    tokens->issued_count++;
    (void)snprintf(tokens->recent[slot].text, sizeof tokens->recent[slot].text,
                   "simulated-token-%llu", (unsigned long long)tokens->issued_count);
    tokens->recent[slot].expires_mono_ms = now_mono_ms + lifetime_ms;
    return tokens->recent[slot].text;
}

void tokens_revoke(struct tokens *tokens)
{
    for (size_t i = 0; i < ARRAY_COUNT(tokens->recent); i++) {
        tokens->recent[i].expires_mono_ms = 0;
    }
}

enum token_judgement tokens_judge(const struct tokens *tokens, const char *authorization,
                                  int64_t now_mono_ms)
{
    static const char scheme[] = "Bearer ";
    if (authorization == NULL || strncmp(authorization, scheme, sizeof scheme - 1) != 0) {
        return TOKEN_MISSING;
    }
    const char *text = authorization + sizeof scheme - 1;
    for (size_t i = 0; i < ARRAY_COUNT(tokens->recent); i++) {
        if (tokens->recent[i].text[0] != '\0' && strcmp(tokens->recent[i].text, text) == 0) {
            return now_mono_ms < tokens->recent[i].expires_mono_ms ? TOKEN_GOOD : TOKEN_EXPIRED;
        }
    }
    return TOKEN_UNKNOWN;
}
