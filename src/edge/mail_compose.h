/* A delivery as the bytes of one mail: words, calendar entries, MIME. */
#ifndef EDGE_MAIL_COMPOSE_H
#define EDGE_MAIL_COMPOSE_H

#include "core/ports.h"

struct mail_facts {
    const struct sink_config *sink;
    const struct config *config;
    const char *from;      /* bare */
    const char *const *to; /* bare; sink->email.to_count of them */
    const struct delivery *delivery;
    int64_t now_wall_ms;
};

enum status mail_compose(const struct mail_facts *facts, struct text *out,
                         struct failure *why) MUST_CHECK;

#endif
