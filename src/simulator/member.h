/* The members of a JSON object, each with its value as JSON text. Private to the simulator. */
#ifndef SIMULATOR_MEMBER_H
#define SIMULATOR_MEMBER_H

#include "core/text.h"

struct member {
    struct member *next;
    char *name;
    char *json;
};

void member_set(struct member **list, const char *name, char *json); /* takes json */
void member_set_text(struct member **list, const char *name, const char *text);
const char *member_find(const struct member *list, const char *name); /* its JSON; NULL: none */
void member_remove(struct member **list, const char *name);
void members_destroy(struct member *list);
/* Each as ,"name":value */
void members_add(const struct member *list, struct text *out);

#endif
