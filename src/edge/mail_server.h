/* How the mail server of a sink is spoken to, for mails and for a look at it alike. */
#ifndef EDGE_MAIL_SERVER_H
#define EDGE_MAIL_SERVER_H

#include "core/config.h"

struct arena;

/* Our own name for EHLO: this host's, or localhost where that is no host name. In arena. */
const char *mail_server_hello_name(struct arena *arena);
/* smtps://HOST:PORT/HELLO. In arena. */
const char *mail_server_url(const struct email_config *email, const char *hello_name,
                            struct arena *arena);

#endif
