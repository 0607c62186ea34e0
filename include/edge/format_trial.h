/* Tries the webhook formats of a configuration on a sample of every event type, before they meet a
 * real one. */
#ifndef EDGE_FORMAT_TRIAL_H
#define EDGE_FORMAT_TRIAL_H

#include "core/config.h"

/* Runs each format in its helper and waits. A program that does not compile, or fails on an event
 * that a route leads to its sink, is an error, STATUS_INVALID; one that gives nothing for it is a
 * warning. */
enum status format_trial(const struct config *config, struct problem_list *problems) MUST_CHECK;
/* Of the program of a format, for who wants to know whether it has changed; 0: it has none. */
uint64_t format_fingerprint(const char *format);

#endif
