/* What the process uses, and a clock for short durations. */
#ifndef EDGE_PROCESS_H
#define EDGE_PROCESS_H

struct process_facts;

void process_measure(struct process_facts *out);
double process_seconds(void); /* steady; from no particular moment */

#endif
