/* One canonical spelling for each number, exact at any size. Private to json.c. */
#ifndef CORE_JSON_NUMBER_H
#define CORE_JSON_NUMBER_H

#include "core/base.h"

struct arena;

/* number is valid by RFC 8259. Equal numbers give equal text: plain digits where that takes at most
 * JSON_NUMBER_PLAIN_MAX of them, else d.ddde±x. Zero has no sign. An exponent of more than 15
 * digits keeps its own spelling. It stands in the arena. */
#define JSON_NUMBER_PLAIN_MAX 40
char *json_number_canonical(struct span number, struct arena *arena) MUST_CHECK;

#endif
