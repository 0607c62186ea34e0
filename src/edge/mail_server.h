/* How the mail server of a sink is spoken to, for mails and for a look at it alike. */
#ifndef EDGE_MAIL_SERVER_H
#define EDGE_MAIL_SERVER_H

#include "core/config.h"

#include "mail_job.h"

struct arena;

/* Our own name for EHLO: this host's, or localhost where that is no host name. In arena. */
const char *mail_server_hello_name(struct arena *arena);
/* smtps://HOST:PORT/HELLO. In arena. */
const char *mail_server_url(const struct email_config *email, const char *hello_name,
                            struct arena *arena);
/* What a job for the helper says of the server and the login; the rest is the caller's. Borrows
 * from email. */
struct mail_job mail_server_job(const struct email_config *email);

#endif
