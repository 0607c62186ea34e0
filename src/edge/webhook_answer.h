/* What a webhook receiver's answer means. */
#ifndef EDGE_WEBHOOK_ANSWER_H
#define EDGE_WEBHOOK_ANSWER_H

#include "core/ports.h"

/* Fills outcome, at and the hint; the words are appended to detail. */
void webhook_answer_judge(const struct http_response *response, struct send_result *result,
                          struct text *detail);
/* Of a handshake that failed: which side's certificate to look at, too. */
void webhook_answer_add_tls_failure(const struct http_response *response, struct text *out);
/* One event of a batch may be what the receiver refuses: alone, it parks alone. http_code 0: there
 * was no request. */
void webhook_answer_divide(size_t event_count, int http_code, struct send_result *result);
/* The receiver does not have what the request was about. */
bool webhook_answer_says_lost(const struct http_response *response);
/* The ticket's id in an accepted JSON answer; "" when there is none that a request's path can have,
 * which is added to detail. Lives in arena. */
struct arena;
const char *webhook_answer_ticket_id(const struct http_response *response, const char *pointer,
                                     struct arena *arena, struct text *detail);

#endif
