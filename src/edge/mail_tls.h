/* The TLS context of the mail helper: what libesmtp cannot check, OpenSSL does. */
#ifndef EDGE_MAIL_TLS_H
#define EDGE_MAIL_TLS_H

#include "core/base.h"

struct ssl_ctx_st;

struct mail_tls {
    char *host;       /* as configured: sent as the server's name and verified */
    char reason[200]; /* why it cannot be trusted; "" if nothing is wrong so far */
};

/* TLS 1.2 only. ca_file "": the system's. *notes must outlive the context; a CA file that cannot be
 * read is noted there. Release with SSL_CTX_free. */
struct ssl_ctx_st *mail_tls_create(struct mail_tls *notes, const char *ca_file);

#endif
