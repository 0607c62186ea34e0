/* An event read back as its sink may see it: its title and its headline. */
#ifndef CORE_MESSAGE_STORY_H
#define CORE_MESSAGE_STORY_H

#include "core/json.h"
#include "message_telling.h"

/* What a field was before the first of several steps, and what it is after the last. */
struct net_change {
    const char *appointment_id, *field;
    const char *from, *to; /* NULL: nothing */
};

#define NET_COUNT_MAX 64

struct net {
    struct net_change changes[NET_COUNT_MAX];
    size_t count;
};

/* An event as its sink may see it. The nodes live while root does. */
struct story {
    const struct event *event;
    struct json *root;
    const struct json *data, *order, *appointment, *changes;
    const struct net *net; /* NULL: the headline tells of this step alone */
};

enum status story_open(const struct telling *telling, const struct event *event, struct story *out,
                       struct failure *why) MUST_CHECK;
void story_close(struct story *story);
/* Order 123456 (Lyon Part-Dieu); Source orange. */
const char *story_title(const struct telling *telling, const struct story *story);
/* appointment moved +5 d, Mon 12 Jan 09:00 to Sat 17 Jan 09:00 */
const char *story_headline(const struct telling *telling, const struct story *story);
/* The field that the headline is about: start, committed_date, status …; NULL: none. */
const char *story_main_field(const struct story *story);
const struct net_change *net_find(const struct net *net, const char *appointment_id,
                                  const char *field);

#endif
