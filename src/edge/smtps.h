/* Mails over smtps://, each on a thread of its own with a deadline. */
#ifndef EDGE_SMTPS_H
#define EDGE_SMTPS_H

#include "edge/http_client.h"

struct smtps;

struct smtps *smtps_create(struct uv_loop_s *uv);
void smtps_send(struct smtps *smtps, const struct smtps_request *request, smtps_done_fn *on_done,
                void *arg);
void smtps_cancel(struct smtps *smtps, const void *arg);
/* Cancels all, each with its done; frees. on_closed comes later, from the loop. */
void smtps_close(struct smtps *smtps, closed_fn *on_closed, void *arg);

#endif
