/* Tries the webhook formats of a configuration on a sample of every event type, before they meet a
 * real one. */
#ifndef EDGE_FORMAT_TRIAL_H
#define EDGE_FORMAT_TRIAL_H

#include "core/config.h"

/* Runs each format in its helper and waits. A program that does not compile, or fails on an event
 * that a route leads to its sink, is an error, STATUS_INVALID; one that gives nothing for it is a
 * warning. */
enum status format_trial(const struct config *config, struct problem_list *problems) MUST_CHECK;

#endif
