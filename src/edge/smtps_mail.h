/* One mail over smtps://, blocking, for a worker thread. */
#ifndef EDGE_SMTPS_MAIL_H
#define EDGE_SMTPS_MAIL_H

#include "edge/http_client.h"

#include <stdatomic.h>

struct smtps_mail; /* copies of all it needs; wiped when destroyed */

/* What a thread leaves behind. */
struct smtps_outcome {
    enum status status;
    int reply_code;
    bool is_session_refused, is_tls_failure, is_connect_failure;
    struct failure why;
};

struct smtps_mail *smtps_mail_create(const struct smtps_request *request);
void smtps_mail_destroy(struct smtps_mail *mail);
/* Blocks up to the deadline, or about a second after *is_cancelled. Any thread, one at a time. */
void smtps_mail_send(struct smtps_mail *mail, const atomic_bool *is_cancelled,
                     struct smtps_outcome *out);

#endif
