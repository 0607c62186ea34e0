/* The access tokens that the simulated operator gave out. Private to the simulator. */
#ifndef SIMULATOR_TOKENS_H
#define SIMULATOR_TOKENS_H

#include "core/base.h"

struct tokens {
    struct {
        char text[48];
        int64_t expires_mono_ms;
    } recent[64];
    uint64_t issued_count;
};

enum token_judgement { TOKEN_GOOD, TOKEN_MISSING, TOKEN_UNKNOWN, TOKEN_EXPIRED };

const char *tokens_issue(struct tokens *tokens, int64_t now_mono_ms, int64_t lifetime_ms);
void tokens_revoke(struct tokens *tokens);
enum token_judgement tokens_judge(const struct tokens *tokens, const char *authorization,
                                  int64_t now_mono_ms);

#endif
