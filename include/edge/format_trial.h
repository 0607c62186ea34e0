/* Tries the webhook formats of a configuration on a sample of every event type, before they meet a
 * real one. */
#ifndef EDGE_FORMAT_TRIAL_H
#define EDGE_FORMAT_TRIAL_H

#include "core/config.h"

struct uv_loop_s;
struct format_trial;

/* Runs each format in its helper. A program that does not compile, or fails on an event that a
 * route leads to its sink, is an error; one that gives nothing for it is a warning. It goes on by
 * itself on the loop; config and problems outlive it. */
struct format_trial *format_trial_start(struct uv_loop_s *uv, const struct config *config,
                                        struct problem_list *problems);
bool format_trial_is_over(const struct format_trial *trial);
void format_trial_stop(struct format_trial *trial); /* it is over soon, whatever a program does */
/* Requires that it is over; frees it. STATUS_INVALID: problems has errors of it;
 * STATUS_UNAVAILABLE: it was stopped. */
enum status format_trial_end(struct format_trial *trial) MUST_CHECK;
/* All of these at once, on a loop of its own: for who may wait. */
enum status format_trial(const struct config *config, struct problem_list *problems) MUST_CHECK;
/* Of the program of a format, for who wants to know whether it has changed; 0: it has none. */
uint64_t format_fingerprint(const char *format);

#endif
